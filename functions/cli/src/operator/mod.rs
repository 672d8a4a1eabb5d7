//! Commands on a lake, wherever it is: a folder, the local cloud, or AWS.
//!
//! A command takes [`LakeArguments`], and [`ChangeArguments`] if it changes something. What it says, it says as text or, with
//! `--json`, as one JSON object; `--dry-run` does all but the change; and before the change it asks, or is told `--yes`.
//!
//! [`LakeArguments`]: crate::arguments::LakeArguments
//! [`ChangeArguments`]: crate::arguments::ChangeArguments

pub(crate) mod adapters;
mod breaker;
mod charts;
mod choice;
mod confirm;
pub(crate) mod diff;
pub(crate) mod export;
mod lake;
mod output;
pub(crate) mod review;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod versions;

use std::future::Future;

pub(crate) use breaker::run as breaker;
pub(crate) use lake::LakeLocation;

use crate::{Failure, Outcome};

/// Runs a command on a lake to its end.
pub(crate) fn run(command: impl Future<Output = Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

/// What people wrote, as others may read it on their terminals.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '�' } else { character }).collect()
}
