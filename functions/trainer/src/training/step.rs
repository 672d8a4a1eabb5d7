//! One step: the loss of its rows, and the gradients.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use flywheel_core::training::Objective;

use super::optimiser::{AdamW, Gradients};
use super::scalar;
use crate::data::{PairSequences, Sequence};
use crate::failure::Result;
use crate::log_probability::{log_probabilities, measure};
use crate::model::Llama;
use crate::model_folder::ModelFolder;
use crate::objective::{Losses, dpo_losses};

/// What is trained on, in batches that fit into memory.
pub(crate) struct Batches<'r> {
    pub(crate) pairs: &'r [PairSequences],
    pub(crate) replay: &'r [Sequence],
    /// `ln π₀(y_w|x) − ln π₀(y_l|x)` of each pair.
    pub(crate) reference_margins: Vec<f32>,
    pub(crate) objective: Objective,
    /// Pairs, or replay rows, that go through the model together.
    pub(crate) rows_a_batch: usize,
}

/// What the base finds of each pair; it does not change, and so is computed once.
pub(crate) fn reference_margins(base: &ModelFolder, pairs: &[PairSequences], objective: &Objective) -> Result<Vec<f32>> {
    if objective.dpo == 0.0 {
        return Ok(vec![0.0; pairs.len()]);
    }
    let model = Llama::new(&base.config, &base.weights, &BTreeMap::new())?;
    let sequences: Vec<&Sequence> = pairs.iter().flat_map(|pair| [&pair.chosen, &pair.rejected]).collect();
    let measured = measure(&model, &sequences)?;
    Ok(measured.chunks_exact(2).map(|pair| pair[0] - pair[1]).collect())
}

impl Batches<'_> {
    /// The gradients and the loss of a step that takes these pairs and replay rows.
    pub(crate) fn step(&self, model: &Llama, optimiser: &AdamW, pairs: &[usize], replay: &[usize]) -> Result<(Gradients, Losses)> {
        let (mut gradients, mut losses) = (Gradients::default(), Losses::default());
        let chosen_tokens: usize = pairs.iter().map(|pair| self.pairs[*pair].chosen.completion_tokens()).sum();
        for batch in pairs.chunks(self.rows_a_batch) {
            let (dpo, sft) = self.pair_terms(model, batch)?;
            let (dpo, sft) = ((dpo / pairs.len() as f64)?, (sft / chosen_tokens as f64)?);
            gradients.add(&((&dpo * self.objective.dpo)? + (&sft * self.objective.sft)?)?, optimiser)?;
            losses.dpo += scalar(&dpo)?;
            losses.sft += scalar(&sft)?;
        }
        let replay_tokens: usize = replay.iter().map(|row| self.replay[*row].completion_tokens()).sum();
        for batch in replay.chunks(self.rows_a_batch) {
            let rows: Vec<&Sequence> = batch.iter().map(|row| &self.replay[*row]).collect();
            let nll = (log_probabilities(model, &rows)?.sum_all()?.neg()? / replay_tokens as f64)?;
            gradients.add(&(&nll * self.objective.replay)?, optimiser)?;
            losses.replay += scalar(&nll)?;
        }
        let Objective { dpo, sft, replay, .. } = self.objective;
        losses.total = dpo * losses.dpo + sft * losses.sft + replay * losses.replay;
        Ok((gradients, losses))
    }

    /// Sums over a batch of pairs: of the DPO losses, and of the chosen answers' negative log-likelihoods.
    fn pair_terms(&self, model: &Llama, batch: &[usize]) -> Result<(Tensor, Tensor)> {
        let chosen = batch.iter().map(|pair| &self.pairs[*pair].chosen);
        if self.objective.dpo == 0.0 {
            let nll = log_probabilities(model, &chosen.collect::<Vec<_>>())?.sum_all()?.neg()?;
            return Ok((nll.zeros_like()?, nll));
        }
        let both: Vec<&Sequence> = chosen.chain(batch.iter().map(|pair| &self.pairs[*pair].rejected)).collect();
        let measured = log_probabilities(model, &both)?;
        let (chosen, rejected) = (measured.narrow(0, 0, batch.len())?, measured.narrow(0, batch.len(), batch.len())?);
        let margins: Vec<f32> = batch.iter().map(|pair| self.reference_margins[*pair]).collect();
        let margins = Tensor::from_vec(margins, batch.len(), &Device::Cpu)?;
        let dpo = dpo_losses(&chosen, &rejected, &margins, self.objective.beta)?.sum_all()?;
        Ok((dpo, chosen.sum_all()?.neg()?))
    }
}
