//! The rotary position embedding (Su et al. 2021), as Hugging Face's Llama has it: the halves of a head are rotated against each other.

use candle_core::{D, Device, Tensor};

use super::config::Config;

type Result<T> = candle_core::Result<T>;

/// Cosines and sines of some consecutive positions, `(positions, head_width / 2)` each.
pub(super) struct Rotation {
    cosines: Tensor,
    sines: Tensor,
}

impl Rotation {
    /// For so many positions, from `first` on.
    pub(super) fn new(config: &Config, first: usize, positions: usize) -> Result<Self> {
        let half = config.head_width / 2;
        // In f32 and in this order, as the models were trained.
        let frequency =
            |index: usize| 1.0 / (config.rope_theta as f32).powf(2.0 * index as f32 / config.head_width as f32);
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let angles: Vec<f32> = (first..first + positions)
            .flat_map(|position| frequencies.iter().map(move |frequency| position as f32 * frequency))
            .collect();
        let angles = Tensor::from_vec(angles, (positions, half), &Device::Cpu)?;
        Ok(Self { cosines: angles.cos()?, sines: angles.sin()? })
    }

    /// Rotates `(batch, heads, positions, head_width)`.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let half = x.dim(D::Minus1)? / 2;
        let (left, right) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
        let turned_left = (left.broadcast_mul(&self.cosines)? - right.broadcast_mul(&self.sines)?)?;
        let turned_right = (right.broadcast_mul(&self.cosines)? + left.broadcast_mul(&self.sines)?)?;
        Tensor::cat(&[turned_left, turned_right], D::Minus1)
    }
}
