use candle_core::{CpuStorage, CustomOp3, Layout, Shape, Tensor};

use super::frozen::{into_storage, tensor_of};

/// `(x, A, B) ↦ x Wᵀ + scale · (x Aᵀ) Bᵀ` for a frozen weight `W`.
///
/// As operations of candle it would keep four tensors of the output's size until the backward pass. That pass needs only `x`,
/// which is kept anyway, and `x Aᵀ`, which is small enough to compute again.
pub(super) struct AdaptedProduct {
    /// `(out, in)`.
    pub(super) weight: Tensor,
    pub(super) scale: f64,
}

impl AdaptedProduct {
    /// Returns `scale · x Aᵀ`, `(rows, rank)`.
    fn narrow(&self, x: &Tensor, a: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&a.t()?)? * self.scale
    }

    /// Returns the product, by operations of candle.
    pub(super) fn compute(&self, x: &Tensor, a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
        x.matmul(&self.weight.t()?)? + self.narrow(x, a)?.matmul(&b.t()?)?
    }
}

impl CustomOp3 for AdaptedProduct {
    fn name(&self) -> &'static str {
        "adapted-product"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, a, b) = (tensor_of(x, x_layout)?, tensor_of(a, a_layout)?, tensor_of(b, b_layout)?);
        into_storage(&self.compute(&x, &a, &b)?)
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _product: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // Without `detach` the result would hold a graph, and the optimiser's state would hold the graphs of all steps.
        let (x, a, b) = (&x.detach(), &a.detach(), &b.detach());
        let of_narrow = (gradient.matmul(b)? * self.scale)?;
        let of_x = (gradient.matmul(&self.weight)? + of_narrow.matmul(a)?)?;
        let of_a = of_narrow.t()?.matmul(x)?;
        let of_b = gradient.t()?.matmul(&self.narrow(x, a)?)?;
        Ok((Some(of_x), Some(of_a), Some(of_b)))
    }
}
