//! Commits versions whose rows an operator has chosen.

use std::collections::HashSet;

use flywheel_base::instant::Millis;
use flywheel_dataset::{
    Amendment, Change, GoldLine, ObjectDigest, Operation, Selection, SplitSalt, Statistics, VersionRecord, WaitingPairs,
};
use flywheel_lake::{LakeError, LoadPointer, MovePointer, WritePart};
use flywheel_log::{Amended, Breadth, Pointer};
use flywheel_table::{
    Amendable, DatasetError, Loaded, Records, Rows, ahead, background_of, check_that_none_is_lost, finish,
    net_new_without, waiting_after,
};
use flywheel_training::RolledBack;

/// The most attempts to commit. Each failure means that another commit won, so this only bounds a livelock.
const ATTEMPTS: u32 = 10;

/// Amends a dataset: it commits versions whose rows an operator has chosen.
#[derive(Debug)]
pub struct Amender<'l, L, D> {
    lake: &'l L,
    dataset: &'l D,
    now: fn() -> Millis,
}

/// An operator's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The change.
    pub wish: Wish,
    /// The operator.
    pub by: String,
    /// The reason.
    pub why: String,
}

/// The changes that an operator may request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A rollback to the rows of the version of this number.
    RollBackTo(u64),
    /// An exclusion: the rows of the newest version, without the selected ones.
    Exclude(Selection),
}

/// A version that an operator made, or would make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The version's record. Until the version is committed, it lists no files.
    pub record: VersionRecord,
    /// The pointer that belongs to it.
    pub pointer: Pointer,
    /// The ids of the pairs that it removes.
    pub removed: HashSet<String>,
}

/// The reason why a version was not made.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// There is no dataset.
    #[error("there is no dataset yet: nothing was frozen")]
    NoDataset,
    /// There is no version to go back to.
    #[error("there is no version {asked}: the newest one is {newest}")]
    NoSuchVersion {
        /// The requested version.
        asked: u64,
        /// The newest version.
        newest: u64,
    },
    /// A row of the table is invalid. A retry cannot change that.
    #[error("version {version} has a row that lacks a column: verify the dataset")]
    DamagedRow {
        /// The version.
        version: u64,
    },
    /// Others kept moving the live adapter.
    #[error("other processes kept moving the live adapter")]
    LiveContended,
    /// The dataset is rolled back, and the live adapter is not. A retry goes on from there.
    #[error("the dataset is rolled back, and what is live is not: {0}: run this again")]
    Unfinished(#[source] Box<AmendError>),
    /// Other commits kept winning.
    #[error("gave up after {ATTEMPTS} attempts, each overtaken by another commit")]
    Contended,
    /// The lake could not be read or written, or the pointer could not be moved.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The dataset could not be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// A planned version, and the snapshot to commit it on.
struct Planned<S> {
    version: NewVersion,
    on: S,
    older: Option<S>,
    background: Vec<u8>,
    waiting: Option<(WaitingPairs, String)>,
}

impl<'l, L, D> Amender<'l, L, D>
where
    L: LoadPointer + MovePointer + WritePart,
    D: Amendable,
{
    /// Returns an amender of the dataset of a lake.
    pub fn new(lake: &'l L, dataset: &'l D, now: fn() -> Millis) -> Self {
        Self { lake, dataset, now }
    }

    /// Returns the version that would be made, if no other commit comes in between; none if the rows would stay the same. It
    /// changes nothing.
    ///
    /// # Errors
    /// See [`AmendError`].
    pub async fn plan(&self, request: &Request) -> Result<Option<NewVersion>, AmendError> {
        let stored = self.lake.load_pointer().await?;
        let loaded = self.dataset.newest().await?.ok_or(AmendError::NoDataset)?;
        check_that_none_is_lost(&stored, &loaded)?;
        let pointer = ahead(&stored, &loaded).map_or(&stored.pointer, |ahead| &ahead.pointer).clone();
        Ok(self.decide(request, loaded, &pointer).await?.map(|planned| planned.version))
    }

    /// Makes the version; none if the rows would stay the same. So it is idempotent.
    ///
    /// # Why nothing is lost or doubled, whenever this dies
    /// Until the commit nothing has happened: the written objects are named after their content, and no version names them. With
    /// the commit everything has happened, because it carries its pointer. The next freeze or operator that commits finds a
    /// version ahead of the pointer, and moves the pointer first. Of a freeze and an operator at once, one gets the version's
    /// number. The other finds it taken and decides anew on the new version. Then the selection includes a freeze's new rows, or
    /// the freeze does not compare with an operator's removed rows.
    ///
    /// # Errors
    /// See [`AmendError`]. After any error it can be called again.
    pub async fn amend(&self, request: &Request) -> Result<Option<NewVersion>, AmendError> {
        // A request that changes no row changes nothing else either; nor does an impossible one.
        if self.plan(request).await?.is_none() {
            return Ok(None);
        }
        for _ in 0..ATTEMPTS {
            match self.dataset.allow_amendments().await {
                Err(DatasetError::Conflict) => continue,
                other => drop(other?),
            }
            let stored = self.lake.load_pointer().await?;
            let loaded = self.dataset.newest().await?.ok_or(AmendError::NoDataset)?;
            if finish::<_, _, AmendError>(self.lake, self.dataset, &stored, &loaded).await? {
                continue;
            }
            let Some(planned) = self.decide(request, loaded, &stored.pointer).await? else { return Ok(None) };
            let Some(version) = self.commit(planned).await? else { continue };
            // If another process moved it first, then to this version's pointer: none can have committed past it.
            self.lake.move_pointer(&stored, &version.pointer).await?;
            return Ok(Some(version));
        }
        Err(AmendError::Contended)
    }

    /// Returns the rollbacks since a version that removed versions after it, by the records of the versions that they made: those
    /// to it, or to a version after it. A rollback to an older version has removed that version, too, and going back to it undoes
    /// that rollback.
    ///
    /// # Errors
    /// If the dataset cannot be read.
    pub async fn rolled_back_since(&self, version: u64) -> Result<Vec<RolledBack>, AmendError> {
        let Loaded { snapshot, version: newest, .. } = self.dataset.newest().await?.ok_or(AmendError::NoDataset)?;
        let mut rolled_back = Vec::new();
        for number in (version..=newest).skip(1) {
            let record = self.dataset.records_of(&snapshot, number).await?.and_then(|records| records.version);
            match record.and_then(|record| record.amendment).map(|amendment| amendment.operation) {
                Some(Operation::Rollback { to }) if to >= version => {
                    rolled_back.push(RolledBack { above: to, below: number });
                }
                _ => {}
            }
        }
        Ok(rolled_back)
    }

    async fn decide(
        &self,
        request: &Request,
        loaded: Loaded<D::Snapshot>,
        pointer: &Pointer,
    ) -> Result<Option<Planned<D::Snapshot>>, AmendError> {
        let Loaded { snapshot, version: newest, salt, last_freeze } = loaded;
        let previous = last_freeze.and_then(|last| last.version);
        let change = Change::new(background_of(self.dataset, &snapshot, previous.as_ref()).await?, salt.clone());
        let (change, older) = match &request.wish {
            Wish::RollBackTo(to) => {
                let older = self.older(*to, newest).await?;
                let change = self.rows_of(&older, *to, (&snapshot, newest), change).await?;
                (self.waiting_of(&older, *to, (&snapshot, newest, previous.as_ref()), change).await?, Some(older))
            }
            Wish::Exclude(selection) => {
                let change = self.rows_without(selection, &snapshot, newest, change).await?;
                (self.waiting_without(selection, &snapshot, previous.as_ref(), change).await?, None)
            }
        };
        if change.is_none() {
            return Ok(None);
        }
        let (net_new, breadth, trainable) = match &request.wish {
            Wish::RollBackTo(to) => self.counts_at(*to, &snapshot, pointer).await?,
            Wish::Exclude(_) => {
                let (net_new, breadth) =
                    net_new_without(self.dataset, change.removed(), &snapshot, newest, pointer).await?;
                (net_new, breadth, pointer.is_training_due())
            }
        };
        let pointer = pointer.after_amendment(Amended { version: newest + 1, net_new, breadth, trainable });
        let background = change.background().to_bytes();
        let removed = change.removed().clone();
        let amendment = Amendment {
            operation: match request.wish.clone() {
                Wish::RollBackTo(to) => Operation::Rollback { to },
                Wish::Exclude(selection) => Operation::Exclusion(selection),
            },
            by: request.by.clone(),
            why: request.why.clone(),
            at: (self.now)(),
            removed: removed.len() as u64,
            added: change.added(),
            withdrawn: change.withdrawn(),
        };
        let waiting = change.waiting();
        let record = record(amendment, newest + 1, &pointer, previous.as_ref(), change.into_rows(), &background, &salt);
        let record = record.with_waiting(waiting.as_ref().map(|(waiting, _)| waiting.clone()));
        let version = NewVersion { record, pointer, removed };
        Ok(Some(Planned { version, on: snapshot, older, background, waiting }))
    }

    async fn older(&self, to: u64, newest: u64) -> Result<D::Snapshot, AmendError> {
        let missing = AmendError::NoSuchVersion { asked: to, newest };
        if to > newest { Err(missing) } else { self.dataset.at(to).await?.ok_or(missing) }
    }

    /// Returns the change from the newest version's rows to those of an older one.
    async fn rows_of(
        &self,
        older: &D::Snapshot,
        to: u64,
        (snapshot, newest): (&D::Snapshot, u64),
        mut change: Change,
    ) -> Result<Change, AmendError> {
        let (mut now, mut then, mut is_whole) = (HashSet::new(), HashSet::new(), true);
        let id = |row: &str| GoldLine::parse(row).map(|line| line.pair_id.into_owned());
        self.dataset.each_row(snapshot, |row| now.extend(id(row))).await?;
        let come_or_stay = |row: &str| {
            let Some(pair_id) = id(row) else { return is_whole = false };
            is_whole &= if now.contains(&pair_id) { change.keep(row) } else { change.add(row) };
            then.insert(pair_id);
        };
        self.dataset.each_row(older, come_or_stay).await?;
        if !is_whole {
            return Err(AmendError::DamagedRow { version: to });
        }
        let go = |row: &str| {
            if id(row).is_none_or(|pair_id| !then.contains(&pair_id)) {
                is_whole &= change.remove(row);
            }
        };
        self.dataset.each_row(snapshot, go).await?;
        if is_whole { Ok(change) } else { Err(AmendError::DamagedRow { version: newest }) }
    }

    /// Returns the change from the newest version's rows to those without a selection.
    pub(crate) async fn rows_without(
        &self,
        selection: &Selection,
        snapshot: &D::Snapshot,
        newest: u64,
        mut change: Change,
    ) -> Result<Change, AmendError> {
        let mut is_whole = true;
        let stay_or_go = |row: &str| {
            let Some(line) = GoldLine::parse(row) else { return is_whole = false };
            is_whole &= if selection.has(row, &line) { change.remove(row) } else { change.keep(row) };
        };
        self.dataset.each_row(snapshot, stay_or_go).await?;
        if is_whole { Ok(change) } else { Err(AmendError::DamagedRow { version: newest }) }
    }

    /// Returns the change from the waiting pairs to those that waited after an older version.
    async fn waiting_of(
        &self,
        older: &D::Snapshot,
        to: u64,
        (snapshot, newest, previous): (&D::Snapshot, u64, Option<&VersionRecord>),
        mut change: Change,
    ) -> Result<Change, AmendError> {
        let then = self.record_at(to, snapshot).await?;
        let then = waiting_after(self.dataset, older, then.as_ref()).await?;
        let now = waiting_after(self.dataset, snapshot, previous).await?;
        let (then, now): (Vec<_>, Vec<_>) =
            (then.split_terminator('\n').collect(), now.split_terminator('\n').collect());
        change.wait_as(&then, &now).map_err(|_| DatasetError::damaged_waiting(newest))?;
        Ok(change)
    }

    /// Returns the change from the waiting pairs to those without a selection.
    pub(crate) async fn waiting_without(
        &self,
        selection: &Selection,
        snapshot: &D::Snapshot,
        previous: Option<&VersionRecord>,
        mut change: Change,
    ) -> Result<Change, AmendError> {
        let now = waiting_after(self.dataset, snapshot, previous).await?;
        let now: Vec<_> = now.split_terminator('\n').collect();
        let version = previous.map_or(0, |previous| previous.version);
        let goes = |line: &str, gold: &GoldLine<'_>| selection.has(line, gold);
        change.wait_without(&now, goes).map_err(|_| DatasetError::damaged_waiting(version))?;
        Ok(change)
    }

    /// Returns the record of a version, or of the newest one before it that has any: it names the pairs that wait after it.
    async fn record_at(&self, number: u64, on: &D::Snapshot) -> Result<Option<VersionRecord>, AmendError> {
        for number in (1..=number).rev() {
            let record = self.dataset.records_of(on, number).await?.and_then(|records| records.version);
            if record.is_some() {
                return Ok(record);
            }
        }
        Ok(None)
    }

    /// Returns the counts at a version: the net-new pairs, their breadth, and `true` if the training of the last freeze was due
    /// by then.
    async fn counts_at(
        &self,
        to: u64,
        on: &D::Snapshot,
        pointer: &Pointer,
    ) -> Result<(u64, Breadth, bool), AmendError> {
        for number in (1..=to).rev() {
            let Some(Records { pointer: then, .. }) = self.dataset.records_of(on, number).await? else { continue };
            let crossing = |pointer: &Pointer| pointer.last_freeze.as_ref().map(|freeze| freeze.crossing);
            // An undone training stays undone: the run has ended by now, perhaps without having trained.
            let are_due = pointer.is_training_due() && then.is_training_due();
            let trainable = are_due && crossing(&then) == crossing(pointer);
            return Ok((then.carried_over, then.breadth, trainable));
        }
        Ok((0, Breadth::default(), false))
    }

    /// Commits a planned version. `None`: another commit came first, and nothing has happened.
    async fn commit(&self, planned: Planned<D::Snapshot>) -> Result<Option<NewVersion>, AmendError> {
        let Planned { version: NewVersion { record, pointer, removed }, on, older, background, waiting } = planned;
        self.dataset.put_object(&on, &record.consumed.list, Vec::new()).await?;
        self.dataset.put_object(&on, &record.background, background).await?;
        if let Some((waiting, body)) = waiting {
            self.dataset.put_object(&on, &waiting.object, body.into_bytes()).await?;
        }
        let rows = older.as_ref().map_or(Rows::Without(&removed), Rows::Of);
        let records = |files| Records { pointer: pointer.clone(), version: Some(record.with_files(files)) };
        let records = match self.dataset.commit_rows(on, rows, records).await {
            Err(DatasetError::Conflict) => return Ok(None),
            other => other?,
        };
        Ok(records.version.map(|record| NewVersion { record, pointer, removed }))
    }
}

pub(crate) fn record(
    amendment: Amendment,
    number: u64,
    pointer: &Pointer,
    previous: Option<&VersionRecord>,
    rows: (String, Statistics),
    background: &[u8],
    salt: &SplitSalt,
) -> VersionRecord {
    let crossing = pointer.last_freeze.as_ref().map_or(0, |freeze| freeze.crossing);
    let objects = (ObjectDigest::of("parts", "jsonl", b""), ObjectDigest::of("background", "bin", background));
    VersionRecord::of_amendment(amendment, (number, crossing), previous, rows, objects, salt)
}
