use std::collections::HashSet;
use std::future::Future;

use flywheel_core::dataset::ObjectDigest;

use crate::dataset::{Dataset, DatasetError, Loaded, Records};

/// What it takes to put versions on top whose rows people have chosen.
pub trait Amendable: Dataset {
    /// The newest version; none if there is no dataset. Nothing is created.
    fn newest(&self) -> impl Future<Output = Result<Option<Loaded<Self::Snapshot>>, DatasetError>> + Send;

    /// The version of this number; none if there is none yet.
    fn at(&self, number: u64) -> impl Future<Output = Result<Option<Self::Snapshot>, DatasetError>> + Send;

    /// What the commit of this number has recorded: nothing, if it is neither a freeze's nor a person's, or is not there any more.
    fn records_of(
        &self,
        on: &Self::Snapshot,
        number: u64,
    ) -> impl Future<Output = Result<Option<Records>, DatasetError>> + Send;

    /// Reads all rows of a version, as JSON with the columns that a row is judged by.
    fn each_row(
        &self,
        of: &Self::Snapshot,
        each: impl FnMut(&str) + Send,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;

    /// Has the dataset take versions with fewer rows than the one before, from now on. `true` if it did not before: then there is one
    /// version more, with the same rows.
    ///
    /// # Errors
    /// [`DatasetError::Conflict`] if another commit came first: ask again.
    fn allow_amendments(&self) -> impl Future<Output = Result<bool, DatasetError>> + Send;

    /// Commits the version right after `on`, with these rows, and with records as [`Dataset::commit`] has them.
    ///
    /// # Errors
    /// As those of [`Dataset::commit`].
    fn commit_rows(
        &self,
        on: Self::Snapshot,
        rows: Rows<'_, Self::Snapshot>,
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> impl Future<Output = Result<Records, DatasetError>> + Send;
}

/// The rows that people have chosen.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'r, S> {
    /// Those of an older version.
    Of(&'r S),
    /// Those of the newest version, without these pairs.
    Without(&'r HashSet<String>),
}
