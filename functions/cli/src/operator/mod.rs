//! Commands on a lake, wherever it is: a folder, the local cloud, or AWS.
//!
//! A command takes [`LakeArguments`], and [`ChangeArguments`] if it changes something. What it says, it says as text or, with
//! `--json`, as one JSON object; `--dry-run` does all but the change; and before the change it asks, or is told `--yes`.
//!
//! [`LakeArguments`]: crate::arguments::LakeArguments
//! [`ChangeArguments`]: crate::arguments::ChangeArguments

mod amendment;
mod breaker;
mod confirm;
mod contributor;
mod exclude;
mod forget;
mod lake;
mod review;
mod rollback;
mod trained_on;
mod window;

pub(crate) use breaker::run as breaker;
pub(crate) use exclude::run as exclude;
pub(crate) use forget::run as forget;
pub(crate) use lake::LakeLocation;
pub(crate) use review::{reject, release};
pub(crate) use rollback::{Target, run as rollback};
pub(crate) use window::Window;

/// What people wrote, for others to read on their terminals.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '�' } else { character }).collect()
}
