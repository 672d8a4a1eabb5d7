//! The record that a freeze leaves in its commit: what the pointer is to be moved to.

use deltalake::DeltaTable;
use flywheel_core::Pointer;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::storage;
use crate::dataset::DatasetError;

/// The key of a commit's metadata under which the record is kept.
pub(super) const RECORD_KEY: &str = "flywheel.pointer";

/// One line of a commit, as far as it may hold a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    commit_info: Option<Map<String, Value>>,
}

/// The record of the newest commit, up to the given version, that has one: other operations on the table leave commits of
/// their own. Most often that is the newest commit, and one request.
pub(super) async fn last_record(table: &DeltaTable, version: u64) -> Result<Option<Pointer>, DatasetError> {
    let log = table.log_store();
    for version in (0..=version).rev() {
        let commit = log.read_commit_entry(version).await.map_err(|error| storage("read the log of", &error))?;
        // Commits before it were cleaned up by somebody; what they recorded is long in the pointer.
        let Some(commit) = commit else { return Ok(None) };
        if let Some(record) = record_of(&commit).map_err(|error| storage("understand the log of", &error))? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn record_of(commit: &[u8]) -> serde_json::Result<Option<Pointer>> {
    for action in serde_json::Deserializer::from_slice(commit).into_iter::<Action>() {
        let record = action?.commit_info.and_then(|mut info| info.remove(RECORD_KEY));
        if let Some(record) = record {
            return serde_json::from_value(record).map(Some);
        }
    }
    Ok(None)
}
