//! Erases one contributor's data: from the log, from every version of the dataset, and from the copies in runs.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::{
    Amendment, Change, ErasedIds, LinesLeft, ObjectDigest, Operation, Place, ReplacedObject, Replacement, Selection,
    VersionRecord, object_sha256, part_left,
};
use flywheel_lake::{EraseObject, LakeError, ListKeys, ListParts, LoadPointer, MovePointer, ReadPart, WritePart};
use flywheel_log::{Amended, PartName, Pointer};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::amendable::Amendable as _;
use crate::amender::{AmendError, Amender, record};
use crate::dataset::{Dataset as _, DatasetError, Loaded, Records};
use crate::delta_dataset::{DataFileName, DeltaDataset, FileLeft, PREFIX, TableVersion};
use crate::erased::Erased;
use crate::net_new::net_new_without;
use crate::unfinished::finish;

const ATTEMPTS: u32 = 10;

const CONCURRENT_READS: usize = 16;

/// The folders below the table's that hold lines, besides the data files: quarantined and waiting pairs.
const FOLDERS: [&str; 2] = ["held", "waiting"];

/// Erases one contributor's data.
#[derive(Debug)]
pub struct Eraser<'l, L> {
    lake: &'l L,
    dataset: &'l DeltaDataset,
    now: fn() -> Millis,
}

/// The erased data, or in a dry run the data to erase.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erasure {
    /// The record of the version that documents the erasure. None if no version, nor its parts, had any of the data.
    pub record: Option<VersionRecord>,
    /// Lines of the log.
    pub lines: u64,
    /// Rows of data files, over all versions.
    pub rows: u64,
    /// Objects that were replaced or deleted: parts, data files, quarantined or waiting pairs.
    pub objects: u64,
    /// Files of runs that had copies of the data.
    pub copies: Vec<String>,
    /// The ids of the erased pairs and events.
    pub ids: ErasedIds,
}

/// The reason why the data was not erased, or not all of it. After any error a retry continues from there.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// A line cannot be read, so its contributor is unknown.
    #[error("{key}: line {line} cannot be read, so its contributor is unknown: repair or delete it")]
    Unreadable {
        /// The object.
        key: String,
        /// The line's number, counted from 1.
        line: usize,
    },
    /// The dataset could not be amended.
    #[error(transparent)]
    Amend(#[from] AmendError),
}

impl From<LakeError> for EraseError {
    fn from(error: LakeError) -> Self {
        Self::Amend(error.into())
    }
}

impl From<DatasetError> for EraseError {
    fn from(error: DatasetError) -> Self {
        Self::Amend(error.into())
    }
}

/// An object, and its replacement without a contributor's lines.
struct ObjectLeft {
    replaced: ReplacedObject,
    body: Option<String>,
}

/// The contributor's data.
#[derive(Default)]
struct Found {
    /// Parts of the log.
    parts: Vec<ObjectLeft>,
    /// Quarantined or waiting pairs beside the table.
    beside: Vec<ObjectLeft>,
    /// Data files, with the number of the contributor's rows.
    files: Vec<(DataFileName, u64)>,
    ids: ErasedIds,
}

impl<'l, L> Eraser<'l, L>
where
    L: LoadPointer + MovePointer + WritePart + ReadPart + ListParts + ListKeys + EraseObject + Sync,
{
    /// Returns an eraser of a lake, and of the dataset in it.
    pub fn new(lake: &'l L, dataset: &'l DeltaDataset, now: fn() -> Millis) -> Self {
        Self { lake, dataset, now }
    }

    /// Returns the data to erase. It changes nothing.
    ///
    /// # Errors
    /// See [`EraseError`].
    pub async fn plan(&self, contributor: &str) -> Result<Erasure, EraseError> {
        let newest = self.dataset.newest().await?;
        let found = self.find(newest.as_ref().map(|loaded| &loaded.snapshot), contributor).await?;
        Ok(found.erasure())
    }

    /// Erases a contributor's data. `by` and `why` are kept, and should not identify the contributor.
    ///
    /// # Why it is idempotent wherever it dies, and nothing comes back
    /// The order is this. The replacement of each object is written beside it. Copies in runs are erased. The list of objects is
    /// written. Pending parts are deleted. The version without the rows is committed; its record names the list. The pointer
    /// moves. All other objects on the list are deleted.
    ///
    /// A pending part has to be deleted before the commit, because a later freeze would take it. If a freeze has read it before
    /// and commits first, this starts over and finds its rows. If that freeze commits later, it finds its version taken, and
    /// reads the replacement. An object that was consumed, waits or is in a version has to stay until the commit. Until then no
    /// record says that it may be missing.
    ///
    /// An erasure that dies in between leaves a list that no version names, which the next one takes up. Or it leaves objects on
    /// a committed list, which the next one deletes. Data files and pairs that no version names are left over from freezes that
    /// died. After the commit they cannot be committed any more, so they are deleted as well.
    ///
    /// # Errors
    /// See [`EraseError`].
    pub async fn erase(&self, contributor: &str, by: &str, why: &str) -> Result<Erasure, EraseError> {
        for _ in 0..ATTEMPTS {
            let Some(erasure) = self.attempt(contributor, by, why).await? else { continue };
            self.delete_listed().await?;
            self.delete_unnamed(contributor).await?;
            return Ok(erasure);
        }
        Err(AmendError::Contended.into())
    }

    /// Makes one attempt. `None`: another commit came first, so look again.
    async fn attempt(&self, contributor: &str, by: &str, why: &str) -> Result<Option<Erasure>, EraseError> {
        let Some(_) = self.dataset.newest().await? else {
            // No freeze has committed yet, so no version refers to any part.
            let found = self.find(None, contributor).await?;
            for left in &found.parts {
                self.write_left(left).await?;
                self.lake.erase_object(&left.replaced.name).await?;
            }
            return Ok(Some(found.erasure()));
        };
        let stored = self.lake.load_pointer().await?;
        let loaded = self.dataset.newest().await?.ok_or(AmendError::NoDataset)?;
        if finish::<_, _, EraseError>(self.lake, self.dataset, &stored, &loaded).await? {
            return Ok(None);
        }
        let found = self.find(Some(&loaded.snapshot), contributor).await?;
        let mut erasure = found.erasure();
        let left_behind = self.unnamed_list(&loaded.snapshot).await?;
        if found.is_empty() && left_behind.is_empty() {
            return Ok(Some(erasure));
        }
        match self.dataset.allow_amendments().await {
            Err(DatasetError::Conflict) | Ok(true) => return Ok(None),
            other => drop(other?),
        }
        let contributors = HashSet::from([contributor.to_owned()]);
        let mut files = Vec::new();
        for (file, erased) in &found.files {
            files.push(self.dataset.write_without(&loaded.snapshot, file, &contributors, *erased).await?);
        }
        for left in &found.parts {
            self.write_left(left).await?;
        }
        for left in &found.beside {
            if let Some((by, body)) = left.replaced.by.as_ref().zip(left.body.as_ref()) {
                let object = ObjectDigest { name: by.name.clone(), sha256: by.sha256.clone() };
                self.dataset.put_object(&loaded.snapshot, &object, body.clone().into_bytes()).await?;
            }
        }
        // Nothing is deleted yet, so all ids are known.
        erasure.copies = self.erase_copies(&found.ids).await?;
        let list = list_of(&found, &files, left_behind);
        let replaced = ObjectDigest::of("erased", "jsonl", list.as_bytes());
        self.dataset.put_object(&loaded.snapshot, &replaced, list.into_bytes()).await?;
        let listing = self.lake.list_parts(&stored.pointer.watermark.list_after()).await?;
        let pending = stored.pointer.watermark.pending(&listing.parts).parts;
        let pending: HashSet<_> = pending.iter().map(|name| name.key(Route::Gold)).collect();
        for left in found.parts.iter().filter(|left| pending.contains(&left.replaced.name)) {
            self.lake.erase_object(&left.replaced.name).await?;
        }
        let Some((record, pointer)) =
            self.commit(loaded, &stored.pointer, contributor, &files, (replaced, by, why)).await?
        else {
            return Ok(None);
        };
        self.lake.move_pointer(&stored, &pointer).await?;
        erasure.record = Some(record);
        Ok(Some(erasure))
    }

    async fn commit(
        &self,
        loaded: Loaded<TableVersion>,
        pointer: &Pointer,
        contributor: &str,
        files: &[FileLeft],
        (replaced, by, why): (ObjectDigest, &str, &str),
    ) -> Result<Option<(VersionRecord, Pointer)>, EraseError> {
        let amender = Amender::new(self.lake, self.dataset, self.now);
        let Loaded { snapshot, version: newest, salt, last_freeze } = loaded;
        let previous = last_freeze.and_then(|last| last.version);
        let theirs = Selection { contributor: Some(contributor.to_owned()), ..Selection::default() };
        let change = Change::new(amender.background(&snapshot, previous.as_ref()).await?, salt.clone());
        let change = amender.rows_without(&theirs, &snapshot, newest, change).await?;
        let change = amender.waiting_without(&theirs, &snapshot, previous.as_ref(), change).await?;
        let trainable = pointer.is_training_due();
        let (net_new, breadth) = net_new_without(self.dataset, change.removed(), &snapshot, newest, pointer).await?;
        let pointer = pointer.after_amendment(Amended { version: newest + 1, net_new, breadth, trainable });
        let background = change.background().to_bytes();
        let amendment = Amendment {
            operation: Operation::Erasure { replaced },
            by: by.to_owned(),
            why: why.to_owned(),
            at: (self.now)(),
            removed: change.removed().len() as u64,
            added: 0,
            withdrawn: change.withdrawn(),
        };
        let waiting = change.waiting();
        let record = record(amendment, newest + 1, &pointer, previous.as_ref(), change.into_rows(), &background, &salt);
        let record = record.with_waiting(waiting.as_ref().map(|(waiting, _)| waiting.clone()));
        self.dataset.put_object(&snapshot, &record.consumed.list, Vec::new()).await?;
        self.dataset.put_object(&snapshot, &record.background, background).await?;
        if let Some((waiting, body)) = waiting {
            self.dataset.put_object(&snapshot, &waiting.object, body.into_bytes()).await?;
        }
        let records = |files| Records { pointer: pointer.clone(), version: Some(record.with_files(files)) };
        match self.dataset.commit_replaced(snapshot, files, records).await {
            Err(DatasetError::Conflict) => Ok(None),
            other => Ok(other?.version.map(|record| (record, pointer))),
        }
    }

    /// Finds the contributor's data, except objects on a committed list, which only wait to be deleted.
    async fn find(&self, snapshot: Option<&TableVersion>, contributor: &str) -> Result<Found, EraseError> {
        let mut found = Found::default();
        let erased = match snapshot {
            Some(snapshot) => self.committed_lists(snapshot).await?,
            None => Erased::default(),
        };
        let mut parts = Vec::new();
        for key in self.lake.list_keys("dpo_gold_v1/route=").await? {
            let name = Route::ALL.into_iter().find_map(|route| Some((PartName::of_key(&key, route)?, route)));
            parts.extend(name.filter(|_| !erased.has(Place::Log, &key)));
        }
        let mut bodies = stream::iter(parts)
            .map(|(name, route)| async move {
                let key = name.key(route);
                let body = self.lake.read_part(&key).await;
                Ok::<_, EraseError>((name, route, key, body))
            })
            .buffered(CONCURRENT_READS);
        while let Some((name, route, key, body)) = bodies.try_next().await? {
            let body = match body {
                // It expired since it was listed.
                Err(error) if error.is_missing() => continue,
                other => other?,
            };
            let Some(left) = take_lines(&mut found.ids, &key, &body, contributor)? else { continue };
            let by = part_left(&name, &left).map(|name| name.key(route));
            found.parts.push(ObjectLeft::of(Place::Log, key, &body, left, by));
        }
        let Some(snapshot) = snapshot else { return Ok(found) };
        let contributors = HashSet::from([contributor.to_owned()]);
        let mut names: BTreeMap<String, u64> = BTreeMap::new();
        for file in self.dataset.all_files(snapshot).await? {
            names.insert(file.name, file.size);
        }
        for by in erased.objects().filter(|object| object.place == Place::Table).filter_map(|object| object.by.as_ref())
        {
            if by.name.ends_with(".parquet") {
                names.insert(by.name.clone(), by.size);
            }
        }
        for (name, size) in names.into_iter().filter(|(name, _)| !erased.has(Place::Table, name)) {
            let file = DataFileName { name, size };
            let rows = self.dataset.rows_by(snapshot, &file, &contributors).await?;
            if rows > 0 {
                found.files.push((file, rows));
            }
        }
        for folder in FOLDERS {
            for key in self.lake.list_keys(&format!("{PREFIX}/_flywheel/{folder}/")).await? {
                let name = key[PREFIX.len() + 1..].to_owned();
                if erased.has(Place::Table, &name) {
                    continue;
                }
                let body = self.lake.read_part(&key).await?;
                let Some(left) = take_lines(&mut found.ids, &key, &body, contributor)? else { continue };
                let by = (left.rows > 0).then(|| ObjectDigest::of(folder, "jsonl", left.body.as_bytes()).name);
                found.beside.push(ObjectLeft::of(Place::Table, name, &body, left, by));
            }
        }
        Ok(found)
    }

    async fn write_left(&self, left: &ObjectLeft) -> Result<(), EraseError> {
        if let Some((by, body)) = left.replaced.by.as_ref().zip(left.body.as_ref()) {
            self.lake.write_part(&by.name, body.clone()).await?;
        }
        Ok(())
    }

    /// Returns the lists of all committed erasures.
    async fn committed_lists(&self, snapshot: &TableVersion) -> Result<Erased, EraseError> {
        let mut erased = Erased::default();
        for version in 1..=snapshot.number() {
            let records = self.dataset.records_of(snapshot, version).await?;
            erased.learn(self.dataset, snapshot, records.as_ref()).await?;
        }
        Ok(erased)
    }

    /// Returns the parts on the lists of erasures that died before they committed: they may have deleted them.
    async fn unnamed_list(&self, snapshot: &TableVersion) -> Result<Vec<ReplacedObject>, EraseError> {
        let committed = self.committed_lists(snapshot).await?;
        let all = self.dataset.erased(snapshot).await?;
        let is_left = |object: &&ReplacedObject| object.place == Place::Log && !committed.has(Place::Log, &object.name);
        Ok(all.objects().filter(is_left).cloned().collect())
    }

    /// Deletes the objects on the list of any committed erasure that still exist.
    async fn delete_listed(&self) -> Result<(), EraseError> {
        let Some(loaded) = self.dataset.newest().await? else { return Ok(()) };
        let listed = self.committed_lists(&loaded.snapshot).await?;
        let mut there: BTreeSet<_> = self.lake.list_keys("dpo_gold_v1/route=").await?.into_iter().collect();
        there.extend(self.lake.list_keys(&format!("{PREFIX}/")).await?);
        for object in listed.objects() {
            let key = match object.place {
                Place::Log => object.name.clone(),
                Place::Table => format!("{PREFIX}/{}", object.name),
            };
            if there.contains(&key) {
                self.lake.erase_object(&key).await?;
            }
        }
        Ok(())
    }

    /// Deletes data files that no version names and that have rows of the contributor.
    async fn delete_unnamed(&self, contributor: &str) -> Result<(), EraseError> {
        let Some(loaded) = self.dataset.newest().await? else { return Ok(()) };
        let named: HashSet<_> =
            self.dataset.all_files(&loaded.snapshot).await?.into_iter().map(|file| file.name).collect();
        let listed = self.committed_lists(&loaded.snapshot).await?;
        let is_replacement =
            |name: &str| listed.objects().any(|object| object.by.as_ref().is_some_and(|by| by.name == name));
        for key in self.lake.list_keys(&format!("{PREFIX}/")).await? {
            let name = &key[PREFIX.len() + 1..];
            let is_data = name.ends_with(".parquet") && !name.contains('/');
            // A file without rows of the contributor stays: perhaps a freeze is about to commit it.
            if is_data && !named.contains(name) && !is_replacement(name) {
                let size = self.lake.read_part(&key).await?.len() as u64;
                let file = DataFileName { name: name.to_owned(), size };
                let contributors = HashSet::from([contributor.to_owned()]);
                if self.dataset.rows_by(&loaded.snapshot, &file, &contributors).await.is_ok_and(|rows| rows > 0) {
                    self.lake.erase_object(&key).await?;
                }
            }
        }
        Ok(())
    }

    /// Erases copies from the input files of runs, and from their outputs.
    async fn erase_copies(&self, ids: &ErasedIds) -> Result<Vec<String>, EraseError> {
        let mut copies = Vec::new();
        for key in self.lake.list_keys("runs/").await? {
            if !key.ends_with(".jsonl") {
                continue;
            }
            let body = self.lake.read_part(&key).await?;
            let unreadable = |line| EraseError::Unreadable { key: key.clone(), line };
            let text = std::str::from_utf8(&body).map_err(|_| unreadable(1))?;
            let Some(left) = ids.take_copies(text).map_err(|index| unreadable(index + 1))? else { continue };
            // The run's description has the hash of the old input, which no object has any more. It still names the dataset
            // version.
            self.lake.erase_object(&key).await?;
            self.lake.write_part(&key, left.body).await?;
            copies.push(key);
        }
        Ok(copies)
    }
}

fn take_lines(ids: &mut ErasedIds, key: &str, body: &[u8], contributor: &str) -> Result<Option<LinesLeft>, EraseError> {
    let unreadable = |line| EraseError::Unreadable { key: key.to_owned(), line };
    let text = std::str::from_utf8(body).map_err(|_| unreadable(1))?;
    ids.take_lines(text, contributor).map_err(|index| unreadable(index + 1))
}

/// Returns a line for each object: those that this erasure replaces, and those of one that died.
fn list_of(found: &Found, files: &[FileLeft], left_behind: Vec<ReplacedObject>) -> String {
    let mut objects: BTreeMap<(Place, String), ReplacedObject> = BTreeMap::new();
    let all = left_behind.into_iter().chain(files.iter().map(|file| file.replaced.clone()));
    let all = all.chain(found.parts.iter().chain(&found.beside).map(|left| left.replaced.clone()));
    all.for_each(|object| drop(objects.insert((object.place, object.name.clone()), object)));
    // The objects have only text and numbers, all of which JSON can represent.
    objects.values().map(|object| serde_json::to_string(object).unwrap_or_default() + "\n").collect()
}

impl ObjectLeft {
    fn of(place: Place, name: String, was: &[u8], left: LinesLeft, by: Option<String>) -> Self {
        let LinesLeft { body, rows, erased } = left;
        let by =
            by.map(|name| Replacement { name, sha256: object_sha256(body.as_bytes()), size: body.len() as u64, rows });
        let replaced = ReplacedObject { place, name, sha256: object_sha256(was), by, erased };
        Self { body: replaced.by.is_some().then_some(body), replaced }
    }
}

impl Found {
    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.beside.is_empty() && self.files.is_empty()
    }

    fn erasure(&self) -> Erasure {
        Erasure {
            record: None,
            lines: self.parts.iter().map(|left| left.replaced.erased).sum(),
            rows: self.files.iter().map(|(_, rows)| rows).sum(),
            objects: (self.parts.len() + self.beside.len() + self.files.len()) as u64,
            copies: Vec::new(),
            ids: self.ids.clone(),
        }
    }
}
