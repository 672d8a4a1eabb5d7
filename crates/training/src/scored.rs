use serde::{Deserialize, Deserializer, Serialize};

use super::unusable::{Unusable, parse_line};

const FILE: &str = "output/rows.jsonl";

/// The scores of incumbent and candidate on one held-out row: a line of `output/rows.jsonl`.
///
/// Log-probabilities are `Σ ln p(token)` over the tokens of an answer, in nats. JSON cannot write a number that is not finite: it
/// is `null`, here none. The gate passes no adapter with one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ScoredRow {
    /// A held-out pair.
    Pair(ScoredPair),
    /// A held-out liked output.
    Replay(ScoredReplay),
}

/// A held-out pair, scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredPair {
    /// The pair's id.
    pub pair_id: String,
    /// Tokens of the user's text.
    pub chosen_tokens: u64,
    /// Tokens of the model's text.
    pub rejected_tokens: u64,
    /// `true` if both texts are the same tokens to the models, after truncation. Then the pair shows no preference. An older row
    /// does not have this field.
    #[serde(default, skip_serializing_if = "is_false")]
    pub equal: bool,
    /// The incumbent's scores.
    pub incumbent: ScoredPairSide,
    /// The candidate's scores.
    pub candidate: ScoredPairSide,
}

/// One model's scores of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredPairSide {
    /// `ln p(chosen | prompt)`; none if it is not finite.
    #[serde(deserialize_with = "number_or_null")]
    pub logp_chosen: Option<f64>,
    /// `ln p(rejected | prompt)`; none if it is not finite.
    #[serde(deserialize_with = "number_or_null")]
    pub logp_rejected: Option<f64>,
    /// The model's own greedy answer to the prompt.
    pub output: String,
}

/// A held-out liked output, scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredReplay {
    /// The event that brought it.
    pub event_id: String,
    /// Tokens of the output.
    pub tokens: u64,
    /// The incumbent's scores.
    pub incumbent: ScoredReplaySide,
    /// The candidate's scores.
    pub candidate: ScoredReplaySide,
}

/// One model's score of a liked output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoredReplaySide {
    /// `ln p(output | prompt)`; none if it is not finite.
    #[serde(deserialize_with = "number_or_null")]
    pub logp: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Reads a number or `null`, and requires the field: without a function of its own, serde takes a missing `Option` for none.
fn number_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer)
}

impl ScoredRow {
    /// Reads a line strictly; lines are counted from 1.
    ///
    /// # Errors
    /// If the line is invalid.
    pub fn parse(line: u64, text: &str) -> Result<Self, Unusable> {
        parse_line(FILE, line, text)
    }

    /// Returns the row as its line has it, without the line feed.
    ///
    /// # Errors
    /// None in practice: a number that is not finite is written as `null`.
    pub fn to_json(&self) -> Result<String, Unusable> {
        serde_json::to_string(self).map_err(|error| Unusable::new(FILE, error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(logp_chosen: f64) -> ScoredPairSide {
        ScoredPairSide { logp_chosen: Some(logp_chosen), logp_rejected: Some(-2.0), output: "o".to_owned() }
    }

    fn pair(logp_chosen: f64) -> ScoredRow {
        ScoredRow::Pair(ScoredPair {
            pair_id: "p".to_owned(),
            chosen_tokens: 3,
            rejected_tokens: 4,
            equal: false,
            incumbent: side(-1.5),
            candidate: side(logp_chosen),
        })
    }

    const REPLAY: &str =
        r#"{"kind":"replay","event_id":"e","tokens":5,"incumbent":{"logp":-1.0},"candidate":{"logp":-1.25}}"#;

    #[test]
    fn lines_are_those_of_the_contract() {
        assert_eq!(
            pair(-0.5).to_json().unwrap(),
            r#"{"kind":"pair","pair_id":"p","chosen_tokens":3,"rejected_tokens":4,"incumbent":{"logp_chosen":-1.5,"logp_rejected":-2.0,"output":"o"},"candidate":{"logp_chosen":-0.5,"logp_rejected":-2.0,"output":"o"}}"#
        );
        assert_eq!(ScoredRow::parse(1, &pair(-0.5).to_json().unwrap()), Ok(pair(-0.5)));
        assert_eq!(ScoredRow::parse(1, REPLAY).unwrap().to_json().unwrap(), REPLAY);
    }

    #[test]
    fn a_pair_of_equal_texts_says_so_and_another_one_is_as_before() {
        let ScoredRow::Pair(equal) = pair(-0.5) else { panic!("a pair") };
        let equal = ScoredRow::Pair(ScoredPair { equal: true, ..equal });
        let line = equal.to_json().unwrap();
        assert!(line.contains(r#""rejected_tokens":4,"equal":true,"#), "{line}");
        assert_eq!(ScoredRow::parse(1, &line), Ok(equal));
    }

    #[test]
    fn a_number_that_is_none_is_written_as_null_and_read_as_none() {
        for number in [f64::NAN, f64::NEG_INFINITY] {
            let line = pair(number).to_json().unwrap();
            assert!(line.contains(r#""candidate":{"logp_chosen":null"#), "{line}");
            let ScoredRow::Pair(read) = ScoredRow::parse(1, &line).unwrap() else { panic!("a pair") };
            assert_eq!((read.candidate.logp_chosen, read.incumbent.logp_chosen), (None, Some(-1.5)));
        }
    }

    #[test]
    fn what_is_not_to_the_letter_is_refused() {
        for (from, to) in [
            (r#""logp":-1.25"#, r#""logp":"NaN""#),
            (r#""logp":-1.25"#, r#""logp":NaN"#),
            (r#""logp":-1.25"#, r#""logp":-1e999"#),
            (r#"{"logp":-1.25}"#, "{}"),
            (r#""tokens":5"#, r#""tokens":5.5"#),
            (r#""tokens":5"#, r#""tokens":5,"reward":9"#),
            (r#""tokens":5,"#, ""),
            (r#""kind":"replay""#, r#""kind":"gold""#),
        ] {
            assert!(REPLAY.contains(from), "{from}");
            assert!(ScoredRow::parse(3, &REPLAY.replace(from, to)).is_err(), "{to}");
        }
        let error = ScoredRow::parse(3, "{}").unwrap_err().to_string();
        assert_eq!(error, "output/rows.jsonl: line 3: missing field `kind` at line 1 column 2");
    }
}
