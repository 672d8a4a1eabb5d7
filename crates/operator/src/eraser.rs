//! Erases one contributor's data: from the log, from every version of the dataset, and from the copies in runs.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::{
    Amendment, Change, ErasedIds, LinesLeft, ObjectDigest, Operation, Place, ReplacedObject, Replacement, Selection,
    VersionRecord, object_sha256, part_left,
};
use flywheel_lake::{
    EraseObject, ListKeys, ListParts, LoadPointer, MovePointer, Moved, ReadPart, RewriteObject, WritePart,
};
use flywheel_log::{Amended, PartName, Pointer};
use flywheel_table::{
    Amendable as _, DATASET_PREFIX, DataFileName, Dataset as _, DatasetError, DeltaDataset, Erased, FileLeft, Loaded,
    Records, TableVersion, ahead, background_of, check_that_none_is_lost, finish, net_new_without,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::amender::{AmendError, Amender, record};

const ATTEMPTS: u32 = 10;

const CONCURRENT_READS: usize = 16;

/// The folders below the table's that hold lines, besides the data files: quarantined and waiting pairs.
const FOLDERS: [&str; 2] = ["held", "waiting"];

/// Part of the key of a compaction of liked outputs. A run leaves it for later ones, which read the log where it is gone.
const COMPACTION: &str = "/input/replay_log-";

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
    /// Objects with lines that cannot be read, or files that cannot. They may be the contributor's, so they are erased, too.
    pub unreadable: Vec<String>,
    /// The ids of the erased pairs and events.
    pub ids: ErasedIds,
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
    /// Keys of runs' files of lines, and of those with copies.
    run_files: Vec<String>,
    copies: Vec<String>,
    unreadable: BTreeSet<String>,
    ids: ErasedIds,
}

/// The version that documents an erasure, before its data files are known.
struct Draft {
    change: Change,
    pointer: Pointer,
    previous: Option<VersionRecord>,
}

impl<'l, L> Eraser<'l, L>
where
    L: LoadPointer + MovePointer + WritePart + ReadPart + RewriteObject + ListParts + ListKeys + EraseObject + Sync,
{
    /// Returns an eraser of a lake, and of the dataset in it.
    pub fn new(lake: &'l L, dataset: &'l DeltaDataset, now: fn() -> Millis) -> Self {
        Self { lake, dataset, now }
    }

    /// Returns the data to erase. It changes nothing, and reads all that [`Eraser::erase`] reads before it writes: what it finds
    /// can be erased. Orphans of dead freezes are read last, and a plan does not name them.
    ///
    /// # Errors
    /// See [`AmendError`].
    pub async fn plan(&self, contributor: &str) -> Result<Erasure, AmendError> {
        let stored = self.lake.load_pointer().await?;
        let Some(loaded) = self.dataset.newest().await? else {
            check_that_no_log_is_lost(&stored.pointer)?;
            return Ok(self.find(None, contributor).await?.erasure());
        };
        check_that_none_is_lost(&stored, &loaded)?;
        let found = self.find(Some(&loaded.snapshot), contributor).await?;
        let pointer = ahead(&stored, &loaded).map_or(&stored.pointer, |ahead| &ahead.pointer);
        self.draft(&loaded, pointer, contributor).await?;
        Ok(found.erasure())
    }

    /// Erases a contributor's data. `by` and `why` are kept, and should not identify the contributor. Lines that cannot be read
    /// may be theirs, so they are erased, too, and named in the answer.
    ///
    /// # Why it is idempotent wherever it dies, and nothing comes back
    /// First everything is read, and the new version is drafted: what cannot be done fails here, before any write. Then the order is
    /// this. The replacement of each object is written beside it. The list of objects is written. Copies in runs are replaced, and
    /// their older versions are deleted. Pending parts are deleted. The version without the rows is committed; its record names the
    /// list. The pointer moves. All other objects on the list are deleted. So nothing is deleted before what takes its place is
    /// written.
    ///
    /// A pending part has to be deleted before the commit, because a later freeze would take it. If a freeze has read it before
    /// and commits first, this starts over and finds its rows. If that freeze commits later, it finds its version taken, and
    /// reads the replacement. An object that was consumed, waits or is in a version has to stay until the commit. Until then no
    /// record says that it may be missing.
    ///
    /// An erasure that dies in between leaves a list that no version names, which the next one takes up. Or it leaves objects on
    /// a committed list, which the next one deletes.
    ///
    /// Data files, quarantined and waiting pairs that no version names are left over from freezes that died, or that lost the
    /// version to this commit. Those that were listed before anything else was read are deleted as well. A freeze that has yet to
    /// commit one of them has its lines from parts or waiting pairs that are erased here, so it loses to this commit. What a
    /// freeze stages later is left to the next erasure.
    ///
    /// A preparation that read the dataset before the commit may write copies after it. Copies are looked for once more at the
    /// end, and what it writes after that is left.
    ///
    /// # Errors
    /// See [`AmendError`]. After any error a retry continues from there.
    pub async fn erase(&self, contributor: &str, by: &str, why: &str) -> Result<Erasure, AmendError> {
        for _ in 0..ATTEMPTS {
            // They are listed before all else: a freeze that begins later may be about to commit what it stages.
            let staged = self.staged().await?;
            let Some(mut erasure) = self.attempt(contributor, by, why).await? else { continue };
            self.delete_listed().await?;
            erasure.unreadable.extend(self.delete_unnamed(staged, contributor).await?);
            self.replace_late_copies(&mut erasure).await?;
            return Ok(erasure);
        }
        Err(AmendError::Contended)
    }

    /// Makes one attempt. `None`: another commit came first, so look again.
    async fn attempt(&self, contributor: &str, by: &str, why: &str) -> Result<Option<Erasure>, AmendError> {
        let stored = self.lake.load_pointer().await?;
        let Some(loaded) = self.dataset.newest().await? else {
            check_that_no_log_is_lost(&stored.pointer)?;
            // No freeze has committed yet, so no version refers to any part, and no run has copies.
            let found = self.find(None, contributor).await?;
            for left in &found.parts {
                self.write_left(left).await?;
            }
            for left in &found.parts {
                self.lake.erase_object(&left.replaced.name).await?;
            }
            return Ok(Some(found.erasure()));
        };
        if finish::<_, _, AmendError>(self.lake, self.dataset, &stored, &loaded).await? {
            return Ok(None);
        }
        let found = self.find(Some(&loaded.snapshot), contributor).await?;
        let mut erasure = found.erasure();
        let left_behind = self.unnamed_list(&loaded.snapshot).await?;
        if found.is_empty() && left_behind.is_empty() {
            return Ok(Some(erasure));
        }
        let draft = self.draft(&loaded, &stored.pointer, contributor).await?;
        let listing = self.lake.list_parts(&stored.pointer.watermark.list_after()).await?;
        match self.dataset.allow_amendments().await {
            Err(DatasetError::Conflict) | Ok(true) => return Ok(None),
            other => drop(other?),
        }
        let (files, replaced) = self.write_instead(&found, &loaded.snapshot, contributor, left_behind).await?;
        self.replace_copies(&found).await?;
        let pending = stored.pointer.watermark.pending(&listing.parts).parts;
        let pending: HashSet<_> = pending.iter().map(|name| name.key(Route::Gold)).collect();
        for left in found.parts.iter().filter(|left| pending.contains(&left.replaced.name)) {
            self.lake.erase_object(&left.replaced.name).await?;
        }
        let Some((record, pointer)) = self.commit(loaded, draft, &files, (replaced, by, why)).await? else {
            return Ok(None);
        };
        self.lake.move_pointer(&stored, &pointer).await?;
        erasure.record = Some(record);
        Ok(Some(erasure))
    }

    /// Drafts the version without the contributor's rows and waiting pairs. It writes nothing.
    async fn draft(
        &self,
        loaded: &Loaded<TableVersion>,
        pointer: &Pointer,
        contributor: &str,
    ) -> Result<Draft, AmendError> {
        let amender = Amender::new(self.lake, self.dataset, self.now);
        let Loaded { snapshot, version: newest, salt, last_freeze } = loaded;
        let previous = last_freeze.as_ref().and_then(|last| last.version.clone());
        let theirs = Selection { contributor: Some(contributor.to_owned()), ..Selection::default() };
        let change = Change::new(background_of(self.dataset, snapshot, previous.as_ref()).await?, salt.clone());
        let change = amender.rows_without(&theirs, snapshot, *newest, change).await?;
        let change = amender.waiting_without(&theirs, snapshot, previous.as_ref(), change).await?;
        let trainable = pointer.is_training_due();
        let (net_new, breadth) = net_new_without(self.dataset, change.removed(), snapshot, *newest, pointer).await?;
        let pointer = pointer.after_amendment(Amended { version: newest + 1, net_new, breadth, trainable });
        Ok(Draft { change, pointer, previous })
    }

    /// Writes the replacements of all objects, and the list of them. Returns the data files, and the list.
    async fn write_instead(
        &self,
        found: &Found,
        snapshot: &TableVersion,
        contributor: &str,
        left_behind: Vec<ReplacedObject>,
    ) -> Result<(Vec<FileLeft>, ObjectDigest), AmendError> {
        let contributors = HashSet::from([contributor.to_owned()]);
        let mut files = Vec::new();
        for (file, erased) in &found.files {
            files.push(self.dataset.write_without(snapshot, file, &contributors, *erased).await?);
        }
        for left in &found.parts {
            self.write_left(left).await?;
        }
        for left in &found.beside {
            if let Some((by, body)) = left.replaced.by.as_ref().zip(left.body.as_ref()) {
                let object = ObjectDigest { name: by.name.clone(), sha256: by.sha256.clone() };
                self.dataset.put_object(snapshot, &object, body.clone().into_bytes()).await?;
            }
        }
        let list = list_of(found, &files, left_behind);
        let replaced = ObjectDigest::of("erased", "jsonl", list.as_bytes());
        self.dataset.put_object(snapshot, &replaced, list.into_bytes()).await?;
        Ok((files, replaced))
    }

    /// Replaces runs' files by ones without copies. A run's description keeps the hash of the old input, which no object has any
    /// more. It still names the dataset version.
    ///
    /// The older versions of all files go: an erasure may have died after it had replaced a file.
    async fn replace_copies(&self, found: &Found) -> Result<(), AmendError> {
        for key in &found.copies {
            self.replace_copy(key, found).await?;
        }
        for key in &found.run_files {
            self.lake.erase_older_versions(key).await?;
        }
        Ok(())
    }

    /// Replaces the copies that a preparation under way has written since the first ones were replaced.
    async fn replace_late_copies(&self, erasure: &mut Erasure) -> Result<(), AmendError> {
        if erasure.ids == ErasedIds::default() {
            return Ok(());
        }
        let mut late = Found { ids: erasure.ids.clone(), ..Found::default() };
        self.find_copies(&mut late).await?;
        // All other files' older versions are gone.
        late.run_files.clone_from(&late.copies);
        self.replace_copies(&late).await?;
        erasure.unreadable.extend(late.unreadable);
        for key in late.copies {
            if !erasure.copies.contains(&key) {
                erasure.copies.push(key);
            }
        }
        Ok(())
    }

    async fn replace_copy(&self, key: &str, found: &Found) -> Result<(), AmendError> {
        if key.contains(COMPACTION) {
            // Another sender's event may have the same id. Without the compaction, later runs read all its lines from the log;
            // without a line, none reads that one again.
            return Ok(self.lake.erase_object(key).await?);
        }
        for _ in 0..ATTEMPTS {
            let body = match self.lake.read_part(key).await {
                Err(error) if error.is_missing() => return Ok(()),
                other => other?,
            };
            let Some(left) = found.ids.take_copies(&body) else { return Ok(()) };
            if self.lake.rewrite_object(key, &body, left.body).await? == Moved::Moved {
                return Ok(());
            }
        }
        Err(AmendError::Contended)
    }

    async fn commit(
        &self,
        loaded: Loaded<TableVersion>,
        Draft { change, pointer, previous }: Draft,
        files: &[FileLeft],
        (replaced, by, why): (ObjectDigest, &str, &str),
    ) -> Result<Option<(VersionRecord, Pointer)>, AmendError> {
        let Loaded { snapshot, version: newest, salt, .. } = loaded;
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
    async fn find(&self, snapshot: Option<&TableVersion>, contributor: &str) -> Result<Found, AmendError> {
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
                Ok::<_, AmendError>((name, route, key, body))
            })
            .buffered(CONCURRENT_READS);
        while let Some((name, route, key, body)) = bodies.try_next().await? {
            let body = match body {
                // It expired since it was listed.
                Err(error) if error.is_missing() => continue,
                other => other?,
            };
            let Some(left) = found.take_lines(&key, &body, contributor) else { continue };
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
            for key in self.lake.list_keys(&format!("{DATASET_PREFIX}/_flywheel/{folder}/")).await? {
                let name = key[DATASET_PREFIX.len() + 1..].to_owned();
                if erased.has(Place::Table, &name) {
                    continue;
                }
                let body = match self.lake.read_part(&key).await {
                    Err(error) if error.is_missing() => continue,
                    other => other?,
                };
                let Some(left) = found.take_lines(&key, &body, contributor) else { continue };
                let by = (left.rows > 0).then(|| ObjectDigest::of(folder, "jsonl", left.body.as_bytes()).name);
                found.beside.push(ObjectLeft::of(Place::Table, name, &body, left, by));
            }
        }
        if !found.is_empty() {
            self.find_copies(&mut found).await?;
        }
        Ok(found)
    }

    /// Finds copies in the input files of runs, and in their outputs, by the ids that were found. Only keys are kept: such a file
    /// may have the rows of a whole version.
    async fn find_copies(&self, found: &mut Found) -> Result<(), AmendError> {
        for key in self.lake.list_keys("runs/").await?.into_iter().filter(|key| key.ends_with(".jsonl")) {
            let body = match self.lake.read_part(&key).await {
                Err(error) if error.is_missing() => continue,
                other => other?,
            };
            if let Some(left) = found.ids.take_copies(&body) {
                found.unreadable.extend((left.unreadable > 0).then(|| key.clone()));
                found.copies.push(key.clone());
            }
            found.run_files.push(key);
        }
        Ok(())
    }

    async fn write_left(&self, left: &ObjectLeft) -> Result<(), AmendError> {
        if let Some((by, body)) = left.replaced.by.as_ref().zip(left.body.as_ref()) {
            self.lake.write_part(&by.name, body.clone()).await?;
        }
        Ok(())
    }

    /// Returns the lists of all committed erasures.
    async fn committed_lists(&self, snapshot: &TableVersion) -> Result<Erased, AmendError> {
        let mut erased = Erased::default();
        for version in 1..=snapshot.number() {
            let records = self.dataset.records_of(snapshot, version).await?;
            erased.learn(self.dataset, snapshot, records.as_ref()).await?;
        }
        Ok(erased)
    }

    /// Returns the parts on the lists of erasures that died before they committed: they may have deleted them.
    async fn unnamed_list(&self, snapshot: &TableVersion) -> Result<Vec<ReplacedObject>, AmendError> {
        let committed = self.committed_lists(snapshot).await?;
        let all = self.dataset.erased(snapshot).await?;
        let is_left = |object: &&ReplacedObject| object.place == Place::Log && !committed.has(Place::Log, &object.name);
        Ok(all.objects().filter(is_left).cloned().collect())
    }

    /// Deletes the objects on the list of any committed erasure that still exist.
    async fn delete_listed(&self) -> Result<(), AmendError> {
        let Some(loaded) = self.dataset.newest().await? else { return Ok(()) };
        let listed = self.committed_lists(&loaded.snapshot).await?;
        let mut there: BTreeSet<_> = self.lake.list_keys("dpo_gold_v1/route=").await?.into_iter().collect();
        there.extend(self.lake.list_keys(&format!("{DATASET_PREFIX}/")).await?);
        for object in listed.objects() {
            let key = match object.place {
                Place::Log => object.name.clone(),
                Place::Table => format!("{DATASET_PREFIX}/{}", object.name),
            };
            if there.contains(&key) {
                self.lake.erase_object(&key).await?;
            }
        }
        Ok(())
    }

    /// Returns the keys of data files, and of quarantined and waiting pairs beside the table.
    async fn staged(&self) -> Result<Vec<String>, AmendError> {
        let mut keys = self.lake.list_keys(&format!("{DATASET_PREFIX}/")).await?;
        keys.retain(|key| {
            let name = &key[DATASET_PREFIX.len() + 1..];
            is_data_file(name) || FOLDERS.iter().any(|folder| name.starts_with(&format!("_flywheel/{folder}/")))
        });
        Ok(keys)
    }

    /// Deletes those of the staged objects that no version names and that have data of the contributor. Returns those among them
    /// that cannot be read.
    ///
    /// An object without data of the contributor stays: perhaps a freeze is about to commit it.
    async fn delete_unnamed(&self, staged: Vec<String>, contributor: &str) -> Result<Vec<String>, AmendError> {
        let Some(loaded) = self.dataset.newest().await? else { return Ok(Vec::new()) };
        let named = self.named(&loaded.snapshot).await?;
        let mut unreadable = Vec::new();
        for key in staged {
            let name = &key[DATASET_PREFIX.len() + 1..];
            if named.contains(name) {
                continue;
            }
            let body = match self.lake.read_part(&key).await {
                Err(error) if error.is_missing() => continue,
                other => other?,
            };
            let (theirs, unread) = if is_data_file(name) {
                let rows = DeltaDataset::rows_in(body, contributor);
                (rows.is_none_or(|rows| rows > 0), rows.is_none())
            } else {
                let left = ErasedIds::default().take_lines(&body, contributor);
                (left.is_some(), left.is_some_and(|left| left.unreadable > 0))
            };
            if theirs {
                self.lake.erase_object(&key).await?;
            }
            unreadable.extend(unread.then_some(key));
        }
        Ok(unreadable)
    }

    /// Returns the names of the table's objects that any version names, or that took an erased object's place.
    async fn named(&self, snapshot: &TableVersion) -> Result<HashSet<String>, AmendError> {
        let mut named: HashSet<_> = self.dataset.all_files(snapshot).await?.into_iter().map(|file| file.name).collect();
        for version in 1..=snapshot.number() {
            let records = self.dataset.records_of(snapshot, version).await?;
            let Some(record) = records.and_then(|records| records.version) else { continue };
            named.extend(record.held.map(|held| held.staged.name));
            named.extend(record.waiting.map(|waiting| waiting.object.name));
        }
        let listed = self.committed_lists(snapshot).await?;
        named.extend(listed.objects().filter_map(|object| Some(object.by.as_ref()?.name.clone())));
        Ok(named)
    }
}

/// Checks that the pointer has no version either where the table has none. Otherwise the table's log is lost, and parts that
/// look pending are consumed.
fn check_that_no_log_is_lost(pointer: &Pointer) -> Result<(), DatasetError> {
    match pointer.version() {
        0 => Ok(()),
        pointer => Err(DatasetError::LostVersion { pointer, newest: 0 }),
    }
}

/// Returns `true` if an object of the table with this name is a data file.
fn is_data_file(name: &str) -> bool {
    name.ends_with(".parquet") && !name.contains('/')
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
        let LinesLeft { body, rows, erased, .. } = left;
        let by =
            by.map(|name| Replacement { name, sha256: object_sha256(body.as_bytes()), size: body.len() as u64, rows });
        let replaced = ReplacedObject { place, name, sha256: object_sha256(was), by, erased };
        Self { body: replaced.by.is_some().then_some(body), replaced }
    }
}

impl Found {
    /// Removes the contributor's lines, and unreadable ones, from an object. `None` if it has none.
    fn take_lines(&mut self, key: &str, body: &[u8], contributor: &str) -> Option<LinesLeft> {
        let left = self.ids.take_lines(body, contributor)?;
        self.unreadable.extend((left.unreadable > 0).then(|| key.to_owned()));
        Some(left)
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.beside.is_empty() && self.files.is_empty()
    }

    fn erasure(&self) -> Erasure {
        Erasure {
            record: None,
            lines: self.parts.iter().map(|left| left.replaced.erased).sum(),
            rows: self.files.iter().map(|(_, rows)| rows).sum(),
            objects: (self.parts.len() + self.beside.len() + self.files.len()) as u64,
            copies: self.copies.clone(),
            unreadable: self.unreadable.iter().cloned().collect(),
            ids: self.ids.clone(),
        }
    }
}
