//! Code that does not end: a fence that the user's text opens and does not close.

use super::finding::Findings;
use super::subject::Texts;
use crate::reason::Reason;
use std::ops::Range;

/// Adds [`Reason::BrokenFence`] at the fence that stays open, if none did in the model's text.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let Some(open) = open_fence(texts.chosen) else { return };
    if open_fence(texts.rejected).is_none() {
        findings.in_chosen(Reason::BrokenFence, 1.0, open);
    }
}

/// A run of three or more backticks or tildes that begins a line.
struct Fence {
    mark: u8,
    length: usize,
    bytes: Range<usize>,
}

/// The fence that is open where the text ends. Rules of CommonMark, except that any depth of indentation and quotation is
/// allowed: fences in lists are indented, and models indent them as they like.
fn open_fence(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut open: Option<Fence> = None;
    let mut searched = 0;
    while let Some(at) = next_mark(bytes, searched) {
        let mark = bytes[at];
        let length = bytes[at..].iter().take_while(|byte| **byte == mark).count();
        searched = at + length;
        if length < 3 || !begins_line(&bytes[..at]) {
            continue;
        }
        let line_end = memchr::memchr(b'\n', &bytes[searched..]).map_or(bytes.len(), |end| searched + end);
        let info = text[searched..line_end].trim();
        match &open {
            Some(fence) if fence.mark == mark && length >= fence.length && info.is_empty() => open = None,
            Some(_) => {}
            // Between backticks on one line there is no block: ```like this```.
            None if mark == b'`' && info.contains('`') => {}
            None => open = Some(Fence { mark, length, bytes: at..searched }),
        }
        searched = line_end;
    }
    open.map(|fence| fence.bytes)
}

fn next_mark(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr2(b'`', b'~', bytes.get(from..)?).map(|offset| from + offset)
}

/// Whether nothing stands before on the line but white space, quotation marks and a list's bullet.
fn begins_line(before: &[u8]) -> bool {
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let line = before[start..].trim_ascii_start();
    let line = line.strip_prefix(b"- ").or_else(|| line.strip_prefix(b"* ")).unwrap_or(line);
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'>'))
}
