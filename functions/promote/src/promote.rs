use flywheel_dataset::StreamDigest;
use flywheel_gate::{GateVerdict, Ruling};
use flywheel_lake::{LoadLive, MoveLive, Moved, ReadPart, ReplaceObject, VisitObject, WritePart};
use flywheel_training::{LiveAdapter, LiveCause, NotMoved, OutputFile, RunName};
use serde::Serialize;

use crate::promoter::{PromoteError, Promoter};

/// The number of attempts to move the live adapter while others move it. The others are operators or one other run.
const ATTEMPTS: u32 = 5;

/// The result of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promoted {
    /// The run.
    pub run: RunName,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a promotion for the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The adapter became live by this promotion, now or in an earlier attempt.
    Promoted,
    /// The adapter is not live: the adapter that it was compared with is not live any more.
    Superseded,
    /// The adapter is not live: its dataset version was rolled back. Workflows and their listeners know it by an older word.
    #[serde(rename = "taken_back")]
    RolledBack,
}

impl<L> Promoter<L>
where
    L: ReadPart + WritePart + VisitObject + ReplaceObject + LoadLive + MoveLive,
{
    /// Makes the adapter live, if the verdict, or an operator to whom the verdict left it, says so.
    ///
    /// It depends on stored objects alone, so it may be repeated after any crash. The move is one conditional write. After a
    /// crash before it, nothing has happened; after a crash behind it, the next attempt finds the adapter live and reports the
    /// promotion. If the live adapter was moved in between, the core decides again, and lets the candidate replace only the
    /// adapter that it was compared with.
    pub(crate) async fn promote(
        &self,
        run: &RunName,
        by_hand: Option<(String, String)>,
    ) -> Result<Promoted, PromoteError> {
        let verdict = self.verdict(run).await?.ok_or_else(|| PromoteError::NotPassed(run.clone()))?;
        let cause = match (verdict.ruling, by_hand) {
            (Ruling::Promote, _) => LiveCause::Gate,
            (Ruling::Review, Some((who, why))) => LiveCause::Review { who, why },
            _ => return Err(PromoteError::NotPassed(run.clone())),
        };
        let candidate = verdict.candidate.adapter.clone().ok_or_else(|| PromoteError::NotPassed(run.clone()))?;
        self.check_unchanged(&candidate).await?;
        let outcome = self.make_live(&verdict, &candidate, &cause).await?;
        tracing::info!(run = run.as_str(), outcome = ?outcome, "promotion decided");
        Ok(Promoted { run: run.clone(), outcome })
    }

    async fn make_live(
        &self,
        verdict: &GateVerdict,
        candidate: &LiveAdapter,
        cause: &LiveCause,
    ) -> Result<Outcome, PromoteError> {
        for _ in 0..ATTEMPTS {
            let loaded = self.lake.load_live().await?;
            let next = loaded.live.promoted(candidate.clone(), verdict.incumbent.as_ref(), cause.clone(), (self.now)());
            let next = match next {
                Ok(next) => next,
                Err(NotMoved::AlreadyLive(_)) => return Ok(Outcome::Promoted),
                Err(NotMoved::RolledBack { .. }) => return Ok(Outcome::RolledBack),
                Err(NotMoved::Superseded(_) | NotMoved::NeverLive(_)) => return Ok(Outcome::Superseded),
            };
            if self.lake.move_live(&loaded, &next).await? == Moved::Moved {
                return Ok(Outcome::Promoted);
            }
        }
        Err(PromoteError::Contended)
    }

    /// Checks the adapter's files again: days may have passed since it was judged.
    async fn check_unchanged(&self, candidate: &LiveAdapter) -> Result<(), PromoteError> {
        for (file, sha256) in [(OutputFile::Adapter, &candidate.sha256), (OutputFile::Config, &candidate.config_sha256)]
        {
            let mut digest = StreamDigest::default();
            let key = format!("{}{}", candidate.prefix, file.as_str());
            self.lake.visit_object(&key, &mut |piece: &[u8]| digest.add(piece)).await?;
            if digest.finish() != sha256.as_str() {
                return Err(PromoteError::AdapterChanged(candidate.adapter.clone()));
            }
        }
        Ok(())
    }
}
