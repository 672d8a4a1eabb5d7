//! `flywheel promote` and `flywheel reject`: an operator's answer about an adapter that the gate has left to a person.

use aws_sdk_sfn::Client;
use flywheel_lake::ReadPart as _;
use flywheel_runtime::{aws_config, causes};
use flywheel_training::{Review, ReviewAnswer, ReviewDecision, RunName};
use serde::Serialize;

use super::confirm::confirm;
use super::lake::{LakeLocation, OperatorLake, unusable};
use super::output::print;
use crate::arguments::{ChangeArguments, ReviewArguments};
use crate::{Failure, Outcome};

/// The commands' report, printed as JSON.
#[derive(Serialize)]
struct Report<'r> {
    lake: String,
    run: &'r RunName,
    decision: ReviewDecision,
    answered: bool,
    dry_run: bool,
    reasons: &'r [String],
}

/// Answers the run. The workflow continues with the answer and moves the live adapter itself; `flywheel adapters` shows the
/// result.
pub(crate) async fn answer(arguments: &ReviewArguments, decision: ReviewDecision) -> Result<Outcome, Failure> {
    let ReviewArguments { run, change } = arguments;
    let ChangeArguments { on, why, by, dry_run, yes } = change;
    if matches!(on.lake, LakeLocation::Folder(_)) {
        return Err(Failure::Unusable(
            "runs are answered in a lake that is a bucket: in a folder none waits".to_owned(),
        ));
    }
    let review = asked(&OperatorLake::open(&on.lake).await?, run).await?;
    if !dry_run {
        if !yes {
            confirm(&question(&review, decision))?;
        }
        let answer = ReviewAnswer { decision, who: by.clone(), why: why.clone() };
        send(&review, &answer).await?;
    }
    let (answered, reasons) = (!dry_run, review.reasons.as_slice());
    let report = Report { lake: on.lake.to_string(), run, decision, answered, dry_run: *dry_run, reasons };
    print(on, &report, |report| {
        let verb = if report.dry_run { "would be answered" } else { "is answered" };
        format!("{run} {verb}: {}\n", word(decision))
    })
}

async fn asked(lake: &OperatorLake, run: &RunName) -> Result<Review, Failure> {
    let stored = lake.read_part(&run.review_key()).await.map_err(|error| {
        if error.is_missing() { Failure::Unusable(format!("{run} waits for no answer")) } else { unusable(error) }
    })?;
    Review::parse(&String::from_utf8_lossy(&stored)).map_err(unusable)
}

fn question(review: &Review, decision: ReviewDecision) -> String {
    let reasons = review.reasons.iter().map(|reason| format!("  {reason}\n")).collect::<String>();
    format!("{} was left to a person:\n{reasons}{} it?", review.run, word(decision))
}

fn word(decision: ReviewDecision) -> &'static str {
    match decision {
        ReviewDecision::Promote => "promote",
        ReviewDecision::Reject => "reject",
    }
}

async fn send(review: &Review, answer: &ReviewAnswer) -> Result<(), Failure> {
    let output = serde_json::to_string(answer)?;
    let call = Client::new(&aws_config().await).send_task_success().task_token(&review.task_token).output(output);
    let Err(error) = call.send().await else { return Ok(()) };
    let is_over = error
        .as_service_error()
        .is_some_and(|error| error.is_task_timed_out() || error.is_task_does_not_exist() || error.is_invalid_token());
    Err(Failure::Unusable(if is_over {
        format!("{} waits no more: it was answered, or its time is over", review.run)
    } else {
        format!("answer {}: {}", review.run, causes(&error))
    }))
}
