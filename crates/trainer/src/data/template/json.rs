//! The filter `tojson` as in transformers: Python's `json.dumps`, without the HTML escapes of Jinja's own filter.

use std::fmt::Write as _;

use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Error, ErrorKind};

struct Style {
    ascii_only: bool,
    /// One step of indentation; none for a single line.
    indent: Option<String>,
    between_items: String,
    after_key: String,
    sorted: bool,
}

/// The filter: `tojson(ensure_ascii=false, indent=none, separators=none, sort_keys=false)`.
pub(super) fn tojson(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (positional, named): (&[Value], Kwargs) = from_args(&arguments)?;
    let argument = |position: usize, name: &str| match positional.get(position) {
        Some(value) => Ok(value.clone()),
        None => Ok::<_, Error>(named.get::<Option<Value>>(name)?.unwrap_or_default()),
    };
    let (ascii_only, indent) = (argument(0, "ensure_ascii")?.is_true(), argument(1, "indent")?);
    let (separators, sorted) = (argument(2, "separators")?, argument(3, "sort_keys")?.is_true());
    named.assert_all_used()?;
    let indent = match indent.as_str() {
        Some(text) => Some(text.to_owned()),
        None if indent.is_none() || indent.is_undefined() => None,
        None => Some(" ".repeat(usize::try_from(indent).unwrap_or_default())),
    };
    let (between_items, after_key) = if separators.is_none() || separators.is_undefined() {
        (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned())
    } else {
        (separators.get_item_by_index(0)?.to_string(), separators.get_item_by_index(1)?.to_string())
    };
    let mut json = String::new();
    Style { ascii_only, indent, between_items, after_key, sorted }.write(value, 0, &mut json)?;
    Ok(Value::from(json))
}

impl Style {
    fn write(&self, value: &Value, depth: usize, json: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => json.push_str("null"),
            ValueKind::Bool => json.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => json.push_str(&number(value)),
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), json),
            ValueKind::Seq => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.all(['[', ']'], &items, depth, json, |item, json| self.write(item, depth + 1, json))?;
            }
            ValueKind::Map => {
                let pair = |key: Value| Ok((key_text(&key)?, value.get_item(&key)?));
                let mut pairs = value.try_iter()?.map(pair).collect::<Result<Vec<_>, Error>>()?;
                if self.sorted {
                    pairs.sort_by(|(left, _), (right, _)| left.cmp(right));
                }
                self.all(['{', '}'], &pairs, depth, json, |(key, item), json| {
                    self.text(key, json);
                    json.push_str(&self.after_key);
                    self.write(item, depth + 1, json)
                })?;
            }
            kind => return Err(refused(kind)),
        }
        Ok(())
    }

    fn all<T>(
        &self,
        [open, close]: [char; 2],
        items: &[T],
        depth: usize,
        json: &mut String,
        write: impl Fn(&T, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        json.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                json.push_str(&self.between_items);
            }
            self.line(depth + 1, json);
            write(item, json)?;
        }
        if !items.is_empty() {
            self.line(depth, json);
        }
        json.push(close);
        Ok(())
    }

    fn line(&self, depth: usize, json: &mut String) {
        if let Some(indent) = &self.indent {
            json.push('\n');
            json.push_str(&indent.repeat(depth));
        }
    }

    fn text(&self, text: &str, json: &mut String) {
        json.push('"');
        for letter in text.chars() {
            match letter {
                '"' => json.push_str("\\\""),
                '\\' => json.push_str("\\\\"),
                '\n' => json.push_str("\\n"),
                '\r' => json.push_str("\\r"),
                '\t' => json.push_str("\\t"),
                '\u{8}' => json.push_str("\\b"),
                '\u{c}' => json.push_str("\\f"),
                ' '..='~' => json.push(letter),
                _ if letter >= ' ' && !self.ascii_only => json.push(letter),
                _ => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                    // Writing to a string cannot fail.
                    let _ = write!(json, "\\u{unit:04x}");
                }),
            }
        }
        json.push('"');
    }
}

fn key_text(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.to_string()),
        ValueKind::Number => Ok(number(key)),
        ValueKind::Bool => Ok(if key.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        kind => Err(refused(kind)),
    }
}

fn refused(kind: ValueKind) -> Error {
    Error::new(ErrorKind::UnknownFilter, format!("tojson: cannot write a value of type {kind}"))
}

/// Formats a number as Python's `repr` does.
fn number(value: &Value) -> String {
    let Ok(float) = f64::try_from(value.clone()) else { return value.to_string() };
    match float {
        _ if value.is_integer() => value.to_string(),
        _ if float.is_nan() => "NaN".to_owned(),
        _ if float.is_infinite() => if float > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ if float != 0.0 && !(1e-4..1e16).contains(&float.abs()) => {
            let scientific = format!("{float:e}");
            let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        _ => format!("{float:?}"),
    }
}
