//! Reads JSON by RFC 8259, property-tested against serde_json. It does two things that serde_json does not:
//!
//! - It replaces half a surrogate pair by U+FFFD and marks the text. JavaScript clients send one when they cut a string
//!   inside an emoji.
//! - It reads on after a fault within an event of a batch. The events come from many users, and one invalid event must
//!   not cost the others theirs.

use std::borrow::Cow;

use super::fault::{Fault, FaultKind, Lines};
use super::{Json, Text};
use crate::json_object::plain_length;
use crate::refusal::Refusal;

/// The maximum nesting depth of an event. The limit bounds the stack.
const MAX_DEPTH: usize = 128;

/// The initial capacity of an object in fields: as many as most events have.
const FIELDS: usize = 8;

/// The body of a request.
pub struct Body<'a> {
    /// The whole body except the batch.
    pub value: Json<'a>,
    /// The items of the list `events`, if the body has one.
    pub batch: Option<Vec<Result<Json<'a>, Refusal>>>,
}

/// Reads one JSON text.
///
/// # Errors
/// A [`Refusal`] that gives the place of the first fault and its field.
pub fn read(text: &str) -> Result<Json<'_>, Refusal> {
    let bytes = text.as_bytes();
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(0).and_then(|value| reader.end().map(|()| value));
    value.map_err(|fault| fault.refusal(&mut Lines::of(bytes)))
}

/// Reads a request's body. An invalid event of a batch is refused alone, as long as its end is certain.
///
/// A batch of more than `max_events` is too large anyway. After that many events a fault refuses the whole body.
///
/// # Errors
/// A [`Refusal`] of the whole body.
pub fn read_body(bytes: &[u8], max_events: usize) -> Result<Body<'_>, Refusal> {
    let mut lines = Lines::of(bytes);
    let mut reader = Reader { bytes, at: 0 };
    let body = reader.body(max_events, &mut lines).and_then(|body| reader.end().map(|()| body));
    body.map_err(|fault| fault.refusal(&mut lines))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn body(&mut self, max_events: usize, lines: &mut Lines<'_>) -> Result<Body<'a>, Fault> {
        let mut batch = None;
        self.skip_space();
        if self.peek() != Some(b'{') {
            return Ok(Body { value: self.value(0)?, batch });
        }
        let value = self.object(|reader, key| {
            if key != "events" || batch.is_some() || reader.peek() != Some(b'[') {
                return reader.value(1).map(Some);
            }
            batch = Some(reader.list(|reader, index| reader.event(index < max_events, lines))?);
            Ok(None)
        })?;
        Ok(Body { value, batch })
    }

    /// Reads an event of a batch. If it is invalid and `may_be_refused_alone`, the reader skips it.
    fn event(&mut self, may_be_refused_alone: bool, lines: &mut Lines<'_>) -> Result<Result<Json<'a>, Refusal>, Fault> {
        self.skip_space();
        let start = self.at;
        let fault = match self.value(0) {
            Ok(event) => return Ok(Ok(event)),
            Err(fault) => fault,
        };
        match broken_event_end(self.bytes, start) {
            Some(end) if may_be_refused_alone => {
                self.at = end;
                Ok(Err(fault.refusal(lines)))
            }
            _ => Err(fault),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.text().map(Json::Text),
            Some(b'{' | b'[') if depth == MAX_DEPTH => Err(self.fault_of(FaultKind::TooDeep)),
            Some(b'{') => self.object(|reader, _| reader.value(depth + 1).map(Some)),
            Some(b'[') => self.list(|reader, _| reader.value(depth + 1)).map(Json::List),
            _ => self.word(),
        }
    }

    /// Reads the object whose brace is next. `read` reads the value of a key, and may keep it for itself.
    fn object(
        &mut self,
        mut read: impl FnMut(&mut Self, &str) -> Result<Option<Json<'a>>, Fault>,
    ) -> Result<Json<'a>, Fault> {
        self.at += 1;
        if self.skip(b'}') {
            return Ok(Json::Object(Vec::new()));
        }
        let mut entries = Vec::with_capacity(FIELDS);
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.fault());
            }
            let key = self.text()?;
            if !self.skip(b':') {
                return Err(self.fault());
            }
            self.skip_space();
            if let Some(value) = read(self, &key.value).map_err(|fault| fault.in_field(&key.value))? {
                entries.push((key, value));
            }
            if self.is_last(b'}')? {
                return Ok(Json::Object(entries));
            }
        }
    }

    /// Reads the list whose bracket is next. `read` reads an item and gets its index.
    fn list<T>(&mut self, mut read: impl FnMut(&mut Self, usize) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        if self.skip(b']') {
            return Ok(items);
        }
        loop {
            let index = items.len();
            items.push(read(self, index).map_err(|fault| fault.in_item(index))?);
            if self.is_last(b']')? {
                return Ok(items);
            }
        }
    }

    /// Reads the separator behind a member or an item: a comma, or the closing bracket.
    fn is_last(&mut self, bracket: u8) -> Result<bool, Fault> {
        if self.skip(b',') {
            return Ok(false);
        }
        if self.skip(bracket) { Ok(true) } else { Err(self.fault()) }
    }

    fn text(&mut self) -> Result<Text<'a>, Fault> {
        self.at += 1;
        let plain = self.plain()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Text { value: Cow::Borrowed(plain), is_mended: false });
        }
        let mut text = plain.to_owned();
        let mut is_mended = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let character = self.escaped()?;
                    is_mended |= character.is_none();
                    text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                // The end, or a control character, which JSON must escape.
                _ => return Err(self.fault()),
            }
            text.push_str(self.plain()?);
        }
        self.at += 1;
        Ok(Text { value: Cow::Owned(text), is_mended })
    }

    /// Reads the text up to the next quote, backslash or control character.
    fn plain(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.at..];
        let plain = str::from_utf8(&rest[..plain_length(rest)]).map_err(|error| {
            self.at += error.valid_up_to();
            self.fault_of(FaultKind::NotUtf8)
        })?;
        self.at += plain.len();
        Ok(plain)
    }

    /// Reads the character of an escape; `None` for half a surrogate pair.
    fn escaped(&mut self) -> Result<Option<char>, Fault> {
        let character = match self.bytes.get(self.at + 1) {
            Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.fault()),
        };
        self.at += 2;
        Ok(Some(character))
    }

    fn unicode_escape(&mut self) -> Result<Option<char>, Fault> {
        let unit = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&unit) || !self.bytes[self.at..].starts_with(b"\\u") {
            return Ok(char::from_u32(unit.into()));
        }
        let next = self.at;
        let pair = [unit, self.code_unit()?];
        let character = char::decode_utf16(pair).next().and_then(Result::ok);
        if character.is_none() {
            // The second escape is not the other half. It stands for itself.
            self.at = next;
        }
        Ok(character)
    }

    /// Reads the UTF-16 code unit of the next escape `\uXXXX`.
    fn code_unit(&mut self) -> Result<u16, Fault> {
        let digits = self.bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
        let digit = |unit: u16, byte: &u8| Some(unit << 4 | char::from(*byte).to_digit(16)? as u16);
        let unit = digits.iter().try_fold(0, digit).filter(|_| !digits.is_empty());
        let unit = unit.ok_or_else(|| self.fault())?;
        self.at += 6;
        Ok(unit)
    }

    /// Reads a number, or one of JSON's three words. It reads others, such as `NaN` or `None`, to their end and reports
    /// a fault.
    fn word(&mut self) -> Result<Json<'a>, Fault> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !is_of_word(*byte)).unwrap_or(rest.len());
        let word = str::from_utf8(&rest[..length]).unwrap_or_default();
        let value = match word {
            "null" => Some(Json::Null),
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            _ => is_number(word).then_some(Json::Number(Cow::Borrowed(word))),
        };
        let value = value.ok_or_else(|| self.fault())?;
        self.at += length;
        Ok(value)
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.fault()) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips white space, and then the byte if it is next.
    fn skip(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Returns the fault for a next byte that may not stand here.
    fn fault(&self) -> Fault {
        let rest = &self.bytes[self.at..];
        // No character is longer.
        let next = rest[..rest.len().min(4)].utf8_chunks().next();
        self.fault_of(match next {
            None => FaultKind::EndsEarly,
            Some(chunk) if chunk.valid().is_empty() => FaultKind::NotUtf8,
            Some(_) => FaultKind::NotJson,
        })
    }

    fn fault_of(&self, kind: FaultKind) -> Fault {
        Fault::new(kind, self.at)
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_')
}

/// Returns `true` if a word is a number.
fn is_number(word: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(left, right)| (left, Some(right)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(left, right)| (left, Some(right)));
    let exponent_digits = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    are_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(are_digits)
        && exponent_digits.is_none_or(are_digits)
}

/// Returns the place behind an invalid event of a batch. Its first bracket closes there. If it has no bracket, a comma
/// or the list's bracket follows there.
///
/// Returns `None` if the place is uncertain. Two events that each lack something could read as one event with all that
/// is between them. Then good events would be refused under a wrong index. Each such case leaves a trace:
///
/// - With a quote missing, the text between two strings reads as a string, and a key as the text between. So a letter
///   follows a closing quote.
/// - With a brace missing, the next event lies within this one, where a key belongs.
fn broken_event_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut open = Vec::new();
    let mut before = b',';
    let mut at = start;
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b'"' => at = string_end(bytes, at)? - 1,
            b'{' | b'[' => {
                let is_value = open.last().map_or(at == start, |bracket| *bracket == b'[' || before == b':');
                open.push(Some(byte).filter(|_| is_value)?);
            }
            b',' | b']' if open.is_empty() => return Some(at).filter(|end| *end > start),
            b'}' | b']' => {
                let opening = if byte == b'}' { b'{' } else { b'[' };
                open.pop().filter(|bracket| *bracket == opening)?;
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        if !is_space(byte) {
            before = byte;
        }
        at += 1;
    }
}

/// Returns the place behind the string that begins at `start`, if the next byte may follow a string.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let may_follow = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b':' | b']' | b'}');
    bytes.get(at + 1).filter(|byte| may_follow(byte)).map(|_| at + 1)
}
