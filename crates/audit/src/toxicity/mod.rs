//! Abuse, other harm and unknown languages in the user's additions, by the model of [`flywheel_toxicity`].

#[cfg(test)]
mod measured;
#[cfg(test)]
mod tests;

use flywheel_base::Reason;
use flywheel_toxicity::judge;

use super::AuditRules;
use super::finding::Findings;
use super::subject::Subject;

/// Records the probability that the user's additions are abusive, and adds [`Reason::Toxic`] if it is above the
/// policy's threshold. Adds [`Reason::UnknownLanguage`] for sentences that are not in English, with their share of the
/// added bytes as its score and the first as its span.
pub(super) fn inspect(subject: &Subject<'_>, rules: &AuditRules, findings: &mut Findings) {
    let judgement = judge(&subject.added, subject.texts.rejected, rules.toxic_above);
    if let Some(foreign) = judgement.foreign {
        findings.in_chosen(Reason::UnknownLanguage, foreign.share, foreign.first);
    }
    let Some(harm) = judgement.harm else { return };
    findings.scores.toxicity = Some(harm.probability);
    if harm.is_above {
        findings.in_chosen(Reason::Toxic, harm.probability, harm.bytes);
    }
}
