//! Commands on a lake, wherever it is: a folder, the local cloud, or AWS.
//!
//! A command takes [`LakeArguments`], and [`ChangeArguments`] if it changes something. What it says, it says as text or, with
//! `--json`, as one JSON object; `--dry-run` does all but the change; and before the change it asks, or is told `--yes`.
//!
//! [`LakeArguments`]: crate::arguments::LakeArguments
//! [`ChangeArguments`]: crate::arguments::ChangeArguments

mod breaker;
mod confirm;
mod lake;

pub(crate) use breaker::run as breaker;
pub(crate) use lake::LakeLocation;
