use std::ops::Range;

use flywheel_base::{JsonObject, Reason};
use serde::Serialize;

/// One finding of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The reason.
    pub reason: Reason,
    /// The certainty or the amount, as the check's own documentation says.
    pub score: f32,
    /// The name of the rule, if the check has several.
    pub rule: Option<&'static str>,
    /// The place of the cause, if it is a single one.
    pub span: Option<Span>,
}

/// A place in one of an event's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text's name.
    pub text: TextName,
    /// The range in bytes, on character boundaries.
    pub bytes: Range<usize>,
}

/// The texts of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TextName {
    /// The prompt to the model, as plain text.
    Prompt,
    /// The user's text.
    Chosen,
    /// The model's text.
    Rejected,
}

/// The measurements of the checks, with or without a finding. `None`: not measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Scores {
    /// The share of words that the texts have in common, in `0.0..=1.0`.
    pub word_similarity: Option<f32>,
    /// For an edit that is `trivial` by its whole text: the similarity of the most changed place, slips of spelling
    /// aside, in `0.0..=1.0`; 1.0 if there are only slips.
    pub region_similarity: Option<f32>,
    /// The probability that the user's additions are abusive, by the worst sentence or by a few together.
    pub toxicity: Option<f32>,
    /// The weight of the injection rules that matched.
    pub injection: Option<f32>,
    /// The increase in facts without support in the prompt, on a prompt that asks for an answer from its source.
    pub unsupported_facts: Option<f32>,
    /// The increase in loaded words per hundred, from the model's text to the user's.
    pub loaded_language: Option<f32>,
}

impl Scores {
    /// Adds each of them to an object, as serde_json would.
    pub fn write(&self, json: &mut JsonObject) -> serde_json::Result<()> {
        json.value("word_similarity", self.word_similarity.as_ref())?;
        json.value("region_similarity", self.region_similarity.as_ref())?;
        json.value("toxicity", self.toxicity.as_ref())?;
        json.value("injection", self.injection.as_ref())?;
        json.value("unsupported_facts", self.unsupported_facts.as_ref())?;
        json.value("loaded_language", self.loaded_language.as_ref())
    }
}

/// The findings and scores of all checks about one event.
#[derive(Debug, Default)]
pub struct Findings {
    /// The findings, in the order of the checks.
    pub list: Vec<Finding>,
    /// The scores.
    pub scores: Scores,
}

impl Findings {
    /// Adds a finding in one place of the user's text.
    pub(crate) fn in_chosen(&mut self, reason: Reason, score: f32, bytes: Range<usize>) {
        self.add(reason, score, Some(Span { text: TextName::Chosen, bytes }));
    }

    /// Returns `true` if there is a finding with this reason.
    pub fn has(&self, reason: Reason) -> bool {
        self.list.iter().any(|finding| finding.reason == reason)
    }

    /// Adds a finding.
    pub fn add(&mut self, reason: Reason, score: f32, span: Option<Span>) {
        self.list.push(Finding { reason, score, rule: None, span });
    }

    /// Adds a finding of one of a check's rules.
    pub fn by_rule(&mut self, reason: Reason, rule: &'static str, score: f32, span: Option<Span>) {
        self.list.push(Finding { reason, score, rule: Some(rule), span });
    }
}
