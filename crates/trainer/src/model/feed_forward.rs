use candle_core::Tensor;

use super::linear::Linear;

/// The gated feed-forward layer: `down(silu(gate(x)) · up(x))` (Shazeer 2020).
pub(super) struct FeedForward {
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

impl FeedForward {
    /// Maps `(rows, hidden)` to the same shape.
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.down.forward(&(self.gate.forward(x)?.silu()? * self.up.forward(x)?)?)
    }
}
