//! Values that are of the right type and make no sense: each would switch something off, or on for everything, by accident.
//!
//! Each section checks types and scales. The bounds of sense are in one table here, because they are one question: can a
//! deployment want this value?

use std::collections::BTreeMap;

use flywheel_base::{PolicyError, RuleFile};
use toml::{Spanned, Value};

/// The largest number that stands for "no bound". Records store rules as JSON, which has no infinity.
const NO_BOUND: f64 = 1e6;

/// A number's bounds of sense, both included.
struct Sense {
    section: &'static str,
    key: &'static str,
    least: f64,
    most: f64,
    /// The consequence of a value beyond them.
    why: &'static str,
}

const fn sense(section: &'static str, key: &'static str, least: f64, most: f64, why: &'static str) -> Sense {
    Sense { section, key, least, most, why }
}

const NUMBERS: [Sense; 26] = [
    sense("similarity", "max_steps", 1.0, 1e12, "with 0 no pair is ever compared"),
    sense("audit", "grounded_above_chars", 0.0, 1e9, "no prompt is longer"),
    sense("limits", "min_chars", 0.0, 1e6, "an event has about a million bytes at most"),
    sense("limits", "max_chars", 1.0, 1e7, "an event has about a million bytes at most"),
    sense("judges", "max_calls", 1.0, 1e4, "the deployment's parameters switch judges off"),
    sense(
        "judges",
        "max_seconds",
        1.0,
        900.0,
        "the deployment's parameters switch judges off, and a function ends after 900 s",
    ),
    sense("judges", "at_once", 1.0, 1e3, "a judge's quota ends long before"),
    sense("judges", "max_chars", 1.0, 1e7, "with 0 no edit is ever judged"),
    sense("judges", "severity_from", 0.01, 1.0, "from 0 on every answer of a guardrail is a finding"),
    sense("dataset", "near_duplicate_from", 0.5, 2.0, "any number above 1 switches it off"),
    sense("dataset", "burst_factor", 1.0, NO_BOUND, "a large number switches it off"),
    sense("dataset", "max_similarity_drift", 0.0, NO_BOUND, "a large number switches it off"),
    sense("dataset", "max_length_drift", 0.0, NO_BOUND, "a large number switches it off"),
    sense("breaker", "min_events", 1.0, 1e9, "a window without events has no shares"),
    sense("breaker", "half_open_after_hours", 0.0, 87_600.0, "0: not before an operator closes it"),
    sense("training", "max_attempts", 1.0, 50.0, "each attempt costs a training, and fifty take six weeks"),
    sense("gate", "min_held_out", 1.0, 1_000.0, "a first run scores no more pairs"),
    sense("gate", "min_replay", 1.0, 1_000.0, "a run scores no more liked outputs"),
    sense("gate", "learned_from", 0.0, 0.99, "the lower bound of a share never reaches 1"),
    sense(
        "gate",
        "chosen_gain_from",
        -1.0,
        1.0,
        "a loss of 1 nat a token spoils a model, and no run gains as much on all",
    ),
    sense(
        "gate",
        "replay_loss_to",
        0.0,
        1.0,
        "below 0 no adapter is promoted, and a loss of 1 nat a token spoils a model",
    ),
    sense("gate", "wins_from", 0.0, 0.99, "the lower bound of a share never reaches 1"),
    sense("gate", "tie_within", 0.0, 0.5, "beyond it nearly all answers are a tie"),
    sense("gate", "review_within", 0.0, 0.5, "beyond it every refusal by G4 is left to an operator"),
    sense("gate", "violations_to", 0.0, 0.1, "beyond it no rise of unsafe answers is refused"),
    sense("gate", "length_within", 0.01, 1.0, "at 0 no adapter is promoted"),
];

/// Checks a policy file whose sections were read without an error.
///
/// # Errors
/// The first value, by the table's order, that makes no sense: its name, what to give, and why.
pub(super) fn check(file: RuleFile<'_>) -> Result<(), PolicyError> {
    let sections: BTreeMap<String, BTreeMap<String, Spanned<Value>>> = file.read()?;
    let given = |section: &str, key: &str| sections.get(section).and_then(|values| values.get(key));
    for Sense { section, key, least, most, why } in &NUMBERS {
        let Some(value) = given(section, key) else { continue };
        let number = match value.get_ref() {
            Value::Integer(number) => *number as f64,
            Value::Float(number) => *number,
            _ => continue,
        };
        if !(*least..=*most).contains(&number) {
            let message = format!("{key} is {number}: give {least} to {most}; {why}");
            return Err(file.error(&value.span(), &message));
        }
    }
    let Some(salt) = given("sampling", "salt") else { return Ok(()) };
    let is_empty = salt.get_ref().as_str().is_some_and(|salt| salt.trim().is_empty());
    let message = "salt is empty: give a text that clients do not know, or their ids choose the sample";
    if is_empty { Err(file.error(&salt.span(), message)) } else { Ok(()) }
}
