//! The gate: which route an edit takes, and why.

use serde::Serialize;

use crate::edit_event::EditEvent;
use crate::policy::Policy;
use crate::similarity::similarity;

/// Where an event's one line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// A preference pair that passed everything.
    Gold,
    /// A person has to look.
    Review,
    /// Trains nobody: ids and reasons are kept, texts are not.
    Dropped,
}

impl Route {
    /// Every route, in the order in which reports show them.
    pub const ALL: [Self; 3] = [Self::Gold, Self::Review, Self::Dropped];

    /// The route's name, as in the lake's partitions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gold => "gold",
            Self::Review => "review",
            Self::Dropped => "dropped",
        }
    }
}

/// Why an event did not become gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The user did not agree that the edit may train a model.
    NoConsent,
    /// The user left the model's text as it was.
    Unchanged,
    /// Too little changed to say what the user prefers.
    Trivial,
    /// So much changed that the texts are no longer versions of one another.
    Rewrite,
    /// The texts are so long and so different that comparing them would hold up everybody else's edits.
    TooLongToCompare,
}

/// What the gate decided about one event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// Where the event goes.
    pub(crate) route: Route,
    /// Why, unless it is gold.
    pub(crate) reasons: Vec<Reason>,
    /// Similarity of the two texts; `None` where it was not computed.
    pub(crate) similarity: Option<f64>,
}

/// Judges one edit. Consent comes first: without it nothing else about the texts is even computed.
#[must_use]
pub(crate) fn judge(event: &EditEvent<'_>, policy: &Policy) -> Verdict {
    let verdict = |reason, similarity| Verdict { route: policy.route_of(reason), reasons: vec![reason], similarity };
    if event.consent == Some(false) {
        return verdict(Reason::NoConsent, None);
    }
    if event.chosen == event.rejected {
        return verdict(Reason::Unchanged, Some(1.0));
    }
    let Some(similarity) = similarity(&event.rejected, &event.chosen, policy.max_similarity_steps) else {
        return verdict(Reason::TooLongToCompare, None);
    };
    if similarity > policy.trivial_above {
        return verdict(Reason::Trivial, Some(similarity));
    }
    if similarity < policy.rewrite_below {
        return verdict(Reason::Rewrite, Some(similarity));
    }
    Verdict { route: Route::Gold, reasons: Vec::new(), similarity: Some(similarity) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(rejected: &str, chosen: &str) -> Verdict {
        judged_with(serde_json::json!({"original_llm_output": rejected, "final_user_edit": chosen}))
    }

    fn judged_with(mut event: serde_json::Value) -> Verdict {
        event["prompt"] = "p".into();
        judge(&EditEvent::parse(&event.to_string()).unwrap(), &Policy::default())
    }

    #[test]
    fn what_lies_between_the_thresholds_is_gold() {
        // One of 20 characters changed is 0.95 exactly; 7 of 8 is 0.125.
        let base = "abcdefghijklmnopqrst";
        assert_eq!(judged(base, "abcdefghijklmnopqrsX").route, Route::Gold);
        assert_eq!(judged("abcdefgh", "aXXXXXXX").route, Route::Gold);
    }

    #[test]
    fn the_number_that_strsim_computes_decides_at_the_edge() {
        // In binary 1 - 18/20 is a hair below 0.10.
        assert_eq!(judged("abcdefghijklmnopqrst", "abXXXXXXXXXXXXXXXXXX").reasons, vec![Reason::Rewrite]);
    }

    #[test]
    fn one_edit_in_twenty_one_is_trivial() {
        let verdict = judged("abcdefghijklmnopqrstu", "abcdefghijklmnopqrstX");
        assert_eq!((verdict.route, verdict.reasons), (Route::Dropped, vec![Reason::Trivial]));
    }

    #[test]
    fn more_than_nine_tenths_changed_is_a_rewrite() {
        let verdict = judged("abcdefghijklmnopqrst", "aXXXXXXXXXXXXXXXXXXX");
        assert_eq!((verdict.route, verdict.reasons), (Route::Dropped, vec![Reason::Rewrite]));
    }

    #[test]
    fn an_untouched_output_is_unchanged() {
        let verdict = judged("same", "same");
        assert_eq!((verdict.route, verdict.reasons), (Route::Dropped, vec![Reason::Unchanged]));
    }

    #[test]
    fn no_consent_goes_before_everything() {
        let event = serde_json::json!({"original_llm_output": "a", "final_user_edit": "a", "consent": false});
        let verdict = judged_with(event);
        assert_eq!((verdict.route, verdict.reasons), (Route::Dropped, vec![Reason::NoConsent]));
        assert_eq!(verdict.similarity, None);
    }

    #[test]
    fn fifty_thousand_unrelated_characters_are_compared() {
        let text = |seed: u32| -> String {
            let mut state = seed;
            let mut letter = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'a' + (state >> 24) as u8 % 26)
            };
            (0..50_000).map(|_| letter()).collect()
        };
        assert!(judged(&text(1), &text(2)).similarity.is_some());
        assert_eq!(judged(&"a".repeat(50_000), &"b".repeat(50_000)).reasons, vec![Reason::Rewrite]);
    }

    #[test]
    fn half_a_megabyte_of_unrelated_text_goes_to_review() {
        let verdict = judged(&"ab cd ".repeat(83_000), &"xyz.".repeat(125_000));
        assert_eq!((verdict.route, verdict.reasons), (Route::Review, vec![Reason::TooLongToCompare]));
    }

    #[test]
    fn half_a_megabyte_with_few_edits_is_compared() {
        let rejected = "All work and no play. ".repeat(23_000);
        let chosen = format!("X{}Y", rejected.replacen("work", "rest", 3));
        assert_eq!(judged(&rejected, &chosen).reasons, vec![Reason::Trivial]);
    }
}
