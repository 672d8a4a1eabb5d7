use std::ops::Range;

use serde::Serialize;

use crate::base::json_object::JsonObject;
use crate::base::reason::Reason;

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What.
    pub reason: Reason,
    /// How sure the check is, or how much there is of it, as the check's own documentation says.
    pub score: f32,
    /// Which of the check's rules found it, where it has several.
    pub rule: Option<&'static str>,
    /// What caused it, where one place did.
    pub span: Option<Span>,
}

/// A place in one of an event's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Which text.
    pub text: TextName,
    /// Where in it, in bytes; on character boundaries.
    pub bytes: Range<usize>,
}

/// The texts of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TextName {
    /// What the model was asked, as plain text.
    Prompt,
    /// The user's text.
    Chosen,
    /// The model's text.
    Rejected,
}

/// What checks measured, whether or not it was enough for a finding. `None`: not measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Scores {
    /// The share of words that the texts have in common, in `0.0..=1.0`.
    pub word_similarity: Option<f32>,
    /// Of an edit that is `trivial` by its whole text: the similarity of the place that changed most, slips of spelling aside, in
    /// `0.0..=1.0`; 1.0 if there are only slips.
    pub region_similarity: Option<f32>,
    /// The probability that what the user added is abusive, by its worst sentence or by all of a few together.
    pub toxicity: Option<f32>,
    /// The weight of the injection rules that matched.
    pub injection: Option<f32>,
    /// By how many the facts without support in the prompt increased, on a prompt that carries its source.
    pub unsupported_facts: Option<f32>,
    /// By how many loaded words per hundred the user's text exceeds the model's.
    pub loaded_language: Option<f32>,
}

impl Scores {
    /// Adds each of them to an object, as serde_json would.
    pub(crate) fn write(&self, json: &mut JsonObject) -> serde_json::Result<()> {
        json.value("word_similarity", self.word_similarity.as_ref())?;
        json.value("region_similarity", self.region_similarity.as_ref())?;
        json.value("toxicity", self.toxicity.as_ref())?;
        json.value("injection", self.injection.as_ref())?;
        json.value("unsupported_facts", self.unsupported_facts.as_ref())?;
        json.value("loaded_language", self.loaded_language.as_ref())
    }
}

/// What all checks together have to say about one event.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    pub(crate) scores: Scores,
}

impl Findings {
    /// Adds what was found in one place of the user's text.
    pub(crate) fn in_chosen(&mut self, reason: Reason, score: f32, bytes: Range<usize>) {
        self.add(reason, score, Some(Span { text: TextName::Chosen, bytes }));
    }

    /// Whether something was found already.
    pub(crate) fn has(&self, reason: Reason) -> bool {
        self.list.iter().any(|finding| finding.reason == reason)
    }

    pub(crate) fn add(&mut self, reason: Reason, score: f32, span: Option<Span>) {
        self.list.push(Finding { reason, score, rule: None, span });
    }

    /// Adds what one of a check's rules found.
    pub(crate) fn by_rule(&mut self, reason: Reason, rule: &'static str, score: f32, span: Option<Span>) {
        self.list.push(Finding { reason, score, rule: Some(rule), span });
    }
}
