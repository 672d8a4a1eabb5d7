//! From a queue message to a line in a route: all of curation, without any input or output.

use crate::audit::{Audit, Findings};
use crate::contributor::ContributorKey;
use crate::edit_event::EditEvent;
use crate::instant::{Millis, rfc3339};
use crate::line::{Line, Stamp};
use crate::policy::Policy;
use crate::redaction;
use crate::refusal::{Refusal, RefusalCode};
use crate::verdict::{Verdict, judge};

/// Judges messages under one policy.
#[derive(Debug)]
pub struct Curator {
    policy: Policy,
    policy_hash: String,
    audit: Audit,
    contributor_key: Option<ContributorKey>,
}

/// An event as the lake will hold it.
#[derive(Debug, Clone, PartialEq)]
pub struct CuratedEvent {
    /// Where it goes, and why.
    pub verdict: Verdict,
    /// Its idempotency key.
    pub event_id: String,
    /// The digest of its preference pair.
    pub pair_id: String,
    /// Its line: one JSON object, without the line feed.
    pub line: String,
}

/// A verdict with the texts that it is about, for the person who asked. They are the event's own, whatever the route: an
/// explanation is shown to whoever has the event, and never written to the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Where the event goes, and why. Spans of its findings are places in these texts.
    pub verdict: Verdict,
    /// The event's idempotency key.
    pub event_id: String,
    /// The prompt as plain text.
    pub prompt: String,
    /// The model's text.
    pub rejected: String,
    /// The user's text.
    pub chosen: String,
}

impl Curator {
    /// Without a `contributor_key` contributor ids are not stored in any form.
    #[must_use]
    pub fn new(policy: Policy, contributor_key: Option<ContributorKey>) -> Self {
        Self { policy_hash: policy.hash(), policy, audit: Audit::new(), contributor_key }
    }

    /// Curates one message at the given time.
    ///
    /// # Errors
    /// A [`Refusal`] if the message is not an edit event.
    pub fn curate(&self, message: &str, now: Millis) -> Result<CuratedEvent, Refusal> {
        let (event, verdict) = self.judged(message)?;
        let contributor = self.pseudonym(&event);
        let stamp = Stamp { policy: &self.policy_hash, contributor: contributor.as_deref(), curated_at: &rfc3339(now) };
        // A line feed inside a text is escaped by JSON, so a line never breaks.
        let line = serde_json::to_string(&Line::new(&event, &verdict, &stamp))
            .map_err(|_| Refusal::of_whole(RefusalCode::InvalidValue, "the event cannot be written as JSON"))?;
        Ok(CuratedEvent { verdict, event_id: event.event_id.into_owned(), pair_id: event.pair_id, line })
    }

    /// Judges one message as [`Curator::curate`] does, and keeps the texts for whoever wants to know why.
    ///
    /// # Errors
    /// A [`Refusal`] if the message is not an edit event.
    pub fn explain(&self, message: &str) -> Result<Explanation, Refusal> {
        let (event, verdict) = self.judged(message)?;
        let prompt = event.prompt.text().to_owned();
        let EditEvent { event_id, rejected, chosen, .. } = event;
        let [event_id, rejected, chosen] = [event_id, rejected, chosen].map(std::borrow::Cow::into_owned);
        Ok(Explanation { verdict, event_id, prompt, rejected, chosen })
    }

    /// The event, without personal data, and the verdict on it.
    fn judged<'m>(&self, message: &'m str) -> Result<(EditEvent<'m>, Verdict), Refusal> {
        let mut event = EditEvent::parse(message)?;
        let mut findings = Findings::default();
        self.audit.find_secrets(&event, &self.policy, &mut findings);
        redaction::redact(&mut event, &self.policy, self.contributor_key.as_ref(), &mut findings);
        let verdict = judge(&event, &self.policy, &self.audit, findings);
        Ok((event, verdict))
    }

    /// The rules that it judges by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    fn pseudonym(&self, event: &EditEvent<'_>) -> Option<String> {
        let key = self.contributor_key.as_ref()?;
        Some(key.pseudonym(event.contributor_id.as_deref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::route::Route;
    use serde_json::{Value, json};

    const NOW: Millis = 1_795_342_830_007;

    fn curated(event: &Value) -> (CuratedEvent, Value) {
        let curator = Curator::new(Policy::default(), ContributorKey::new("key"));
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
        assert_eq!(line["policy"], Policy::default().hash());
        let columns = "pair_id event_id prompt chosen rejected similarity tags reasons scores policy contributor model \
                       thread_id occurred_at curated_at prompt_messages context";
        let positions = columns.split(' ').map(|column| curated.line.find(&format!("\"{column}\":")).unwrap());
        assert!(positions.is_sorted());
    }

    #[test]
    fn the_contributor_is_stored_as_a_keyed_hash_only() {
        let (curated, line) = curated(&full_event("The slow brown fox"));
        assert!(!curated.line.contains("alice"));
        assert_eq!(line["contributor"], ContributorKey::new("key").unwrap().pseudonym("alice@example.org"));
        let keyless = Curator::new(Policy::default(), None);
        let curated = keyless.curate(&full_event("The slow brown fox").to_string(), NOW).unwrap();
        assert!(curated.line.contains(r#""contributor":null"#));
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
        assert_eq!(kept, ["context", "curated_at", "event_id", "policy", "reasons", "scores", "tags"]);
        assert_eq!(line["context"], json!([]));
    }
}
