//! `flywheel promote` and `flywheel reject`: an operator's answer about an adapter that the gate has left to a person.

use flywheel_operator::{LakeLocation, OperatorLake, answer_review, open_review};
use flywheel_training::{Review, ReviewAnswer, ReviewDecision, RunName};
use serde::Serialize;

use super::confirm::confirm;
use super::output::print;
use super::unusable;
use crate::arguments::{ChangeArguments, ReviewArguments};
use crate::marked::one_line;
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
    let review = open_review(&OperatorLake::open(&on.lake).await?, run).await.map_err(unusable)?;
    if !dry_run {
        if !yes {
            confirm(&question(&review, decision))?;
        }
        let answer = ReviewAnswer { decision, who: by.clone(), why: why.clone() };
        answer_review(&review, &answer).await.map_err(unusable)?;
    }
    let (answered, reasons) = (!dry_run, review.reasons.as_slice());
    let report = Report { lake: on.lake.to_string(), run, decision, answered, dry_run: *dry_run, reasons };
    print(on, &report, |report| {
        let verb = if report.dry_run { "would be answered" } else { "is answered" };
        format!("{run} {verb}: {}\n", word(decision))
    })
}

fn question(review: &Review, decision: ReviewDecision) -> String {
    let reasons = review.reasons.iter().map(|reason| format!("  {}\n", one_line(reason))).collect::<String>();
    format!("{} was left to a person:\n{reasons}{} it?", review.run, word(decision))
}

fn word(decision: ReviewDecision) -> &'static str {
    match decision {
        ReviewDecision::Promote => "promote",
        ReviewDecision::Reject => "reject",
    }
}
