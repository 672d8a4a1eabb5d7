//! The numbers that another trainer must reproduce: the log-probabilities of the training rows, and the loss of a first step that
//! takes them in the order of their files.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};

use crate::adapter::{Adapter, TrainableAdapter};
use crate::data::Sequence;
use crate::failure::Result;
use crate::job::Verified;
use crate::log_probability::measure;
use crate::model::Llama;
use crate::progress::{Observer, Progress};
use crate::training::{AdamW, Batches, reference_margins};
use crate::workers::Workers;

/// Measures a run's rows by its base with an adapter, or by the bare base, and computes the loss of one step of
/// `batch_size · accumulation` rows from there. Numbers that are not finite are null.
pub(crate) fn inspect(input: &Path, base: &Path, adapter: Option<&Path>) -> Result<Value> {
    let Verified { description, base, prepared, .. } = Verified::read(input, base)?;
    let adapter = adapter.map(|folder| Adapter::load(folder, &base.config)).transpose()?;
    let (recipe, workers) = (description.recipe(), Workers::new(None));
    // The gradient needs parameters. A new adapter has no effect on the loss.
    let (rank, alpha) = adapter
        .as_ref()
        .map_or((recipe.lora.rank as usize, recipe.lora.alpha), |adapter| (adapter.rank, adapter.alpha));
    let trainable = TrainableAdapter::new(&base.config, rank, alpha, recipe.seed)?;
    if let Some(adapter) = &adapter {
        trainable.set(adapter)?;
    }
    let model = Llama::new(&base.config, &base.weights, &trainable.projections())?;
    let measuring = base.model(adapter.as_ref())?;

    let pairs: Vec<&Sequence> = prepared.pairs.iter().flat_map(|pair| [&pair.chosen, &pair.rejected]).collect();
    let pairs: Vec<Value> = measure(&measuring, &pairs, workers, |_| Ok(()))?
        .chunks_exact(2)
        .zip(&prepared.pairs)
        .map(|(logps, pair)| {
            json!({
                "chosen_tokens": pair.chosen.completion_tokens(), "rejected_tokens": pair.rejected.completion_tokens(),
                "logp_chosen": logps[0], "logp_rejected": logps[1],
            })
        })
        .collect();
    let replay: Vec<&Sequence> = prepared.replay.iter().collect();
    let replay: Vec<Value> = measure(&measuring, &replay, workers, |_| Ok(()))?
        .into_iter()
        .zip(&replay)
        .map(|(logp, sequence)| json!({"tokens": sequence.completion_tokens(), "logp": logp}))
        .collect();

    let rows_a_step = recipe.training.batch_size as usize * recipe.training.accumulation as usize;
    let mut nobody = |_: &Progress| ControlFlow::Continue(());
    let observer = &mut Observer::new(&mut nobody);
    let margins = reference_margins(&base.model(None)?, &prepared.pairs, &recipe.objective, workers, observer)?;
    let batches = Batches {
        pairs: &prepared.pairs,
        replay: &prepared.replay,
        reference_margins: margins,
        objective: recipe.objective,
        rows_a_batch: recipe.training.batch_size as usize,
        workers,
    };
    let first = |count: usize| (0..rows_a_step.min(count)).collect::<Vec<_>>();
    let optimiser = AdamW::new(trainable.parameters(), 0.0)?;
    let (gradients, losses) =
        batches.step(&model, &optimiser, &first(prepared.pairs.len()), &first(prepared.replay.len()))?;
    Ok(json!({
        "pairs": pairs,
        "replay": replay,
        "step": {
            "pairs": rows_a_step.min(prepared.pairs.len()), "replay": rows_a_step.min(prepared.replay.len()),
            "dpo": losses.dpo, "sft": losses.sft, "replay_nll": losses.replay, "loss": losses.total,
            "gradient_norm": gradients.norm()?,
        },
    }))
}
