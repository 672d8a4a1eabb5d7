//! LoRA adapters (Hu et al. 2021) on all linear layers of a model's decoder.

mod peft;
mod trainable;

use std::collections::BTreeMap;

use candle_core::Tensor;

pub(crate) use peft::PeftFiles;
pub(crate) use trainable::TrainableAdapter;

use crate::model::Projection;

/// An adapter's matrices by module name, such as `model.layers.0.self_attn.q_proj`.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) rank: usize,
    pub(crate) alpha: f64,
    pub(crate) modules: BTreeMap<String, Matrices>,
}

#[derive(Debug)]
pub(crate) struct Matrices {
    /// `(rank, in)`.
    pub(crate) a: Tensor,
    /// `(out, rank)`.
    pub(crate) b: Tensor,
}

impl Adapter {
    /// Returns the adapter as a model takes it.
    pub(crate) fn projections(&self) -> BTreeMap<String, Projection> {
        let scale = self.alpha / self.rank as f64;
        let projection = |matrices: &Matrices| Projection { a: matrices.a.clone(), b: matrices.b.clone(), scale };
        self.modules.iter().map(|(module, matrices)| (module.clone(), projection(matrices))).collect()
    }
}
