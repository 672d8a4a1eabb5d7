use flywheel_gate::Ruling;
use flywheel_lake::{LoadLive, MoveLive, ReadPart, ReplaceObject, VisitObject, WritePart};
use flywheel_runtime::Metric;
use flywheel_training::{Review, RunName, Unusable};
use serde::Serialize;

use crate::promoter::{PromoteError, Promoter};

/// The question is in the run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The run.
    pub run: RunName,
}

impl<L> Promoter<L>
where
    L: ReadPart + WritePart + VisitObject + ReplaceObject + LoadLive + MoveLive,
{
    /// Writes the question for an operator. The workflow waits for the callback with a task token. If the workflow asks again,
    /// the earlier token is invalid, so the newest question replaces the earlier one.
    pub(crate) async fn ask(&self, run: &RunName, task_token: String) -> Result<Asked, PromoteError> {
        let verdict = self.verdict(run).await?.filter(|verdict| verdict.ruling == Ruling::Review);
        let verdict = verdict.ok_or_else(|| PromoteError::NotPassed(run.clone()))?;
        let review = Review { run: run.clone(), task_token, asked_at: (self.now)(), reasons: verdict.reasons };
        let json = serde_json::to_string_pretty(&review)
            .map_err(|error| Unusable { file: "review.json".to_owned(), problem: error.to_string() })?;
        self.lake.replace_object(&run.review_key(), json + "\n").await?;
        self.metrics.record(Metric::ReviewsAsked, 1);
        tracing::info!(run = run.as_str(), "a person is asked");
        Ok(Asked { run: run.clone() })
    }
}
