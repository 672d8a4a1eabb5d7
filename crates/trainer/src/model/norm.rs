use candle_core::{D, Tensor};

use super::constant::times;

/// Root-mean-square normalisation (Zhang, Sennrich 2019).
pub(super) struct RmsNorm {
    weight: Tensor,
    epsilon: f64,
}

impl RmsNorm {
    pub(super) fn new(weight: Tensor, epsilon: f64) -> Self {
        Self { weight, epsilon }
    }

    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let root = (x.sqr()?.mean_keepdim(D::Minus1)? + self.epsilon)?.sqrt()?;
        let normalised = x.broadcast_div(&root)?;
        if self.weight.track_op() { normalised.broadcast_mul(&self.weight) } else { times(&normalised, &self.weight) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_mean_square_becomes_one_before_the_weight() {
        let weight = Tensor::new(&[1.0_f32, 10.0], &Device::Cpu).unwrap();
        let x = Tensor::new(&[[3.0_f32, 4.0]], &Device::Cpu).unwrap();
        let y = RmsNorm::new(weight, 0.0).forward(&x).unwrap().to_vec2::<f32>().unwrap();
        // sqrt((9 + 16) / 2) = 3.535534
        assert!((y[0][0] - 0.848_528_1).abs() < 1e-6 && (y[0][1] - 11.313_708).abs() < 1e-5);
    }
}
