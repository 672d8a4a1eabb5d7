//! Judges one line as `curate` judges a queue message.

use std::fmt;

use flywheel_base::{Refusal, RefusalCode};
use flywheel_curation::{CuratedEvent, Curator};
use serde::Serialize;

use crate::input::{Line, MAX_LINE_BYTES};

/// Stands for the time. Verdicts do not depend on it, and lines with it are not shown.
const NO_TIME: u64 = 0;

/// A time after any time of an event, in microseconds since the epoch.
const AFTER_ALL_TIMES: u64 = 1 << 62;

/// The reason why a line is an invalid event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BadLine {
    code: &'static str,
    message: String,
    field: Option<String>,
}

impl BadLine {
    fn new(code: RefusalCode, message: &str) -> Self {
        Self { code: code.as_str(), message: message.to_owned(), field: None }
    }
}

impl From<Refusal> for BadLine {
    fn from(Refusal { code, message, field }: Refusal) -> Self {
        Self { code: code.as_str(), message, field }
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(formatter, "{field}: {} ({})", self.message, self.code),
            None => write!(formatter, "{} ({})", self.message, self.code),
        }
    }
}

/// Returns the text of a line without the line's end, which belongs to the file.
pub(crate) fn text<'c>(line: &Line<'c>) -> Result<&'c str, BadLine> {
    let Some(bytes) = line.bytes else {
        return Err(BadLine::new(RefusalCode::TooLarge, &format!("the line has more than {MAX_LINE_BYTES} bytes")));
    };
    std::str::from_utf8(bytes.trim_ascii_end()).map_err(|_| BadLine::new(RefusalCode::NotUtf8, "the line is not UTF-8"))
}

/// The result of a line.
pub(crate) enum Judged {
    Event(Box<CuratedEvent>),
    /// A read of an output: the front door counts it, and curation does not judge it.
    Read,
}

/// Judges the event in a line.
pub(crate) fn judge(curator: &Curator, line: &Line<'_>) -> Result<Judged, BadLine> {
    // A file has no front door. Events without a time of receipt count as received in the order of the lines.
    let received_at = Some(AFTER_ALL_TIMES + line.position);
    let audited = curator.audit(text(line)?).map(|event| event.received_by_default(received_at));
    match audited.and_then(|event| curator.finish(event, &[], NO_TIME)) {
        Ok(event) => Ok(Judged::Event(Box::new(event))),
        Err(refusal) if refusal.code == RefusalCode::OnlyRead => Ok(Judged::Read),
        Err(refusal) => Err(refusal.into()),
    }
}
