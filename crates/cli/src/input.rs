//! Reads files of events as chunks of whole lines. A chunk is bounded for any input.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flywheel_event::MAX_EVENT_BYTES;

use crate::Failure;

/// The size in bytes at which a chunk is closed: enough to be worth another thread.
const CHUNK_BYTES: usize = 256 * 1024;

/// The longest line in bytes. Longer lines hold no event that the front door would take. An event may have white space, unknown
/// fields and escapes that are not kept, so the limit is a few times the front door's.
pub(crate) const MAX_LINE_BYTES: usize = 8 * MAX_EVENT_BYTES;

/// The bits for a line's number. No file has more lines.
const LINES_BITS: u32 = 40;

/// Some lines of one file.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The file's name as the user gave it.
    pub(crate) file: Arc<Path>,
    /// The number of bytes read for this chunk.
    pub(crate) bytes_read: u64,
    /// The number of files before this one.
    file_number: u64,
    text: Vec<u8>,
    lines: Vec<(u64, Option<Range<usize>>)>,
}

/// One line of a file. Blank lines are left out.
#[derive(Debug)]
pub(crate) struct Line<'c> {
    /// The line's number from 1; blank lines count.
    pub(crate) number: u64,
    /// The line's position among the lines of all files, in order.
    pub(crate) position: u64,
    /// The line's text; `None` if it is longer than [`MAX_LINE_BYTES`].
    pub(crate) bytes: Option<&'c [u8]>,
}

impl Chunk {
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines.iter().map(|(number, range)| Line {
            number: *number,
            position: (self.file_number << LINES_BITS) + number,
            bytes: range.clone().map(|range| &self.text[range]),
        })
    }
}

/// Returns the size of all files together, if each has one.
pub(crate) fn total_bytes(files: &[PathBuf]) -> Option<u64> {
    let sizes =
        files.iter().map(|path| std::fs::metadata(path).ok().filter(|file| file.is_file()).map(|file| file.len()));
    sizes.sum()
}

/// Reads files one after another and hands each chunk to `take` until `take` returns `false`.
pub(crate) fn read(files: &[PathBuf], mut take: impl FnMut(Chunk) -> bool) -> Result<(), Failure> {
    for (file_number, path) in (0..).zip(files) {
        let failure = |cause| Failure::Unusable(format!("cannot read {}: {cause}", path.display()));
        let source: Box<dyn Read> =
            if path.as_os_str() == "-" { Box::new(stdin()) } else { Box::new(File::open(path).map_err(failure)?) };
        let mut reader = Reader { source: BufReader::with_capacity(CHUNK_BYTES, source), line: 0 };
        while let Some(chunk) = reader.chunk(path, file_number).map_err(failure)? {
            if !take(chunk) {
                return Ok(());
            }
        }
    }
    Ok(())
}

struct Reader<R> {
    source: R,
    line: u64,
}

impl<R: BufRead> Reader<R> {
    /// Returns the next lines, or `None` at the end.
    fn chunk(&mut self, path: &Path, file_number: u64) -> std::io::Result<Option<Chunk>> {
        let mut chunk = Chunk {
            file: path.into(),
            bytes_read: 0,
            file_number,
            text: Vec::with_capacity(CHUNK_BYTES),
            lines: Vec::new(),
        };
        while chunk.text.len() < CHUNK_BYTES {
            let start = chunk.text.len();
            let read = self.source.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut chunk.text)?;
            if read == 0 {
                break;
            }
            self.line += 1;
            chunk.bytes_read += read as u64;
            if read > MAX_LINE_BYTES && !chunk.text.ends_with(b"\n") {
                chunk.text.truncate(start);
                chunk.bytes_read += self.source.skip_until(b'\n')? as u64;
                chunk.lines.push((self.line, None));
                continue;
            }
            // A byte order mark is not part of the first event.
            let mark = if self.line == 1 && chunk.text[start..].starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let line = start + mark..chunk.text.len();
            if !chunk.text[line.clone()].trim_ascii().is_empty() {
                chunk.lines.push((self.line, Some(line)));
            }
        }
        Ok((chunk.bytes_read > 0).then_some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Option<String>)> {
        let mut reader = Reader { source: text, line: 0 };
        let mut all = Vec::new();
        while let Some(chunk) = reader.chunk(Path::new("f"), 0).unwrap() {
            assert!(chunk.text.len() <= CHUNK_BYTES + MAX_LINE_BYTES);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            all.extend(chunk.lines().map(|line| (line.number, line.bytes.map(text))));
        }
        all
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_left_out() {
        let read = lines(b"\xef\xbb\xbfone\r\n\n  \ntwo\nthree");
        let expected = [(1, "one\r\n"), (4, "two\n"), (5, "three")];
        assert_eq!(read, expected.map(|(number, text)| (number, Some(text.to_owned()))));
    }

    #[test]
    fn an_endless_line_is_passed_over_and_not_kept() {
        let mut text = vec![b'x'; 3 * MAX_LINE_BYTES];
        text.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(&text), [(1, None), (2, Some("next\n".to_owned()))]);
    }

    #[test]
    fn chunks_keep_all_lines() {
        let text: String = (1..=50_000).map(|number| format!("line {number}\n")).collect();
        let read = lines(text.as_bytes());
        assert_eq!(read.len(), 50_000);
        assert!(read.iter().all(|(number, line)| line.as_deref() == Some(&format!("line {number}\n"))));
    }
}
