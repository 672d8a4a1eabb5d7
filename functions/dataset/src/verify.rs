//! Recomputes what versions say of themselves from the objects, and names the first thing that does not fit.

use std::collections::HashMap;

use flywheel_core::dataset::{
    Background, ConsumedPart, Fingerprint, GoldLine, Misfit, ObjectDigest, Split, VersionRecord, object_sha256,
};
use flywheel_lake::{LakeError, ReadPart};
use serde::Deserialize;

use crate::dataset::{Dataset as _, DatasetError};
use crate::delta_dataset::{DeltaDataset, TableVersion};

/// What was checked, and fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Versions.
    pub versions: u64,
    /// Rows of theirs.
    pub rows: u64,
    /// Parts of the log that went into them.
    pub parts: u64,
    /// Pairs that are held.
    pub held: u64,
    /// The digest of the newest version's record: who keeps it elsewhere can tell whether all of them were changed together.
    pub digest: Option<String>,
}

/// Why versions cannot be vouched for.
#[derive(Debug, thiserror::Error)]
pub enum Unverifiable {
    /// Something does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A part of the log cannot be read, and not because it is gone.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// Verifies every version of a dataset, and the parts of the log that went into them.
///
/// Of each version: its record's digest, and that it follows the record before; every file and object that it names; its rows, by their digest,
/// ids and statistics; the parts that it consumed, and the part of held pairs that it wrote, until that expires. Over all versions: that no
/// prompt is on both sides of the split, and no pair in two versions.
///
/// Nothing is created or changed. After each version `tell` hears what is verified so far, and how many versions there are in all.
///
/// # Errors
/// The first thing that does not fit, by version; or what could not be read.
pub async fn verify(
    dataset: &DeltaDataset,
    lake: &impl ReadPart,
    mut tell: impl FnMut(&Verified, u64),
) -> Result<Verified, Unverifiable> {
    let mut verified = Verified::default();
    let Some(snapshot) = dataset.open_version(None).await? else { return Ok(verified) };
    let newest = snapshot.number();
    let mut previous: Option<VersionRecord> = None;
    let mut across = Across::default();
    for version in 1..=newest {
        let read = dataset.read_version(&snapshot, version).await;
        let read = read.map_err(|error| misfit(version, format!("it cannot be read: {error}")))?;
        let Some(read) = read else { continue };
        let (Some(record), rows) = (read.records.version, read.rows) else { continue };
        if record.version != version {
            return Err(misfit(version, format!("its record is that of version {}", record.version)).into());
        }
        record.check(previous.as_ref())?;
        if read.files != record.files {
            return Err(misfit(version, "its data files are not those that were written".to_owned()).into());
        }
        let lines = rows.iter().map(|row| parsed(version, row)).collect::<Result<Vec<_>, _>>()?;
        record.check_rows(lines.iter().cloned())?;
        lines.iter().try_for_each(|(line, split)| across.add(version, line, *split))?;
        verified.parts += check_parts(dataset, &snapshot, lake, &record).await?;
        check_held(dataset, &snapshot, lake, &record).await?;
        check_background(dataset, &snapshot, &record).await?;
        verified.versions += 1;
        verified.rows += lines.len() as u64;
        verified.held += record.counts.held;
        previous = Some(record);
        tell(&verified, newest);
    }
    verified.digest = previous.map(|record| record.digest);
    Ok(verified)
}

fn misfit(version: u64, what: String) -> Misfit {
    Misfit { version, what }
}

#[derive(Deserialize)]
struct Side {
    split: Option<Split>,
}

fn parsed(version: u64, row: &str) -> Result<(GoldLine<'_>, Split), Misfit> {
    let side = serde_json::from_str::<Side>(row).ok().and_then(|row| row.split);
    let row = GoldLine::parse(row).zip(side);
    row.ok_or_else(|| misfit(version, "a row lacks a column, or its split is neither `train` nor `heldout`".to_owned()))
}

/// What has to hold across versions.
#[derive(Default)]
struct Across {
    sides: HashMap<Vec<u8>, (Split, u64)>,
    pairs: HashMap<String, u64>,
}

impl Across {
    fn add(&mut self, version: u64, line: &GoldLine<'_>, split: Split) -> Result<(), Misfit> {
        let prompt = Fingerprint::prompt_key(&line.prompt);
        let (side, since) = *self.sides.entry(prompt).or_insert((split, version));
        if side != split {
            return Err(misfit(
                version,
                format!("one of its prompts is on the other side of the split than in version {since}"),
            ));
        }
        match self.pairs.insert(line.pair_id.clone().into_owned(), version) {
            None => Ok(()),
            Some(before) => Err(misfit(version, format!("one of its pairs is in version {before} already"))),
        }
    }
}

async fn object(
    dataset: &DeltaDataset,
    snapshot: &TableVersion,
    version: u64,
    object: &ObjectDigest,
) -> Result<Vec<u8>, Misfit> {
    dataset.get_object(snapshot, object).await.map_err(|error| misfit(version, error.to_string()))
}

async fn check_parts(
    dataset: &DeltaDataset,
    snapshot: &TableVersion,
    lake: &impl ReadPart,
    record: &VersionRecord,
) -> Result<u64, Unverifiable> {
    let misfit = |what: String| misfit(record.version, what);
    let list = object(dataset, snapshot, record.version, &record.consumed.list).await?;
    let parts = serde_json::Deserializer::from_slice(&list).into_iter::<ConsumedPart>();
    let parts = parts.collect::<Result<Vec<_>, _>>().map_err(|_| misfit("its list of parts is none".to_owned()))?;
    let lines: u64 = parts.iter().map(|part| part.lines).sum();
    if (parts.len() as u64, lines) != (record.consumed.parts, record.consumed.lines) {
        return Err(misfit("its list of parts is not as long as it says".to_owned()).into());
    }
    for part in &parts {
        let body = match lake.read_part(&part.key).await {
            Ok(body) => body,
            Err(error) if error.is_missing() => return Err(misfit(format!("its part is gone: {error}")).into()),
            Err(error) => return Err(error.into()),
        };
        if object_sha256(&body) != part.sha256 {
            return Err(misfit(format!("part {} was changed since", part.key)).into());
        }
    }
    Ok(parts.len() as u64)
}

async fn check_held(
    dataset: &DeltaDataset,
    snapshot: &TableVersion,
    lake: &impl ReadPart,
    record: &VersionRecord,
) -> Result<(), Unverifiable> {
    let Some(held) = &record.held else { return Ok(()) };
    object(dataset, snapshot, record.version, &held.staged).await?;
    match lake.read_part(&held.key).await {
        Ok(body) if object_sha256(&body) == held.staged.sha256 => Ok(()),
        Ok(_) => Err(misfit(record.version, format!("its part of held pairs, {}, was changed since", held.key)).into()),
        // What nobody has released in time expires, and the staged object is what is left of it.
        Err(error) if error.is_missing() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn check_background(
    dataset: &DeltaDataset,
    snapshot: &TableVersion,
    record: &VersionRecord,
) -> Result<(), Misfit> {
    let bytes = object(dataset, snapshot, record.version, &record.background).await?;
    match Background::from_bytes(&bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(misfit(record.version, error.to_string())),
    }
}
