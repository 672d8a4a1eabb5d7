//! Curation from a queue message to a line in a route, without any input or output.

use std::borrow::Cow;

use flywheel_audit::{Audit, Findings};
use flywheel_base::{
    Refusal, RefusalCode, Route,
    digest::{FieldDigest, hex},
    instant::{Micros, Millis, rfc3339},
};
use flywheel_event::{ContributorKey, EditEvent, Revision};
use flywheel_text::normal_form::{Respelled, respell};

use crate::judge::{Case, Opinion};
use crate::line::{Line, Stamp};
use crate::reasoning;
use crate::redaction;
use crate::rules::CurationRules;
use crate::verdict::is_dropped_unread;
use crate::verdict::{Verdict, judge};

/// Judges messages by the rules of one policy.
#[derive(Debug)]
pub struct Curator {
    rules: CurationRules,
    policy_hash: String,
    audit: Audit,
    contributor_key: Option<ContributorKey>,
}

/// An event as the lake will hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct CuratedEvent {
    /// Its route and the reasons.
    pub verdict: Verdict,
    /// Its idempotency key.
    pub event_id: String,
    /// Its id in the scope of its sender; `None` where the sender is not known.
    pub event_key: Option<String>,
    /// The digest of its preference pair.
    pub pair_id: String,
    /// Its line: one JSON object, without the line feed.
    pub line: String,
    /// The id of the output that it revises. `None` for an event that is no edit, and for a withdrawal that does not
    /// name its output.
    pub output_id: Option<String>,
    /// Its place among the revisions.
    pub revision: Revision,
    /// The time of receipt at the front door, in microseconds since the epoch.
    pub received_at: Option<Micros>,
}

/// An event with the verdict of the audit, whose line is not written yet: judges may still lower the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedEvent<'m> {
    event: EditEvent<'m>,
    respelled: Respelled,
    verdict: Verdict,
}

impl<'m> AuditedEvent<'m> {
    /// Returns the event as stored: without reasoning, in the model's spelling, and without the personal data that was
    /// found in it.
    #[must_use]
    pub fn event(&self) -> &EditEvent<'m> {
        &self.event
    }

    /// Returns the features in which the user's text was given the model's spelling.
    #[must_use]
    pub fn respelled(&self) -> Respelled {
        self.respelled
    }

    /// Returns its route and the reasons. Spans of its findings are places in this event's texts.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Sets the time of receipt of an event that has none. The queue has a time that a redelivery does not change.
    #[must_use]
    pub fn received_by_default(mut self, at: Option<Micros>) -> Self {
        self.event.received_at = self.event.received_at.or(at);
        self
    }

    /// Returns the case for judges: the texts as they would enter gold. `None` for an event that will not be gold
    /// anyway.
    #[must_use]
    pub fn case(&self) -> Option<Case<'_>> {
        let Self { event, verdict, .. } = self;
        let case = Case { prompt: event.prompt.text(), chosen: &event.chosen, rejected: &event.rejected };
        (verdict.route == Route::Gold).then_some(case)
    }
}

impl Curator {
    /// Sets the `contributor_key` for data that ingest leaves to curation: threads that are an address or a number, and
    /// contributors' ids in messages that ingest did not write. Without the key neither is stored in any form.
    #[must_use]
    pub fn new(rules: impl Into<CurationRules>, contributor_key: Option<ContributorKey>) -> Self {
        let rules = rules.into();
        Self { policy_hash: rules.hash(), rules, audit: Audit::new(), contributor_key }
    }

    /// Adds the judges' names to the policy's hash in every line. A judge's name must change with anything that changes
    /// its opinions.
    #[must_use]
    pub fn judged_by(mut self, judges: &[String]) -> Self {
        if !judges.is_empty() {
            let digest = FieldDigest::new("flywheel judges 1").text(&self.policy_hash);
            let digest = judges.iter().fold(digest, |digest, judge| digest.text(judge));
            self.policy_hash = hex(&digest.finish()[..8]);
        }
        self
    }

    /// Curates one message at the given time, without a judge.
    ///
    /// # Errors
    /// A [`Refusal`] if the message is neither an edit nor feedback.
    pub fn curate(&self, message: &str, now: Millis) -> Result<CuratedEvent, Refusal> {
        self.finish(self.audit(message)?, &[], now)
    }

    /// Runs the first half of curation: everything that the core decides on its own.
    ///
    /// # Errors
    /// A [`Refusal`] if the message is neither an edit nor feedback.
    pub fn audit<'m>(&self, message: &'m str) -> Result<AuditedEvent<'m>, Refusal> {
        let mut event = EditEvent::parse(message, self.contributor_key.as_ref())?;
        let mut findings = Findings::default();
        let mut respelled = Respelled::default();
        if event.consent != Some(false) {
            reasoning::set_aside(&mut event, self.rules.think, &mut findings);
            respelled = settle_spelling(&mut event);
        }
        if !is_dropped_unread(&event, &self.rules) {
            self.audit.find_secrets(&event, &self.rules.audit, &mut findings);
        }
        redaction::redact(&mut event, &self.rules, self.contributor_key.as_ref(), &mut findings);
        let verdict = judge(&event, &self.rules, &self.audit, findings);
        Ok(AuditedEvent { event, respelled, verdict })
    }

    /// Runs the second half: the verdict after the judges' opinions, and the line, at the given time.
    ///
    /// # Errors
    /// None in practice: an event that parses also serialises.
    pub fn finish(
        &self,
        audited: AuditedEvent<'_>,
        opinions: &[Opinion],
        now: Millis,
    ) -> Result<CuratedEvent, Refusal> {
        let AuditedEvent { event, verdict, .. } = audited;
        let verdict = verdict.after(opinions, &self.rules);
        let stamp = Stamp { policy: &self.policy_hash, curated_at: &rfc3339(now) };
        // JSON escapes a line feed inside a text, so a line never breaks.
        let line = Line::new(&event, &verdict, &stamp)
            .and_then(|line| line.to_json())
            .map_err(|_| Refusal::of_whole(RefusalCode::InvalidValue, "the event cannot be written as JSON"))?;
        let revision = event.revision(now * 1_000);
        let (output_id, received_at, event_key) = (event.output_id(), event.received_at, event.event_key());
        let EditEvent { event_id, pair_id, .. } = event;
        let event_id = event_id.into_owned();
        Ok(CuratedEvent { verdict, event_id, event_key, pair_id, line, output_id, revision, received_at })
    }

    /// Returns the rules that it judges by.
    #[must_use]
    pub fn rules(&self) -> &CurationRules {
        &self.rules
    }
}

/// Gives the user's text the model's spelling, and returns the respelled features. The pair id follows the new texts.
fn settle_spelling(event: &mut EditEvent<'_>) -> Respelled {
    let Some((chosen, respelled)) = respell(&event.rejected, &event.chosen) else { return Respelled::default() };
    let rejected = std::mem::take(&mut event.rejected);
    event.set_texts(rejected, Cow::Owned(chosen));
    respelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_base::{Reason, Route};
    use flywheel_event::FeedbackKind;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const NOW: Millis = 1_795_342_830_007;

    fn curated(event: &Value) -> (CuratedEvent, Value) {
        let curator = Curator::new(CurationRules::default(), ContributorKey::new("key"));
        let curated = curator.curate(&event.to_string(), NOW).unwrap();
        let line = serde_json::from_str(&curated.line).unwrap();
        (curated, line)
    }

    fn full_event(edit: &str) -> Value {
        json!({
            "event_id": "e-1", "thread_id": "t-1", "contributor_id": "alice@example.org",
            "model": {"id": "m", "adapter": "a"}, "occurred_at": "2026-11-22T10:00:00Z", "consent": true,
            "context": {"tenant": "acme"}, "prompt": [{"role": "user", "content": "Hi"}],
            "original_llm_output": "The quick brown fox", "final_user_edit": edit,
        })
    }

    #[test]
    fn a_gold_line_has_every_column_in_order() {
        let (curated, line) = curated(&full_event("The slow brown\nfox"));
        assert_eq!(curated.verdict.route, Route::Gold);
        assert!(!curated.line.contains('\n'));
        assert_eq!(line["prompt"], "user: Hi");
        assert_eq!(line["prompt_messages"], json!([{"role": "user", "content": "Hi"}]));
        assert_eq!(line["chosen"], "The slow brown\nfox");
        assert_eq!(line["context"], json!([{"key": "tenant", "value": "acme"}]));
        assert_eq!(line["model"], json!({"id": "m", "adapter": "a"}));
        assert_eq!(line["curated_at"], "2026-11-22T10:20:30.007Z");
        assert_eq!(line["policy"], CurationRules::default().hash());
        let columns = "pair_id event_id prompt chosen rejected similarity tags reasons scores policy contributor model \
                       thread_id occurred_at curated_at prompt_messages context feedback response_id received_at output_id \
                       prompt_chat prompt_tools";
        let positions = columns.split(' ').map(|column| curated.line.find(&format!("\"{column}\":")).unwrap());
        assert!(positions.is_sorted());
    }

    #[test]
    fn the_contributor_is_stored_as_a_keyed_hash_only() {
        let (curated, line) = curated(&full_event("The slow brown fox"));
        assert!(!curated.line.contains("alice"));
        assert_eq!(line["contributor"], ContributorKey::new("key").unwrap().pseudonym("alice@example.org"));
        let keyless = Curator::new(CurationRules::default(), None);
        let curated = keyless.curate(&full_event("The slow brown fox").to_string(), NOW).unwrap();
        assert!(curated.line.contains(r#""contributor":null"#));
    }

    #[test]
    fn a_contributor_is_the_same_whether_ingest_or_curate_hashed_the_id() {
        let sent = full_event("The slow brown fox").to_string();
        let key = ContributorKey::new("key");
        let message = EditEvent::parse(&sent, key.as_ref()).unwrap().to_message().unwrap();
        assert!(!message.contains("alice") && message.contains(r#""contributor":""#));
        let with_key = Curator::new(CurationRules::default(), key);
        assert_eq!(with_key.curate(&message, NOW), with_key.curate(&sent, NOW));
        let keyless = Curator::new(CurationRules::default(), None);
        assert_eq!(keyless.curate(&message, NOW), with_key.curate(&message, NOW), "what is queued is taken as it is");
    }

    #[test]
    fn what_is_no_pseudonym_is_not_stored_as_one() {
        let pseudonym = ContributorKey::new("key").unwrap().pseudonym("alice@example.org");
        for other in [json!("bob@example.org"), json!(pseudonym.to_uppercase()), json!(pseudonym[1..]), json!(7)] {
            let mut event = full_event("The slow brown fox");
            event["contributor"] = other;
            assert_eq!(curated(&event).1["contributor"], pseudonym);
            event.as_object_mut().unwrap().remove("contributor_id");
            assert_eq!(curated(&event).1["contributor"], Value::Null);
        }
    }

    #[test]
    fn a_replaced_character_is_a_tag_and_the_policy_decides() {
        let sent = r#"{"prompt":"p","original_llm_output":"The quick fox","final_user_edit":"The slow fox \ud83d"}"#;
        let message = EditEvent::parse(sent, None).unwrap().to_message().unwrap();
        let typed = message.replace(r#","replaced_character":true"#, "");
        assert_ne!(typed, message);
        let default = Curator::new(CurationRules::default(), None);
        let curated = default.curate(&message, NOW).unwrap();
        assert_eq!((curated.verdict.route, &curated.verdict.tags[..]), (Route::Gold, &[Reason::ReplacedCharacter][..]));
        assert!(
            curated.line.contains(r#""tags":["replaced_character"]"#) && curated.line.contains("slow fox \u{fffd}")
        );
        assert_eq!(default.curate(sent, NOW).as_ref(), Ok(&curated), "sent or queued, it is judged the same");
        assert_eq!(default.curate(&typed, NOW).unwrap().verdict.tags, []);
        let strict = Curator::new(CurationRules::parse("[routes]\nreplaced_character = \"review\"").unwrap(), None);
        let verdict = strict.curate(&message, NOW).unwrap().verdict;
        assert_eq!((verdict.route, verdict.reasons), (Route::Review, vec![Reason::ReplacedCharacter]));
        let withheld = sent.replacen('{', r#"{"consent":false,"#, 1);
        let verdict = default.curate(&withheld, NOW).unwrap().verdict;
        assert_eq!((verdict.reasons, verdict.tags), (vec![Reason::NoConsent], Vec::new()));
    }

    #[test]
    fn a_dropped_line_has_no_text() {
        let (curated, line) = curated(&full_event("The quick brown fox"));
        assert_eq!(curated.verdict.reasons, vec![Reason::Unchanged]);
        for column in ["prompt", "chosen", "rejected", "prompt_messages"] {
            assert_eq!(line[column], Value::Null);
        }
        assert_eq!(line["reasons"], json!(["unchanged"]));
        assert_eq!(line["thread_id"], "t-1");
    }

    #[test]
    fn without_consent_only_the_id_and_the_reason_are_kept() {
        let mut event = full_event("The slow brown fox");
        event["consent"] = json!(false);
        let (_, line) = curated(&event);
        let kept = line.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let mut kept: Vec<_> = kept.map(|(column, _)| column.as_str()).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["context", "curated_at", "engine", "event_id", "policy", "reasons", "scores", "tags"]);
        assert_eq!(line["context"], json!([]));
    }

    fn feedback(fields: Value) -> Value {
        let mut event = full_event("");
        let event_fields = event.as_object_mut().unwrap();
        event_fields.remove("final_user_edit");
        event_fields.extend(fields.as_object().unwrap().clone());
        event
    }

    /// Returns a liked event that is in the sample, or one that is not.
    fn liked(fields: Value, is_sampled: bool) -> Value {
        let ids = (0..).map(|number| format!("e-{number}"));
        let events = ids.map(|id| {
            let mut event = feedback(fields.clone());
            event["event_id"] = id.into();
            event
        });
        let mut found = events.filter(|event| (curated(event).0.verdict.route != Route::Dropped) == is_sampled);
        found.next().unwrap()
    }

    #[test]
    fn a_liked_output_is_replayed_if_it_is_in_the_sample_and_dropped_without_its_text_if_not() {
        for fields in [json!({"kind": "thumbs_up"}), json!({"kind": "stars", "rating": 4}), json!({"kind": "accept"})] {
            let (curated_event, line) = curated(&liked(fields.clone(), true));
            assert_eq!(
                (curated_event.verdict.route, &curated_event.verdict.reasons[..]),
                (Route::Replay, &[Reason::Liked][..])
            );
            assert_eq!((&line["chosen"], &line["rejected"]), (&json!("The quick brown fox"), &Value::Null));
            assert_eq!((&line["prompt"], &line["similarity"]), (&json!("user: Hi"), &Value::Null));
            let (kind, rating) = (&fields["kind"], &fields["rating"]);
            let expected = json!({"kind": kind, "rating": rating, "comment": null, "label": true});
            assert_eq!(line["feedback"], expected);
            let mut unsampled = liked(fields.clone(), false);
            unsampled["comment"] = json!("MARKER");
            let (curated_event, line) = curated(&unsampled);
            assert_eq!(curated_event.verdict.reasons, [Reason::Unsampled]);
            assert!(!curated_event.line.contains("fox") && !curated_event.line.contains("MARKER"));
            assert_eq!((&line["feedback"]["kind"], &line["feedback"]["rating"]), (kind, rating));
        }
    }

    #[test]
    fn what_is_disliked_waits_for_a_person_and_weak_signals_are_kept_apart() {
        for (fields, route, label) in [
            (json!({"kind": "thumbs_down"}), Route::Review, json!(false)),
            (json!({"kind": "stars", "rating": 2}), Route::Review, json!(false)),
            (json!({"kind": "regenerate"}), Route::Signals, json!(false)),
            (json!({"kind": "copy"}), Route::Signals, json!(true)),
            (json!({"kind": "stars", "rating": 3}), Route::Signals, Value::Null),
        ] {
            let (curated, line) = curated(&feedback(fields.clone()));
            assert_eq!(curated.verdict.route, route, "{fields}");
            assert_eq!(line["feedback"]["label"], label);
            let (kept, empty) = if label == json!(false) { ("rejected", "chosen") } else { ("chosen", "rejected") };
            assert_eq!((&line[kept], &line[empty]), (&json!("The quick brown fox"), &Value::Null), "{fields}");
        }
    }

    #[test]
    fn an_edit_that_comes_with_feedback_is_judged_as_one() {
        let edit = json!({"kind": "thumbs_down", "comment": "too quick", "final_user_edit": "The slow brown fox"});
        let (with_feedback, line) = curated(&feedback(edit));
        let (plain, _) = curated(&full_event("The slow brown fox"));
        assert_eq!(with_feedback.verdict, plain.verdict);
        assert_eq!(with_feedback.pair_id, plain.pair_id);
        let expected = json!({"kind": "thumbs_down", "rating": null, "comment": "too quick", "label": false});
        assert_eq!(line["feedback"], expected);
    }

    #[test]
    fn what_may_train_is_audited_and_what_is_said_of_it_is_redacted() {
        let with_output = |mut event: Value, output: &str| {
            event["original_llm_output"] = json!(output);
            event["comment"] = json!("bob@acme.io said so");
            event
        };
        let hidden = "The quick \u{202e}xof nworb";
        for fields in [json!({"kind": "copy"}), json!({"kind": "thumbs_up"})] {
            let event = if fields["kind"] == "copy" { feedback(fields) } else { liked(fields, true) };
            let (curated_event, _) = curated(&with_output(event.clone(), hidden));
            assert_eq!(curated_event.verdict.route, Route::Quarantine);
            assert!(curated_event.verdict.reasons.contains(&Reason::HiddenText));
            let (_, line) = curated(&with_output(event.clone(), "Write to bob@acme.io"));
            assert_eq!(
                (&line["chosen"], &line["feedback"]["comment"]),
                (&json!("Write to <EMAIL_1>"), &json!("<EMAIL_1> said so"))
            );
            let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
            let (curated_event, line) = curated(&with_output(event.clone(), &format!("Use {secret}")));
            assert_eq!((curated_event.verdict.route, &line["chosen"]), (Route::Dropped, &Value::Null));
            assert!(curated_event.verdict.reasons.contains(&Reason::Secret) && !curated_event.line.contains("ghp_"));
            let mut event = event;
            event["comment"] = json!(format!("try {secret}"));
            assert!(!curated(&event).0.line.contains("ghp_"));
        }
    }

    #[test]
    fn of_feedback_without_consent_nothing_is_kept() {
        for kind in ["thumbs_up", "thumbs_down", "copy"] {
            let (curated, line) = curated(&feedback(json!({"kind": kind, "comment": "MARKER", "consent": false})));
            assert_eq!(
                (curated.verdict.route, &curated.verdict.reasons[..]),
                (Route::Dropped, &[Reason::NoConsent][..])
            );
            assert_eq!(line["feedback"], Value::Null);
            assert!(!curated.line.contains("MARKER"));
        }
    }

    proptest! {
        #[test]
        fn without_an_edit_nothing_is_ever_gold(
            kind in prop::sample::select(&FeedbackKind::ALL[..]), stars in 1..=5_u8, output in "\\PC{1,60}", event_id in "[a-z]{1,9}",
        ) {
            let rating = matches!(kind, FeedbackKind::Stars | FeedbackKind::Form).then_some(stars);
            let event = feedback(json!({
                "kind": kind.as_str(), "rating": rating, "comment": "c", "original_llm_output": output, "event_id": event_id,
            }));
            let everything_passes = "[routes]\ntrivial = \"gold\"\nrewrite = \"gold\"\ninjection = \"gold\"\nrepetition = \"off\"";
            for policy in ["", everything_passes, "[sampling]\nthumbs_up = 1.0\nstars = 1.0\naccept = 1.0"] {
                let curator = Curator::new(CurationRules::parse(policy).unwrap(), None);
                let message = event.to_string();
                let audited = curator.audit(&message).unwrap();
                prop_assert!(audited.case().is_none());
                let again = curator.curate(&EditEvent::parse(&message, None).unwrap().to_message().unwrap(), NOW).unwrap();
                let curated = curator.finish(audited, &[Opinion::Pass], NOW).unwrap();
                prop_assert_ne!(curated.verdict.route, Route::Gold);
                prop_assert_eq!(&again, &curated, "queued, it is judged the same");
                let line: Value = serde_json::from_str(&curated.line).unwrap();
                prop_assert!(line["chosen"].is_null() || line["rejected"].is_null());
            }
        }
    }

    #[test]
    fn a_judge_is_asked_about_gold_only_and_its_opinion_is_in_the_line() {
        let curator = Curator::new(CurationRules::default(), None);
        let message = full_event("The slow brown fox").to_string();
        let audited = curator.audit(&message).unwrap();
        let case = audited.case().unwrap();
        assert_eq!((case.prompt, case.chosen), ("user: Hi", "The slow brown fox"));
        let curated = curator.finish(audited.clone(), &[Opinion::Injection], NOW).unwrap();
        assert_eq!(curated.verdict.route, Route::Quarantine);
        assert!(curated.line.contains(r#""reasons":["judged_injection"]"#));
        assert_eq!(curator.finish(audited, &[Opinion::Pass], NOW), curator.curate(&message, NOW));
        let unchanged = full_event("The quick brown fox").to_string();
        assert_eq!(curator.audit(&unchanged).unwrap().case(), None);
    }

    #[test]
    fn lines_say_by_their_policy_who_judged() {
        let judges = ["a".to_owned(), "b".to_owned()];
        let hash = |count| Curator::new(CurationRules::default(), None).judged_by(&judges[..count]).policy_hash;
        assert_eq!(hash(0), CurationRules::default().hash());
        assert!(hash(1) != hash(0) && hash(2) != hash(1) && hash(2).len() == hash(0).len());
    }
}
