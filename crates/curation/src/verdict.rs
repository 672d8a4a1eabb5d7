//! The verdict: the route of an edit, and the reasons.

use flywheel_audit::{Audit, Finding, Findings, Scores, Texts};
use flywheel_base::{Reason, Route};
use flywheel_event::{EditEvent, Feedback};
use flywheel_text::similarity::{Distance, distance};

use crate::judge::Opinion;
use crate::rules::CurationRules;

/// The decision about one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The event's route.
    pub route: Route,
    /// The reasons that keep it out of gold: codes in order, each once.
    pub reasons: Vec<Reason>,
    /// The findings that let it pass.
    pub tags: Vec<Reason>,
    /// Similarity of the two texts; `None` where it was not computed.
    pub similarity: Option<f64>,
    /// The measurements of the checks.
    pub scores: Scores,
    /// The evidence for the reasons and tags.
    pub findings: Vec<Finding>,
}

/// Pairs of findings in which the first cancels the second. A `critical` edit is small and no typo. A text that holds
/// the other is a version of it, however much longer or shorter it is.
const ANSWERS: [(Reason, Reason); 6] = [
    (Reason::Critical, Reason::Trivial),
    (Reason::LocalCorrection, Reason::Trivial),
    (Reason::Shortened, Reason::Rewrite),
    (Reason::Shortened, Reason::LikelyRewrite),
    (Reason::Extended, Reason::Rewrite),
    (Reason::Extended, Reason::LikelyRewrite),
];

/// Judges one edit, given its `findings` so far. Consent comes first: without it nothing else about the texts is even
/// computed.
#[must_use]
pub(crate) fn judge(event: &EditEvent<'_>, rules: &CurationRules, audit: &Audit, mut findings: Findings) -> Verdict {
    if event.consent == Some(false) {
        findings.add(Reason::NoConsent, 1.0, None);
        return fold(findings, None, rules);
    }
    if event.has_replaced_character {
        findings.add(Reason::ReplacedCharacter, 1.0, None);
    }
    if event.chosen == event.rejected {
        if let Some(feedback) = &event.feedback {
            return judge_unedited(event, feedback, rules, audit, findings);
        }
        findings.add(Reason::Unchanged, 1.0, None);
        return fold(findings, Some(1.0), rules);
    }
    if findings.has(Reason::NoAnswer) {
        return fold(findings, None, rules);
    }
    let texts = Texts { prompt: event.prompt.text(), chosen: &event.chosen, rejected: &event.rejected };
    let distance = distance(texts.rejected, texts.chosen, rules.audit.max_similarity_steps);
    let similarity = distance.map(Distance::similarity);
    if let Some(reason) = extent(distance, rules) {
        findings.add(reason, similarity.unwrap_or_default() as f32, None);
    }
    audit.inspect(texts, &rules.audit, &mut findings);
    fold(findings, similarity, rules)
}

/// Judges feedback on an unchanged output. One text is no pair: each reason has a route of its own below gold, and no
/// policy can change that.
fn judge_unedited(
    event: &EditEvent<'_>,
    feedback: &Feedback<'_>,
    rules: &CurationRules,
    audit: &Audit,
    mut findings: Findings,
) -> Verdict {
    let reason = feedback.reason(&event.event_id, &rules.sampling);
    findings.add(reason, 1.0, None);
    // The others are not for training.
    if matches!(reason, Reason::Liked | Reason::WeakSignal) && !findings.has(Reason::NoAnswer) {
        audit.inspect_output(event.prompt.text(), &event.chosen, &rules.audit, &mut findings);
    }
    fold(findings, None, rules)
}

impl Verdict {
    /// Returns the verdict after the judges' opinions. They can only lower it, and only for an edit that would be gold:
    /// a rejection by the audit is final, whatever the opinions.
    #[must_use]
    pub(crate) fn after(self, opinions: &[Opinion], rules: &CurationRules) -> Self {
        if self.route != Route::Gold || opinions.is_empty() {
            return self;
        }
        let mut findings = Findings { list: self.findings, scores: self.scores };
        for reason in opinions.iter().filter_map(|opinion| opinion.reason()) {
            findings.add(reason, 1.0, None);
        }
        fold(findings, self.similarity, rules)
    }
}

/// Returns the gate's finding about the extent of the change.
fn extent(distance: Option<Distance>, rules: &CurationRules) -> Option<Reason> {
    match distance.map(Distance::kept) {
        None => Some(Reason::TooLongToCompare),
        Some(kept) if kept.compared_to(rules.audit.trivial_above).is_gt() => Some(Reason::Trivial),
        Some(kept) if kept.compared_to(rules.audit.rewrite_below).is_lt() => Some(Reason::Rewrite),
        Some(_) => None,
    }
}

/// Pairs of findings in which the first makes the second only a tag: a reader sees that much of a line is different.
const EXCUSES: [(Reason, Reason); 1] = [(Reason::LocalCorrection, Reason::Critical)];

/// Folds the findings into a verdict. This is the only place where that happens: each finding asks for its route in the
/// policy, and the strictest wins.
///
/// Some findings cancel others, by [`ANSWERS`], or turn them into tags, by [`EXCUSES`].
fn fold(findings: Findings, similarity: Option<f64>, rules: &CurationRules) -> Verdict {
    let Findings { list: mut findings, scores } = findings;
    findings.retain(|finding| rules.route_of(finding.reason).is_some());
    let found: Vec<Reason> = findings.iter().map(|finding| finding.reason).collect();
    let is_in = |table: &[(Reason, Reason)], reason| {
        table.iter().any(|(finding, other)| *other == reason && found.contains(finding))
    };
    findings.retain(|finding| !is_in(&ANSWERS, finding.reason));
    findings.sort_by_key(|finding| finding.reason);
    let mut verdict =
        Verdict { route: Route::Gold, reasons: Vec::new(), tags: Vec::new(), similarity, scores, findings };
    for finding in &verdict.findings {
        let is_excused = is_in(&EXCUSES, finding.reason);
        let route = rules.route_of(finding.reason).filter(|_| !is_excused).unwrap_or(Route::Gold);
        let codes = if route == Route::Gold { &mut verdict.tags } else { &mut verdict.reasons };
        if codes.last() != Some(&finding.reason) {
            codes.push(finding.reason);
        }
        verdict.route = verdict.route.max(route);
    }
    verdict
}

/// Returns `true` if the event is dropped whatever its texts say, and none of them is written.
pub(crate) fn is_dropped_unread(event: &EditEvent<'_>, rules: &CurationRules) -> bool {
    event.consent == Some(false) || (event.chosen == event.rejected && !is_kept_unedited(event, rules))
}

fn is_kept_unedited(event: &EditEvent<'_>, rules: &CurationRules) -> bool {
    let unsampled = |feedback: &Feedback<'_>| feedback.reason(&event.event_id, &rules.sampling) == Reason::Unsampled;
    event.feedback.as_ref().is_some_and(|feedback| !unsampled(feedback))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(rejected: &str, chosen: &str) -> Verdict {
        judged_with(serde_json::json!({"original_llm_output": rejected, "final_user_edit": chosen}))
    }

    fn judged_with(mut event: serde_json::Value) -> Verdict {
        event["prompt"] = "p".into();
        judge(
            &EditEvent::parse(&event.to_string(), None).unwrap(),
            &CurationRules::default(),
            &Audit::new(),
            Findings::default(),
        )
    }

    #[test]
    fn what_lies_between_the_thresholds_is_gold() {
        // One of 20 characters changed is 0.95 exactly; 7 of 8 is 0.125.
        let base = "abcdefghijklmnopqrst";
        assert_eq!(judged(base, "abcdefghijklmnopqrsX").route, Route::Gold);
        assert_eq!(judged("abcdefgh", "aXXXXXXX").route, Route::Gold);
    }

    /// Returns a text of `length` letters, and one that differs in its last `changed` letters only.
    fn changed_in(length: usize, changed: usize) -> (String, String) {
        let letters = |number: usize| char::from(b'a' + (number % 25) as u8);
        let text: String = (0..length).map(letters).collect();
        let edit = format!("{}{}", &text[..length - changed], "z".repeat(changed));
        (text, edit)
    }

    #[test]
    fn exactly_nine_tenths_changed_and_exactly_a_twentieth_are_gold_at_any_length() {
        // In binary 1 - 18/20 is a hair below 0.10, and the line says so.
        let (text, edit) = changed_in(20, 18);
        assert_eq!(judged(&text, &edit).similarity, Some(strsim::normalized_levenshtein(&text, &edit)));
        for length in (20..=600).step_by(20) {
            for changed in [9 * length / 10, length / 20] {
                let (text, edit) = changed_in(length, changed);
                let verdict = judged(&text, &edit);
                let extent = [Reason::Rewrite, Reason::Trivial].map(|reason| verdict.reasons.contains(&reason));
                assert_eq!(extent, [false, false], "{changed} of {length}");
            }
            let (text, edit) = changed_in(length, 9 * length / 10 + 1);
            assert!(judged(&text, &edit).reasons.contains(&Reason::Rewrite));
        }
    }

    #[test]
    fn any_threshold_is_the_decimal_that_was_written() {
        for percent in 1..50 {
            let text =
                format!("[similarity]\nrewrite_below = 0.{percent:02}\ntrivial_above = 0.{:02}\n", 100 - percent);
            let policy = CurationRules::parse(&text).unwrap();
            for length in [100, 300, 700] {
                let distance = |changed: usize| Distance { edits: changed * length / 100, longer: length };
                assert_eq!(extent(Some(distance(100 - percent)), &policy), None, "{percent} % of {length} kept");
                assert_eq!(extent(Some(distance(percent)), &policy), None, "{percent} % of {length} changed");
                let one_more = Distance { edits: (100 - percent) * length / 100 + 1, longer: length };
                assert_eq!(extent(Some(one_more), &policy), Some(Reason::Rewrite));
                let one_less = Distance { edits: percent * length / 100 - 1, longer: length };
                assert_eq!(extent(Some(one_less), &policy), Some(Reason::Trivial));
            }
        }
    }

    #[test]
    fn a_shortened_answer_is_gold_and_an_unrelated_one_is_a_rewrite() {
        let long = "Yes, 7 is prime, because it has no divisors other than 1 and itself.";
        let verdict = judged(long, "Yes");
        assert_eq!((verdict.route, verdict.tags), (Route::Gold, vec![Reason::Shortened]));
        assert!(verdict.similarity.is_some_and(|similarity| similarity < 0.10));
        let verdict = judged("Yes", long);
        assert_eq!((verdict.route, verdict.tags), (Route::Gold, vec![Reason::Extended]));
        for unrelated in ["Cows", "the"] {
            assert!(judged(long, unrelated).reasons.contains(&Reason::Rewrite), "{unrelated}");
        }
    }

    #[test]
    fn a_policy_that_does_not_look_for_what_is_kept_has_the_plain_rule() {
        let event = serde_json::json!({"prompt": "p", "original_llm_output": "Yes, 7 is prime, because it has no divisors other than 1.", "final_user_edit": "Yes"});
        let policy = CurationRules::parse("[routes]\nshortened = \"off\"").unwrap();
        let event = event.to_string();
        let event = EditEvent::parse(&event, None).unwrap();
        assert_eq!(judge(&event, &policy, &Audit::new(), Findings::default()).reasons, vec![Reason::Rewrite]);
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
        assert_eq!((verdict.route, verdict.reasons), (Route::Review, vec![Reason::TooLongToCompare, Reason::TooLong]));
    }

    #[test]
    fn half_a_megabyte_with_few_edits_is_compared() {
        let rejected = "All work and no play. ".repeat(23_000);
        let chosen = format!("X{}Y", rejected.replacen("work", "rest", 3));
        assert_eq!(judged(&rejected, &chosen).reasons, vec![Reason::Critical, Reason::TooLong]);
    }

    #[test]
    fn a_correction_of_one_line_is_gold_and_a_flipped_operator_waits_for_review() {
        let program = |line: &str| format!("{}{line}\n{}", "step(a, b);\n".repeat(40), "step(b, a);\n".repeat(40));
        let old = program("if orders.sum_of(prices) > limit {");
        let call = judged(&old, &program("if orders.iter().map(price).sum() > limit {"));
        assert_eq!(call.route, Route::Gold);
        assert_eq!((call.reasons, call.tags), (vec![], vec![Reason::Critical, Reason::LocalCorrection]));
        let operator = judged(&old, &program("if orders.sum_of(prices) >= limit {"));
        assert_eq!((operator.route, operator.reasons), (Route::Review, vec![Reason::Critical]));
    }

    #[test]
    fn the_policy_decides_on_local_corrections() {
        let event = serde_json::json!({
            "prompt": "p",
            "original_llm_output": format!("{}x = load(path)\n", "step(a, b)\n".repeat(80)),
            "final_user_edit": format!("{}x = [read(line) for line in path]\n", "step(a, b)\n".repeat(80)),
        });
        let under = |policy: &str| {
            let message = event.to_string();
            let event = EditEvent::parse(&message, None).unwrap();
            let verdict = judge(&event, &CurationRules::parse(policy).unwrap(), &Audit::new(), Findings::default());
            (verdict.route, verdict.reasons, verdict.tags)
        };
        let (local, critical) = (Reason::LocalCorrection, Reason::Critical);
        assert_eq!(under(""), (Route::Gold, vec![], vec![critical, local]));
        assert_eq!(under("[routes]\nlocal_correction = \"review\""), (Route::Review, vec![local], vec![critical]));
        assert_eq!(under("[routes]\nlocal_correction = \"off\""), (Route::Review, vec![critical], vec![]));
        assert_eq!(under("[routes]\ncritical = \"off\""), (Route::Gold, vec![], vec![local]));
        assert_eq!(under("[similarity]\nlocal_correction_below = 0.0"), (Route::Review, vec![critical], vec![]));
    }

    #[test]
    fn an_opinion_sends_gold_where_the_policy_says() {
        let gold = || judged("one two three", "one 2 three");
        let after = |opinions: &[Opinion]| gold().after(opinions, &CurationRules::default());
        assert_eq!(after(&[Opinion::Pass]), gold());
        assert_eq!(after(&[Opinion::Slanted]).route, Route::Review);
        let worst = after(&[Opinion::Slanted, Opinion::Unsure, Opinion::Unsafe, Opinion::Unsafe]);
        assert_eq!(worst.route, Route::Quarantine);
        assert_eq!(worst.reasons, [Reason::JudgedUnsafe, Reason::JudgedSlanted, Reason::Unjudged]);
        let noted = CurationRules::parse("[routes]\njudged_slanted = \"gold\"").unwrap();
        let verdict = gold().after(&[Opinion::Slanted], &noted);
        assert_eq!((verdict.route, verdict.tags), (Route::Gold, vec![Reason::JudgedSlanted]));
    }

    proptest! {
        #[test]
        fn opinions_only_ever_lower(
            chosen in "[a-z ]{0,20}", opinions in prop::collection::vec(prop::sample::select(&Opinion::ALL[..]), 0..5),
        ) {
            let before = judged("the quick brown fox", if chosen.is_empty() { "x" } else { &chosen });
            let after = before.clone().after(&opinions, &CurationRules::default());
            prop_assert!(after.route >= before.route);
            prop_assert!(before.reasons.iter().all(|reason| after.reasons.contains(reason)));
            if before.route != Route::Gold {
                prop_assert_eq!(after, before);
            }
        }
    }
}
