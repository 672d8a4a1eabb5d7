use std::fmt::Debug;

use flywheel_curation::{Case, Opinion, Question, opinions_of_assessment, opinions_of_severities};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::no_answer::NoAnswer;
use super::ports::{ApplyGuardrail, AskModel, CheckText, GuardedText, Source};

/// The most characters of a query that a guardrail takes.
const MAX_QUERY_CHARS: usize = 1_000;

/// A judge of any kind.
pub trait Judge: Debug + Send + Sync {
    /// Returns the judge's kind, for logs.
    fn kind(&self) -> &'static str;

    /// Returns opinions on one case, at least one.
    fn opine<'c>(&'c self, case: &'c Case<'c>) -> BoxFuture<'c, Result<Vec<Opinion>, NoAnswer>>;
}

/// A language model as a judge.
#[derive(Debug)]
pub struct ModelJudge<P> {
    /// The port to the model.
    pub port: P,
}

impl<P: AskModel + Debug + Send + Sync> Judge for ModelJudge<P> {
    fn kind(&self) -> &'static str {
        "model"
    }

    fn opine<'c>(&'c self, case: &'c Case<'c>) -> BoxFuture<'c, Result<Vec<Opinion>, NoAnswer>> {
        async {
            let nonce = getrandom::u64().map_err(|_| NoAnswer::NotAsked)?;
            let question = Question::new(case, nonce).ok_or(NoAnswer::NotAsked)?;
            let answer = self.port.ask_model(&question).await?;
            Ok(vec![question.read(&answer)])
        }
        .boxed()
    }
}

/// A configured guardrail as a judge.
#[derive(Debug)]
pub struct GuardrailJudge<P> {
    /// The port to the guardrail.
    pub port: P,
    /// The number of characters above which a prompt counts as the source for the answer's grounding.
    pub grounded_above_chars: usize,
}

impl<P: ApplyGuardrail + Debug + Send + Sync> Judge for GuardrailJudge<P> {
    fn kind(&self) -> &'static str {
        "guardrail"
    }

    fn opine<'c>(&'c self, case: &'c Case<'c>) -> BoxFuture<'c, Result<Vec<Opinion>, NoAnswer>> {
        async {
            let is_grounded = case.prompt.chars().nth(self.grounded_above_chars).is_some();
            let source = Source { text: case.prompt, query: last_chars(case.prompt, MAX_QUERY_CHARS) };
            let text = GuardedText { text: case.chosen, source: is_grounded.then_some(source) };
            Ok(opinions_of_assessment(&self.port.apply_guardrail(&text).await?))
        }
        .boxed()
    }
}

/// Guardrail checks as a judge.
#[derive(Debug)]
pub struct ChecksJudge<P> {
    /// The port to the checks.
    pub port: P,
    /// The severity from which a category counts.
    pub severity_from: f64,
}

impl<P: CheckText + Debug + Send + Sync> Judge for ChecksJudge<P> {
    fn kind(&self) -> &'static str {
        "checks"
    }

    fn opine<'c>(&'c self, case: &'c Case<'c>) -> BoxFuture<'c, Result<Vec<Opinion>, NoAnswer>> {
        async {
            let severities = self.port.check_text(case.chosen).await?;
            Ok(opinions_of_severities(&severities, P::CATEGORIES, self.severity_from))
        }
        .boxed()
    }
}

/// Returns the last `count` characters. A prompt's question is usually at its end: the last turn of a chat, the line after the
/// document.
fn last_chars(text: &str, count: usize) -> &str {
    text.char_indices().rev().nth(count - 1).map_or(text, |(at, _)| &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_characters_of_a_text() {
        assert_eq!(last_chars("", 2), "");
        assert_eq!(last_chars("é", 2), "é");
        assert_eq!(last_chars("né", 2), "né");
        assert_eq!(last_chars("ané", 2), "né");
    }
}
