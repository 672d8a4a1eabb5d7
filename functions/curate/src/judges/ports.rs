use std::future::Future;

use flywheel_curation::{Assessment, Question, Severity};

use super::no_answer::NoAnswer;

/// Asks a language model.
pub trait AskModel {
    /// Asks the question under [`Question::SYSTEM`]. Returns the JSON input of the model's call of [`Question::TOOL`].
    /// [`Question::read`] validates it.
    fn ask_model(&self, question: &Question) -> impl Future<Output = Result<String, NoAnswer>> + Send;
}

/// Applies an operator's guardrail.
pub trait ApplyGuardrail {
    /// Returns the guardrail's assessment of the text as a model's output.
    fn apply_guardrail(&self, text: &GuardedText<'_>) -> impl Future<Output = Result<Assessment, NoAnswer>> + Send;
}

/// A text for a guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardedText<'t> {
    /// The text.
    pub text: &'t str,
    /// The source for the text's grounding, if there is one.
    pub source: Option<Source<'t>>,
}

/// The source that must support a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'t> {
    /// The source's text.
    pub text: &'t str,
    /// The question about the source.
    pub query: &'t str,
}

/// Checks a text with guardrail checks, which need no guardrail.
pub trait CheckText {
    /// The number of categories of a check.
    const CATEGORIES: usize;

    /// Returns the severity of the text, as a user's message, for each category.
    fn check_text(&self, text: &str) -> impl Future<Output = Result<Vec<Severity>, NoAnswer>> + Send;
}
