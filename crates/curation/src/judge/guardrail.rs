//! The answers of guardrails, and their translation into opinions.

use super::opinion::Opinion;

/// The result of a configured guardrail on a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// `true` if it would have blocked or changed the text.
    pub intervened: bool,
    /// The guardrail's policies that intervened.
    pub policies: Vec<GuardrailPolicy>,
}

/// The policies that a guardrail can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardrailPolicy {
    /// Hate, insults, sex, violence, misconduct.
    Content,
    /// Attacks on the model.
    PromptAttack,
    /// Topics that the operator does not want.
    Topic,
    /// Words that the operator does not want.
    Word,
    /// Personal data.
    Private,
    /// Support of the text by its source, and relevance to the question.
    Grounding,
}

/// Returns the opinions of a guardrail. A detection that it was configured to let pass, passes.
#[must_use]
pub fn opinions_of_assessment(assessment: &Assessment) -> Vec<Opinion> {
    if !assessment.intervened {
        return vec![Opinion::Pass];
    }
    let opinion = |policy: &GuardrailPolicy| match policy {
        GuardrailPolicy::Content | GuardrailPolicy::Topic | GuardrailPolicy::Word => Opinion::Unsafe,
        GuardrailPolicy::PromptAttack => Opinion::Injection,
        GuardrailPolicy::Private => Opinion::Private,
        GuardrailPolicy::Grounding => Opinion::Unsupported,
    };
    let opinions: Vec<_> = assessment.policies.iter().map(opinion).collect();
    // It intervened by a policy that is unknown here.
    if opinions.is_empty() { vec![Opinion::Unsafe] } else { opinions }
}

/// The severity of a text in one category of guardrail checks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Severity {
    /// The category.
    pub checked_for: CheckedFor,
    /// The strength of the match, in `0.0..=1.0`.
    pub severity: f64,
}

/// The categories of guardrail checks, in two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedFor {
    /// A category of harmful content.
    Harm,
    /// A way to attack a model.
    Attack,
}

/// Returns the opinions of guardrail checks. A finding counts from the severity `from` on.
///
/// `asked` is the number of categories in the request. A result with fewer, or with a severity outside `0.0..=1.0`, is
/// invalid.
#[must_use]
pub fn opinions_of_severities(severities: &[Severity], asked: usize, from: f64) -> Vec<Opinion> {
    let is_number = |found: &Severity| (0.0..=1.0).contains(&found.severity);
    if severities.len() != asked || !severities.iter().all(is_number) {
        return vec![Opinion::Unsure];
    }
    let counts = |family| severities.iter().any(|found| found.checked_for == family && found.severity >= from);
    match (counts(CheckedFor::Harm), counts(CheckedFor::Attack)) {
        (false, false) => vec![Opinion::Pass],
        (true, false) => vec![Opinion::Unsafe],
        (false, true) => vec![Opinion::Injection],
        (true, true) => vec![Opinion::Unsafe, Opinion::Injection],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assessed(intervened: bool, policies: &[GuardrailPolicy]) -> Vec<Opinion> {
        opinions_of_assessment(&Assessment { intervened, policies: policies.to_vec() })
    }

    #[test]
    fn a_guardrail_that_did_not_intervene_passes_whatever_it_detected() {
        assert_eq!(assessed(false, &[]), [Opinion::Pass]);
        assert_eq!(assessed(false, &[GuardrailPolicy::Word]), [Opinion::Pass]);
    }

    #[test]
    fn each_policy_that_intervened_is_an_opinion_and_an_unknown_one_is_unsafe() {
        let policies = [GuardrailPolicy::PromptAttack, GuardrailPolicy::Private, GuardrailPolicy::Grounding];
        assert_eq!(assessed(true, &policies), [Opinion::Injection, Opinion::Private, Opinion::Unsupported]);
        assert_eq!(assessed(true, &[]), [Opinion::Unsafe]);
    }

    fn checked(harm: f64, attack: f64) -> Vec<Opinion> {
        let severities = [(CheckedFor::Harm, harm), (CheckedFor::Attack, attack), (CheckedFor::Harm, 0.0)];
        let severities = severities.map(|(checked_for, severity)| Severity { checked_for, severity });
        opinions_of_severities(&severities, 3, 0.4)
    }

    #[test]
    fn severities_count_from_the_threshold_on() {
        assert_eq!(checked(0.2, 0.2), [Opinion::Pass]);
        assert_eq!(checked(0.4, 0.2), [Opinion::Unsafe]);
        assert_eq!(checked(0.0, 1.0), [Opinion::Injection]);
        assert_eq!(checked(0.8, 0.4), [Opinion::Unsafe, Opinion::Injection]);
    }

    #[test]
    fn an_answer_that_is_not_whole_is_none() {
        for severity in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert_eq!(checked(severity, 0.0), [Opinion::Unsure]);
        }
        assert_eq!(opinions_of_severities(&[], 0, 0.4), [Opinion::Pass]);
        assert_eq!(opinions_of_severities(&[], 8, 0.4), [Opinion::Unsure]);
        let one = Severity { checked_for: CheckedFor::Harm, severity: 0.0 };
        assert_eq!(opinions_of_severities(&[one; 7], 8, 0.4), [Opinion::Unsure]);
    }
}
