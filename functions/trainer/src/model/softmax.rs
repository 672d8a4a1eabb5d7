//! Softmax and its logarithm over the last dimension. The maximum is subtracted first, so that no exponential overflows; the result does
//! not depend on it, and so no gradient needs to go through it.

use candle_core::{D, Tensor};

type Result<T> = candle_core::Result<T>;

pub(super) fn softmax(logits: &Tensor) -> Result<Tensor> {
    let exponentials = below_maximum(logits)?.exp()?;
    exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)
}

pub(crate) fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let below = below_maximum(logits)?;
    below.broadcast_sub(&below.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

fn below_maximum(logits: &Tensor) -> Result<Tensor> {
    logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn large_logits_do_not_overflow() {
        let logits =
            Tensor::new(&[[1_000.0_f32, 1_001.0, f32::NEG_INFINITY], [-1e30, 0.0, 0.0]], &Device::Cpu).unwrap();
        let shares = softmax(&logits).unwrap().to_vec2::<f32>().unwrap();
        let logs = log_softmax(&logits).unwrap().to_vec2::<f32>().unwrap();
        // 1 / (1 + e), e / (1 + e).
        assert!((shares[0][0] - 0.268_941_4).abs() < 1e-6 && (shares[0][1] - 0.731_058_6).abs() < 1e-6);
        assert!((logs[0][0] + 1.313_261_7).abs() < 1e-6 && (logs[0][1] + 0.313_261_7).abs() < 1e-6);
        assert_eq!((shares[0][2], shares[1][0], shares[1][1]), (0.0, 0.0, 0.5));
    }
}
