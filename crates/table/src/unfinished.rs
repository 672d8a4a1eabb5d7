use flywheel_dataset::VersionRecord;
use flywheel_lake::{LakeError, LoadedPointer, MovePointer, WritePart};

use crate::dataset::{Dataset, DatasetError, Loaded, Records};

/// Finishes a version whose maker died after the commit: its held pairs go to quarantine, then the pointer moves. `true` if there
/// was such a version: the loaded state is outdated, so look again.
///
/// Every committer does this first, so that none commits past an unfinished version. Pointer and held pairs follow from the
/// commit. So any number of processes may finish it, any number of times: the result is the same, and the pointer moves once.
///
/// # Errors
/// [`DatasetError::LostVersion`] if the pointer is ahead of the dataset; or if either cannot be read or written.
pub async fn finish<L, D, E>(
    lake: &L,
    dataset: &D,
    stored: &LoadedPointer,
    loaded: &Loaded<D::Snapshot>,
) -> Result<bool, E>
where
    L: WritePart + MovePointer,
    D: Dataset,
    E: From<LakeError> + From<DatasetError>,
{
    check_that_none_is_lost(stored, loaded)?;
    let Some(ahead) = ahead(stored, loaded) else { return Ok(false) };
    if let Some(version) = &ahead.version {
        publish_held::<L, D, E>(lake, dataset, &loaded.snapshot, version).await?;
    }
    lake.move_pointer(stored, &ahead.pointer).await?;
    Ok(true)
}

/// Checks that no version is lost. The pointer was read first, and moves after the commit. So a version that it stands at
/// existed; if it is missing now, it is lost.
///
/// # Errors
/// [`DatasetError::LostVersion`] if it is.
pub fn check_that_none_is_lost<S>(stored: &LoadedPointer, loaded: &Loaded<S>) -> Result<(), DatasetError> {
    let (pointer, newest) = (stored.pointer.version(), loaded.version);
    if pointer > newest { Err(DatasetError::LostVersion { pointer, newest }) } else { Ok(()) }
}

/// Returns the records of the newest version, if the pointer does not stand at it yet.
#[must_use]
pub fn ahead<'l, S>(stored: &LoadedPointer, loaded: &'l Loaded<S>) -> Option<&'l Records> {
    loaded.last_freeze.as_ref().filter(|last| last.pointer.version() > stored.pointer.version())
}

/// Writes the part of quarantined pairs of a committed version, if it has one and the part is missing.
async fn publish_held<L: WritePart, D: Dataset, E: From<LakeError> + From<DatasetError>>(
    lake: &L,
    dataset: &D,
    snapshot: &D::Snapshot,
    version: &VersionRecord,
) -> Result<(), E> {
    let Some(held) = &version.held else { return Ok(()) };
    let body = dataset.get_object(snapshot, &held.staged).await?;
    let damaged = |_| DatasetError::Storage { action: "read the held pairs of", cause: "not UTF-8".to_owned() };
    let body = String::from_utf8(body).map_err(damaged)?;
    Ok(lake.write_part(&held.key, body).await?)
}
