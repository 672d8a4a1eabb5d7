use serde::de::DeserializeOwned;

/// The error of an invalid file of the contract. It does not quote the file, because rows hold users' texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct Unusable {
    /// The file.
    pub file: String,
    /// The problem.
    pub problem: String,
}

impl Unusable {
    pub(super) fn new(file: &str, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problem: problem.into() }
    }

    pub(super) fn line(file: &str, line: u64, problem: impl AsRef<str>) -> Self {
        Self::new(file, format!("line {line}: {}", problem.as_ref()))
    }
}

/// Reads a file that is one JSON object.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Unusable> {
    serde_json::from_str(text).map_err(|error| Unusable::new(file, without_values(&error)))
}

/// Reads a line of a file; lines are counted from 1.
pub(super) fn parse_line<T: DeserializeOwned>(file: &str, line: u64, text: &str) -> Result<T, Unusable> {
    serde_json::from_str(text).map_err(|error| Unusable::line(file, line, without_values(&error)))
}

/// Returns serde's message without the values. It quotes them between backquotes and quotation marks. It quotes names of fields
/// as well, which are ours only where it reports a missing one.
fn without_values(error: &serde_json::Error) -> String {
    let message = error.to_string();
    if message.starts_with("missing field") {
        return message;
    }
    match error.classify() {
        serde_json::error::Category::Data => {
            format!("a field is unknown, given twice or not of its type (column {})", error.column())
        }
        _ => format!("it is not JSON (line {}, column {})", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PairRow;

    #[test]
    fn an_error_says_where_and_quotes_nothing() {
        let of = |text: &str| parse_line::<PairRow>("train.jsonl", 7, text).unwrap_err().to_string();
        assert_eq!(of("{}"), "train.jsonl: line 7: missing field `pair_id` at line 1 column 2");
        for text in [
            r#"{"pair_id":"p","prompt":"my text","prompt_messages":null,"chosen":7,"rejected":"my text"}"#,
            r#"{"pair_id":"p","prompt":["my text"]}"#,
            r#"{"pair_id":"my text"#,
            r#"{"prompt_messages":"my text"}"#,
        ] {
            assert!(!of(text).contains("my text") && of(text).starts_with("train.jsonl: line 7: "), "{}", of(text));
        }
    }
}
