//! Sums and products with constants.
//!
//! candle computes a gradient of both terms and both factors, and sums it over all broadcast dimensions. For a constant that work
//! is wasted. These operations leave it out; the results are the same to the bit.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, bail};

type Result<T> = candle_core::Result<T>;

/// `x ↦ x · c` for a constant that is repeated over the first dimensions of `x`.
struct Product {
    constant: Vec<f32>,
}

/// `x ↦ x + c` for such a constant.
struct Sum {
    constant: Vec<f32>,
}

/// Returns `x · constant`, with a gradient for `x` alone.
pub(super) fn times(x: &Tensor, constant: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Product { constant: constant.flatten_all()?.to_vec1()? })
}

/// Returns `x + constant`, with a gradient for `x` alone.
pub(super) fn plus(x: &Tensor, constant: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Sum { constant: constant.flatten_all()?.to_vec1()? })
}

impl CustomOp1 for Product {
    fn name(&self) -> &'static str {
        "constant-product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        with_each(storage, layout, &self.constant, |x, constant| x * constant)
    }

    fn bwd(&self, _x: &Tensor, _product: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op1_no_bwd(self).map(Some)
    }
}

impl CustomOp1 for Sum {
    fn name(&self) -> &'static str {
        "constant-sum"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        with_each(storage, layout, &self.constant, |x, constant| x + constant)
    }

    fn bwd(&self, _x: &Tensor, _sum: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(gradient.clone()))
    }
}

fn with_each(
    storage: &CpuStorage,
    layout: &Layout,
    constant: &[f32],
    operation: impl Fn(f32, f32) -> f32,
) -> Result<(CpuStorage, Shape)> {
    let x = values(storage, layout)?;
    let mut y = Vec::with_capacity(x.len());
    for x in x.chunks(constant.len().max(1)) {
        y.extend(x.iter().zip(constant).map(|(x, constant)| operation(*x, *constant)));
    }
    Ok((CpuStorage::F32(y), layout.shape().clone()))
}

/// Returns the numbers of a contiguous tensor.
pub(super) fn values<'s>(storage: &'s CpuStorage, layout: &Layout) -> Result<&'s [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("takes contiguous f32 tensors"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn values_and_gradients_are_those_of_candle() {
        let x = Var::randn(0.0_f32, 1.0, (2, 3, 4, 5), &Device::Cpu).unwrap();
        let with = |operation: fn(&Tensor, &Tensor) -> Result<Tensor>, constant: &Tensor| {
            // The tensor is not contiguous, and each number has another gradient.
            let y = operation(&x.transpose(0, 1).unwrap(), constant).unwrap();
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            (numbers(&y), numbers(gradients.get(&x).unwrap()))
        };
        for shape in [vec![4, 5], vec![5]] {
            let constant = Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
            assert_eq!(with(times, &constant), with(Tensor::broadcast_mul, &constant));
            assert_eq!(with(plus, &constant), with(Tensor::broadcast_add, &constant));
        }
    }
}
