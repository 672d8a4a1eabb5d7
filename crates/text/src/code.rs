//! Code within a text, as Markdown marks it: fenced blocks, and spans between backticks.

use std::collections::HashMap;
use std::ops::Range;

/// Returns `true` for the characters that end a line. CR and LF together end one line.
pub(crate) fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The fenced blocks of a text.
///
/// The rules are those of CommonMark, except that any depth of indentation and quotation is allowed. Fences in lists
/// are indented, and models indent them as they like.
#[derive(Debug, Default)]
pub struct Fenced {
    /// Each block with its fences, in order. An unclosed block ends with the text.
    pub(crate) blocks: Vec<Range<usize>>,
    /// The fence that is still open at the end of the text.
    pub open: Option<Range<usize>>,
}

impl Fenced {
    /// Finds the fenced blocks of a text.
    pub fn new(text: &str) -> Self {
        if memchr::memchr2(b'`', b'~', text.as_bytes()).is_none() {
            return Self::default();
        }
        let mut blocks = Vec::new();
        let mut open: Option<Fence<'_>> = None;
        for fence in fences(text) {
            open = match open {
                Some(open) if fence.closes(&open) => {
                    blocks.push(open.bytes.start..fence.bytes.end);
                    None
                }
                Some(open) => Some(open),
                // Backticks that close on one line are no block: ```like this```.
                None if fence.mark == b'`' && fence.info.contains('`') => None,
                None => Some(fence),
            };
        }
        let open = open.map(|fence| fence.bytes);
        blocks.extend(open.iter().map(|fence| fence.start..text.len()));
        Self { blocks, open }
    }
}

/// Returns all code in a text, in order: fenced blocks, and spans between backticks outside of them.
pub fn marked_code(text: &str) -> Vec<Range<usize>> {
    let mut code = Vec::new();
    let mut at = 0;
    for block in Fenced::new(text).blocks {
        add_spans(text, at..block.start, &mut code);
        at = block.end;
        code.push(block);
    }
    add_spans(text, at..text.len(), &mut code);
    code
}

/// Returns `true` if a place lies within one of the ranges. The ranges are in order.
pub fn is_within(ranges: &[Range<usize>], at: usize) -> bool {
    let after = ranges.partition_point(|range| range.start <= at);
    after > 0 && ranges[after - 1].contains(&at)
}

/// Adds the spans between two runs of equally many backticks on one line of a part of the text.
fn add_spans(text: &str, part: Range<usize>, code: &mut Vec<Range<usize>>) {
    let mut line_start = part.start;
    for line in text[part].split_inclusive(is_line_end) {
        let runs = backticks(line);
        // From the end of the line, so that each run is looked at once.
        let mut next_of_length = HashMap::new();
        let mut closing = vec![None; runs.len()];
        for (index, run) in runs.iter().enumerate().rev() {
            closing[index] = next_of_length.insert(run.len(), index);
        }
        let mut index = 0;
        while index < runs.len() {
            let Some(end) = closing[index] else {
                index += 1;
                continue;
            };
            code.push(line_start + runs[index].start..line_start + runs[end].end);
            index = end + 1;
        }
        line_start += line.len();
    }
}

/// Returns the runs of backticks of a line.
fn backticks(line: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in memchr::memchr_iter(b'`', line.as_bytes()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// A run of three or more backticks or tildes at the start of a line.
struct Fence<'t> {
    mark: u8,
    bytes: Range<usize>,
    /// The rest of its line.
    info: &'t str,
}

fn fences(text: &str) -> impl Iterator<Item = Fence<'_>> {
    let mut line_start = 0;
    text.split_inclusive(is_line_end).filter_map(move |line| {
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

/// Returns the text of a list item: the line without its `-`, `*`, `+`, `1.` or `1)`.
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

    fn code(text: &str) -> Vec<&str> {
        marked_code(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn fenced_blocks_and_spans_are_code_and_the_rest_is_not() {
        assert_eq!(
            code("Call `f(x)` and ``g(`)``.\n```py\nf(1)\n```\nor `h`"),
            ["`f(x)`", "``g(`)``", "```py\nf(1)\n```", "`h`"]
        );
        assert_eq!(code("a ` b\nc ` d"), [""; 0]);
        assert_eq!(code("- ~~~\n  x\n  ~~~ y\n"), ["~~~\n  x\n  ~~~ y\n"]);
        assert_eq!(code("plain"), [""; 0]);
    }

    #[test]
    fn a_place_is_within_code_or_not() {
        let text = "a `b` c `d`";
        let code = marked_code(text);
        let within: String =
            text.char_indices().filter(|(at, _)| is_within(&code, *at)).map(|(_, letter)| letter).collect();
        assert_eq!(within, "`b``d`");
    }
}
