//! The counts of a run.

use std::collections::BTreeMap;
use std::fmt;

use flywheel_base::{Reason, Route};
use flywheel_curation::Verdict;

/// Counts over all lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    events: u64,
    reads: u64,
    bad_lines: u64,
    routes: BTreeMap<Route, u64>,
    reasons: BTreeMap<Reason, u64>,
    tags: BTreeMap<Reason, u64>,
}

impl Summary {
    pub(crate) fn event(&mut self, verdict: &Verdict) {
        self.events += 1;
        *self.routes.entry(verdict.route).or_default() += 1;
        for reason in &verdict.reasons {
            *self.reasons.entry(*reason).or_default() += 1;
        }
        for tag in &verdict.tags {
            *self.tags.entry(*tag).or_default() += 1;
        }
    }

    pub(crate) fn read(&mut self) {
        self.reads += 1;
    }

    pub(crate) fn bad_line(&mut self) {
        self.bad_lines += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.reads += other.reads;
        self.bad_lines += other.bad_lines;
        add(&mut self.routes, &other.routes);
        add(&mut self.reasons, &other.reasons);
        add(&mut self.tags, &other.tags);
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn bad_lines(&self) -> u64 {
        self.bad_lines
    }
}

fn add<K: Ord + Copy>(sums: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, count) in more {
        *sums.entry(*key).or_default() += count;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, count: u64| {
            let share = 100.0 * count as f64 / self.events.max(1) as f64;
            writeln!(formatter, "  {name:<24} {count:>10}  {share:>5.1} %")
        };
        for (route, count) in &self.routes {
            row(route.as_str(), *count)?;
        }
        for (reason, count) in &self.reasons {
            row(&format!("· {}", reason.as_str()), *count)?;
        }
        for (tag, count) in &self.tags {
            row(&format!("· {} (tag)", tag.as_str()), *count)?;
        }
        if self.reads > 0 {
            writeln!(formatter, "  {:<24} {:>10}", "reads, only counted", self.reads)?;
        }
        if self.bad_lines > 0 {
            writeln!(formatter, "  {:<24} {:>10}", "bad lines", self.bad_lines)?;
        }
        if self.events == 0 && self.bad_lines > 0 {
            let fields = "prompt, original_llm_output and final_user_edit";
            writeln!(formatter, "no line is an event: expected one JSON object a line, with {fields}")?;
        }
        Ok(())
    }
}
