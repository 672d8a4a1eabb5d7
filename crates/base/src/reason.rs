//! The closed vocabulary of findings about an event.

use serde::{Serialize, Serializer};

use crate::route::Route;

/// A finding about an event. A finding that moves the event out of gold is one of its line's `reasons`. One that the
/// policy lets pass is among its `tags`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The user did not consent to training on the edit.
    NoConsent,
    /// A text is only reasoning: it was cut off before its answer.
    NoAnswer,
    /// The user left the model's text as it was, or changed nothing that people type.
    Unchanged,
    /// The user liked the output, and it is not in the sample.
    Unsampled,
    /// The user liked the output as it was, and it is in the sample.
    Liked,
    /// The user disliked the output and offered no better text.
    Disliked,
    /// Feedback that says little about one output: copied, marked, regenerated, commented on, three stars.
    WeakSignal,
    /// The change is too small to express a preference.
    Trivial,
    /// The change is so large that the texts are no longer versions of one another.
    Rewrite,
    /// The texts are so long and so different that comparing them would delay other edits.
    TooLongToCompare,
    /// A small change to meaning, not a typo. Examples are a number, a unit, a negation, an operator, an identifier, a
    /// URL, a date, a name, a value, or one word for another.
    Critical,
    /// A small part of a long text changed, and most of that place changed.
    LocalCorrection,
    /// Hardly a word of the model's text is left.
    LikelyRewrite,
    /// The user kept a part of the model's text, and little else.
    Shortened,
    /// The user kept the model's text, and added as much or more.
    Extended,
    /// Reasoning before an answer was set aside.
    ReasoningSetAside,
    /// A text holds a credential.
    Secret,
    /// A text holds personal data. Placeholders replace it, the same in every text.
    PersonalData,
    /// The user's text addresses the model with instructions of its own.
    Injection,
    /// The user's text addresses its judge.
    JudgeDirected,
    /// The user's text holds characters that hide text from its readers.
    HiddenText,
    /// The user's addition is abusive.
    Toxic,
    /// The user's addition is in a language that the toxicity model does not know.
    UnknownLanguage,
    /// The model refused, and the user's text complies.
    RefusalInversion,
    /// The prompt carries the source, and the user's text has facts that are not in it.
    UnsupportedFacts,
    /// The user made the text take sides.
    LoadedLanguage,
    /// The user's text holds the control tokens of a chat template.
    ChatTemplate,
    /// A text had half a surrogate pair, which is no character. U+FFFD replaces it.
    ReplacedCharacter,
    /// The user's text opens a code fence and does not close it, and the model's text did.
    BrokenFence,
    /// The user's text repeats itself over and over.
    Repetition,
    /// The user's text is shorter than the policy allows.
    TooShort,
    /// The user's text is longer than the policy allows.
    TooLong,
    /// A judge holds the user's text to be abusive, or of help in doing harm.
    JudgedUnsafe,
    /// A judge holds the user's text to address a model or a judge.
    JudgedInjection,
    /// A judge found private data in the user's text.
    JudgedPrivate,
    /// A judge holds that the prompt does not support the user's text.
    JudgedUnsupported,
    /// A judge holds that the user made the text take sides.
    JudgedSlanted,
    /// A judge was due, and there is no opinion of its to believe.
    Unjudged,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 38] = [
        Self::NoConsent,
        Self::NoAnswer,
        Self::Unchanged,
        Self::Unsampled,
        Self::Liked,
        Self::Disliked,
        Self::WeakSignal,
        Self::Trivial,
        Self::Rewrite,
        Self::TooLongToCompare,
        Self::Critical,
        Self::LocalCorrection,
        Self::LikelyRewrite,
        Self::Shortened,
        Self::Extended,
        Self::ReasoningSetAside,
        Self::Secret,
        Self::PersonalData,
        Self::Injection,
        Self::JudgeDirected,
        Self::HiddenText,
        Self::Toxic,
        Self::UnknownLanguage,
        Self::RefusalInversion,
        Self::UnsupportedFacts,
        Self::LoadedLanguage,
        Self::ChatTemplate,
        Self::ReplacedCharacter,
        Self::BrokenFence,
        Self::Repetition,
        Self::TooShort,
        Self::TooLong,
        Self::JudgedUnsafe,
        Self::JudgedInjection,
        Self::JudgedPrivate,
        Self::JudgedUnsupported,
        Self::JudgedSlanted,
        Self::Unjudged,
    ];

    /// Returns the reason's code, as lines and policies name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoConsent => "no_consent",
            Self::NoAnswer => "no_answer",
            Self::Unchanged => "unchanged",
            Self::Unsampled => "unsampled",
            Self::Liked => "liked",
            Self::Disliked => "disliked",
            Self::WeakSignal => "weak_signal",
            Self::Trivial => "trivial",
            Self::Rewrite => "rewrite",
            Self::TooLongToCompare => "too_long_to_compare",
            Self::Critical => "critical",
            Self::LocalCorrection => "local_correction",
            Self::LikelyRewrite => "likely_rewrite",
            Self::Shortened => "shortened",
            Self::Extended => "extended",
            Self::ReasoningSetAside => "reasoning_set_aside",
            Self::Secret => "secret",
            Self::PersonalData => "personal_data",
            Self::Injection => "injection",
            Self::JudgeDirected => "judge_directed",
            Self::HiddenText => "hidden_text",
            Self::Toxic => "toxic",
            Self::UnknownLanguage => "unknown_language",
            Self::RefusalInversion => "refusal_inversion",
            Self::UnsupportedFacts => "unsupported_facts",
            Self::LoadedLanguage => "loaded_language",
            Self::ChatTemplate => "chat_template",
            Self::ReplacedCharacter => "replaced_character",
            Self::BrokenFence => "broken_fence",
            Self::Repetition => "repetition",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::JudgedUnsafe => "judged_unsafe",
            Self::JudgedInjection => "judged_injection",
            Self::JudgedPrivate => "judged_private",
            Self::JudgedUnsupported => "judged_unsupported",
            Self::JudgedSlanted => "judged_slanted",
            Self::Unjudged => "unjudged",
        }
    }

    /// Returns the route of an event with this reason, unless a policy sets another.
    #[must_use]
    pub fn default_route(self) -> Route {
        match self {
            Self::NoConsent | Self::Unchanged | Self::Trivial | Self::Rewrite | Self::Secret => Route::Dropped,
            Self::Unsampled | Self::NoAnswer => Route::Dropped,
            Self::Liked => Route::Replay,
            Self::WeakSignal => Route::Signals,
            Self::Disliked => Route::Review,
            Self::LikelyRewrite | Self::PersonalData | Self::UnknownLanguage | Self::LoadedLanguage => Route::Gold,
            Self::ReplacedCharacter => Route::Gold,
            Self::Shortened | Self::Extended | Self::ReasoningSetAside => Route::Gold,
            Self::TooLongToCompare | Self::Critical => Route::Review,
            Self::LocalCorrection => Route::Gold,
            Self::BrokenFence | Self::Repetition | Self::TooShort | Self::TooLong => Route::Review,
            Self::Injection | Self::JudgeDirected | Self::HiddenText | Self::Toxic => Route::Quarantine,
            Self::RefusalInversion | Self::UnsupportedFacts | Self::ChatTemplate => Route::Quarantine,
            Self::JudgedUnsafe | Self::JudgedInjection | Self::JudgedPrivate | Self::JudgedUnsupported => {
                Route::Quarantine
            }
            Self::JudgedSlanted => Route::Review,
            Self::Unjudged => Route::Quarantine,
        }
    }

    /// Returns `true` if a policy may set the route. It may not where there is no edit or no answer, which is never a
    /// preference pair. It may not without consent either, because the data is not ours to use.
    #[must_use]
    pub fn is_policy(self) -> bool {
        !matches!(
            self,
            Self::NoConsent
                | Self::NoAnswer
                | Self::Unchanged
                | Self::Unsampled
                | Self::Liked
                | Self::Disliked
                | Self::WeakSignal
        )
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_in_order_and_codes_are_distinct() {
        assert!(Reason::ALL.is_sorted());
        assert!(Reason::ALL.iter().enumerate().all(|(index, reason)| *reason as usize == index));
        let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
