//! The minimised loss: `dpo · L_DPO + sft · NLL(chosen) + replay · NLL(replay)`.
//!
//! With `z = β ((ln π(y_w|x) − ln π(y_l|x)) − (ln π₀(y_w|x) − ln π₀(y_l|x)))`, `L_DPO` is the mean of `−ln σ(z)` over a step's pairs
//! (Rafailov et al. 2023, equation 7), with π₀ the base without an adapter. Both negative log-likelihoods are means over the
//! tokens of a step. So a step's loss does not depend on its division into batches.
//!
//! Plain DPO only widens the margin, and may do so by making both answers less probable. The second term keeps the users' answers
//! probable; the third keeps the liked answers, which need no change, probable.

use candle_core::{D, Tensor};

use crate::model::log_softmax;

type Result<T> = candle_core::Result<T>;

/// Returns `−ln σ(z)` of each pair. `reference_margin` is `ln π₀(y_w|x) − ln π₀(y_l|x)`.
pub(crate) fn dpo_losses(chosen: &Tensor, rejected: &Tensor, reference_margin: &Tensor, beta: f64) -> Result<Tensor> {
    negative_log_sigmoid(&(((chosen - rejected)? - reference_margin)? * beta)?)
}

/// Returns `−ln σ(z) = softplus(−z)`, as the first of the log-softmax of `(z, 0)`. That never overflows, and its gradient has no
/// kink at 0, where training begins.
fn negative_log_sigmoid(z: &Tensor) -> Result<Tensor> {
    let logits = Tensor::stack(&[z, &z.zeros_like()?], D::Minus1)?;
    log_softmax(&logits)?.narrow(D::Minus1, 0, 1)?.squeeze(D::Minus1)?.neg()
}

/// The terms of one step's loss, unweighted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Losses {
    /// Mean of `−ln σ(z)` over the pairs.
    pub dpo: f64,
    /// Mean of `−ln p` over the tokens of the chosen answers, in nats.
    pub sft: f64,
    /// Mean of `−ln p` over the tokens of the replayed answers, in nats.
    pub replay: f64,
    /// The weighted sum, which is minimised.
    pub total: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn tensor(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap()
    }

    #[test]
    fn losses_are_those_computed_by_hand() {
        let losses = dpo_losses(&tensor(&[-4.0, -10.0]), &tensor(&[-6.0, -5.0]), &tensor(&[1.0, -5.0]), 0.5).unwrap();
        let losses = losses.to_vec1::<f32>().unwrap();
        // z = 0.5 · (2 − 1) = 0.5: ln(1 + e^-0.5). z = 0.5 · (−5 + 5) = 0: ln 2.
        assert!(
            (losses[0] - 0.474_077).abs() < 1e-6 && (losses[1] - std::f32::consts::LN_2).abs() < 1e-6,
            "{losses:?}"
        );
    }

    #[test]
    fn it_is_finite_however_far_apart_two_answers_are() {
        let losses = negative_log_sigmoid(&tensor(&[1e4, -1e4, 89.0, -89.0])).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(losses, [0.0, 1e4, 0.0, 89.0]);
    }

    #[test]
    fn its_gradient_is_that_of_the_formula_at_zero_as_well() {
        let z = Var::new(&[0.0_f32, 2.0, -2.0, 100.0, -100.0], &Device::Cpu).unwrap();
        let gradients = negative_log_sigmoid(&z).unwrap().sum_all().unwrap().backward().unwrap();
        let gradients = gradients.get(&z).unwrap().to_vec1::<f32>().unwrap();
        // −σ(−z)
        for (gradient, expected) in gradients.iter().zip([-0.5, -0.119_202_92, -0.880_797_1, 0.0, -1.0]) {
            assert!((gradient - expected).abs() < 1e-6, "{gradients:?}");
        }
    }
}
