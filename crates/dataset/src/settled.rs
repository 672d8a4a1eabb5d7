//! The memory of outputs whose last text is not a row of the dataset.

use std::collections::{BTreeMap, HashMap};

use flywheel_base::instant::Micros;
use flywheel_event::{Revision, ScopedId};

/// The time after which an older text cannot come any more. A message waits four days in the queue and fourteen among the dead
/// letters.
const REMEMBERED_FOR: Micros = 30 * 24 * 60 * 60 * 1_000_000;

/// The last known revision of outputs whose last text did not enter: it was trivial, quarantined, a repeat of another pair, or
/// withdrawn. An older text of the same output that is delivered late must not enter instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settled(HashMap<u128, Revision>);

impl Settled {
    /// Returns the revision that an output is settled at.
    pub(crate) fn of(&self, output: u128) -> Option<Revision> {
        self.0.get(&output).copied()
    }

    /// Returns the revision that an output is settled at, under its own key or that of lines from before scopes.
    pub(crate) fn of_scoped(&self, output: ScopedId) -> Option<Revision> {
        output.keys().into_iter().filter_map(|key| self.of(key)).max()
    }

    /// Remembers a revision, unless a later one is known.
    pub(crate) fn remember(&mut self, output: u128, revision: Revision) {
        let settled = self.0.entry(output).or_insert(revision);
        *settled = revision.max(*settled);
    }

    /// Forgets a revision that the dataset has a row of: the row remembers it.
    pub(crate) fn forget_up_to(&mut self, output: u128, revision: Revision) {
        if self.of(output).is_some_and(|settled| settled <= revision) {
            self.0.remove(&output);
        }
    }

    /// Forgets revisions so old that no older text can come. A withdrawal is never forgotten.
    pub(crate) fn prune(&mut self) {
        let texts = || self.0.values().filter(|revision| **revision != Revision::WITHDRAWN);
        let newest = texts().map(|revision| revision.received).max().unwrap_or_default();
        self.0.retain(|_, revision| revision.received.saturating_add(REMEMBERED_FOR) >= newest);
    }

    /// Returns `true` if nothing is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the entries in order of the keys, for the stored form.
    pub(crate) fn in_order(&self) -> BTreeMap<u128, [u64; 3]> {
        self.0.iter().map(|(output, revision)| (*output, revision.to_numbers())).collect()
    }

    /// Builds it from the entries of the stored form.
    pub(crate) fn from_entries(entries: impl IntoIterator<Item = (u128, [u64; 3])>) -> Self {
        Self(entries.into_iter().map(|(output, numbers)| (output, Revision::from_numbers(numbers))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_past_is_forgotten_and_a_withdrawal_is_not() {
        let mut settled = Settled::default();
        settled.remember(1, Revision::new(None, 7, "p"));
        settled.remember(2, Revision::WITHDRAWN);
        settled.remember(3, Revision::new(None, REMEMBERED_FOR + 8, "p"));
        settled.prune();
        assert_eq!((settled.of(1), settled.of(2)), (None, Some(Revision::WITHDRAWN)));
        assert!(settled.of(3).is_some());
    }

    #[test]
    fn a_row_of_the_same_or_a_later_revision_remembers_for_itself() {
        let (old, new) = (Revision::new(None, 1, "p"), Revision::new(None, 2, "p"));
        let mut settled = Settled::default();
        settled.remember(1, new);
        settled.forget_up_to(1, old);
        assert_eq!(settled.of(1), Some(new), "an older row does not");
        settled.forget_up_to(1, new);
        assert!(settled.is_empty());
    }
}
