//! Reads the objects beside the table that a version's record names.

use flywheel_dataset::{Background, VersionRecord};

use crate::dataset::{Dataset, DatasetError};

/// Returns the background of phrases after a version; an empty one without a record.
///
/// # Errors
/// [`DatasetError::Damaged`] if its bytes are none; or if it cannot be read.
pub async fn background_of<D: Dataset>(
    dataset: &D,
    snapshot: &D::Snapshot,
    record: Option<&VersionRecord>,
) -> Result<Background, DatasetError> {
    let Some(record) = record else { return Ok(Background::default()) };
    let bytes = dataset.get_object(snapshot, &record.background).await?;
    let damaged = |_| DatasetError::Damaged { what: "background of phrases", version: record.version };
    Background::from_bytes(&bytes).map_err(damaged)
}

/// Returns the pairs that wait after a version, a line for each; an empty text if none wait.
///
/// # Errors
/// [`DatasetError::Damaged`] if they are no text; or if they cannot be read.
pub async fn waiting_after<D: Dataset>(
    dataset: &D,
    snapshot: &D::Snapshot,
    record: Option<&VersionRecord>,
) -> Result<String, DatasetError> {
    let Some((record, waiting)) = record.and_then(|record| Some((record, record.waiting.as_ref()?))) else {
        return Ok(String::new());
    };
    let bytes = dataset.get_object(snapshot, &waiting.object).await?;
    String::from_utf8(bytes).map_err(|_| DatasetError::damaged_waiting(record.version))
}
