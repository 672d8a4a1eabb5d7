use std::future::Future;

use flywheel_core::{KnownPairs, Pointer};

/// The dataset: an append-only table whose versions are immutable.
pub trait Dataset {
    /// One version of the dataset, as [`Dataset::load`] found it.
    type Snapshot: Send;

    /// Loads the newest version. The dataset is created if there is none.
    fn load(&self) -> impl Future<Output = Result<Loaded<Self::Snapshot>, DatasetError>> + Send;

    /// Commits lines as the version right after the snapshot, with a record that the next [`Dataset::load`] finds again.
    /// Without lines the version has the same pairs, and the record all the same.
    ///
    /// # Errors
    /// [`DatasetError::Conflict`] if that version exists by now; then nothing is committed. After any other error it may
    /// have been: the record tells.
    fn commit(
        &self,
        snapshot: Self::Snapshot,
        lines: Vec<String>,
        record: &Pointer,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;
}

/// The dataset's newest version.
#[derive(Debug)]
pub struct Loaded<S> {
    /// What to commit on top of.
    pub snapshot: S,
    /// The version's number.
    pub version: u64,
    /// What it holds.
    pub known: KnownPairs,
    /// The pointer that belongs to the last freeze in it; none before the first.
    pub record: Option<Pointer>,
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
    /// The store failed, or holds what it should not.
    #[error("{action} the dataset: {cause}")]
    Storage {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        cause: String,
    },
}
