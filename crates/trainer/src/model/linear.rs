use candle_core::Tensor;

use super::adapted::AdaptedProduct;
use super::frozen::FrozenProduct;

/// The low-rank part of an adapted layer: `x ↦ scale · (x Aᵀ) Bᵀ` (Hu et al. 2021).
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    /// `(rank, in)`.
    pub(crate) a: Tensor,
    /// `(out, rank)`.
    pub(crate) b: Tensor,
    /// `alpha / rank`.
    pub(crate) scale: f64,
}

/// A linear layer without bias, with an optional adapter.
pub(crate) struct Linear {
    /// `(out, in)`.
    weight: Tensor,
    projection: Option<Projection>,
}

impl Linear {
    pub(crate) fn new(weight: Tensor, projection: Option<Projection>) -> Self {
        Self { weight, projection }
    }

    /// Maps `(rows, in)` to `(rows, out)`.
    pub(crate) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (weight, is_frozen) = (self.weight.clone(), !self.weight.track_op());
        match &self.projection {
            Some(Projection { a, b, scale }) => {
                let adapted = AdaptedProduct { weight, scale: *scale };
                if is_frozen && a.track_op() {
                    return x.contiguous()?.apply_op3(a, b, adapted);
                }
                adapted.compute(x, a, b)
            }
            None if is_frozen && x.track_op() => x.contiguous()?.apply_op1(FrozenProduct { weight }),
            None => x.matmul(&weight.t()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn a_frozen_weight_passes_the_gradient_that_candle_would_pass() {
        let weight = Tensor::randn(0.0_f32, 1.0, (3, 5), &Device::Cpu).unwrap();
        let x = Var::randn(0.0_f32, 1.0, (4, 5), &Device::Cpu).unwrap();
        let gradient = |y: Tensor| {
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            (gradients.get(&x).unwrap().to_vec2::<f32>().unwrap(), y.to_vec2::<f32>().unwrap())
        };
        let ours = gradient(Linear::new(weight.clone(), None).forward(&x).unwrap());
        let candles = gradient(x.matmul(&weight.t().unwrap()).unwrap());
        assert_eq!(ours, candles);
    }

    #[test]
    fn an_adapted_weight_passes_the_gradients_that_candle_would_pass() {
        let random = |shape: (usize, usize)| Var::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
        let (weight, x, a, b) = (random((3, 5)).as_detached_tensor(), random((4, 5)), random((2, 5)), random((3, 2)));
        let numbers = |y: Tensor| {
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let found = [&x, &a, &b].map(|variable| gradients.get(variable).unwrap());
            let holds_graph = found.iter().any(|gradient| gradient.track_op());
            ([found.map(values).concat(), values(&y)].concat(), holds_graph)
        };
        let projection = Projection { a: a.as_tensor().clone(), b: b.as_tensor().clone(), scale: 0.7 };
        let (ours, holds_graph) = numbers(Linear::new(weight.clone(), Some(projection)).forward(&x).unwrap());
        assert!(!holds_graph, "a kept gradient would keep the whole step");
        let narrow = x.matmul(&a.t().unwrap()).unwrap().matmul(&b.t().unwrap()).unwrap();
        let (candles, _) = numbers((x.matmul(&weight.t().unwrap()).unwrap() + (narrow * 0.7).unwrap()).unwrap());
        assert_eq!(ours.len(), candles.len());
        assert!(ours.iter().zip(&candles).all(|(ours, candles)| (ours - candles).abs() < 1e-4), "{ours:?} {candles:?}");
    }

    #[test]
    fn the_projection_is_scaled_and_added() {
        let tensor = |rows: &[[f32; 2]]| Tensor::from_slice(&rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap();
        let projection = Projection {
            a: tensor(&[[1.0, 1.0]]),
            b: Tensor::new(&[[1.0_f32], [2.0]], &Device::Cpu).unwrap(),
            scale: 0.5,
        };
        let linear = Linear::new(tensor(&[[1.0, 0.0], [0.0, 1.0]]), Some(projection));
        // x + 0.5 · (3 + 4) · (1, 2)
        assert_eq!(linear.forward(&tensor(&[[3.0, 4.0]])).unwrap().to_vec2::<f32>().unwrap(), [[6.5, 11.0]]);
    }
}
