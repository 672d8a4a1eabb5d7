//! Commands on a lake: a folder, the local cloud, or AWS.
//!
//! A command takes [`LakeArguments`], and [`ChangeArguments`] if it changes something. It reports as text or, with `--json`, as
//! one JSON object. `--dry-run` does all but the change. Before the change it asks, unless it has `--yes`.
//!
//! [`LakeArguments`]: crate::arguments::LakeArguments
//! [`ChangeArguments`]: crate::arguments::ChangeArguments

pub(crate) mod adapters;
mod amendment;
mod breaker;
mod charts;
mod choice;
mod confirm;
mod contributor;
mod demotion;
pub(crate) mod diff;
mod exclude;
pub(crate) mod export;
mod forget;
pub(crate) mod held;
mod lake;
mod output;
pub(crate) mod review;
mod rollback;
pub(crate) mod show;
pub(crate) mod status;
mod trained_on;
pub(crate) mod verify;
pub(crate) mod versions;
mod window;

use std::future::Future;

pub(crate) use breaker::run as breaker;
pub(crate) use exclude::run as exclude;
pub(crate) use forget::run as forget;
pub(crate) use lake::LakeLocation;
pub(crate) use rollback::{Target, run as rollback};
pub(crate) use window::Window;

use crate::{Failure, Outcome};

/// Runs a command on a lake to its end.
pub(crate) fn run(command: impl Future<Output = Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

/// Makes free text safe to show on another operator's terminal.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '�' } else { character }).collect()
}
