//! Names what is left out, and counts what comes in.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _, stderr};
use std::path::Path;

use flywheel_event::Endpoint;
use flywheel_import::{Event, Place, Skipped};
use serde::Serialize;

use super::whole_file::WholeFile;
use crate::Failure;
use crate::marked::visible;

/// A line of the file of what is left out.
#[derive(Serialize)]
struct SkippedLine<'s> {
    file: &'s str,
    row: u64,
    record: Option<&'s str>,
    field: Option<&'s str>,
    reason: &'static str,
    message: &'s str,
}

/// The counts of an import so far, and the names of what is left out.
pub(super) struct Report {
    files: Vec<String>,
    left_out: Option<BufWriter<WholeFile>>,
    records: u64,
    edits: u64,
    feedback: u64,
    skipped: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Creates a report. `files` are the names of all files, in the order of their numbers.
    pub(super) fn new(files: Vec<String>, left_out: Option<&Path>) -> Result<Self, Failure> {
        let left_out = left_out.map(WholeFile::create).transpose()?.map(BufWriter::new);
        Ok(Self { files, left_out, records: 0, edits: 0, feedback: 0, skipped: BTreeMap::new() })
    }

    pub(super) fn record(&mut self) {
        self.records += 1;
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event.endpoint {
            Endpoint::Edits => self.edits += 1,
            Endpoint::Feedback => self.feedback += 1,
        }
    }

    /// Takes back an event that the API refused.
    pub(super) fn refused(&mut self, event: &Event) {
        let count = match event.endpoint {
            Endpoint::Edits => &mut self.edits,
            Endpoint::Feedback => &mut self.feedback,
        };
        *count = count.saturating_sub(1);
    }

    pub(super) fn events(&self) -> u64 {
        self.edits + self.feedback
    }

    /// Names what is left out.
    pub(super) fn skip(&mut self, place: Place, skipped: &Skipped) -> Result<(), Failure> {
        *self.skipped.entry(skipped.reason.as_str()).or_default() += 1;
        let file = self.files.get(place.file).map_or("", String::as_str);
        let Some(lines) = &mut self.left_out else {
            let named =
                |label: &str, name: Option<&str>| name.map(|name| format!("{label}{name}: ")).unwrap_or_default();
            let (record, field) = (named("", skipped.record.as_deref()), named("", skipped.field.as_deref()));
            let reason = skipped.reason.as_str();
            let line = format!("{file}:{}: {record}{field}{} ({reason})", place.row, skipped.message);
            return Ok(writeln!(stderr(), "{}", visible(&line.replace('\n', " ")))?);
        };
        let line = SkippedLine {
            file,
            row: place.row,
            record: skipped.record.as_deref(),
            field: skipped.field.as_deref(),
            reason: skipped.reason.as_str(),
            message: &skipped.message,
        };
        serde_json::to_writer(&mut *lines, &line)?;
        Ok(lines.write_all(b"\n")?)
    }

    /// Finishes the file of what is left out, and returns the summary.
    pub(super) fn finish(self) -> Result<String, Failure> {
        let left_out: u64 = self.skipped.values().sum();
        let (records, events, edits, feedback) = (self.records, self.events(), self.edits, self.feedback);
        let mut summary =
            format!("records {records}, events {events} (edits {edits}, feedback {feedback}), left out {left_out}\n");
        for (reason, count) in &self.skipped {
            summary.push_str(&format!("  {reason:<24} {count:>10}\n"));
        }
        if let Some(lines) = self.left_out {
            lines.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()?;
        }
        Ok(summary)
    }
}
