//! Answers a run whose adapter the gate has left to a person.

use aws_sdk_sfn::Client;
use flywheel_lake::{LakeError, ReadPart};
use flywheel_runtime::{aws_config, causes};
use flywheel_training::{Review, ReviewAnswer, RunName, Unusable};

/// A run that was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// The run waits for nothing.
    #[error("{0} waits for no answer")]
    NotWaiting(RunName),
    /// Its question is damaged.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// It was answered, or its time is over.
    #[error("{0} waits no more: it was answered, or its time is over")]
    Over(RunName),
    /// The workflow could not be reached.
    #[error("answer {run}: {cause}")]
    Workflow {
        /// The run.
        run: RunName,
        /// The cause of the failure.
        cause: String,
    },
    /// The answer is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The lake could not be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// Returns the question of a run that waits for an answer.
///
/// # Errors
/// See [`ReviewError`].
pub async fn open_review(lake: &impl ReadPart, run: &RunName) -> Result<Review, ReviewError> {
    let stored = lake
        .read_part(&run.review_key())
        .await
        .map_err(|error| if error.is_missing() { ReviewError::NotWaiting(run.clone()) } else { error.into() })?;
    Ok(Review::parse(&String::from_utf8_lossy(&stored))?)
}

/// Answers the run. The workflow continues with the answer and moves the live adapter itself. A second answer is refused.
///
/// # Errors
/// See [`ReviewError`].
pub async fn answer_review(review: &Review, answer: &ReviewAnswer) -> Result<(), ReviewError> {
    let output = serde_json::to_string(answer)?;
    let call = Client::new(&aws_config().await).send_task_success().task_token(&review.task_token).output(output);
    let Err(error) = call.send().await else { return Ok(()) };
    let is_over = error
        .as_service_error()
        .is_some_and(|error| error.is_task_timed_out() || error.is_task_does_not_exist() || error.is_invalid_token());
    let run = review.run.clone();
    Err(if is_over { ReviewError::Over(run) } else { ReviewError::Workflow { run, cause: causes(&error) } })
}
