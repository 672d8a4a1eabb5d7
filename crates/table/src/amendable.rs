use std::collections::HashSet;
use std::future::Future;

use flywheel_dataset::ObjectDigest;

use crate::dataset::{Dataset, DatasetError, Loaded, Records};

/// A dataset that operators can amend: they commit versions whose rows they have chosen.
pub trait Amendable: Dataset {
    /// Returns the newest version; none if there is no dataset. It creates nothing.
    fn newest(&self) -> impl Future<Output = Result<Option<Loaded<Self::Snapshot>>, DatasetError>> + Send;

    /// Returns the version of this number; none if there is none yet.
    fn at(&self, number: u64) -> impl Future<Output = Result<Option<Self::Snapshot>, DatasetError>> + Send;

    /// Returns the records in the commit of this number. None if neither a freeze nor an operator made it, or the commit is gone.
    fn records_of(
        &self,
        on: &Self::Snapshot,
        number: u64,
    ) -> impl Future<Output = Result<Option<Records>, DatasetError>> + Send;

    /// Reads all rows of a version, as JSON with the columns needed to check and select a row.
    fn each_row(
        &self,
        of: &Self::Snapshot,
        each: impl FnMut(&str) + Send,
    ) -> impl Future<Output = Result<(), DatasetError>> + Send;

    /// Allows versions with fewer rows than the one before, from now on. `true` if it was not allowed before: then there is one
    /// version more, with the same rows.
    ///
    /// # Errors
    /// [`DatasetError::Conflict`] if another commit came first: ask again.
    fn allow_amendments(&self) -> impl Future<Output = Result<bool, DatasetError>> + Send;

    /// Commits the version right after `on`, with these rows, and with records as [`Dataset::commit`] has them.
    ///
    /// # Errors
    /// The same as those of [`Dataset::commit`].
    fn commit_rows(
        &self,
        on: Self::Snapshot,
        rows: Rows<'_, Self::Snapshot>,
        records: impl FnOnce(Vec<ObjectDigest>) -> Records + Send,
    ) -> impl Future<Output = Result<Records, DatasetError>> + Send;
}

/// The rows that an operator has chosen.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'r, S> {
    /// Those of an older version.
    Of(&'r S),
    /// Those of the newest version, without these pairs.
    Without(&'r HashSet<String>),
}
