//! Finds the training runs that used given rows.

use std::collections::{BTreeMap, HashSet};

use flywheel_dataset::GoldLine;
use flywheel_lake::{ListKeys, ReadPart};
use flywheel_table::{Amendable, DatasetError};
use serde::{Deserialize, Serialize};

use crate::amender::AmendError;

/// A run that was trained on some of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrainedRun {
    /// The run's name.
    pub run: String,
    /// The run's dataset version; none if the run's description is damaged. Then it may have been trained on the rows.
    pub version: Option<u64>,
    /// The number of the rows in that version; none if the version is unknown or cannot be read any more.
    pub pairs: Option<u64>,
}

/// The needed part of a run's description.
#[derive(Deserialize)]
struct Input {
    run: String,
    dataset: Dataset,
}

#[derive(Deserialize)]
struct Dataset {
    version: u64,
}

/// Returns the runs whose dataset version has any of these pairs. A version shared by several runs is read once.
///
/// # Errors
/// If the lake or the dataset cannot be read.
pub async fn runs_with<D: Amendable>(
    lake: &(impl ListKeys + ReadPart),
    dataset: &D,
    pairs: &HashSet<String>,
) -> Result<Vec<TrainedRun>, AmendError> {
    let (mut runs, mut counts) = (Vec::new(), BTreeMap::new());
    for key in lake.list_keys("runs/").await? {
        let name = key.strip_prefix("runs/").and_then(|rest| rest.strip_suffix("/input/run.json"));
        let Some(name) = name.filter(|name| !name.contains('/')) else { continue };
        let input = match lake.read_part(&key).await {
            // It was deleted since it was listed.
            Err(error) if error.is_missing() => continue,
            other => other?,
        };
        let Ok(Input { run, dataset: Dataset { version } }) = serde_json::from_slice(&input) else {
            runs.push(TrainedRun { run: name.to_owned(), version: None, pairs: None });
            continue;
        };
        let pairs = match counts.get(&version) {
            Some(counted) => *counted,
            None => count_pairs(dataset, version, pairs).await?,
        };
        counts.insert(version, pairs);
        if pairs != Some(0) {
            runs.push(TrainedRun { run, version: Some(version), pairs });
        }
    }
    Ok(runs)
}

/// Returns the number of a version's rows that have one of these pairs; none if the version cannot be read any more.
async fn count_pairs<D: Amendable>(
    dataset: &D,
    version: u64,
    pairs: &HashSet<String>,
) -> Result<Option<u64>, DatasetError> {
    let Some(snapshot) = dataset.at(version).await? else { return Ok(None) };
    let mut count = 0;
    let has = |row: &str| GoldLine::parse(row).is_some_and(|line| pairs.contains(line.pair_id.as_ref()));
    let read = dataset.each_row(&snapshot, |row| count += u64::from(has(row))).await;
    Ok(read.ok().map(|()| count))
}
