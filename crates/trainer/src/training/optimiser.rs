//! AdamW (Loshchilov, Hutter 2019), whose state can be saved.

use candle_core::{Tensor, Var};

type Result<T> = candle_core::Result<T>;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimiser, with its state for each parameter.
pub(crate) struct AdamW {
    pub(super) parameters: Vec<Parameter>,
    /// The decay of matrices; vectors are never decayed.
    weight_decay: f64,
}

pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: Var,
    /// The running mean of the gradient.
    pub(super) first: Tensor,
    /// The running mean of the gradient's square.
    pub(super) second: Tensor,
}

impl AdamW {
    pub(crate) fn new(parameters: Vec<(String, Var)>, weight_decay: f64) -> Result<Self> {
        let parameter = |(name, value): (String, Var)| {
            Ok(Parameter { name, first: value.zeros_like()?.detach(), second: value.zeros_like()?.detach(), value })
        };
        Ok(Self { parameters: parameters.into_iter().map(parameter).collect::<Result<_>>()?, weight_decay })
    }

    /// Applies step `number`, counted from 1, with gradients that are scaled by `clip`.
    pub(crate) fn step(&mut self, number: u64, gradients: &Gradients, rate: f64, clip: f64) -> Result<()> {
        let bias = |beta: f64| 1.0 - beta.powf(number as f64);
        let (first_bias, second_bias) = (bias(BETA_1), bias(BETA_2));
        for (parameter, gradient) in self.parameters.iter_mut().zip(&gradients.0) {
            let Some(gradient) = gradient else { continue };
            let gradient = (gradient * clip)?;
            parameter.first = ((&parameter.first * BETA_1)? + (&gradient * (1.0 - BETA_1))?)?;
            parameter.second = ((&parameter.second * BETA_2)? + (gradient.sqr()? * (1.0 - BETA_2))?)?;
            let step = ((&parameter.first / first_bias)? / ((&parameter.second / second_bias)?.sqrt()? + EPSILON)?)?;
            let decay = if parameter.value.rank() > 1 { 1.0 - rate * self.weight_decay } else { 1.0 };
            let next = ((parameter.value.as_detached_tensor() * decay)? - (step * rate)?)?;
            parameter.value.set(&next)?;
        }
        Ok(())
    }
}

/// Returns the factor that keeps gradients of this norm within `max_norm`.
pub(crate) fn clip(norm: f64, max_norm: f64) -> f64 {
    if norm > max_norm { max_norm / norm } else { 1.0 }
}

/// The gradients of one step, in the order of an optimiser's parameters.
#[derive(Default)]
pub(crate) struct Gradients(Vec<Option<Tensor>>);

impl Gradients {
    /// Computes the gradients of a part of the step's loss.
    pub(crate) fn of(loss: &Tensor, optimiser: &AdamW) -> Result<Self> {
        let mut found = loss.backward()?;
        Ok(Self(optimiser.parameters.iter().map(|parameter| found.remove(&parameter.value)).collect()))
    }

    /// Adds the gradients of another part.
    pub(crate) fn plus(self, other: Self) -> Result<Self> {
        if self.0.is_empty() {
            return Ok(other);
        }
        let both = |(left, right): (Option<Tensor>, Option<Tensor>)| match (left, right) {
            (Some(left), Some(right)) => (left + right).map(Some),
            (left, right) => Ok(left.or(right)),
        };
        self.0.into_iter().zip(other.0).map(both).collect::<Result<_>>().map(Self)
    }

    /// Returns each parameter's gradient, if the loss depends on it.
    #[cfg(test)]
    pub(crate) fn tensors(&self) -> impl Iterator<Item = Option<&Tensor>> {
        self.0.iter().map(Option::as_ref)
    }

    /// Returns the Euclidean norm of all gradients together.
    pub(crate) fn norm(&self) -> Result<f64> {
        let square = |gradient: &Tensor| Ok(f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?));
        let squares = self.0.iter().flatten().map(square).sum::<Result<f64>>()?;
        Ok(squares.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn step(weight_decay: f64, max_norm: f64) -> (Vec<f32>, f64) {
        let value = Var::new(&[[1.0_f32, -2.0]], &Device::Cpu).unwrap();
        let mut optimiser = AdamW::new(vec![("w".to_owned(), value.clone())], weight_decay).unwrap();
        let mut gradients = Gradients::default();
        // Gradient (3, 4) in two parts.
        for factors in [[1.0_f32, 1.0], [2.0, 3.0]] {
            let loss = (value.as_tensor() * Tensor::new(&[factors], &Device::Cpu).unwrap()).unwrap().sum_all().unwrap();
            gradients = gradients.plus(Gradients::of(&loss, &optimiser).unwrap()).unwrap();
        }
        optimiser.step(1, &gradients, 0.1, clip(gradients.norm().unwrap(), max_norm)).unwrap();
        assert_eq!(optimiser.parameters[0].first.to_vec2::<f32>().unwrap()[0].len(), 2);
        let first = f64::from(optimiser.parameters[0].first.to_vec2::<f32>().unwrap()[0][0]);
        assert!((gradients.norm().unwrap() - 5.0).abs() < 1e-6);
        (value.to_vec2::<f32>().unwrap().concat(), first)
    }

    #[test]
    fn the_first_step_goes_by_the_rate_whatever_the_gradient() {
        let (value, first) = step(0.0, 100.0);
        assert!((value[0] - 0.9).abs() < 1e-6 && (value[1] + 2.1).abs() < 1e-6, "{value:?}");
        assert!((first - 0.3).abs() < 1e-6);
    }

    #[test]
    fn decay_is_apart_from_the_gradient_and_clipping_is_by_the_norm_of_all() {
        let (value, first) = step(0.5, 1.0);
        // 1 · (1 − 0.1 · 0.5) − 0.1
        assert!((value[0] - 0.85).abs() < 1e-6 && (value[1] + 2.0).abs() < 1e-6, "{value:?}");
        // A tenth of 3 / 5.
        assert!((first - 0.06).abs() < 1e-6);
    }
}
