use flywheel_base::instant::Millis;
use flywheel_lake::{LakeError, LoadLive, MoveLive, ReadPart, ReplaceObject, VisitObject, WritePart};
use flywheel_policy::Policy;
use flywheel_runtime::Metrics;
use flywheel_training::{RunName, Unusable};
use serde::{Deserialize, Serialize};

use crate::ask::Asked;
use crate::evaluate::Evaluated;
use crate::promote::Promoted;

/// Evaluates and promotes adapters.
#[derive(Debug)]
pub struct Promoter<L> {
    pub(crate) lake: L,
    pub(crate) policy: Policy,
    pub(crate) now: fn() -> Millis,
    pub(crate) metrics: Metrics,
}

/// The workflow's request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Evaluate the adapter.
    Evaluate {
        /// The run.
        run: RunName,
        /// The adapter's folder by the trainer: a folder of the run, or its URL.
        output: String,
    },
    /// Write the question for an operator.
    Ask {
        /// The run.
        run: RunName,
        /// The token of the workflow's task-token callback.
        task_token: String,
    },
    /// Make the adapter live.
    Promote {
        /// The run.
        run: RunName,
        /// The operator who approved; none for the gate.
        who: Option<String>,
        /// The operator's reason.
        why: Option<String>,
    },
}

/// The answer to a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The answer to `evaluate`.
    Evaluated(Evaluated),
    /// The answer to `ask`.
    Asked(Asked),
    /// The answer to `promote`.
    Promoted(Promoted),
}

/// A step failed.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// The run has no description.
    #[error("run {0} was not prepared")]
    NotPrepared(RunName),
    /// The trainer has left no report.
    #[error("run {0} has no output/run.json: the trainer did not finish")]
    NoOutput(RunName),
    /// The trainer's output is not in the run's folder.
    #[error("the output of run {0} is not in its folder")]
    ForeignOutput(RunName),
    /// A file of the contract is invalid.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// No verdict lets the adapter through.
    #[error("nothing says that the adapter of run {0} may be live")]
    NotPassed(RunName),
    /// The adapter is not the one that was evaluated.
    #[error("the adapter of run {0} was changed since it was judged")]
    AdapterChanged(RunName),
    /// The live adapter was moved by another process on every attempt.
    #[error("what is live is moved by others all the time")]
    Contended,
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl<L> Promoter<L>
where
    L: ReadPart + WritePart + VisitObject + ReplaceObject + LoadLive + MoveLive,
{
    /// Creates a promoter of the runs in `lake`, by the bounds of `policy`.
    pub fn new(lake: L, policy: Policy, now: fn() -> Millis) -> Self {
        Self { lake, policy, now, metrics: Metrics::default() }
    }

    /// Records each question to an operator.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Takes a step. Each is idempotent.
    ///
    /// # Errors
    /// A [`PromoteError`].
    pub async fn take(&self, step: Step) -> Result<Answer, PromoteError> {
        Ok(match step {
            Step::Evaluate { run, output } => Answer::Evaluated(self.evaluate(&run, &output).await?),
            Step::Ask { run, task_token } => Answer::Asked(self.ask(&run, task_token).await?),
            Step::Promote { run, who, why } => {
                let by_hand = who.map(|who| (who, why.unwrap_or_default()));
                Answer::Promoted(self.promote(&run, by_hand).await?)
            }
        })
    }

    /// Reads an object; returns `None` if it does not exist.
    pub(crate) async fn stored(&self, key: &str) -> Result<Option<Vec<u8>>, LakeError> {
        match self.lake.read_part(key).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
