use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Storage, Tensor, bail};

/// `x ↦ x Wᵀ` for a weight that is not learnt.
///
/// candle's own product computes and keeps a gradient of both factors. Of a frozen weight nobody wants one: leaving it out saves a third
/// of the work, and memory as large as the model.
pub(super) struct FrozenProduct {
    /// `(out, in)`.
    pub(super) weight: Tensor,
}

impl CustomOp1 for FrozenProduct {
    fn name(&self) -> &'static str {
        "frozen-product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            bail!("frozen-product: takes contiguous f32 tensors");
        };
        let x = Tensor::from_slice(&values[start..end], layout.shape(), self.weight.device())?;
        let product = x.matmul(&self.weight.t()?)?;
        let shape = product.shape().clone();
        let (storage, _) = product.storage_and_layout();
        match &*storage {
            Storage::Cpu(storage) => Ok((storage.clone(), shape)),
            _ => bail!("frozen-product: is for the CPU"),
        }
    }

    fn bwd(&self, _x: &Tensor, _product: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        gradient.matmul(&self.weight).map(Some)
    }
}
