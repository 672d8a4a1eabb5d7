//! Commands on a lake: a folder, the local cloud, or AWS. `flywheel-operator` has what each does to the lake; here it is parsed, shown and
//! confirmed.
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
pub(crate) mod diff;
mod exclude;
pub(crate) mod export;
mod forget;
pub(crate) mod held;
mod last_run;
mod moves;
mod output;
pub(crate) mod review;
mod rollback;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod versions;
mod window;

use std::fmt::Display;
use std::future::Future;

pub(crate) use breaker::run as breaker;
pub(crate) use exclude::run as exclude;
pub(crate) use forget::run as forget;
pub(crate) use rollback::{Target, run as rollback};
pub(crate) use window::Window;

use crate::{Failure, Outcome};

/// Runs a command on a lake to its end. It does not wait for work that the command gave up, such as a checkpoint on a store that does
/// not answer.
pub(crate) fn run(command: impl Future<Output = Result<Outcome, Failure>>) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_background();
    outcome
}

/// Returns the failure of an operation that could not be carried out.
fn unusable(error: impl Display) -> Failure {
    Failure::Unusable(error.to_string())
}
