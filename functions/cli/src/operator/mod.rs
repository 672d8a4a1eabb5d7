//! Commands on a lake, wherever it is: a folder, the local cloud, or AWS.
//!
//! A command takes [`LakeArguments`], and [`ChangeArguments`] if it changes something. What it says, it says as text or, with
//! `--json`, as one JSON object; `--dry-run` does all but the change; and before the change it asks, or is told `--yes`.
//!
//! [`LakeArguments`]: crate::arguments::LakeArguments
//! [`ChangeArguments`]: crate::arguments::ChangeArguments

mod adapters;
mod breaker;
mod confirm;
mod lake;
mod review;

use std::future::Future;

use flywheel_core::training::ReviewDecision;

use crate::arguments::{DemoteArguments, LakeArguments, ReviewArguments};
use crate::{Failure, Outcome};

pub(crate) use breaker::run as breaker;
pub(crate) use lake::LakeLocation;

/// `flywheel adapters`.
pub(crate) fn adapters(arguments: &LakeArguments) -> Result<Outcome, Failure> {
    block_on(adapters::list(arguments))
}

/// `flywheel demote`.
pub(crate) fn demote(arguments: &DemoteArguments) -> Result<Outcome, Failure> {
    block_on(adapters::demote(arguments))
}

/// `flywheel promote` and `flywheel reject`.
pub(crate) fn answer(arguments: &ReviewArguments, decision: ReviewDecision) -> Result<Outcome, Failure> {
    block_on(review::answer(arguments, decision))
}

fn block_on(command: impl Future<Output = Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

/// What people wrote, and others read on their terminals.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '�' } else { character }).collect()
}
