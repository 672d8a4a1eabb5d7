//! Scores the held-out rows by incumbent and candidate. The gate judges the scores.

use flywheel_training::{ScoredPair, ScoredPairSide, ScoredReplay, ScoredReplaySide, ScoredRow};

use crate::adapter::Adapter;
use crate::data::{Prepared, Sequence};
use crate::failure::Result;
use crate::generate::{Limits, generate};
use crate::log_probability::measure;
use crate::model_folder::ModelFolder;
use crate::progress::{Observer, Progress};
use crate::workers::Workers;

/// One model's scores.
struct Scores {
    pairs: Vec<ScoredPairSide>,
    replay: Vec<ScoredReplaySide>,
}

/// Scores every held-out row by both models, the pairs first, in the order of the files. Without an incumbent's adapter the
/// incumbent is the bare base.
pub(crate) fn score_rows(
    base: &ModelFolder,
    incumbent: Option<&Adapter>,
    candidate: &Adapter,
    rows: &Prepared,
    max_new_tokens: usize,
    workers: Workers,
    observer: &mut Observer<'_>,
) -> Result<Vec<ScoredRow>> {
    let count = rows.held_out.len() + rows.replay_held_out.len();
    let mut done = 0;
    let mut progress = |more: usize| {
        done += more;
        observer.tell(&Progress::Scored { done, all: 2 * count }, 0)
    };
    let incumbent = scores(base, incumbent, rows, max_new_tokens, workers, &mut progress)?;
    let candidate = scores(base, Some(candidate), rows, max_new_tokens, workers, &mut progress)?;
    let pairs = rows.held_out.iter().zip(incumbent.pairs).zip(candidate.pairs).map(|((row, incumbent), candidate)| {
        ScoredRow::Pair(ScoredPair {
            pair_id: row.pair_id.clone(),
            chosen_tokens: row.sequences.chosen.completion_tokens() as u64,
            rejected_tokens: row.sequences.rejected.completion_tokens() as u64,
            equal: row.sequences.is_equal(),
            incumbent,
            candidate,
        })
    });
    let replay = rows.replay_held_out.iter().zip(incumbent.replay).zip(candidate.replay);
    let replay = replay.map(|((row, incumbent), candidate)| {
        let tokens = row.sequence.completion_tokens() as u64;
        ScoredRow::Replay(ScoredReplay { event_id: row.event_id.clone(), tokens, incumbent, candidate })
    });
    Ok(pairs.chain(replay).collect())
}

fn scores(
    base: &ModelFolder,
    adapter: Option<&Adapter>,
    rows: &Prepared,
    max_new_tokens: usize,
    workers: Workers,
    progress: &mut impl FnMut(usize) -> Result<()>,
) -> Result<Scores> {
    let model = base.model(adapter)?;
    let chosen: Vec<&Sequence> = rows.held_out.iter().map(|row| &row.sequences.chosen).collect();
    let rejected: Vec<&Sequence> = rows.held_out.iter().map(|row| &row.sequences.rejected).collect();
    let replay: Vec<&Sequence> = rows.replay_held_out.iter().map(|row| &row.sequence).collect();
    // A pair is counted as done when its prompt is answered, too.
    let of_chosen = measure(&model, &chosen, workers, |_| progress(0))?;
    let mut of_rejected = measure(&model, &rejected, workers, |_| progress(0))?;
    // In another batch the same tokens may differ by a rounding error.
    for ((row, rejected), chosen) in rows.held_out.iter().zip(&mut of_rejected).zip(&of_chosen) {
        if row.sequences.is_equal() {
            *rejected = *chosen;
        }
    }
    let replay = measure(&model, &replay, workers, &mut *progress)?;
    let replay = replay.into_iter().map(|logp| ScoredReplaySide { logp: finite(logp) }).collect();

    let end_tokens = base.end_tokens();
    let limits = Limits { max_new_tokens, end_tokens: &end_tokens, max_positions: base.config.max_positions };
    let prompts: Vec<&[u32]> = chosen.iter().map(|sequence| sequence.prompt()).collect();
    let answers = generate(&model, &prompts, &limits, workers, progress)?;
    let side = |((chosen, rejected), answer): ((f32, f32), Vec<u32>)| {
        let output = base.tokenizer.decode(&answer)?;
        Ok(ScoredPairSide { logp_chosen: finite(chosen), logp_rejected: finite(rejected), output })
    };
    let pairs = of_chosen.into_iter().zip(of_rejected).zip(answers).map(side).collect::<Result<_>>()?;
    Ok(Scores { pairs, replay })
}

/// Returns `None` for a number that is not finite; the gate refuses it.
fn finite(logp: f32) -> Option<f64> {
    logp.is_finite().then_some(f64::from(logp))
}
