//! Verifies versions: it recomputes their records from the objects, and reports the first mismatch.

mod rows;
mod state;

use std::collections::{HashMap, HashSet};

use flywheel_dataset::{
    Amendment, Background, ConsumedPart, GoldLine, Misfit, ObjectDigest, Operation, Place, Replacement, RowSet, Split,
    SplitSalt, VersionRecord, WrittenFiles, object_sha256, pair_key,
};
use flywheel_lake::{LakeError, LoadBreaker, LoadLive, LoadPointer, ReadPart};
use flywheel_log::Pointer;

use self::rows::{Difference, Rows};
use crate::dataset::{Dataset as _, DatasetError};
use crate::delta_dataset::{CommitRead, DataFileName, DeltaDataset, TableVersion};
use crate::erased::{Erased, Instead};

/// The verified counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Versions.
    pub versions: u64,
    /// Of them, operators' versions.
    pub amended: u64,
    /// Rows that have entered over all versions, except those that were erased since.
    pub rows: u64,
    /// Rows and lines that were erased since.
    pub erased: u64,
    /// Parts of the log that went into them.
    pub parts: u64,
    /// Pairs that are quarantined.
    pub held: u64,
    /// Pairs that wait after the newest version.
    pub waiting: u64,
    /// The digest of the newest version's record. A reader who keeps it elsewhere can detect that all versions were changed
    /// together.
    pub digest: Option<String>,
}

/// The reason why versions cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum Unverifiable {
    /// A mismatch.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A part of the log cannot be read, for another reason than that it is gone.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// Verifies every version of a dataset, and the parts of the log that went into them.
///
/// It checks for each version:
/// - the digest of its record, and that it follows the record before;
/// - every file and object that it names;
/// - its rows, by their digest, ids and statistics;
/// - the parts that it consumed, and the part of quarantined pairs that it wrote, until that expires;
/// - the waiting pairs, none of which is in a row;
/// - of an operator's version, that its rows and waiting pairs are those of the rollback's target, or those before it without the
///   removed ones.
///
/// It checks over all versions that no prompt is on both sides of the split, and no pair is in two rows of one version. No row
/// may come or go without a record.
///
/// Erased data cannot be recomputed. Then the replacement is checked, by the list whose hash the erasure's record has.
///
/// It checks that the state is that of the newest version: the stored pointer is the one that its record carries, and the breaker and
/// the live adapter can be read and know of no later crossing or version. So a lost commit or pointer is found, too.
///
/// It creates and changes nothing. After each version it calls `tell` with the counts so far, and the number of versions in all.
///
/// # Errors
/// The first mismatch, by version; or the object that could not be read.
pub async fn verify(
    dataset: &DeltaDataset,
    lake: &(impl ReadPart + LoadPointer + LoadBreaker + LoadLive),
    mut tell: impl FnMut(&Verified, u64),
) -> Result<Verified, Unverifiable> {
    // They are read before the pointer, which is read before the dataset: each knows of nothing later than the next.
    let (breaker, live) = (lake.load_breaker().await?.breaker, lake.load_live().await?.live);
    let pointer = lake.load_pointer().await?;
    let Some(snapshot) = dataset.open_version(None).await? else {
        state::check_no_version(&pointer.pointer)?;
        return Ok(Verified::default());
    };
    let (newest, salt) = (snapshot.number(), snapshot.salt().clone());
    let (mut commits, mut targets, mut erased) = (Vec::new(), HashSet::new(), Erased::default());
    for version in 1..=newest {
        let read = dataset.read_commit(&snapshot, version).await;
        let read = read.map_err(|error| misfit(version, format!("it cannot be read: {error}")))?;
        let Some(commit) = read else { continue };
        erased.learn(dataset, &snapshot, commit.records.as_ref()).await?;
        targets.extend(rolled_back_to(&commit));
        commits.push((version, commit));
    }
    let (rows, waiting, verified) = (Rows::default(), Waiting::default(), Verified::default());
    let mut verifier = Verifier { dataset, snapshot: &snapshot, lake, salt, erased, rows, waiting, verified };
    verifier.keep(0);
    let (mut previous, mut last): (Option<VersionRecord>, Option<Pointer>) = (None, None);
    for (version, commit) in commits {
        last = commit.records.as_ref().map(|records| records.pointer.clone()).or(last);
        previous = verifier.check_version(version, commit, previous).await?;
        if targets.contains(&version) {
            verifier.keep(version);
        }
        tell(&verifier.verified, newest);
    }
    state::check(lake, (&breaker, &live, &pointer), last.as_ref(), newest).await?;
    let digest = previous.map(|record| record.digest);
    Ok(Verified { digest, ..verifier.verified })
}

fn misfit(version: u64, what: String) -> Misfit {
    Misfit { version, what }
}

fn rolled_back_to(commit: &CommitRead) -> Option<u64> {
    match commit.records.as_ref()?.version.as_ref()?.amendment.as_ref()?.operation {
        Operation::Rollback { to } => Some(to),
        _ => None,
    }
}

struct Verifier<'d, L> {
    dataset: &'d DeltaDataset,
    snapshot: &'d TableVersion,
    lake: &'d L,
    salt: SplitSalt,
    erased: Erased,
    rows: Rows,
    waiting: Waiting,
    verified: Verified,
}

/// The waiting pairs.
#[derive(Default)]
struct Waiting {
    /// Those after the version that was checked last.
    pairs: HashSet<u128>,
    /// Those after versions that a rollback goes back to.
    kept: HashMap<u64, HashSet<u128>>,
}

impl<L: ReadPart> Verifier<'_, L> {
    /// Remembers the version's rows and waiting pairs, because a rollback goes back to it.
    fn keep(&mut self, version: u64) {
        self.rows.keep(version);
        self.waiting.kept.insert(version, self.waiting.pairs.clone());
    }

    /// Checks a version. Returns the last record so far.
    async fn check_version(
        &mut self,
        version: u64,
        commit: CommitRead,
        previous: Option<VersionRecord>,
    ) -> Result<Option<VersionRecord>, Unverifiable> {
        let record = commit.records.and_then(|records| records.version);
        let (mut lines, mut files, mut erased) = (Vec::new(), WrittenFiles::default(), 0);
        let revised = record.as_ref().and_then(|record| record.revised.as_ref());
        for file in &commit.added {
            let File { object, rows, erased: gone } = self.read_file(version, file).await?;
            if revised.is_some_and(|revised| revised.files.iter().any(|rewritten| rewritten.name == object.name)) {
                files.rewritten.push(object);
                continue;
            }
            files.entered.push(object);
            erased += gone;
            lines.extend(rows);
        }
        let parsed = lines.iter().map(|row| self.parsed(version, row)).collect::<Result<Vec<_>, _>>()?;
        let difference = self.rows.change(version, &commit.removed, &commit.added)?;
        let Some(record) = record else {
            // The version is from before there were records, or another writer put the same rows into other files.
            if previous.is_some() && difference != Difference::default() {
                return Err(misfit(version, "its rows were changed, and there is no record of it".to_owned()).into());
            }
            return Ok(previous);
        };
        if record.version != version {
            return Err(misfit(version, format!("its record is that of version {}", record.version)).into());
        }
        record.check(previous.as_ref())?;
        let rewritten = record.revised.as_ref().map_or(&[][..], |revised| &revised.files);
        if files.entered != record.files || files.rewritten != rewritten {
            return Err(misfit(version, "its data files are not those that were written".to_owned()).into());
        }
        let is_erased = |name: &str| self.erased.has(Place::Table, name);
        let names = commit.added.iter().map(|file| file.name.as_str());
        let lost_count = names.chain(commit.removed.iter().map(String::as_str)).any(is_erased);
        match &record.amendment {
            Some(amendment) => {
                self.check_amendment(&record, amendment, (!lost_count).then_some(difference)).await?;
            }
            None => {
                if erased > 0 {
                    check_what_is_left(&record, parsed.len() as u64, erased)?;
                } else {
                    record.check_rows(parsed.iter().cloned())?;
                }
                if !lost_count {
                    check_revised(&record, &difference)?;
                }
            }
        }
        self.check_parts(&record).await?;
        self.check_held(&record).await?;
        self.check_waiting(&record).await?;
        self.check_background(&record).await?;
        self.verified.versions += 1;
        match record.amendment {
            Some(_) => self.verified.amended += 1,
            None => self.verified.rows += parsed.len() as u64,
        }
        self.verified.held += record.counts.held;
        self.verified.waiting = record.waiting_pairs();
        Ok(Some(record))
    }

    /// Reads a data file, or its replacement if rows of it were erased.
    async fn read_file(&mut self, version: u64, file: &DataFileName) -> Result<File, Misfit> {
        let instead = self.erased.instead_of(Place::Table, &file.name);
        let is_new = !self.rows.has_read(&file.name);
        let read = self.read_rows(version, file, instead.as_ref()).await?;
        let lines = read.rows.iter().map(|row| self.parsed(version, row)).collect::<Result<Vec<_>, _>>()?;
        self.rows.read(version, file, &lines)?;
        if is_new {
            self.verified.erased += read.erased;
        }
        Ok(read)
    }

    async fn read_rows(&self, version: u64, file: &DataFileName, instead: Option<&Instead>) -> Result<File, Misfit> {
        let unreadable = |error: DatasetError| misfit(version, format!("it cannot be read: {error}"));
        let read = match instead {
            None => {
                let (object, rows) = self.dataset.read_file(self.snapshot, file).await.map_err(unreadable)?;
                File { object, rows, erased: 0 }
            }
            Some(Instead { sha256, by, erased }) => {
                let rows = match by {
                    None => Vec::new(),
                    Some(by) => {
                        let file = DataFileName { name: by.name.clone(), size: by.size };
                        let (object, rows) = self.dataset.read_file(self.snapshot, &file).await.map_err(unreadable)?;
                        if object.sha256 != by.sha256 {
                            return Err(misfit(
                                version,
                                format!("{}, which took an erased file's place, was changed", by.name),
                            ));
                        }
                        rows
                    }
                };
                // The original file's digest is gone with it, so the record's is used, whose own digest holds.
                File { object: ObjectDigest { name: file.name.clone(), sha256: sha256.clone() }, rows, erased: *erased }
            }
        };
        Ok(read)
    }

    fn parsed<'r>(&self, version: u64, row: &'r str) -> Result<(GoldLine<'r>, Split), Misfit> {
        let row = GoldLine::parse_row(row, &self.salt);
        row.ok_or_else(|| {
            misfit(version, "a row lacks a column, or its split is neither `train` nor `heldout`".to_owned())
        })
    }

    async fn check_amendment(
        &mut self,
        record: &VersionRecord,
        amendment: &Amendment,
        // None if rows of the added or removed files were erased since.
        difference: Option<Difference>,
    ) -> Result<(), Misfit> {
        let misfit = |what: &str| Err(misfit(record.version, what.to_owned()));
        let (mut tally, mut has_erased, mut has_selected) = (RowSet::default(), false, false);
        for file in self.rows.files() {
            let instead = self.erased.instead_of(Place::Table, &file.name);
            has_erased |= instead.is_some();
            let File { rows, .. } = self.read_rows(record.version, file, instead.as_ref()).await?;
            for row in &rows {
                let (line, split) = self.parsed(record.version, row)?;
                tally.add(&line, split);
                has_selected |= matches!(&amendment.operation, Operation::Exclusion(rows) if rows.has(row, &line));
            }
        }
        if has_selected {
            return misfit("it has a row that it says it takes out");
        }
        if matches!(amendment.operation, Operation::Rollback { to } if !self.rows.are_those_of(to)) {
            return misfit("its rows are not those of the version that it goes back to");
        }
        let counted = Difference { removed: amendment.removed, added: amendment.added };
        // After an erasure the removed rows can only be counted by the list of replaced objects.
        let is_erasure = matches!(amendment.operation, Operation::Erasure { .. });
        if difference.is_some_and(|difference| difference != counted) && !is_erasure {
            return misfit("it took out, or brought back, another number of rows than it says");
        }
        if has_erased {
            return Ok(());
        }
        record.check_all_rows(tally)
    }

    async fn object(&self, version: u64, object: &ObjectDigest) -> Result<Vec<u8>, Misfit> {
        self.dataset.get_object(self.snapshot, object).await.map_err(|error| misfit(version, error.to_string()))
    }

    async fn check_parts(&mut self, record: &VersionRecord) -> Result<(), Unverifiable> {
        let misfit = |what: String| misfit(record.version, what);
        let list = self.object(record.version, &record.consumed.list).await?;
        let parts = serde_json::Deserializer::from_slice(&list).into_iter::<ConsumedPart>();
        let parts = parts.collect::<Result<Vec<_>, _>>().map_err(|_| misfit("its list of parts is none".to_owned()))?;
        let lines: u64 = parts.iter().map(|part| part.lines).sum();
        if (parts.len() as u64, lines) != (record.consumed.parts, record.consumed.lines) {
            return Err(misfit("its list of parts is not as long as it says".to_owned()).into());
        }
        for part in &parts {
            if let Some(Instead { by, erased, .. }) = self.erased.instead_of(Place::Log, &part.key) {
                self.verified.erased += erased;
                self.check_replacement(record.version, by.as_ref()).await?;
                continue;
            }
            let body = match self.lake.read_part(&part.key).await {
                Ok(body) => body,
                Err(error) if error.is_missing() => return Err(misfit(format!("its part is gone: {error}")).into()),
                Err(error) => return Err(error.into()),
            };
            if object_sha256(&body) != part.sha256 {
                return Err(misfit(format!("part {} was changed since", part.key)).into());
            }
        }
        self.verified.parts += parts.len() as u64;
        Ok(())
    }

    async fn check_replacement(&self, version: u64, by: Option<&Replacement>) -> Result<(), Unverifiable> {
        let Some(by) = by else { return Ok(()) };
        match self.lake.read_part(&by.name).await {
            Ok(body) if object_sha256(&body) == by.sha256 => Ok(()),
            Ok(_) => {
                Err(misfit(version, format!("{}, which took an erased part's place, was changed since", by.name))
                    .into())
            }
            Err(error) if error.is_missing() => {
                Err(misfit(version, format!("what took an erased part's place is gone: {error}")).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn check_held(&self, record: &VersionRecord) -> Result<(), Unverifiable> {
        let Some(held) = &record.held else { return Ok(()) };
        if self.erased.instead_of(Place::Table, &held.staged.name).is_none() {
            self.object(record.version, &held.staged).await?;
        }
        if self.erased.instead_of(Place::Log, &held.key).is_some() {
            return Ok(());
        }
        match self.lake.read_part(&held.key).await {
            Ok(body) if object_sha256(&body) == held.staged.sha256 => Ok(()),
            Ok(_) => {
                let what = format!("its part of held pairs, {}, was changed since", held.key);
                Err(misfit(record.version, what).into())
            }
            // A quarantined pair that no operator released in time expires, and only the staged object is left of it.
            Err(error) if error.is_missing() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn check_waiting(&mut self, record: &VersionRecord) -> Result<(), Misfit> {
        let misfit = |what: &str| Err(misfit(record.version, what.to_owned()));
        let Some(waiting) = &record.waiting else {
            self.waiting.pairs.clear();
            return Ok(());
        };
        let (body, erased) = match self.erased.instead_of(Place::Table, &waiting.object.name) {
            None => (self.object(record.version, &waiting.object).await?, 0),
            Some(Instead { by: None, erased, .. }) => (Vec::new(), erased),
            Some(Instead { by: Some(Replacement { name, sha256, .. }), erased, .. }) => {
                (self.object(record.version, &ObjectDigest { name, sha256 }).await?, erased)
            }
        };
        let mut pairs = HashSet::new();
        let text = String::from_utf8_lossy(&body);
        for line in text.split_terminator('\n') {
            let Some(gold) = GoldLine::parse(line) else { return misfit("a pair that waits is no gold line") };
            let operation = record.amendment.as_ref().map(|amendment| &amendment.operation);
            if matches!(operation, Some(Operation::Exclusion(rows)) if rows.has(line, &gold)) {
                return misfit("a pair waits that it says it takes out");
            }
            pairs.insert(pair_key(&gold.pair_id));
        }
        if pairs.len() as u64 + erased != waiting.pairs {
            return misfit("not as many pairs wait as it says");
        }
        if pairs.iter().any(|pair| self.rows.has_pair(*pair)) {
            return misfit("a pair waits that is in a row");
        }
        if let Some(Operation::Rollback { to }) = record.amendment.as_ref().map(|amendment| &amendment.operation)
            && self.waiting.kept.get(to).is_none_or(|kept| !pairs.is_subset(kept))
        {
            return misfit("a pair waits that did not wait after the version that it goes back to");
        }
        self.waiting.pairs = pairs;
        Ok(())
    }

    async fn check_background(&self, record: &VersionRecord) -> Result<(), Misfit> {
        let bytes = self.object(record.version, &record.background).await?;
        let read = Background::from_bytes(&bytes);
        read.map(|_| ()).map_err(|error| misfit(record.version, error.to_string()))
    }
}

/// A data file, or its replacement after an erasure.
struct File {
    /// Its digest as it was written.
    object: ObjectDigest,
    /// Its rows, as lines of JSON.
    rows: Vec<String>,
    /// Rows that were erased since.
    erased: u64,
}

/// Checks that a freeze removed the rows that it records as revised, and no others.
fn check_revised(record: &VersionRecord, difference: &Difference) -> Result<(), Misfit> {
    let removed = record.revised.as_ref().map_or(0, |revised| revised.rows);
    let counted = Difference { removed, added: record.counts.entered };
    if *difference == counted {
        return Ok(());
    }
    let what = "a freeze took out, or brought, another number of rows than it says";
    Err(misfit(record.version, what.to_owned()))
}

/// Checks the number of a version's rows. Their content cannot be recomputed once some were erased.
fn check_what_is_left(record: &VersionRecord, rows: u64, erased: u64) -> Result<(), Misfit> {
    if rows + erased == record.counts.entered {
        return Ok(());
    }
    Err(misfit(record.version, "what is left of its rows, and what was erased, are not as many as entered".to_owned()))
}
