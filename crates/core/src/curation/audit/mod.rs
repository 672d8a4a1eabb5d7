//! The audit: what an edit says that training data must not say.
//!
//! Each check is a module with one entry. A check finds; what a finding does is the policy's to say, in one place
//! ([`crate::curation::verdict`]).

mod broken_fence;
mod changed;
mod chat_template;
mod contained;
mod critical;
mod decoded;
mod finding;
mod hidden_text;
mod injection;
mod judge_directed;
mod length;
mod loaded_language;
#[cfg(test)]
mod measured;
pub(crate) mod personal_data;
mod refusal_inversion;
mod region;
mod repetition;
mod rules;
mod secrets;
mod subject;
mod toxicity;
mod unsupported_facts;
mod words;

use std::cell::LazyCell;

use crate::base::reason::Reason;
use crate::base::route::Route;
use crate::event::edit_event::EditEvent;

pub(crate) use finding::Findings;
pub use finding::{Finding, Scores, Span, TextName};
pub use rules::AuditRules;
pub(crate) use rules::{AuditSection, AuditSections, LimitsSection, RoutesSection, SimilaritySection};
pub(crate) use subject::Texts;
#[cfg(feature = "toxicity-training")]
pub use toxicity::training::{SentenceFeatures, toxicity_features};

use changed::Changed;
use injection::Injection;
use secrets::{Secret, Secrets};
use subject::Subject;

/// All checks, with what they look for compiled.
#[derive(Debug)]
pub(crate) struct Audit {
    secrets: Secrets,
    injection: Injection,
}

impl Audit {
    pub(crate) fn new() -> Self {
        Self { secrets: Secrets::new(), injection: Injection::new() }
    }

    /// Looks for credentials in all that would be written of an edit.
    ///
    /// Before redaction, and so apart from the other checks: a password in a URL reads as the beginning of an e-mail address,
    /// and a placeholder in the middle of a token hides that it was one.
    pub(crate) fn find_secrets(&self, event: &EditEvent<'_>, rules: &AuditRules, findings: &mut Findings) {
        if rules.route_of(Reason::Secret).is_none() {
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
        let comment = event.feedback.iter().filter_map(|feedback| feedback.comment.as_deref());
        let unseen = event.context.iter().map(|entry| entry.value.as_ref()).chain(comment);
        for Secret { rule, score, .. } in unseen.flat_map(|text| self.secrets.find(text)) {
            findings.by_rule(Reason::Secret, rule, score, None);
        }
    }

    /// Looks at one edit. What the policy has switched off is not looked for.
    pub(crate) fn inspect(&self, texts: Texts<'_>, rules: &AuditRules, findings: &mut Findings) {
        let is_on = |reason| rules.route_of(reason).is_some();
        // Not computed for a policy under which nobody looks at it.
        let changed = LazyCell::new(|| Changed::new(texts));
        if is_on(Reason::LikelyRewrite) {
            words::inspect(&changed, rules, findings);
        }
        if is_on(Reason::Shortened) || is_on(Reason::Extended) {
            contained::inspect(&changed, rules, findings);
        }
        if is_on(Reason::Critical) {
            critical::inspect(&changed, findings);
        }
        if is_on(Reason::LocalCorrection) {
            region::inspect(&changed, rules, findings);
        }
        if is_on(Reason::UnsupportedFacts) {
            unsupported_facts::inspect(&changed, rules, findings);
        }
        if is_on(Reason::LoadedLanguage) {
            loaded_language::inspect(&changed, findings);
        }
        if is_on(Reason::RefusalInversion) {
            refusal_inversion::inspect(texts, findings);
        }
        self.inspect_alone(texts, rules, findings);
    }

    /// Looks at a model's text that its user left as it was: at all of it, as if all of it had been added.
    pub(crate) fn inspect_output(&self, prompt: &str, output: &str, rules: &AuditRules, findings: &mut Findings) {
        self.inspect_alone(Texts { prompt, chosen: output, rejected: "" }, rules, findings);
    }

    /// Whether an answer that no user has seen yet is one to hold back: what the policy sends to quarantine, or drops.
    ///
    /// What it sends to a person's review (an answer that is too short, or repeats itself) is bad and no harm.
    pub(crate) fn holds_back_answer(&self, prompt: &str, answer: &str, rules: &AuditRules) -> bool {
        let is_held = |reason| rules.route_of(reason).is_some_and(|route| route >= Route::Quarantine);
        let mut findings = Findings::default();
        self.inspect_output(prompt, answer, rules, &mut findings);
        findings.list.iter().any(|finding| is_held(finding.reason))
            || (is_held(Reason::Secret) && !self.secrets.find(answer).is_empty())
    }

    /// The checks that need no other text to compare with.
    fn inspect_alone(&self, texts: Texts<'_>, rules: &AuditRules, findings: &mut Findings) {
        let is_on = |reason| rules.route_of(reason).is_some();
        if is_on(Reason::ChatTemplate) {
            chat_template::inspect(texts, findings);
        }
        if is_on(Reason::BrokenFence) {
            broken_fence::inspect(texts, findings);
        }
        if is_on(Reason::Repetition) {
            repetition::inspect(texts, findings);
        }
        length::inspect(texts, rules, findings);
        let are_on = |reasons: &[Reason]| reasons.iter().any(|reason| is_on(*reason));
        let injection = are_on(&[Reason::Injection, Reason::JudgeDirected]);
        let toxicity = are_on(&[Reason::Toxic, Reason::UnknownLanguage]);
        if is_on(Reason::HiddenText) {
            hidden_text::inspect(texts, findings);
        }
        if !injection && !toxicity {
            return;
        }
        let subject = Subject::new(texts);
        if injection {
            self.injection.inspect(&subject, &decoded::texts(&subject), findings);
        }
        if toxicity {
            toxicity::inspect(&subject, rules, findings);
        }
    }
}
