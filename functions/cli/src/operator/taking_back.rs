//! What a rollback of the dataset does to what is live.

use std::fmt::Write as _;

use flywheel_core::training::{LiveAdapter, LiveModel, RunName, TakenBack};
use flywheel_dataset::{Amender, DeltaDataset, NewVersion};
use flywheel_lake::{LoadLive, MoveLive, Moved};
use flywheel_runtime::now;
use serde::Serialize;

use super::lake::{OperatorLake, unusable};
use crate::Failure;
use crate::arguments::ChangeArguments;

/// How often it is tried to move what is live, if others move it at the same time. They are people, or one run.
const ATTEMPTS: u32 = 5;

/// What becomes of what is live: `from` and `to` are the same where only runs are concerned that are under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LiveMove {
    /// The adapter that was live, by its run; none: the bare base.
    from: Option<RunName>,
    /// The one that is live then.
    to: Option<RunName>,
    /// The dataset versions that nothing that was trained on them becomes live of.
    taken_back: Vec<TakenBack>,
}

impl LiveMove {
    fn of(from: &LiveModel, to: &LiveModel, taken_back: &[TakenBack]) -> Self {
        let name = |live: &LiveModel| live.adapter.as_ref().map(|LiveAdapter { adapter, .. }| adapter.clone());
        Self { from: name(from), to: name(to), taken_back: taken_back.to_vec() }
    }

    /// For people; `is`, or `would be`.
    pub(crate) fn as_text(&self, is: &str) -> String {
        let named = |run: &Option<RunName>| run.as_ref().map_or_else(|| "the bare base".to_owned(), RunName::to_string);
        let (from, to) = (named(&self.from), named(&self.to));
        let mut text = if from == to {
            format!("  {to} {is} live as before\n")
        } else {
            format!("  {to} {is} live instead of {from}, which was trained on what is taken back\n")
        };
        for versions in &self.taken_back {
            let _ = writeln!(text, "  no run on dataset {versions} becomes live");
        }
        text
    }
}

/// What going back to a version takes back: all that lies before the version that was made for it, or would be. Where none was to be made,
/// because the newest one has these rows, whoever made that one may have died right after: then the dataset's records say it.
pub(crate) async fn taken_back(
    amender: &Amender<'_, OperatorLake, DeltaDataset>,
    went_back_to: u64,
    made: Option<&NewVersion>,
) -> Result<Vec<TakenBack>, Failure> {
    match made {
        Some(version) => Ok(vec![TakenBack { above: went_back_to, below: version.record.version }]),
        None => amender.taken_back_since(went_back_to).await.map_err(unusable),
    }
}

/// What would become of what is live; none: it knows of all of it already.
pub(crate) async fn plan(
    lake: &impl LoadLive,
    taken_back: &[TakenBack],
    change: &ChangeArguments,
) -> Result<Option<LiveMove>, Failure> {
    let live = lake.load_live().await.map_err(unusable)?.live;
    let next = live.rolled_back(taken_back, &change.by, &change.why, now());
    Ok(next.map(|next| LiveMove::of(&live, &next, taken_back)))
}

/// Moves what is live; none: it knew of all of it already. Whoever else moves it at the same time, a run that is promoted or a person, either
/// comes before, and is seen and taken back if need be, or after, and then the core refuses what was taken back.
pub(crate) async fn take_back(
    lake: &(impl LoadLive + MoveLive),
    taken_back: &[TakenBack],
    change: &ChangeArguments,
) -> Result<Option<LiveMove>, Failure> {
    for _ in 0..ATTEMPTS {
        let loaded = lake.load_live().await.map_err(unusable)?;
        let Some(next) = loaded.live.rolled_back(taken_back, &change.by, &change.why, now()) else { return Ok(None) };
        if lake.move_live(&loaded, &next).await.map_err(unusable)? == Moved::Moved {
            return Ok(Some(LiveMove::of(&loaded.live, &next, taken_back)));
        }
    }
    Err(unusable("what is live is moved by others all the time"))
}
