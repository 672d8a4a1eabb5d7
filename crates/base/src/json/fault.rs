//! Faults: the places at which a text is not JSON.

use crate::refusal::{Refusal, RefusalCode, printable};

/// The maximum length of a path in characters. Longer paths are cut: deep down, their ends name nothing useful.
const MAX_PATH_CHARS: usize = 120;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    kind: FaultKind,
    /// The byte at which the fault was noticed.
    at: usize,
    /// The path of the faulty field, with a dot before each name: `.metadata.scores[3]`. Empty outside of any field.
    path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The text ends with something unclosed.
    EndsEarly,
    /// A byte stands where JSON requires another.
    NotJson,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// Values are nested deeper than the limit.
    TooDeep,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, at: usize) -> Self {
        Self { kind, at, path: String::new() }
    }

    /// Prefixes the fault's path with an object's key.
    pub(super) fn in_field(self, key: &str) -> Self {
        self.within(&format!(".{}", printable(key)))
    }

    /// Prefixes the fault's path with a list's index.
    pub(super) fn in_item(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    fn within(mut self, outer: &str) -> Self {
        self.path.insert_str(0, outer);
        if let Some((end, _)) = self.path.char_indices().nth(MAX_PATH_CHARS) {
            self.path.truncate(end);
        }
        self
    }

    /// Returns the refusal, with line and column. It does not quote the text.
    pub(super) fn refusal(self, lines: &mut Lines<'_>) -> Refusal {
        let (line, column) = lines.position(self.at);
        let (code, message) = match self.kind {
            FaultKind::EndsEarly => {
                let message = format!("the JSON ends too early, at line {line} column {column}");
                return Refusal::of_whole(RefusalCode::MalformedJson, message);
            }
            FaultKind::NotJson => {
                (RefusalCode::MalformedJson, format!("is not valid JSON at line {line} column {column}"))
            }
            FaultKind::NotUtf8 => {
                (RefusalCode::NotUtf8, format!("must be UTF-8, and is not at line {line} column {column}"))
            }
            FaultKind::TooDeep => {
                (RefusalCode::InvalidValue, format!("is nested too deeply at line {line} column {column}"))
            }
        };
        let field = self.path.strip_prefix('.').unwrap_or(&self.path);
        Refusal { code, message, field: Some(field.to_owned()).filter(|field| !field.is_empty()) }
    }
}

/// Finds lines and columns in a text. Both count from 1, columns in bytes. It only moves forward, so one pass finds all
/// faults of a batch.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    counted: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, counted: 0, line: 1, line_start: 0 }
    }

    fn position(&mut self, at: usize) -> (usize, usize) {
        for (index, byte) in self.bytes.iter().enumerate().take(at).skip(self.counted) {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = index + 1;
            }
        }
        self.counted = self.counted.max(at);
        (self.line, at.saturating_sub(self.line_start) + 1)
    }
}
