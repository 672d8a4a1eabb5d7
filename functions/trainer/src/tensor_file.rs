//! Named tensors as the bytes of a safetensors file. The same tensors make the same bytes.

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use safetensors::tensor::{Dtype, TensorView};

use crate::failure::{Result, TrainerError};

/// What transformers and `peft` ask for.
pub(crate) const OF_TORCH: (&str, &str) = ("format", "pt");

/// Writes f32 and f16 tensors, with one entry of metadata: of more, the order would be another each time.
pub(crate) fn write(tensors: &[(String, Tensor)], metadata: (&str, &str)) -> Result<Vec<u8>> {
    let bytes = tensors.iter().map(|(_, tensor)| bytes(tensor)).collect::<Result<Vec<_>>>()?;
    let failed = |error: safetensors::SafeTensorError| TrainerError::Other(format!("cannot write tensors: {error}"));
    let mut views = Vec::with_capacity(tensors.len());
    for ((name, tensor), (kind, bytes)) in tensors.iter().zip(&bytes) {
        views.push((name, TensorView::new(*kind, tensor.dims().to_vec(), bytes).map_err(failed)?));
    }
    safetensors::serialize(views, Some(HashMap::from([(metadata.0.to_owned(), metadata.1.to_owned())]))).map_err(failed)
}

fn bytes(tensor: &Tensor) -> Result<(Dtype, Vec<u8>)> {
    let flat = tensor.flatten_all()?;
    if tensor.dtype() == DType::F16 {
        return Ok((Dtype::F16, flat.to_vec1::<half::f16>()?.into_iter().flat_map(half::f16::to_le_bytes).collect()));
    }
    Ok((Dtype::F32, flat.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes).collect()))
}
