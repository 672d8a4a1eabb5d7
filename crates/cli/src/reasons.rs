//! The meaning of reasons, and the policy's numbers that tune them.

use flywheel_base::Reason;

/// Returns the meaning of a finding.
pub(crate) fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::NoConsent => "the user did not agree that the edit may train a model",
        Reason::NoAnswer => "a text is reasoning that never ends, and has no answer",
        Reason::Unchanged => "the user left the model's text as it was, but for what people do not type",
        Reason::Unsampled => "the user liked the model's text as it was, and it is not in the sample that is kept",
        Reason::Liked => "the user liked the model's text as it was, and it is in the sample that is kept",
        Reason::Disliked => "the user disliked the model's text and did not say what would be better",
        Reason::WeakSignal => "feedback that says little about one output",
        Reason::Trivial => "too little changed to say what the user prefers",
        Reason::Rewrite => "so much changed that the texts are no longer versions of one another",
        Reason::TooLongToCompare => "comparing these texts would take longer than the policy allows",
        Reason::Critical => "little changed, and it was no typo: a number, a negation, an operator, a name, a value, …",
        Reason::LocalCorrection => "little of a long text changed, and much of the line or sentence where it did",
        Reason::LikelyRewrite => "hardly a word is left of the model's text",
        Reason::Shortened => "the user kept a part of the model's text, and little else",
        Reason::Extended => "the user kept the model's text, and added as much or more",
        Reason::ReasoningSetAside => "reasoning before the answer was set aside",
        Reason::Secret => "a text holds a credential",
        Reason::PersonalData => "a text held personal data; it is replaced by placeholders, the same in every text",
        Reason::Injection => "the user's text gives the model instructions of its own",
        Reason::JudgeDirected => "the user's text talks to whoever judges it",
        Reason::HiddenText => "the user's text holds characters that hide text from its readers",
        Reason::Toxic => "what the user added is abusive",
        Reason::UnknownLanguage => "what the user added is in a language that the toxicity model does not know",
        Reason::RefusalInversion => "the model refused, and the user's text complies",
        Reason::UnsupportedFacts => "the user's text has facts that the source in the prompt has not",
        Reason::LoadedLanguage => "the user made the text take sides",
        Reason::ChatTemplate => "the user's text holds control tokens of a chat template",
        Reason::ReplacedCharacter => "a text came with half a surrogate pair; U+FFFD stands in its place",
        Reason::BrokenFence => "the user's text opens a code fence and does not close it",
        Reason::Repetition => "the user's text says the same over and over",
        Reason::TooShort => "the user's text is shorter than the policy allows",
        Reason::TooLong => "the user's text is longer than the policy allows",
        Reason::JudgedUnsafe => "a judge finds the user's text unsafe",
        Reason::JudgedInjection => "a judge finds instructions to the model in the user's text",
        Reason::JudgedPrivate => "a judge finds personal data in the user's text",
        Reason::JudgedUnsupported => "a judge finds facts in the user's text that the prompt does not support",
        Reason::JudgedSlanted => "a judge finds that the user made the text take sides",
        Reason::Unjudged => "a judge was to be asked and gave no opinion that counts",
    }
}

/// Returns the policy's number that decides about a finding, if there is one. Its route is in `[routes]`.
pub(crate) fn threshold(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Unsampled | Reason::Liked => "[sampling]",
        Reason::Trivial | Reason::Critical => "[similarity] trivial_above and local_correction_below",
        Reason::Rewrite => "[similarity] rewrite_below",
        Reason::TooLongToCompare => "[similarity] max_steps",
        Reason::LocalCorrection => "[similarity] local_correction_below",
        Reason::LikelyRewrite => "[similarity] likely_rewrite_below",
        Reason::Shortened | Reason::Extended => "[similarity] kept_from",
        Reason::ReasoningSetAside | Reason::NoAnswer => "[reasoning] think",
        Reason::Toxic => "[audit] toxic_above",
        Reason::UnsupportedFacts => "[audit] grounded_above_chars",
        Reason::TooShort => "[limits] min_chars",
        Reason::TooLong => "[limits] max_chars",
        _ => return None,
    })
}
