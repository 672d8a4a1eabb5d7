//! Reads a file row by row: JSON lines, or the items of a JSON list. Memory holds one row at a time.
//!
//! The reader only counts brackets and quotes. What is between them is parsed as JSON afterwards, so that one invalid row
//! does not hide the others.

use std::io::BufRead;

/// The longest row in bytes. A row is a record, or a page of an API with some hundred records.
const MAX_ROW_BYTES: usize = 64 * 1024 * 1024;

/// A row of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The row's number, from 1.
    pub(super) number: u64,
    /// The row's text.
    pub(super) text: Vec<u8>,
}

/// The reason why a file cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("is empty; export it again")]
    Empty,
    #[error("{0}")]
    NotJson(&'static str),
    #[error("row {0}: the file ends within the row; it was cut off, so export it again")]
    EndsEarly(u64),
    #[error("row {0}: the list goes on with neither a comma nor its end; export it again")]
    Stray(u64),
    #[error("row {0}: the row has more than {MAX_ROW_BYTES} bytes; export smaller pages")]
    TooLong(u64),
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Unknown,
    Lines,
    List,
    /// After the end of a list.
    Ended,
}

/// The rows of a file.
#[derive(Debug)]
pub(super) struct Rows<R> {
    source: R,
    form: Form,
    number: u64,
    bytes: u64,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, form: Form::Unknown, number: 0, bytes: 0 }
    }

    /// Returns the number of bytes that were read since the last call.
    pub(super) fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    /// Returns the next row, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Fault> {
        if self.form == Form::Unknown {
            self.begin()?;
        }
        let Some(byte) = self.peek()? else {
            return if self.form == Form::List { Err(Fault::EndsEarly(self.number + 1)) } else { Ok(None) };
        };
        match (self.form, byte) {
            (Form::Ended, b'[') => {
                self.skip();
                self.form = Form::List;
                self.item(true)
            }
            (Form::Ended, _) => Err(Fault::Stray(self.number + 1)),
            (Form::List, _) => self.item(false),
            _ => self.row(false),
        }
    }

    /// Finds out the form of the file.
    fn begin(&mut self) -> Result<(), Fault> {
        let start = self.source.fill_buf()?;
        if start.starts_with(b"\xef\xbb\xbf") {
            self.source.consume(3);
        }
        let not_json = match self.source.fill_buf()? {
            [0x1f, 0x8b, ..] => Some("is compressed; unpack it, or send it through zcat to -"),
            [b'P', b'K', ..] => Some("is a ZIP archive; unpack it"),
            [b'P', b'A', b'R', b'1', ..] => Some("is Parquet; export JSON or JSON lines"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("is UTF-16; save it as UTF-8"),
            _ => None,
        };
        if let Some(why) = not_json {
            return Err(Fault::NotJson(why));
        }
        self.form = match self.peek()? {
            None => return Err(Fault::Empty),
            Some(b'{') => Form::Lines,
            Some(b'[') => {
                self.skip();
                if self.peek()? == Some(b']') {
                    self.skip();
                    Form::Ended
                } else {
                    Form::List
                }
            }
            Some(b'<') => return Err(Fault::NotJson("is a page and not an export; export JSON or JSON lines")),
            Some(b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                return Err(Fault::NotJson("is neither a list nor an object of records; export JSON or JSON lines"));
            }
            Some(_) => return Err(Fault::NotJson("is not JSON; export JSON or JSON lines")),
        };
        Ok(())
    }

    /// Reads an item of a list, after its comma.
    fn item(&mut self, is_first: bool) -> Result<Option<Row>, Fault> {
        let is_first = is_first || self.number == 0;
        if !is_first {
            match self.peek()? {
                Some(b',') => self.skip(),
                Some(b']') => {
                    self.skip();
                    self.form = Form::Ended;
                    return self.next();
                }
                Some(_) => return Err(Fault::Stray(self.number + 1)),
                None => return Err(Fault::EndsEarly(self.number + 1)),
            }
        }
        match self.peek()? {
            None => Err(Fault::EndsEarly(self.number + 1)),
            Some(_) => self.row(true),
        }
    }

    /// Reads a row to its end.
    fn row(&mut self, is_item: bool) -> Result<Option<Row>, Fault> {
        self.number += 1;
        let mut text = Vec::new();
        let mut scan = Scan { depth: 0, is_text: false, is_escaped: false, is_item, is_structure: None };
        loop {
            let chunk = self.source.fill_buf()?;
            if chunk.is_empty() {
                // A last line that is no object may end with the file. It is no record, and is named as such.
                let is_line = !is_item && scan.is_structure == Some(false);
                return if is_line { Ok(Some(self.finished(text))) } else { Err(Fault::EndsEarly(self.number)) };
            }
            let end = chunk.iter().position(|byte| scan.ends_with(*byte));
            // The comma or bracket after a plain item belongs to the list.
            let length = end.map_or(chunk.len(), |end| end + usize::from(scan.takes_last()));
            text.extend_from_slice(&chunk[..length]);
            self.source.consume(length);
            self.bytes += length as u64;
            if end.is_some() {
                return Ok(Some(self.finished(text)));
            }
            if text.len() > MAX_ROW_BYTES {
                return Err(Fault::TooLong(self.number));
            }
        }
    }

    fn finished(&self, text: Vec<u8>) -> Row {
        Row { number: self.number, text }
    }

    /// Returns the next byte that is no white space.
    fn peek(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let chunk = self.source.fill_buf()?;
            let (length, found) = match chunk.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(at) => (at, Some(chunk[at])),
                None => (chunk.len(), None),
            };
            self.source.consume(length);
            self.bytes += length as u64;
            if found.is_some() || length == 0 {
                return Ok(found);
            }
        }
    }

    fn skip(&mut self) {
        self.source.consume(1);
        self.bytes += 1;
    }
}

/// The state within a row.
struct Scan {
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    is_item: bool,
    /// `true` for an object or a list, `false` for anything else, `None` before the first byte.
    is_structure: Option<bool>,
}

impl Scan {
    /// Takes a byte, and returns `true` if the row ends with it.
    fn ends_with(&mut self, byte: u8) -> bool {
        let is_structure = *self.is_structure.get_or_insert(matches!(byte, b'{' | b'['));
        if self.is_text {
            // JSON has no bare line end in a text: a line that was cut within one ends here.
            let is_cut = byte == b'\n' && !self.is_item;
            self.is_text = self.is_escaped || byte != b'"';
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            return is_cut;
        }
        match byte {
            b'"' => self.is_text = true,
            b'{' | b'[' if is_structure => self.depth += 1,
            b'}' | b']' if is_structure => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            b',' | b']' => return self.is_item && !is_structure,
            b'\n' => return !self.is_item && !is_structure,
            _ => {}
        }
        false
    }

    /// Returns `true` if the last byte is part of the row.
    fn takes_last(&self) -> bool {
        !self.is_item || self.is_structure == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn read(text: &[u8]) -> Result<Vec<String>, String> {
        // A buffer of three bytes: every boundary is within something.
        let mut rows = Rows::new(BufReader::with_capacity(4, text));
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|fault| fault.to_string())? {
            assert_eq!(row.number, all.len() as u64 + 1);
            all.push(String::from_utf8(row.text).unwrap().trim_end().to_owned());
        }
        Ok(all)
    }

    #[test]
    fn lines_and_lists_are_rows() {
        let rows = [r#"{"a":"}]\\\"{"}"#, r#"{"b":[1,{"c":"é"}]}"#];
        let [one, two] = rows;
        for text in [
            format!("{one}\n{two}\n"),
            format!("\u{feff}{one}\n\n  {two}"),
            format!("[{one},{two}]"),
            format!(" [\n {one} ,\n {two}\n]\n"),
            format!("[{one}]\n[{two}]"),
            format!("{one}{two}"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), rows, "{text}");
        }
        assert_eq!(read(b"[]").unwrap(), Vec::<String>::new());
        assert_eq!(read(b"[1, \"a,]\", null]").unwrap(), ["1", "\"a,]\"", "null"]);
        assert_eq!(read(b"{\"a\":1,\n \"b\":2}\n{}").unwrap(), ["{\"a\":1,\n \"b\":2}", "{}"]);
    }

    #[test]
    fn a_line_that_was_cut_within_a_text_is_a_row_of_its_own() {
        assert_eq!(read(b"{\"a\":\"cu\n{\"b\":1}\nnull\nx").unwrap(), ["{\"a\":\"cu", "{\"b\":1}", "null", "x"]);
    }

    #[test]
    fn a_file_that_is_cut_off_or_no_json_says_so() {
        for (text, message) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (b"{\"a\":1}\n{\"b\":", "row 2: the file ends within"),
            (b"[{\"a\":1},{\"b\":[1", "row 2: the file ends within"),
            (b"[{\"a\":1}", "row 2: the file ends within"),
            (b"[{\"a\":1},", "row 2: the file ends within"),
            (b"[", "row 1: the file ends within"),
            (b"[{} {}]", "row 2: the list goes on"),
            (b"[{}] x", "row 2: the list goes on"),
            (b"id,input\n1,2\n", "not JSON"),
            (b"<html>", "a page"),
            (b"\"text\"", "neither a list nor an object"),
            (b"null", "neither a list nor an object"),
            (b"\x1f\x8b\x08\x00", "zcat"),
            (b"PAR1", "Parquet"),
            (b"PK\x03\x04", "ZIP"),
            (b"\xff\xfe[\x00", "UTF-16"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(message), "{text:?}: {told}");
        }
    }
}
