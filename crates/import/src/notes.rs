//! Annotations that stand in other rows than their outputs, kept until the outputs come.
//!
//! Tools export scores and outputs separately. The first reading of the files keeps the scores, which are few and short;
//! the second reads the outputs, which are many and long, one by one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::event::{Act, Event, Output, Source, event};
use crate::skipped::{SkipReason, Skipped};
use crate::value::id;
use crate::waiting::Waiting;

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

/// The annotations by their outputs. Of an annotation that is in two files the later version is kept.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    waiting: Waiting<Note>,
    /// By the annotation's id: its output, and its time.
    known: BTreeMap<String, (String, Option<String>)>,
    /// The numbers of outputs that may stand for a whole, by the whole.
    parts: BTreeMap<String, u32>,
}

impl Notes {
    /// Keeps the annotation of a row, or returns the reason why it is left out, with the row's id.
    pub(crate) fn keep(&mut self, row: &Value, read: Result<(String, Note), Skipped>) -> Option<Skipped> {
        match read {
            Ok((output, note)) => {
                self.add(output, note);
                None
            }
            Err(skipped) => Some(match id(row, &["id"]) {
                Some(id) => skipped.of(&id),
                None => skipped,
            }),
        }
    }

    fn add(&mut self, output: String, note: Note) {
        let (id, time) = (note.source.id.clone(), note.source.occurred_at.clone());
        if let Some((before, earlier)) = self.known.get(&id) {
            // Times of one tool have one form, so their order is that of the texts.
            if *earlier >= time {
                return;
            }
            self.waiting.remove(before, |note| note.source.id == id);
        }
        self.known.insert(id, (output.clone(), time));
        self.waiting.add(output, note);
    }

    /// Counts an output that may stand for the whole that it is a part of.
    pub(crate) fn count_part(&mut self, whole: String) {
        *self.parts.entry(whole).or_default() += 1;
    }

    /// Marks a whole that is in the files itself: no part stands for it.
    pub(crate) fn has_whole(&mut self, whole: String) {
        self.parts.insert(whole, u32::MAX / 2);
    }

    /// Returns `true` if a whole has one part only, and is not in the files itself.
    pub(crate) fn has_one_part(&self, whole: &str) -> bool {
        self.parts.get(whole) == Some(&1)
    }

    /// Takes the annotations of an output, and returns their events. `read` reads the output, which is done only if it has
    /// annotations.
    pub(crate) fn meet(
        &mut self,
        output: &str,
        user: Option<&str>,
        read: impl FnOnce() -> Result<Output, Skipped>,
    ) -> Vec<Outcome> {
        let Some((read, notes)) = self.waiting.meet(output, read) else { return Vec::new() };
        let of_note = |note: Note| {
            let mut source = note.source;
            source.user = source.user.or_else(|| user.map(str::to_owned));
            (note.place, event(&read, &note.act, &source))
        };
        notes.into_iter().map(of_note).collect()
    }

    /// Takes the annotations that are left, in the order of their places.
    pub(crate) fn rest(&mut self) -> Vec<(Place, Skipped)> {
        let missing = |output: &str| {
            let message = match self.parts.get(output) {
                Some(2..) => format!("its {output} has several outputs, and may be about any of them"),
                _ => format!("its {output} is in none of the files"),
            };
            Skipped::new(SkipReason::NoTarget, "", message)
        };
        let named = |(output, note, unread): (String, Note, Option<Skipped>)| {
            (note.place, unread.unwrap_or_else(|| missing(&output)).of(&note.source.id))
        };
        let mut rest: Vec<_> = self.waiting.rest().into_iter().map(named).collect();
        rest.sort_by(|left, right| (left.0, &left.1.record).cmp(&(right.0, &right.1.record)));
        rest
    }
}
