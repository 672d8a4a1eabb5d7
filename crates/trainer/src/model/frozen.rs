use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Storage, Tensor, bail};

use super::constant::values;

/// `x ↦ x Wᵀ` for a frozen weight.
///
/// candle's own product computes and keeps a gradient of both factors. A frozen weight needs none: leaving it out saves a third
/// of the work, and memory of the model's size.
pub(super) struct FrozenProduct {
    /// `(out, in)`.
    pub(super) weight: Tensor,
}

impl CustomOp1 for FrozenProduct {
    fn name(&self) -> &'static str {
        "frozen-product"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        into_storage(&tensor_of(x, layout)?.matmul(&self.weight.t()?)?)
    }

    fn bwd(&self, _x: &Tensor, _product: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        gradient.matmul(&self.weight).map(Some)
    }
}

/// Returns a custom operation's input as a tensor without a graph.
pub(super) fn tensor_of(storage: &CpuStorage, layout: &Layout) -> candle_core::Result<Tensor> {
    Tensor::from_slice(values(storage, layout)?, layout.shape(), &Device::Cpu)
}

/// Returns a tensor as a custom operation's output.
pub(super) fn into_storage(tensor: &Tensor) -> candle_core::Result<(CpuStorage, Shape)> {
    let shape = tensor.shape().clone();
    let (storage, _) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok((storage.clone(), shape)),
        _ => bail!("a custom product is for the CPU"),
    }
}
