//! Finds the training runs that used given rows.

use std::collections::{BTreeMap, HashSet};

use flywheel_lake::{ListKeys as _, ReadPart as _};
use flywheel_table::{Amender, DeltaDataset};
use serde::{Deserialize, Serialize};

use super::lake::{OperatorLake, unusable};
use crate::Failure;

/// A run that was trained on some of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TrainedRun {
    pub(crate) run: String,
    /// The run's dataset version.
    pub(crate) version: u64,
    /// The number of the rows in that version; none if the version cannot be read any more.
    pub(crate) pairs: Option<u64>,
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
pub(crate) async fn runs_with(
    lake: &OperatorLake,
    amender: &Amender<'_, OperatorLake, DeltaDataset>,
    pairs: &HashSet<String>,
) -> Result<Vec<TrainedRun>, Failure> {
    let (mut runs, mut counts) = (Vec::new(), BTreeMap::new());
    for key in lake.list_keys("runs/").await.map_err(unusable)? {
        if !key.ends_with("/input/run.json") || key.matches('/').count() != 3 {
            continue;
        }
        let input = lake.read_part(&key).await.map_err(unusable)?;
        let input: Input =
            serde_json::from_slice(&input).map_err(|error| Failure::Unusable(format!("{key} is damaged: {error}")))?;
        let version = input.dataset.version;
        let pairs = match counts.get(&version) {
            Some(counted) => *counted,
            None => amender.count_pairs(version, pairs).await.map_err(unusable)?,
        };
        counts.insert(version, pairs);
        if pairs != Some(0) {
            runs.push(TrainedRun { run: input.run, version, pairs });
        }
    }
    Ok(runs)
}
