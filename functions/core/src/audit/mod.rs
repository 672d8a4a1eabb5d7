//! The audit: what an edit says that training data must not say.
//!
//! Each check is a module with one entry. A check finds; what a finding does is the policy's to say, in one place
//! ([`crate::verdict`]).

mod finding;
mod plain;
mod sentences;
mod subject;

use crate::policy::Policy;

pub(crate) use finding::Findings;
pub use finding::{Finding, Scores, Span, TextName};
pub(crate) use subject::Texts;

use subject::Subject;

/// All checks, with what they look for compiled.
#[derive(Debug)]
pub(crate) struct Audit;

impl Audit {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Looks at one edit.
    pub(crate) fn inspect(&self, texts: Texts<'_>, _policy: &Policy, _findings: &mut Findings) {
        let _subject = Subject::new(texts);
    }
}
