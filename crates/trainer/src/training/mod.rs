//! The training loop.
//!
//! | file | subject |
//! |---|---|
//! | `plan` | the rows of each step |
//! | `step` | one step's loss and gradients |
//! | `schedule` | the learning rate |
//! | `optimiser` | AdamW, clipping |
//! | `checkpoint` | saves the progress and resumes from it |

mod checkpoint;
mod optimiser;
mod plan;
mod schedule;
mod step;

use candle_core::Tensor;

pub(crate) use checkpoint::{CheckpointFile, Found};
pub(crate) use optimiser::{AdamW, Gradients, clip};
pub(crate) use schedule::share_of_rate;
pub(crate) use step::{Batches, reference_margins};

use flywheel_training::Recipe;

use checkpoint::STEPS_BETWEEN;
use plan::Plan;

use crate::adapter::{Adapter, TrainableAdapter};
use crate::data::Prepared;
use crate::failure::{Result, TrainerError};
use crate::model::Llama;
use crate::model_folder::ModelFolder;
use crate::progress::{Observer, Progress, StepReport};
use crate::workers::Workers;

/// The result of a training, and its size.
pub(crate) struct Trained {
    pub(crate) adapter: Adapter,
    /// The number of tokens that went through the steps of this process, with prompts and without padding.
    pub(crate) tokens: usize,
}

/// Trains an adapter of the base.
///
/// The adapter depends on the arguments alone, to the bit: neither on the number of threads nor on resuming from a checkpoint.
pub(crate) fn train(
    base: &ModelFolder,
    rows: &Prepared,
    recipe: &Recipe,
    checkpoint: Option<&CheckpointFile>,
    workers: Workers,
    observer: &mut Observer<'_>,
) -> Result<Trained> {
    let adapter = TrainableAdapter::new(&base.config, recipe.lora.rank as usize, recipe.lora.alpha, recipe.seed)?;
    let model = Llama::new(&base.config, &base.weights, &adapter.projections())?;
    let batches = Batches {
        pairs: &rows.pairs,
        replay: &rows.replay,
        reference_margins: reference_margins(&base.model(None)?, &rows.pairs, &recipe.objective, workers, observer)?,
        objective: recipe.objective,
        rows_a_batch: recipe.training.batch_size as usize,
        workers,
    };
    let plan = Plan {
        seed: recipe.seed,
        pairs: rows.pairs.len(),
        replay: if recipe.objective.replay > 0.0 { rows.replay.len() } else { 0 },
        rows_a_step: recipe.training.batch_size as usize * recipe.training.accumulation as usize,
        epochs: recipe.training.epochs,
    };
    // As in TRL's default: the added matrices are small already.
    let mut optimiser = AdamW::new(adapter.parameters(), 0.0)?;
    let done = take_up(checkpoint, &mut optimiser, observer)?;
    let (settings, steps) = (&recipe.training, plan.steps());
    let mut tokens = 0;
    for step in done + 1..=steps {
        let (pairs, replay) = (plan.pairs_of(step), plan.replay_of(step));
        let (gradients, losses) = batches.step(&model, &optimiser, &pairs, &replay)?;
        tokens += batches.tokens(&pairs, &replay);
        finite("loss", losses.total, step)?;
        let norm = finite("gradient", gradients.norm()?, step)?;
        let rate = settings.learning_rate * share_of_rate(step, steps, settings.warmup_share);
        optimiser.step(step, &gradients, rate, clip(norm, settings.max_gradient_norm))?;
        if let Some(checkpoint) = checkpoint.filter(|_| step % STEPS_BETWEEN == 0) {
            checkpoint.save(step, &optimiser)?;
        }
        let report = StepReport { step, steps, first: done + 1, losses, learning_rate: rate, gradient_norm: norm };
        observer.tell(&Progress::Step(report), step)?;
    }
    Ok(Trained { adapter: adapter.finished()?, tokens })
}

fn take_up(checkpoint: Option<&CheckpointFile>, optimiser: &mut AdamW, observer: &mut Observer<'_>) -> Result<u64> {
    let Some(checkpoint) = checkpoint else { return Ok(0) };
    match checkpoint.resume(optimiser)? {
        Found::Nothing => Ok(0),
        Found::Steps(done) => {
            observer.tell(&Progress::Note(format!("goes on after step {done}")), done)?;
            Ok(done)
        }
        Found::Useless => {
            observer
                .tell(&Progress::Note("the checkpoint is of another training or damaged: begins anew".to_owned()), 0)?;
            Ok(0)
        }
    }
}

pub(crate) fn finite(what: &'static str, value: f64, step: u64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(TrainerError::NotFinite { what, step }) }
}

pub(crate) fn scalar(tensor: &Tensor) -> Result<f64> {
    Ok(f64::from(tensor.to_scalar::<f32>()?))
}
