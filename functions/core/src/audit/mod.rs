//! The audit: what an edit says that training data must not say.
//!
//! Each check is a module with one entry. A check finds; what a finding does is the policy's to say, in one place
//! ([`crate::verdict`]).

mod broken_fence;
mod changed;
mod chat_template;
mod critical;
mod finding;
mod length;
mod loaded_language;
#[cfg(test)]
mod measured;
mod numbers;
mod plain;
mod refusal_inversion;
mod repetition;
mod sentences;
mod subject;
mod tokens;
mod unsupported_facts;
mod words;

use crate::policy::Policy;

pub(crate) use finding::Findings;
pub use finding::{Finding, Scores, Span, TextName};
pub(crate) use subject::Texts;

use changed::Changed;
use subject::Subject;

/// All checks, with what they look for compiled.
#[derive(Debug)]
pub(crate) struct Audit;

impl Audit {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Looks at one edit.
    pub(crate) fn inspect(&self, texts: Texts<'_>, policy: &Policy, findings: &mut Findings) {
        let changed = Changed::new(texts);
        words::inspect(&changed, policy, findings);
        critical::inspect(&changed, findings);
        unsupported_facts::inspect(&changed, policy, findings);
        loaded_language::inspect(&changed, findings);
        refusal_inversion::inspect(texts, findings);
        chat_template::inspect(texts, findings);
        broken_fence::inspect(texts, findings);
        repetition::inspect(texts, findings);
        length::inspect(texts, policy, findings);
        let _subject = Subject::new(texts);
    }
}
