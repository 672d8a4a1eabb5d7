//! The effect of a dataset's rollback on the live adapter.

use flywheel_base::instant::Millis;
use flywheel_lake::{LoadLive, MoveLive, Moved};
use flywheel_training::{LiveAdapter, LiveModel, RolledBack, RunName};
use serde::Serialize;

use crate::amender::{AmendError, Request};

/// The number of attempts to move the live adapter while others move it. The others are operators or one run.
const ATTEMPTS: u32 = 5;

/// A move of the live adapter. `from` and `to` are equal if only runs under way are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveMove {
    /// The run of the adapter that was live; none for the bare base.
    pub from: Option<RunName>,
    /// The run of the next live adapter; none for the bare base.
    pub to: Option<RunName>,
    /// The rolled-back dataset versions. No adapter trained on them becomes live any more.
    pub taken_back: Vec<RolledBack>,
}

impl LiveMove {
    fn of(from: &LiveModel, to: &LiveModel, rolled_back: &[RolledBack]) -> Self {
        let name = |live: &LiveModel| live.adapter.as_ref().map(|LiveAdapter { adapter, .. }| adapter.clone());
        Self { from: name(from), to: name(to), taken_back: rolled_back.to_vec() }
    }
}

/// Returns the planned move; none if the live adapter's pointer knows of all rolled-back versions already.
pub(crate) async fn plan(
    lake: &impl LoadLive,
    rolled_back: &[RolledBack],
    request: &Request,
    now: Millis,
) -> Result<Option<LiveMove>, AmendError> {
    let live = lake.load_live().await?.live;
    let next = live.rolled_back(rolled_back, &request.by, &request.why, now);
    Ok(next.map(|next| LiveMove::of(&live, &next, rolled_back)))
}

/// Moves the live adapter; returns none if its pointer knew of all rolled-back versions. A concurrent move, by a promoted run or
/// an operator, either comes first and is seen and rolled back if necessary, or comes later, and the core refuses a rolled-back
/// version.
pub(crate) async fn demote(
    lake: &(impl LoadLive + MoveLive),
    rolled_back: &[RolledBack],
    request: &Request,
    now: fn() -> Millis,
) -> Result<Option<LiveMove>, AmendError> {
    for _ in 0..ATTEMPTS {
        let loaded = lake.load_live().await?;
        let Some(next) = loaded.live.rolled_back(rolled_back, &request.by, &request.why, now()) else {
            return Ok(None);
        };
        if lake.move_live(&loaded, &next).await? == Moved::Moved {
            return Ok(Some(LiveMove::of(&loaded.live, &next, rolled_back)));
        }
    }
    Err(AmendError::LiveContended)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use flywheel_lake::{LakeError, LoadedLive, MemoryLake};
    use flywheel_training::{DatasetVersion, LiveCause, Sha256Hex};

    use super::*;
    use crate::amender::Wish;

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

    fn request() -> Request {
        Request { wish: Wish::RollBackTo(1), by: "kim".to_owned(), why: "poisoned".to_owned() }
    }

    #[tokio::test]
    async fn what_others_move_meanwhile_is_seen_and_rolled_back_as_well() {
        let lake = MemoryLake::default();
        promote(&lake, 1).await;
        promote(&lake, 3).await;
        let busy = Busy { lake: lake.clone(), runs: AtomicU64::new(2) };
        let rolled_back_to_1 = [RolledBack { above: 1, below: 99 }];
        let planned = plan(&busy, &rolled_back_to_1, &request(), 1).await.unwrap().unwrap();
        assert_eq!(planned.taken_back, rolled_back_to_1);
        let moved = demote(&busy, &rolled_back_to_1, &request(), || 1).await.unwrap().unwrap();
        let run = |name: &str| Some(name.parse::<RunName>().unwrap());
        assert_eq!((moved.from, moved.to), (run("run-13"), run("run-1")), "two runs became live meanwhile");
        assert_eq!(demote(&busy, &rolled_back_to_1, &request(), || 1).await.unwrap(), None);
        let changes = lake.load_live().await.unwrap().live.changes;
        assert_eq!((changes.len(), changes[4].cause == LiveCause::Gate), (5, false));
    }

    #[tokio::test]
    async fn it_does_not_go_on_for_ever() {
        let busy = Busy { lake: MemoryLake::default(), runs: AtomicU64::new(ATTEMPTS.into()) };
        let error = demote(&busy, &[RolledBack { above: 1, below: 99 }], &request(), || 1).await.unwrap_err();
        assert!(matches!(error, AmendError::LiveContended), "{error}");
        assert!(busy.lake.load_live().await.unwrap().live.taken_back.is_empty());
    }
}
