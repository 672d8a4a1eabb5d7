use std::collections::HashSet;
use std::future::Future;

use flywheel_core::Pointer;
use flywheel_core::dataset::{Entry, Newcomers, ObjectDigest, SplitSalt, VersionRecord, WrittenFiles};

/// The dataset: a table whose versions are immutable, with objects beside it.
pub trait Dataset {
    /// One version of the dataset, as [`Dataset::load`] found it.
    type Snapshot: Send + Sync;

    /// Loads the newest version. The dataset is created if there is none.
    fn load(&self) -> impl Future<Output = Result<Loaded<Self::Snapshot>, DatasetError>> + Send;

    /// Shows newcomers every row of the snapshot.
    fn meet(
        &self,
        snapshot: &Self::Snapshot,
        newcomers: &mut Newcomers,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;

    /// Writes an object beside the table. Its name follows from its content, so that whatever is there already is the same.
    fn put_object(
        &self,
        snapshot: &Self::Snapshot,
        object: &ObjectDigest,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;

    /// Reads an object beside the table; if lines of it were erased since the snapshot, what is left of it.
    ///
    /// # Errors
    /// If it is not there, or not what its digest says.
    fn get_object(
        &self,
        snapshot: &Self::Snapshot,
        object: &ObjectDigest,
    ) -> impl Future<Output = Result<Vec<u8>, DatasetError>> + Send;

    /// Reads the rows of these pairs, as JSON with the columns that a row is judged by.
    fn rows_of_pairs(
        &self,
        snapshot: &Self::Snapshot,
        pairs: &HashSet<String>,
    ) -> impl Future<Output = Result<Vec<String>, DatasetError>> + Send;

    /// Commits pairs as the version right after the snapshot, without the rows that they revise, with records that the next [`Dataset::load`] finds again.
    /// Without either the version has the same rows, and the records all the same. Rows are only taken out once
    /// [`Amendable::allow_amendments`](crate::Amendable::allow_amendments) has been asked for. What is recorded may depend on the data files,
    /// which are written first; the records are answered.
    ///
    /// # Errors
    /// [`DatasetError::Conflict`] if that version exists by now; then nothing is committed. After any other error it may
    /// have been: the records tell.
    fn commit(
        &self,
        snapshot: Self::Snapshot,
        entries: Vec<Entry>,
        revised: &HashSet<String>,
        records: impl FnOnce(WrittenFiles) -> Records + Send,
    ) -> impl Future<Output = Result<Records, DatasetError>> + Send;
}

/// The dataset's newest version.
#[derive(Debug)]
pub struct Loaded<S> {
    /// What to commit on top of.
    pub snapshot: S,
    /// The version's number.
    pub version: u64,
    /// The held-out split's salt.
    pub salt: SplitSalt,
    /// What the last freeze left in its commit; none before the first.
    pub last_freeze: Option<Records>,
}

/// What a freeze leaves in its commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The pointer that belongs to the version.
    pub pointer: Pointer,
    /// What the version says of itself. A version from before there were such records has none.
    pub version: Option<VersionRecord>,
}

/// The dataset could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Another commit took the version.
    #[error("another commit took the version")]
    Conflict,
    /// A line does not fit the dataset's columns; nothing is committed. Another attempt cannot change that.
    #[error("line {index} does not fit the dataset: {reason}")]
    InvalidLine {
        /// Its index among the lines to commit.
        index: usize,
        /// What is wrong with it, without quoting it.
        reason: String,
    },
    /// The pointer stands at a version that the table does not have. To go on would be to make that version anew without its pairs, whose
    /// parts are consumed.
    #[error(
        "version {pointer} is missing, the newest one is {newest}: restore its entry in the table's log, see docs/RESTORE.md"
    )]
    LostVersion {
        /// The version that the pointer stands at.
        pointer: u64,
        /// The newest version that the table has.
        newest: u64,
    },
    /// The store failed, or holds what it should not.
    #[error("{action} the dataset: {cause}")]
    Storage {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        cause: String,
    },
}
