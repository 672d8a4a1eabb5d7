//! The rotary position embedding (Su et al. 2021) as in Hugging Face's Llama: the halves of a head are rotated against each
//! other.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::config::Config;
use super::constant::values;

type Result<T> = candle_core::Result<T>;

/// Cosines and sines of some consecutive positions, `(positions, head_width / 2)` each.
#[derive(Clone)]
pub(super) struct Rotation {
    cosines: Arc<[f32]>,
    sines: Arc<[f32]>,
    half: usize,
}

impl Rotation {
    /// Computes the rotations of `positions` positions from `first` on.
    pub(super) fn new(config: &Config, first: usize, positions: usize) -> Self {
        let half = config.head_width / 2;
        // In f32 and in this order, as in the models' training.
        let frequency =
            |index: usize| 1.0 / (config.rope_theta as f32).powf(2.0 * index as f32 / config.head_width as f32);
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let angles = (first..first + positions)
            .flat_map(|position| frequencies.iter().map(move |frequency| position as f32 * frequency));
        let (sines, cosines): (Vec<f32>, Vec<f32>) = angles.map(|angle| (angle.sin(), angle.cos())).unzip();
        Self { cosines: cosines.into(), sines: sines.into(), half }
    }

    /// Rotates `(batch, heads, positions, head_width)`.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1(self.clone())
    }

    fn back(&self) -> Self {
        Self { sines: self.sines.iter().map(|sine| -sine).collect(), ..self.clone() }
    }
}

/// A single operation: candle's own would also compute gradients of the cosines and sines.
impl CustomOp1 for Rotation {
    fn name(&self) -> &'static str {
        "rotation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = values(storage, layout)?;
        let mut turned = vec![0.0; x.len()];
        let angles = || self.cosines.chunks(self.half.max(1)).zip(self.sines.chunks(self.half.max(1)));
        let width = 2 * self.half.max(1);
        for ((x, turned), (cosines, sines)) in x.chunks(width).zip(turned.chunks_mut(width)).zip(angles().cycle()) {
            let (left, right) = x.split_at(self.half);
            let (turned_left, turned_right) = turned.split_at_mut(self.half);
            for index in 0..self.half {
                turned_left[index] = left[index] * cosines[index] - right[index] * sines[index];
                turned_right[index] = right[index] * cosines[index] + left[index] * sines[index];
            }
        }
        Ok((CpuStorage::F32(turned), layout.shape().clone()))
    }

    fn bwd(&self, _x: &Tensor, _turned: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op1_no_bwd(&self.back()).map(Some)
    }
}
