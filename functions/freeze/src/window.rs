//! What a freeze has read: what goes into the version, what is held back, and what both say of the window.

use std::collections::HashMap;

use flywheel_core::{Breadth, Goal, HeldLine, KnownPairs, PartName, WindowStatistics};

use crate::part_lines::PartLine;

/// The pending lines, divided.
#[derive(Debug)]
pub(crate) struct Window {
    goal: Goal,
    /// How many more lines may be let through.
    room: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) held: Vec<HeldLine>,
    pub(crate) duplicates: u64,
    pub(crate) breadth: Breadth,
    /// When the newest part was written out of which something is held.
    pub(crate) held_at: u64,
    /// The first and the last part that something was let through of.
    let_through: Option<(u64, u64)>,
    /// The ids of what was let through, should it have to be held after all.
    ids: Vec<(String, String)>,
    pairs: u64,
    pairs_by_contributor: HashMap<String, u64>,
}

impl Window {
    /// An empty window on top of what was carried over, that lets at most `room` lines through.
    pub(crate) fn new(goal: Goal, carried_over: Breadth, room: u64) -> Self {
        Self {
            goal,
            room,
            lines: Vec::new(),
            held: Vec::new(),
            duplicates: 0,
            breadth: carried_over,
            held_at: 0,
            let_through: None,
            ids: Vec::new(),
            pairs: 0,
            pairs_by_contributor: HashMap::new(),
        }
    }

    /// Adds a line of a part, if its pair and its event are new.
    pub(crate) fn add(&mut self, part: &PartName, line: &PartLine<'_>, is_held: bool, known: &mut KnownPairs) {
        if !is_held {
            self.pairs += 1;
            if let Some(contributor) = line.contributor.as_deref() {
                *self.pairs_by_contributor.entry(contributor.to_owned()).or_default() += 1;
            }
        }
        if !known.admit(&line.pair_id, &line.event_id) {
            self.duplicates += 1;
            return;
        }
        let (event_id, pair_id) = (line.event_id.clone().into_owned(), line.pair_id.clone().into_owned());
        if is_held || self.room == 0 {
            self.held_at = self.held_at.max(part.written_at);
            self.held.push(HeldLine { event_id, pair_id, text: line.text.to_owned() });
            return;
        }
        self.room -= 1;
        let (first, last) = self.let_through.unwrap_or((part.written_at, part.written_at));
        self.let_through = Some((first.min(part.written_at), last.max(part.written_at)));
        self.breadth.add(&self.goal, line.contributor.as_deref(), line.prompt.as_deref().unwrap_or_default());
        self.lines.push(line.text.to_owned());
        self.ids.push((event_id, pair_id));
    }

    /// From when until when the parts were written that something is let through of.
    pub(crate) fn time(&self) -> Option<(u64, u64)> {
        self.let_through
    }

    /// What is measured of what is let through. Bursts and drift are not: nothing here looks for them.
    pub(crate) fn statistics(&self, quarantined: u64) -> WindowStatistics {
        let busiest = self.pairs_by_contributor.values().max();
        let top_contributor = busiest.map(|pairs| *pairs as f64 / self.pairs as f64);
        WindowStatistics { pairs: self.pairs, quarantined, top_contributor, burst: None, drift: None }
    }

    /// Holds back what was to be let through.
    pub(crate) fn hold_everything(&mut self, carried_over: &Breadth) {
        self.held_at = self.held_at.max(self.let_through.take().map_or(0, |(_, last)| last));
        let lines = std::mem::take(&mut self.lines).into_iter().zip(std::mem::take(&mut self.ids));
        self.held.extend(lines.map(|(text, (event_id, pair_id))| HeldLine { event_id, pair_id, text }));
        self.breadth = carried_over.clone();
    }
}
