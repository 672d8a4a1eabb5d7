//! Named tensors as the bytes of a safetensors file. The same tensors make the same bytes.

use std::collections::HashMap;

use candle_core::Tensor;

use crate::failure::{Result, TrainerError};

/// What transformers and `peft` ask for.
pub(crate) const OF_TORCH: (&str, &str) = ("format", "pt");

/// Writes tensors, with one entry of metadata: of more, the order would be another each time.
pub(crate) fn write(tensors: &[(String, Tensor)], metadata: (&str, &str)) -> Result<Vec<u8>> {
    let tensors = tensors.iter().map(|(name, tensor)| (name, tensor));
    let metadata = HashMap::from([(metadata.0.to_owned(), metadata.1.to_owned())]);
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|error| TrainerError::Other(format!("cannot write tensors: {error}")))
}
