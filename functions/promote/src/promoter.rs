use flywheel_core::training::{RunName, Unusable};
use flywheel_core::{Millis, Policy};
use flywheel_lake::{LakeError, LoadLive, MoveLive, ReadPart, ReplaceObject, VisitObject, WritePart};
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
}

/// What the workflow asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Judge the adapter.
    Evaluate {
        /// The run.
        run: RunName,
        /// Where the trainer says that it has put the adapter: a folder of the run, or its URL.
        output: String,
    },
    /// Leave the question for a person.
    Ask {
        /// The run.
        run: RunName,
        /// By which the workflow takes the answer.
        task_token: String,
    },
    /// Make the adapter live.
    Promote {
        /// The run.
        run: RunName,
        /// The person who says so; none: the gate does.
        who: Option<String>,
        /// Why they say so.
        why: Option<String>,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To `evaluate`.
    Evaluated(Evaluated),
    /// To `ask`.
    Asked(Asked),
    /// To `promote`.
    Promoted(Promoted),
}

/// A step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// There is no description of the run.
    #[error("run {0} was not prepared")]
    NotPrepared(RunName),
    /// The trainer has left no report.
    #[error("run {0} has no output/run.json: the trainer did not finish")]
    NoOutput(RunName),
    /// The trainer's output is not in the run's folder.
    #[error("the output of run {0} is not in its folder")]
    ForeignOutput(RunName),
    /// A file of the contract is not what it has to be.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// There is no verdict that lets the adapter through.
    #[error("nothing says that the adapter of run {0} may be live")]
    NotPassed(RunName),
    /// The adapter is not the one that was judged.
    #[error("the adapter of run {0} was changed since it was judged")]
    AdapterChanged(RunName),
    /// What is live was moved by somebody else each time that it was to be moved.
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
    /// A promoter of the runs in `lake`, by the bounds of `policy`.
    pub fn new(lake: L, policy: Policy, now: fn() -> Millis) -> Self {
        Self { lake, policy, now }
    }

    /// Takes a step. Each may be taken any number of times.
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

    /// Reads an object; `None` if there is none.
    pub(crate) async fn stored(&self, key: &str) -> Result<Option<Vec<u8>>, LakeError> {
        match self.lake.read_part(key).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
