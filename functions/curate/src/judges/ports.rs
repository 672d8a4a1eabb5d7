use std::future::Future;

use flywheel_core::{Assessment, Question, Severity};

use super::no_answer::NoAnswer;

/// Asks a language model.
pub trait AskModel {
    /// Asks the question under [`Question::SYSTEM`], and answers with the input, as JSON, that the model called
    /// [`Question::TOOL`] with. Whether that is an answer is for [`Question::read`] to say.
    fn ask_model(&self, question: &Question) -> impl Future<Output = Result<String, NoAnswer>> + Send;
}

/// Applies a guardrail that the operator has configured.
pub trait ApplyGuardrail {
    /// What the guardrail would do with the text, were it a model's output.
    fn apply_guardrail(&self, text: &GuardedText<'_>) -> impl Future<Output = Result<Assessment, NoAnswer>> + Send;
}

/// A text for a guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardedText<'t> {
    /// The text.
    pub text: &'t str,
    /// What the text has to keep to, if there is any such thing.
    pub source: Option<Source<'t>>,
}

/// The source that a text has to be borne out by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'t> {
    /// The source itself.
    pub text: &'t str,
    /// What was asked about it.
    pub query: &'t str,
}

/// Checks a text with guardrail checks, which need no guardrail.
pub trait CheckText {
    /// The categories that it checks a text for.
    const CATEGORIES: usize;

    /// How severely the text, as a user's, matches each of the categories.
    fn check_text(&self, text: &str) -> impl Future<Output = Result<Vec<Severity>, NoAnswer>> + Send;
}
