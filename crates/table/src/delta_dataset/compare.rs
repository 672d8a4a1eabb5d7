//! Compares two versions. Data files never change, so files in both versions are skipped.

use std::borrow::Cow;
use std::collections::HashSet;

use flywheel_dataset::{Comparison, Difference, GoldLine, Split, Statistics, Tally};
use futures::TryStreamExt as _;
use serde::Deserialize;

use super::rows::FilePlace;
use super::versions::COLUMNS;
use super::{TableVersion, storage};
use crate::dataset::DatasetError;

/// The result of a comparison of two versions.
#[derive(Debug)]
pub struct Compared {
    /// The differences.
    pub difference: Difference,
    /// The statistics of all rows of each, if they were requested.
    pub statistics: Option<[Statistics; 2]>,
    /// Data files that only one of them has.
    only: [Vec<FilePlace>; 2],
}

/// The columns that identify a row's pair.
#[derive(Deserialize)]
struct PairRow<'r> {
    #[serde(borrow)]
    pair_id: Cow<'r, str>,
    #[serde(borrow)]
    prompt: Cow<'r, str>,
}

#[derive(Deserialize)]
struct SplitColumn {
    split: Option<Split>,
}

/// Compares two versions of one table.
///
/// It reads the rows of the data files that only one of them has. For statistics it also reads, once, those that both have.
/// Memory grows with the ids of the rows in the former, and with the prompts' keys and contributors of all, but holds no texts.
/// It calls `tell` now and then with the number of rows read so far.
///
/// # Errors
/// [`DatasetError::Storage`] if a version cannot be read.
pub async fn compare(
    versions: [&TableVersion; 2],
    with_statistics: bool,
    mut tell: impl FnMut(u64),
) -> Result<Compared, DatasetError> {
    let [first, second] = [versions[0].places().await?, versions[1].places().await?];
    let paths = |files: &[FilePlace]| files.iter().map(|file| file.path.clone()).collect::<HashSet<_>>();
    let (in_first, in_second) = (paths(&first), paths(&second));
    let (both, only_first): (Vec<_>, Vec<_>) = first.into_iter().partition(|file| in_second.contains(&file.path));
    let only_second: Vec<_> = second.into_iter().filter(|file| !in_first.contains(&file.path)).collect();
    let only = [only_first, only_second];

    let mut reading = Reading { rows: 0, tell: &mut tell };
    let mut common = Tally::default();
    if with_statistics {
        reading.rows(versions[0], both, &COLUMNS, |row| count(&mut common, versions[0], row)).await?;
    }
    let mut comparison = Comparison::default();
    let mut tallies = [common.clone(), common];
    let columns: &'static [&'static str] = if with_statistics { &COLUMNS } else { &["pair_id", "prompt"] };
    for (side, files) in only.iter().enumerate() {
        let (version, tally) = (versions[side], &mut tallies[side]);
        let each = |row: &str| {
            let PairRow { pair_id, prompt } = serde_json::from_str(row).map_err(|error| storage("read", &error))?;
            if side == 0 {
                comparison.first(&pair_id, &prompt)
            } else {
                comparison.second(&pair_id, &prompt)
            }
            if with_statistics { count(tally, version, row) } else { Ok(()) }
        };
        reading.rows(version, files.clone(), columns, each).await?;
    }
    let statistics = with_statistics.then(|| tallies.map(Tally::finish));
    Ok(Compared { difference: comparison.finish(), statistics, only })
}

impl Compared {
    /// Streams some of the pairs that only one version has, as lines of JSON with these columns, in the order of the rows. Those
    /// of the first version come before those of the second.
    ///
    /// # Errors
    /// [`DatasetError::Storage`] if a data file cannot be read.
    pub async fn pairs(
        &self,
        version: &TableVersion,
        pair_ids: &[String],
        columns: &'static [&'static str],
    ) -> Result<Vec<String>, DatasetError> {
        let mut wanted: HashSet<_> = pair_ids.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        // Files of the other version are in the same place.
        for files in self.only.clone() {
            let mut rows = Box::pin(version.rows_of(files, columns));
            while !wanted.is_empty() {
                let Some(row) = rows.try_next().await? else { break };
                let pair: PairRow<'_> = serde_json::from_str(&row).map_err(|error| storage("read", &error))?;
                if wanted.remove(pair.pair_id.as_ref()) {
                    drop(pair);
                    found.push(row);
                }
            }
        }
        Ok(found)
    }
}

fn count(tally: &mut Tally, version: &TableVersion, row: &str) -> Result<(), DatasetError> {
    let line: GoldLine<'_> = serde_json::from_str(row).map_err(|error| storage("read", &error))?;
    let SplitColumn { split } = serde_json::from_str(row).map_err(|error| storage("read", &error))?;
    tally.add(&line, version.side_of(split, &line.prompt));
    Ok(())
}

struct Reading<'t, T> {
    rows: u64,
    tell: &'t mut T,
}

impl<T: FnMut(u64)> Reading<'_, T> {
    async fn rows(
        &mut self,
        version: &TableVersion,
        files: Vec<FilePlace>,
        columns: &'static [&'static str],
        mut each: impl FnMut(&str) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut rows = Box::pin(version.rows_of(files, columns));
        while let Some(row) = rows.try_next().await? {
            each(&row)?;
            self.rows += 1;
            (self.tell)(self.rows);
        }
        Ok(())
    }
}
