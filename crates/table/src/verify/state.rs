//! Checks the lake's small objects of state against the newest version.

use flywheel_dataset::Misfit;
use flywheel_lake::{LoadPointer, LoadedPointer};
use flywheel_log::{Breaker, Cause, Pointer};
use flywheel_training::LiveModel;

use super::{Unverifiable, misfit};

/// Checks that no version is lost where there is no dataset.
pub(super) fn check_no_version(pointer: &Pointer) -> Result<(), Misfit> {
    match pointer.version() {
        0 => Ok(()),
        lost => {
            Err(misfit(lost, "the pointer stands at it, and there is no dataset: restore the table's log".to_owned()))
        }
    }
}

/// Checks the state, as it was read before the versions. `carried` is the pointer that the newest record carries; none if no
/// version has a record.
pub(super) async fn check(
    lake: &impl LoadPointer,
    (breaker, live, stored): (&Breaker, &LiveModel, &LoadedPointer),
    carried: Option<&Pointer>,
    newest: u64,
) -> Result<(), Unverifiable> {
    let at = stored.pointer.version();
    if at > newest {
        let what = format!(
            "the pointer stands at it, and the newest version is {newest}: restore its entry in the table's log"
        );
        return Err(misfit(at, what).into());
    }
    if let Some(carried) = carried.filter(|carried| **carried != stored.pointer) {
        check_behind(lake, stored, carried).await?;
    }
    // A version's record carries the crossing that follows it, and no crossing is later than that.
    let crossing = stored.pointer.crossing;
    let crossings = breaker.changes.iter().filter_map(|change| match &change.cause {
        Cause::BeyondBounds { crossing, .. } | Cause::SoundSample { crossing, .. } => Some(*crossing),
        Cause::TimePassed | Cause::ByHand { .. } => None,
    });
    if let Some(later) = crossings.max().filter(|later| *later > crossing) {
        let what = format!("the breaker was moved at crossing {later}, and the pointer is at crossing {crossing}");
        return Err(misfit(newest, what).into());
    }
    if let Some(live) = live.adapter.as_ref().filter(|live| live.dataset.version > newest) {
        let what = format!("{} is live, which was trained on version {}", live.adapter, live.dataset.version);
        return Err(misfit(newest, what).into());
    }
    Ok(())
}

/// Checks a stored pointer that is not the newest record's. A pointer that moved since it was read belongs to a later version.
async fn check_behind(lake: &impl LoadPointer, stored: &LoadedPointer, carried: &Pointer) -> Result<(), Unverifiable> {
    if lake.load_pointer().await?.pointer != stored.pointer {
        return Ok(());
    }
    let at = stored.pointer.version();
    let what = match &stored.entity_tag {
        None => "state/pointer.json is gone: restore it".to_owned(),
        Some(_) if at < carried.version() => format!(
            "state/pointer.json stands at version {at}: this version's maker is at work, or died before it moved the pointer; the next \
             freeze or command moves it"
        ),
        Some(_) => format!(
            "state/pointer.json stands at version {at} and is not the pointer that the newest record carries: restore it, or the newest \
             entry of the table's log"
        ),
    };
    Err(misfit(carried.version(), what).into())
}
