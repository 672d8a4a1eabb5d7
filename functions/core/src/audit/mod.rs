//! The audit: what an edit says that training data must not say.
//!
//! Each check is a module with one entry. A check finds; what a finding does is the policy's to say, in one place
//! ([`crate::verdict`]).

mod finding;
pub(crate) mod personal_data;
mod plain;
mod secrets;
mod sentences;
mod subject;

use crate::edit_event::EditEvent;
use crate::policy::Policy;
use crate::reason::Reason;

pub(crate) use finding::Findings;
pub use finding::{Finding, Scores, Span, TextName};
pub(crate) use subject::Texts;

use secrets::{Secret, Secrets};
use subject::Subject;

/// All checks, with what they look for compiled.
#[derive(Debug)]
pub(crate) struct Audit {
    secrets: Secrets,
}

impl Audit {
    pub(crate) fn new() -> Self {
        Self { secrets: Secrets::new() }
    }

    /// Looks for credentials in all that would be written of an edit.
    ///
    /// Before redaction, and so apart from the other checks: a password in a URL reads as the beginning of an e-mail address,
    /// and a placeholder in the middle of a token hides that it was one.
    pub(crate) fn find_secrets(&self, event: &EditEvent<'_>, policy: &Policy, findings: &mut Findings) {
        if policy.route_of(Reason::Secret).is_none() || is_dropped_unread(event) {
            return;
        }
        let texts = [
            (TextName::Prompt, event.prompt.text()),
            (TextName::Rejected, event.rejected.as_ref()),
            (TextName::Chosen, event.chosen.as_ref()),
        ];
        for (name, text) in texts {
            for Secret { rule, score, bytes } in self.secrets.find(text) {
                findings.by_rule(Reason::Secret, rule, score, Some(Span { text: name, bytes }));
            }
        }
        for Secret { rule, score, .. } in event.context.iter().flat_map(|entry| self.secrets.find(&entry.value)) {
            findings.by_rule(Reason::Secret, rule, score, None);
        }
    }

    /// Looks at one edit.
    pub(crate) fn inspect(&self, texts: Texts<'_>, _policy: &Policy, _findings: &mut Findings) {
        let _subject = Subject::new(texts);
    }
}

/// Whether the event is dropped whatever its texts say, and none of them is written.
pub(crate) fn is_dropped_unread(event: &EditEvent<'_>) -> bool {
    event.consent == Some(false) || event.chosen == event.rejected
}
