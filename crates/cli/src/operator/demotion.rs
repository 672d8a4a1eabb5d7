//! The effect of a dataset's rollback on the live adapter.

use std::fmt::Write as _;

use flywheel_lake::{LoadLive, MoveLive, Moved};
use flywheel_runtime::now;
use flywheel_table::{Amender, DeltaDataset, NewVersion};
use flywheel_training::{LiveAdapter, LiveModel, RolledBack, RunName};
use serde::Serialize;

use super::lake::{OperatorLake, unusable};
use crate::Failure;
use crate::arguments::ChangeArguments;

/// The number of attempts to move the live adapter while others move it. The others are operators or one run.
const ATTEMPTS: u32 = 5;

/// A move of the live adapter. `from` and `to` are equal if only runs under way are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LiveMove {
    /// The run of the adapter that was live; none for the bare base.
    from: Option<RunName>,
    /// The run of the next live adapter; none for the bare base.
    to: Option<RunName>,
    /// The rolled-back dataset versions. No adapter trained on them becomes live any more.
    taken_back: Vec<RolledBack>,
}

impl LiveMove {
    fn of(from: &LiveModel, to: &LiveModel, taken_back: &[RolledBack]) -> Self {
        let name = |live: &LiveModel| live.adapter.as_ref().map(|LiveAdapter { adapter, .. }| adapter.clone());
        Self { from: name(from), to: name(to), taken_back: taken_back.to_vec() }
    }

    /// Returns the move as text; `is` is "is" or "would be".
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

/// Returns the versions that going back to `went_back_to` rolls back: all later ones before the version that the rollback commits
/// or would commit. If the newest version has these rows already, its rollback may have been interrupted after the commit; then
/// the dataset's records name them.
pub(crate) async fn taken_back(
    amender: &Amender<'_, OperatorLake, DeltaDataset>,
    went_back_to: u64,
    made: Option<&NewVersion>,
) -> Result<Vec<RolledBack>, Failure> {
    match made {
        Some(version) => Ok(vec![RolledBack { above: went_back_to, below: version.record.version }]),
        None => amender.taken_back_since(went_back_to).await.map_err(unusable),
    }
}

/// Returns the planned move; none if the live adapter's pointer knows of all rolled-back versions already.
pub(crate) async fn plan(
    lake: &impl LoadLive,
    taken_back: &[RolledBack],
    change: &ChangeArguments,
) -> Result<Option<LiveMove>, Failure> {
    let live = lake.load_live().await.map_err(unusable)?.live;
    let next = live.rolled_back(taken_back, &change.by, &change.why, now());
    Ok(next.map(|next| LiveMove::of(&live, &next, taken_back)))
}

/// Moves the live adapter; returns none if its pointer knew of all rolled-back versions. A concurrent move, by a promoted run or
/// an operator, either comes first and is seen and rolled back if necessary, or comes later, and the core refuses a rolled-back
/// version.
pub(crate) async fn demote_rolled_back(
    lake: &(impl LoadLive + MoveLive),
    taken_back: &[RolledBack],
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use flywheel_lake::{LakeError, LoadedLive, MemoryLake};
    use flywheel_training::{DatasetVersion, LiveCause, Sha256Hex};

    use super::*;

    /// A lake in which this many runs become live during the move: one after each load.
    struct Busy {
        lake: MemoryLake,
        runs: AtomicU64,
    }

    impl LoadLive for Busy {
        async fn load_live(&self) -> Result<LoadedLive, LakeError> {
            let loaded = self.lake.load_live().await?;
            let left = self.runs.load(Ordering::Relaxed);
            if left > 0 {
                self.runs.store(left - 1, Ordering::Relaxed);
                promote(&self.lake, 10 + loaded.live.changes.len() as u64).await;
            }
            Ok(loaded)
        }
    }

    impl MoveLive for Busy {
        async fn move_live(&self, from: &LoadedLive, to: &LiveModel) -> Result<Moved, LakeError> {
            self.lake.move_live(from, to).await
        }
    }

    async fn promote(lake: &MemoryLake, version: u64) {
        let loaded = lake.load_live().await.unwrap();
        let adapter = LiveAdapter {
            adapter: format!("run-{version}").parse().unwrap(),
            prefix: format!("runs/run-{version}/output/"),
            sha256: Sha256Hex::of(b"weights"),
            config_sha256: Sha256Hex::of(b"configuration"),
            base: "tiny".to_owned(),
            dataset: DatasetVersion { version, digest: None },
        };
        let next = loaded.live.promoted(adapter, loaded.live.incumbent().as_ref(), LiveCause::Gate, 1).unwrap();
        assert_eq!(lake.move_live(&loaded, &next).await.unwrap(), Moved::Moved);
    }

    fn change() -> ChangeArguments {
        let on = crate::arguments::LakeArguments { lake: "a-folder".parse().unwrap(), json: false };
        ChangeArguments { on, why: "poisoned".to_owned(), by: "kim".to_owned(), dry_run: false, yes: true }
    }

    #[tokio::test]
    async fn what_others_move_meanwhile_is_seen_and_taken_back_as_well() {
        let lake = MemoryLake::default();
        promote(&lake, 1).await;
        promote(&lake, 3).await;
        let busy = Busy { lake: lake.clone(), runs: AtomicU64::new(2) };
        let taken_back_to_1 = [RolledBack { above: 1, below: 99 }];
        let planned = plan(&busy, &taken_back_to_1, &change()).await.unwrap().unwrap();
        assert_eq!(planned.as_text("would be").lines().count(), 2);
        let moved = demote_rolled_back(&busy, &taken_back_to_1, &change()).await.unwrap().unwrap();
        let run = |name: &str| Some(name.parse::<RunName>().unwrap());
        assert_eq!((moved.from, moved.to), (run("run-13"), run("run-1")), "two runs became live meanwhile");
        assert_eq!(demote_rolled_back(&busy, &taken_back_to_1, &change()).await.unwrap(), None);
        let changes = lake.load_live().await.unwrap().live.changes;
        assert_eq!((changes.len(), changes[4].cause == LiveCause::Gate), (5, false));
    }

    #[tokio::test]
    async fn it_does_not_go_on_for_ever() {
        let busy = Busy { lake: MemoryLake::default(), runs: AtomicU64::new(ATTEMPTS.into()) };
        let error = demote_rolled_back(&busy, &[RolledBack { above: 1, below: 99 }], &change()).await.unwrap_err();
        assert!(error.to_string().contains("moved by others"), "{error}");
        assert!(busy.lake.load_live().await.unwrap().live.taken_back.is_empty());
    }
}
