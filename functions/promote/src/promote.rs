use flywheel_core::dataset::StreamDigest;
use flywheel_core::gate::{GateVerdict, Ruling};
use flywheel_core::training::{LiveAdapter, LiveCause, NotMoved, OutputFile, RunName};
use flywheel_lake::{LoadLive, MoveLive, Moved, ReadPart, ReplaceObject, VisitObject, WritePart};
use serde::Serialize;

use crate::promoter::{PromoteError, Promoter};

/// How often it is tried to move what is live, if others move it at the same time. They are people, or one other run.
const ATTEMPTS: u32 = 5;

/// What became of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promoted {
    /// The run.
    pub run: RunName,
    /// What became of it.
    pub outcome: Outcome,
}

/// Whether an adapter is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is, by this promotion, now or when it was asked for before.
    Promoted,
    /// It is not: what it was measured against is live no more.
    Superseded,
    /// It is not: the dataset version that it was trained on was rolled back.
    TakenBack,
}

impl<L> Promoter<L>
where
    L: ReadPart + WritePart + VisitObject + ReplaceObject + LoadLive + MoveLive,
{
    /// Makes the adapter live, if the verdict says so, or a person to whom the verdict left it.
    ///
    /// It rests on what is stored and on nothing that is passed to it, so that it may be asked for again after any death. The move
    /// is one conditional write. Died before it, nothing has happened; after, the next attempt finds the adapter live and
    /// says that it is promoted. If somebody moved what is live in between, the core is asked anew, and lets the candidate
    /// take the place of nothing but what it was measured against.
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
                Err(NotMoved::TakenBack { .. }) => return Ok(Outcome::TakenBack),
                Err(NotMoved::Superseded(_) | NotMoved::NeverLive(_)) => return Ok(Outcome::Superseded),
            };
            if self.lake.move_live(&loaded, &next).await? == Moved::Moved {
                return Ok(Outcome::Promoted);
            }
        }
        Err(PromoteError::Contended)
    }

    /// Days may have passed since the adapter was judged.
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
