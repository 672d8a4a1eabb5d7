//! The records that a freeze leaves in its commit: the pointer to store, and the version's record.

use deltalake::{DeltaTable, Path};
use flywheel_base::instant::Millis;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::rows::FilePlace;
use super::storage;
use crate::dataset::{DatasetError, Records};

/// The keys of a commit's metadata under which the records are kept.
pub(super) const POINTER_KEY: &str = "flywheel.pointer";
pub(super) const VERSION_KEY: &str = "flywheel.version";

/// One line of a commit, with the fields in use.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    commit_info: Option<Map<String, Value>>,
    add: Option<AddedFile>,
    remove: Option<RemovedFile>,
}

/// A data file that a commit adds.
#[derive(Debug, Deserialize)]
pub(super) struct AddedFile {
    pub(super) path: String,
    pub(super) size: u64,
    stats: Option<String>,
}

/// A data file that a commit removes.
#[derive(Debug, Deserialize)]
pub(super) struct RemovedFile {
    pub(super) path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileStatistics {
    num_records: Option<u64>,
}

impl AddedFile {
    /// Returns its place in the store.
    pub(super) fn place(&self) -> Result<FilePlace, DatasetError> {
        let path = Path::from_url_path(&self.path).map_err(|error| storage("read", &error))?;
        let statistics = self.stats.as_deref().and_then(|stats| serde_json::from_str::<FileStatistics>(stats).ok());
        Ok(FilePlace { path, size: self.size, rows: statistics.and_then(|statistics| statistics.num_records) })
    }
}

/// A commit, with the fields in use.
#[derive(Debug, Default)]
pub(super) struct Commit {
    pub(super) records: Option<Records>,
    pub(super) files: Vec<AddedFile>,
    pub(super) removed: Vec<RemovedFile>,
    /// The time of the commit, by the writer's clock.
    pub(super) at: Option<Millis>,
    /// Delta's name of the operation.
    pub(super) operation: Option<String>,
}

/// Returns the records of the newest commit, up to the given version, that has any: other operations on the table leave commits
/// of their own. Usually that is the newest commit, and one request.
pub(super) async fn last_records(table: &DeltaTable, version: u64) -> Result<Option<Records>, DatasetError> {
    for version in (0..=version).rev() {
        // Commits before it were cleaned up; the pointer has had their records for long.
        let Some(commit) = read_commit(table, version).await? else { return Ok(None) };
        if commit.records.is_some() {
            return Ok(commit.records);
        }
    }
    Ok(None)
}

/// Returns a version's commit; `None` if the commit is gone.
pub(super) async fn read_commit(table: &DeltaTable, version: u64) -> Result<Option<Commit>, DatasetError> {
    let log = table.log_store();
    let commit = log.read_commit_entry(version).await.map_err(|error| storage("read the log of", &error))?;
    let commit = commit.as_deref().map(parse).transpose();
    commit.map_err(|error| storage("understand the log of", &error))
}

fn parse(commit: &[u8]) -> serde_json::Result<Commit> {
    let mut parsed = Commit::default();
    for action in serde_json::Deserializer::from_slice(commit).into_iter::<Action>() {
        let Action { commit_info, add, remove } = action?;
        parsed.files.extend(add);
        parsed.removed.extend(remove);
        let Some(mut info) = commit_info else { continue };
        parsed.at = info.get("timestamp").and_then(Value::as_u64);
        parsed.operation = info.get("operation").and_then(Value::as_str).map(str::to_owned);
        let Some(pointer) = take(&mut info, POINTER_KEY)? else { continue };
        parsed.records = Some(Records { pointer, version: take(&mut info, VERSION_KEY)? });
    }
    Ok(parsed)
}

fn take<T: DeserializeOwned>(info: &mut Map<String, Value>, key: &str) -> serde_json::Result<Option<T>> {
    info.remove(key).map(serde_json::from_value).transpose()
}
