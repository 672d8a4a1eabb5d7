//! Writes named tensors as the bytes of a safetensors file. Equal tensors give equal bytes.

use std::collections::HashMap;

use candle_core::Tensor;

use crate::failure::{Result, TrainerError};

/// The metadata that transformers and `peft` require.
pub(crate) const OF_TORCH: (&str, &str) = ("format", "pt");

/// Writes tensors with one entry of metadata: the order of several entries would vary.
pub(crate) fn write(tensors: &[(String, Tensor)], metadata: (&str, &str)) -> Result<Vec<u8>> {
    let tensors = tensors.iter().map(|(name, tensor)| (name, tensor));
    let metadata = HashMap::from([(metadata.0.to_owned(), metadata.1.to_owned())]);
    safetensors::serialize(tensors, Some(metadata))
        .map_err(|error| TrainerError::Other(format!("cannot write tensors: {error}")))
}
