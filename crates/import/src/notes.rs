//! Annotations that stand in other rows than their outputs, kept until the outputs come.
//!
//! Tools export scores and outputs separately. The first reading of the files keeps the scores, which are few and short;
//! the second reads the outputs, which are many and long, one by one.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{Act, Event, Output, Source, event};
use crate::skipped::{SkipReason, Skipped};

/// The place of a row among the files of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of files before its own.
    pub file: usize,
    /// The row in the file, from 1.
    pub row: u64,
}

/// An annotation whose output is in another row.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) act: Act,
    pub(crate) source: Source,
    pub(crate) place: Place,
}

/// The outcome of one act, with the place to name.
pub type Outcome = (Place, Result<Event, Skipped>);

/// The annotations by their outputs. An annotation that is in two files is kept once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    by_output: BTreeMap<String, Vec<Note>>,
    known: BTreeSet<String>,
}

impl Notes {
    pub(crate) fn add(&mut self, output: String, note: Note) {
        if self.known.insert(note.source.id.clone()) {
            self.by_output.entry(output).or_default().push(note);
        }
    }

    /// Takes the annotations of an output, and returns their events. `read` reads the output, which is done only if it has
    /// annotations.
    pub(crate) fn meet(
        &mut self,
        output: &str,
        user: Option<&str>,
        read: impl FnOnce() -> Result<Output, Skipped>,
    ) -> Vec<Outcome> {
        let Some(notes) = self.by_output.remove(output) else { return Vec::new() };
        let read = read();
        let of_note = |note: Note| {
            let mut source = note.source;
            source.user = source.user.or_else(|| user.map(str::to_owned));
            let outcome = match &read {
                Ok(output) => event(output, &note.act, &source),
                Err(skipped) => Err(skipped.clone().of(&source.id)),
            };
            (note.place, outcome)
        };
        notes.into_iter().map(of_note).collect()
    }

    /// Takes the annotations that are left, in the order of their places.
    pub(crate) fn rest(&mut self) -> Vec<(Place, Skipped)> {
        let left = std::mem::take(&mut self.by_output);
        let missing = |output: &str, note: &Note| {
            let message = format!("its {output} is in none of the files");
            (note.place, Skipped::new(SkipReason::NoTarget, "", message).of(&note.source.id))
        };
        let mut rest: Vec<_> =
            left.iter().flat_map(|(output, notes)| notes.iter().map(|note| missing(output, note))).collect();
        rest.sort_by(|left, right| (left.0, &left.1.record).cmp(&(right.0, &right.1.record)));
        rest
    }
}
