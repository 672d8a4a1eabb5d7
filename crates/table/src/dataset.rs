use std::collections::HashSet;
use std::future::Future;

use flywheel_dataset::{Entry, Newcomers, ObjectDigest, SplitSalt, VersionRecord, WrittenFiles};
use flywheel_log::Pointer;

/// The dataset: a table whose versions are immutable, with objects beside it.
pub trait Dataset {
    /// One version of the dataset, as [`Dataset::load`] read it.
    type Snapshot: Send + Sync;

    /// Loads the newest version. The dataset is created if there is none.
    fn load(&self) -> impl Future<Output = Result<Loaded<Self::Snapshot>, DatasetError>> + Send;

    /// Compares newcomers with every row of the snapshot.
    fn deduplicate(
        &self,
        snapshot: &Self::Snapshot,
        newcomers: &mut Newcomers,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;

    /// Writes an object beside the table. Its name follows from its content, so an existing object is the same.
    fn put_object(
        &self,
        snapshot: &Self::Snapshot,
        object: &ObjectDigest,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;

    /// Reads an object beside the table. If lines of it were erased since the snapshot, it reads the object without them.
    ///
    /// # Errors
    /// If it is missing, or does not match its digest.
    fn get_object(
        &self,
        snapshot: &Self::Snapshot,
        object: &ObjectDigest,
    ) -> impl Future<Output = Result<Vec<u8>, DatasetError>> + Send;

    /// Reads the rows of these pairs, as JSON with the columns needed to check and select a row.
    fn rows_of_pairs(
        &self,
        snapshot: &Self::Snapshot,
        pairs: &HashSet<String>,
    ) -> impl Future<Output = Result<Vec<String>, DatasetError>> + Send;

    /// Commits pairs as the version right after the snapshot, without the rows that they revise. The next [`Dataset::load`] finds
    /// the records of the commit. Without pairs or revised rows, the version has the same rows and the records all the same. Rows
    /// can only be removed after [`Amendable::allow_amendments`](crate::Amendable::allow_amendments) was called. The records may
    /// depend on the data files, which are written first. Returns the records.
    ///
    /// # Errors
    /// [`DatasetError::Conflict`] if that version exists by now; then nothing is committed. After any other error it may have
    /// been committed: the records of the newest version tell.
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
    /// The snapshot to commit after.
    pub snapshot: S,
    /// The version's number.
    pub version: u64,
    /// The held-out split's salt.
    pub salt: SplitSalt,
    /// The records in the last freeze's commit; none before the first.
    pub last_freeze: Option<Records>,
}

/// The records that a freeze leaves in its commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The pointer that belongs to the version.
    pub pointer: Pointer,
    /// The version's record. A version from before such records has none.
    pub version: Option<VersionRecord>,
}

impl DatasetError {
    /// Returns the error of waiting pairs that cannot be read.
    #[must_use]
    pub fn damaged_waiting(version: u64) -> Self {
        Self::Damaged { what: "waiting pairs", version }
    }
}

/// The error of a dataset that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Another commit took the version.
    #[error("another commit took the version")]
    Conflict,
    /// A line does not fit the dataset's columns; nothing is committed. A retry cannot change that.
    #[error("line {index} does not fit the dataset: {reason}")]
    InvalidLine {
        /// Its index among the lines to commit.
        index: usize,
        /// The problem, without a quotation of the line.
        reason: String,
    },
    /// The pointer stands at a version that the table does not have. Going on would make that version anew without its pairs,
    /// whose parts are consumed.
    #[error(
        "version {pointer} is missing, the newest one is {newest}: restore its entry in the table's log, see docs/RESTORE.md"
    )]
    LostVersion {
        /// The version that the pointer stands at.
        pointer: u64,
        /// The newest version that the table has.
        newest: u64,
    },
    /// An object beside the table is damaged. A retry cannot change that.
    #[error("the {what} after version {version} cannot be read: restore the object, which never changes")]
    Damaged {
        /// The object's content.
        what: &'static str,
        /// The version whose record names it.
        version: u64,
    },
    /// The store failed, or its content is invalid.
    #[error("{action} the dataset: {cause}")]
    Storage {
        /// The attempted action.
        action: &'static str,
        /// The cause of the failure.
        cause: String,
    },
}
