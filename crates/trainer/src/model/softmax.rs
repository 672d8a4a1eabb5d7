//! Softmax and its logarithm over the last dimension. The maximum is subtracted first, so no exponential overflows. The result
//! does not depend on the maximum, so no gradient needs to go through it.

use candle_core::{D, Tensor};

type Result<T> = candle_core::Result<T>;

pub(super) fn softmax(logits: &Tensor) -> Result<Tensor> {
    let exponentials = below_maximum(logits)?.exp()?;
    exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)
}

/// Returns the log-softmax of `(rows, width)`. The exponentials are summed as a product with ones: candle's own sum takes them
/// one by one, and loses the small ones of 50 thousand.
pub(crate) fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let below = below_maximum(logits)?;
    let ones = Tensor::ones((below.dim(D::Minus1)?, 1), below.dtype(), below.device())?;
    below.broadcast_sub(&below.exp()?.matmul(&ones)?.log()?)
}

fn below_maximum(logits: &Tensor) -> Result<Tensor> {
    logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_large_vocabulary_loses_no_probability() {
        let logits: Vec<f32> = (0..49_152).map(|token| 3.0 * (f64::from(token) * 0.7).sin() as f32).collect();
        let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        let expected = f64::from(logits[5]) - sum.ln();
        let logs = log_softmax(&Tensor::from_vec(logits, (1, 49_152), &Device::Cpu).unwrap()).unwrap();
        let found = f64::from(logs.to_vec2::<f32>().unwrap()[0][5]);
        assert!((found - expected).abs() < 5e-6, "{found} and {expected}");
    }

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
