//! Code that does not end: a fence that the user's text opens and does not close.

use std::ops::Range;

use super::finding::Findings;
use super::subject::Texts;
use crate::reason::Reason;

/// Adds [`Reason::BrokenFence`] at the fence that stays open, if none did in the model's text.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let Some(open) = open_fence(texts.chosen) else { return };
    if open_fence(texts.rejected).is_none() {
        findings.in_chosen(Reason::BrokenFence, 1.0, open);
    }
}

/// A run of three or more backticks or tildes that begins a line.
struct Fence<'t> {
    mark: u8,
    bytes: Range<usize>,
    /// What stands behind it on its line.
    info: &'t str,
}

/// The fence that is open where the text ends. Rules of CommonMark, except that any depth of indentation and quotation is
/// allowed: fences in lists are indented, and models indent them as they like.
fn open_fence(text: &str) -> Option<Range<usize>> {
    memchr::memchr2(b'`', b'~', text.as_bytes())?;
    let mut open: Option<Fence<'_>> = None;
    for fence in fences(text) {
        open = match open {
            Some(open) if fence.closes(&open) => None,
            Some(open) => Some(open),
            // Between backticks on one line there is no block: ```like this```.
            None if fence.mark == b'`' && fence.info.contains('`') => None,
            None => Some(fence),
        };
    }
    open.map(|fence| fence.bytes)
}

fn fences(text: &str) -> impl Iterator<Item = Fence<'_>> {
    let mut line_start = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = line_start;
        line_start += line.len();
        fence_of(line, start)
    })
}

fn fence_of(line: &str, line_start: usize) -> Option<Fence<'_>> {
    let quoted = line.trim_start_matches([' ', '\t', '>']);
    let item = point_of_list(quoted).trim_start();
    let mark = *item.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let info = item.trim_start_matches(char::from(mark));
    let length = item.len() - info.len();
    let start = line_start + line.len() - item.len();
    (length >= 3).then(|| Fence { mark, bytes: start..start + length, info: info.trim() })
}

/// What a point of a list says: the line without its `-`, `*`, `+`, `1.` or `1)`.
fn point_of_list(line: &str) -> &str {
    let unnumbered = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let marks: &[&str] = if unnumbered.len() < line.len() { &[". ", ") "] } else { &["- ", "* ", "+ "] };
    marks.iter().find_map(|mark| unnumbered.strip_prefix(mark)).unwrap_or(line)
}

impl Fence<'_> {
    fn closes(&self, open: &Self) -> bool {
        self.mark == open.mark && self.bytes.len() >= open.bytes.len() && self.info.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rejected: &str, chosen: &str) -> Vec<(usize, usize)> {
        let mut findings = Findings::default();
        inspect(Texts { prompt: "", chosen, rejected }, &mut findings);
        assert!(findings.list.iter().all(|finding| finding.reason == Reason::BrokenFence));
        let places = findings.list.into_iter().map(|finding| finding.span.unwrap().bytes);
        places.map(|bytes| (bytes.start, bytes.end)).collect()
    }

    #[test]
    fn a_fence_that_lost_its_end_is_found() {
        let whole = "Run this:\n```sh\nmake\n```\n";
        assert_eq!(found(whole, "Run this:\n```sh\nmake\n"), [(10, 13)]);
        assert_eq!(found(whole, "~~~\nmake\n```\n"), [(0, 3)]);
        assert_eq!(found(whole, "````\nmake\n```\n"), [(0, 4)]);
        assert_eq!(found(whole, "1. é\n    ```\n    make\n"), [(10, 13)]);
        assert_eq!(found(whole, "- ```\n  make\n  ```\n  ```\n"), [(21, 24)]);
    }

    #[test]
    fn a_fence_that_ends_is_not() {
        for chosen in [
            "```\nmake\n```",
            "> ```\n> make\n> ```",
            "````md\n```\n````",
            "1. ```sh\n   make\n   ```\n2) ~~~\n   run\n   ~~~\n+ ```\n  ```",
            "```not a block``` but code",
            "a `tick`, ```three``` within a line",
            "~~~\n```\n~~~",
            "~struck~ ~~through~~",
        ] {
            assert!(found("whole", chosen).is_empty(), "{chosen}");
        }
    }

    #[test]
    fn what_the_model_left_open_is_not_the_users() {
        assert!(found("```\nmake", "```\nmake all").is_empty());
    }
}
