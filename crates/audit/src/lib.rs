//! The audit: checks for content that training data must not have.
//!
//! Each check is a module with one entry. A check only finds. The policy sets the effect of a finding, in one place
//! (`Verdict` of `flywheel-curation`).

mod broken_fence;
mod changed;
mod chat_template;
mod contained;
mod critical;
mod decoded;
mod finding;
mod hidden_text;
mod injection;
mod length;
mod loaded_language;
#[cfg(test)]
mod measured;
pub mod personal_data;
mod phrasebook;
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

use flywheel_base::{Reason, Route};
use flywheel_event::EditEvent;

pub use finding::{Finding, Findings, Scores, Span, TextName};
pub use rules::{AuditRules, AuditSection, AuditSections, LimitsSection, RoutesSection, SimilaritySection};
pub use subject::Texts;

use changed::Changed;
use injection::Injection;
use secrets::{Secret, Secrets};
use subject::Subject;
use unsupported_facts::UnsupportedFacts;

/// All checks, with their rules compiled.
#[derive(Debug)]
pub struct Audit {
    secrets: Secrets,
    injection: Injection,
    unsupported_facts: UnsupportedFacts,
}

impl Default for Audit {
    fn default() -> Self {
        Self::new()
    }
}

impl Audit {
    /// Compiles the rules.
    pub fn new() -> Self {
        Self { secrets: Secrets::new(), injection: Injection::new(), unsupported_facts: UnsupportedFacts::new() }
    }

    /// Finds credentials in all texts of an edit that would be written.
    ///
    /// It runs before redaction, and so apart from the other checks. To redaction a password in a URL reads as the
    /// beginning of an e-mail address, and a placeholder in the middle of a token hides the token.
    pub fn find_secrets(&self, event: &EditEvent<'_>, rules: &AuditRules, findings: &mut Findings) {
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

    /// Runs the checks on one edit, except those that the policy has switched off.
    pub fn inspect(&self, texts: Texts<'_>, rules: &AuditRules, findings: &mut Findings) {
        let is_on = |reason| rules.route_of(reason).is_some();
        // Lazy: some policies switch off every check that reads it.
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
            self.unsupported_facts.inspect(&changed, rules, findings);
        }
        if is_on(Reason::LoadedLanguage) {
            loaded_language::inspect(&changed, findings);
        }
        if is_on(Reason::RefusalInversion) {
            refusal_inversion::inspect(texts, findings);
        }
        self.inspect_alone(texts, rules, findings);
    }

    /// Runs the checks on an unchanged model's text, all of it, as if the user had added it.
    pub fn inspect_output(&self, prompt: &str, output: &str, rules: &AuditRules, findings: &mut Findings) {
        self.inspect_alone(Texts { prompt, chosen: output, rejected: "" }, rules, findings);
    }

    /// Returns `true` if an answer that no user has seen yet must be withheld: the policy sends it to quarantine, or
    /// drops it.
    ///
    /// An answer that the policy sends to review (too short, or repetitive) is bad and no harm.
    pub fn holds_back_answer(&self, prompt: &str, answer: &str, rules: &AuditRules) -> bool {
        let is_held = |reason| rules.route_of(reason).is_some_and(|route| route >= Route::Quarantine);
        let mut findings = Findings::default();
        self.inspect_output(prompt, answer, rules, &mut findings);
        findings.list.iter().any(|finding| is_held(finding.reason))
            || (is_held(Reason::Secret) && !self.secrets.find(answer).is_empty())
    }

    /// Runs the checks that need no other text for comparison.
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
