//! Commits a version by hand, and keeps the live adapter in step with it.

use flywheel_base::instant::Millis;
use flywheel_lake::{ListKeys, LoadLive, LoadPointer, MoveLive, MovePointer, ReadPart, WritePart};
use flywheel_table::Amendable;
use flywheel_training::RolledBack;

use crate::amender::{AmendError, Amender, NewVersion, Request, Wish};
use crate::demotion::{self, LiveMove};
use crate::trained_on::{TrainedRun, runs_with};

/// The treatment of adapters that were trained on removed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapters {
    /// Their runs are reported.
    AreNamed,
    /// Their runs are reported, and no adapter of a rolled-back version stays or becomes live.
    AreDemoted,
}

/// The changes of an amendment, planned or carried out.
#[derive(Debug, Default)]
pub struct Changes {
    /// The new version; none if the newest one has these rows.
    pub version: Option<NewVersion>,
    /// The move of the live adapter; none if it stays.
    pub live: Option<LiveMove>,
    /// The runs that were trained on removed rows.
    pub runs: Vec<TrainedRun>,
}

impl Changes {
    /// Returns `true` if there is nothing to change.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.version.is_none() && self.live.is_none()
    }
}

/// Returns the changes that a request would make. It changes nothing.
///
/// # Errors
/// See [`AmendError`].
pub async fn plan_amendment<L, D>(
    lake: &L,
    dataset: &D,
    request: &Request,
    adapters: Adapters,
    now: fn() -> Millis,
) -> Result<Changes, AmendError>
where
    L: LoadPointer + MovePointer + WritePart + ReadPart + ListKeys + LoadLive,
    D: Amendable,
{
    let amender = Amender::new(lake, dataset, now);
    let mut changes = Changes { version: amender.plan(request).await?, ..Changes::default() };
    if let Some(to) = rolls_back_to(request, adapters) {
        let rolled_back = rolled_back(&amender, to, changes.version.as_ref()).await?;
        changes.live = demotion::plan(lake, &rolled_back, request, now()).await?;
    }
    if let Some(planned) = &changes.version {
        changes.runs = runs_with(lake, dataset, &planned.removed).await?;
    }
    Ok(changes)
}

/// Makes the changes: first the dataset, then the live adapter. Rows that came in since the plan are selected, too. The runs are
/// those of the plan.
///
/// # Why a crash in between leaves no rolled-back adapter live
/// The dataset's records are authoritative: from the commit on they name the rolled-back versions for ever. Another call
/// finds the requested rows in the dataset and reads the remaining work on the live adapter from the records. That work is
/// one conditional write of a pointer that then knows the rolled-back versions, so it is idempotent. A run may have become live
/// on a rolled-back version until then; the write moves it off again. In the other order, a rollback that could not be carried
/// out would have removed an adapter whose data stayed.
///
/// # Errors
/// See [`AmendError`].
pub async fn carry_out_amendment<L, D>(
    lake: &L,
    dataset: &D,
    request: &Request,
    (planned, adapters): (Changes, Adapters),
    now: fn() -> Millis,
) -> Result<Changes, AmendError>
where
    L: LoadPointer + MovePointer + WritePart + LoadLive + MoveLive,
    D: Amendable,
{
    let amender = Amender::new(lake, dataset, now);
    let version = amender.amend(request).await?;
    let mut changes = Changes { version, live: None, runs: planned.runs };
    if let Some(to) = rolls_back_to(request, adapters) {
        let unfinished = |error| AmendError::Unfinished(Box::new(error));
        let rolled_back = rolled_back(&amender, to, changes.version.as_ref()).await.map_err(unfinished)?;
        changes.live = demotion::demote(lake, &rolled_back, request, now).await.map_err(unfinished)?;
    }
    Ok(changes)
}

/// Returns the version that a rollback goes back to, if it demotes adapters.
fn rolls_back_to(request: &Request, adapters: Adapters) -> Option<u64> {
    match (&request.wish, adapters) {
        (Wish::RollBackTo(to), Adapters::AreDemoted) => Some(*to),
        _ => None,
    }
}

/// Returns the versions that a rollback to `to` rolls back: all later ones before the version that it commits or would commit. If
/// the newest version has these rows already, its rollback may have been interrupted after the commit; then the dataset's records
/// name them.
async fn rolled_back<L, D>(
    amender: &Amender<'_, L, D>,
    to: u64,
    made: Option<&NewVersion>,
) -> Result<Vec<RolledBack>, AmendError>
where
    L: LoadPointer + MovePointer + WritePart,
    D: Amendable,
{
    match made {
        Some(version) => Ok(vec![RolledBack { above: to, below: version.record.version }]),
        None => amender.rolled_back_since(to).await,
    }
}
