//! An import: rows of a tool's files to events.

use serde_json::Value;

use crate::notes::{Notes, Outcome, Place};
use crate::options::Options;
use crate::otlp::Edits;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::{argilla, labelstudio, langfuse, langsmith, openwebui, phoenix};

/// An import of one tool's files.
///
/// Tools that export annotations apart from outputs are read twice: [`Importer::note`] keeps the annotations, then
/// [`Importer::read`] meets them with their outputs. Memory grows with the annotations, not with the outputs.
#[derive(Debug)]
pub struct Importer {
    tool: Tool,
    options: Options,
    notes: Notes,
    edits: Edits,
}

impl Importer {
    /// Creates an import.
    #[must_use]
    pub fn new(tool: Tool, options: Options) -> Self {
        Self { tool, options, notes: Notes::default(), edits: Edits::default() }
    }

    /// Returns `true` if the files have to be read twice.
    #[must_use]
    pub fn reads_twice(&self) -> bool {
        matches!(self.tool, Tool::Langfuse | Tool::LangSmith | Tool::Phoenix)
    }

    /// Keeps the annotations of a record, in the first reading. Returns those that cannot be taken.
    pub fn note(&mut self, record: &Value, place: Place) -> Vec<Skipped> {
        // [`Importer::read`] names a record of another shape.
        if !self.tool.knows(record) {
            return Vec::new();
        }
        let (options, notes) = (&self.options, &mut self.notes);
        match self.tool {
            Tool::Langfuse => langfuse::note(record, place, options, notes),
            Tool::LangSmith => langsmith::note(record, place, options, notes),
            Tool::Phoenix => phoenix::note(record, place, options, notes),
            Tool::OpenWebUi | Tool::LabelStudio | Tool::Argilla | Tool::Otlp => Vec::new(),
        }
    }

    /// Keeps an edit of a file of edits ([`Tool::Otlp`]).
    ///
    /// # Errors
    /// The edit names no output.
    pub fn note_edit(&mut self, edit: &Value, place: Place) -> Result<(), Skipped> {
        self.edits.add(edit, place, &self.options)
    }

    /// Returns the events of a record, and what cannot be taken of it. A record that is none of the tool's is named.
    pub fn read(&mut self, record: &Value, place: Place) -> Vec<Outcome> {
        if !self.tool.knows(record) {
            let message = format!("is no record of {}", self.tool.name());
            return vec![(place, Err(Skipped::new(SkipReason::UnknownRecord, "", message)))];
        }
        let (options, notes) = (&self.options, &mut self.notes);
        match self.tool {
            Tool::Langfuse => langfuse::meet(record, options, notes),
            Tool::LangSmith => langsmith::meet(record, options, notes),
            Tool::Phoenix => phoenix::meet(record, options, notes),
            Tool::OpenWebUi => openwebui::read(record, place, options),
            Tool::LabelStudio => labelstudio::read(record, place, options),
            Tool::Argilla => argilla::read(record, place, options),
            Tool::Otlp => self.edits.meet(record),
        }
    }

    /// Takes the annotations whose outputs did not come, in the order of their places.
    pub fn rest(&mut self) -> Vec<(Place, Skipped)> {
        [self.notes.rest(), self.edits.rest()].concat()
    }
}

/// Reads a row of a file. Half a surrogate pair in a text, which Python writes and JSON readers refuse, becomes U+FFFD.
///
/// # Errors
/// The row is not JSON.
pub fn parse(row: &[u8]) -> Result<Value, Skipped> {
    let first = match serde_json::from_slice(row) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let mended = str::from_utf8(row).ok().and_then(|text| serde_json::from_str(&with_whole_pairs(text)).ok());
    mended.ok_or_else(|| {
        let message = format!("the row is not JSON, at its line {} column {}", first.line(), first.column());
        Skipped::new(SkipReason::UnknownRecord, "", message)
    })
}

/// Replaces escapes of half a surrogate pair.
fn with_whole_pairs(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let unit = |start: usize| u32::from_str_radix(escape.get(start + 2..start + 6)?, 16).ok();
        let is_escape = |start: usize| escape.get(start..start + 2) == Some("\\u");
        let length = match (is_escape(0), unit(0)) {
            (true, Some(0xd800..0xdc00)) if is_escape(6) && matches!(unit(6), Some(0xdc00..0xe000)) => 12,
            (true, Some(0xd800..0xe000)) => {
                whole.push_str("\\ufffd");
                rest = &escape[6..];
                continue;
            }
            _ => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        whole.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    whole + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_becomes_the_replacement_character() {
        let text = |row: &str| parse(row.as_bytes()).map(|value| value.as_str().unwrap().to_owned());
        assert_eq!(text(r#""a\ud83db""#).as_deref(), Ok("a\u{fffd}b"));
        assert_eq!(text(r#""\ude00\ud83d\ude00\\ud83d\ud83d""#).as_deref(), Ok("\u{fffd}😀\\ud83d\u{fffd}"));
        assert_eq!(text(r#""\ud83d\u0041""#).as_deref(), Ok("\u{fffd}A"));
        assert!(text(r#""\ud8"#).is_err() && parse(b"{\"a\": NaN}").is_err() && parse(b"\"\xff\"").is_err());
    }
}
