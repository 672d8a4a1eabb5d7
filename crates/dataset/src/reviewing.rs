//! Operators' decisions about quarantined and reviewed events: an event is released, rejected or corrected.
//!
//! A decision is one more line for the event, in another route; the later line says where the event is. Its earlier line stays
//! until it expires, because the log is append-only.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flywheel_base::{
    Reason, Route,
    digest::{FieldDigest, hex},
    instant::Millis,
};
use flywheel_event::{EVENT_KEY, INGEST_KEY};
use flywheel_log::{DIGEST_DIGITS, PartName};
use flywheel_text::similarity::similarity;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::RELEASED;

/// The prefix of the keys of all records of decisions.
pub const DECISIONS_PREFIX: &str = "review/";

/// The context entry of a released line that names who has released it.
const REVIEWER: &str = "reviewer";

/// The context entry of a correction that names the event that it corrects.
const CORRECTS: &str = "corrects";

/// The reason that no operator can overrule: it keeps a prompt from being on both sides of the split.
const SPLIT_CONFLICT: &str = "split_conflict";

/// An operator's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The event may train. A pair becomes a line in gold, which the next freeze takes. An output without an edit becomes a line
    /// in `replay` if it was liked, else in `signals`, for unpaired training.
    Released,
    /// The event is never trained on.
    Rejected,
    /// The event is never trained on, and the reviewer's edit replaces it.
    Corrected,
}

impl Decision {
    /// Returns its name, as in the records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Rejected => "rejected",
            Self::Corrected => "corrected",
        }
    }

    /// Returns the reason of the line in `dropped`; none for a release.
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Released => None,
            Self::Rejected => Some("rejected_by_reviewer"),
            Self::Corrected => Some("corrected_by_reviewer"),
        }
    }
}

/// The record of decisions that were made together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decisions {
    /// The decision.
    pub decision: Decision,
    /// The operator.
    pub by: String,
    /// The reason.
    pub why: String,
    /// The time of the decision.
    pub at: Millis,
    /// The events.
    pub events: BTreeSet<String>,
    /// The keys of the parts that hold the events' new lines.
    pub parts: Vec<String>,
}

impl Decisions {
    /// Returns the record's key: one for each decision about the same events.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{DECISIONS_PREFIX}{}.json", digest(self.decision, &self.events))
    }
}

/// The reason why an event cannot be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReleasable {
    /// It is no pair, and its output has no feedback.
    #[error("it has neither an edit nor a word of its user's: correct it")]
    NoPair,
    /// Its prompt neighbours both sides of the split.
    #[error(
        "its prompt is nearly the same as one that is trained on and as one that is held out, and no person can overrule that"
    )]
    SplitConflict,
}

/// A line of a quarantined or reviewed event, with its columns in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuarantinedLine {
    pair_id: Option<String>,
    /// The event's id.
    pub event_id: String,
    prompt: Option<String>,
    chosen: Option<String>,
    rejected: Option<String>,
    similarity: Option<f64>,
    tags: Vec<String>,
    /// The reasons for its route.
    pub reasons: Vec<String>,
    scores: Value,
    policy: String,
    contributor: Option<String>,
    model: Value,
    thread_id: Value,
    occurred_at: Value,
    /// The time of its curation, in RFC 3339.
    pub curated_at: String,
    prompt_messages: Value,
    #[serde(default)]
    context: Vec<Entry>,
    #[serde(default)]
    feedback: Value,
    #[serde(default)]
    response_id: Value,
    #[serde(default)]
    received_at: Value,
    #[serde(default)]
    output_id: Value,
    #[serde(default)]
    engine: Value,
    /// The whole messages of a chat, as a text of JSON, where a message is more than a role and a text.
    #[serde(default)]
    prompt_chat: Option<String>,
    /// The tools' schemas, as a text of JSON.
    #[serde(default)]
    prompt_tools: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    key: String,
    value: String,
}

impl Entry {
    /// Returns `true` if it names the sender: only Flywheel writes such entries.
    fn is_of_sender(&self) -> bool {
        [EVENT_KEY, INGEST_KEY].contains(&self.key.as_str())
    }
}

impl QuarantinedLine {
    /// Reads a line; `None` if it lacks a column.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// Returns the digest of its pair; none if it is no pair.
    #[must_use]
    pub fn pair_id(&self) -> Option<&str> {
        self.pair_id.as_deref()
    }

    /// Returns the contributor's pseudonym.
    #[must_use]
    pub fn contributor(&self) -> Option<&str> {
        self.contributor.as_deref()
    }

    /// Returns its line when released, and the line's route. A pair goes to gold. An output without an edit goes where its
    /// feedback alone would have sent it. The reasons of the old line become tags, so that the released line can be found by
    /// them. `reviewer` is a pseudonym.
    ///
    /// An output that a user disliked always goes to review. Released, it is in `signals`: never a pair, and an output to avoid
    /// for unpaired training (KTO).
    ///
    /// # Errors
    /// If it cannot be released.
    pub fn released(&self, reviewer: Option<&str>) -> Result<(Route, String), NotReleasable> {
        if self.reasons.iter().any(|reason| reason == SPLIT_CONFLICT) {
            return Err(NotReleasable::SplitConflict);
        }
        let mut context = self.context.clone();
        context.retain(|entry| entry.key != REVIEWER);
        context.extend(reviewer.map(|value| Entry { key: REVIEWER.to_owned(), value: value.to_owned() }));
        let mut tags = self.all_codes();
        tags.push(RELEASED.to_owned());
        let released = Self { tags, reasons: Vec::new(), context, ..self.clone() };
        match (&self.chosen, &self.rejected) {
            (Some(chosen), Some(rejected)) if self.pair_id.is_some() && self.prompt.is_some() => {
                // Curation leaves the similarity out where texts are long and far apart. Here an operator waits, and the column
                // is required. Where it was computed it comes out the same, to the last digit.
                let similarity = similarity(rejected, chosen, u64::MAX);
                Ok((Route::Gold, to_json(&Self { similarity, ..released })))
            }
            (Some(_), None) | (None, Some(_)) => released.unpaired().ok_or(NotReleasable::NoPair),
            _ => Err(NotReleasable::NoPair),
        }
    }

    /// Returns the same as a line of the route that the feedback asks for, with the feedback as its reason.
    fn unpaired(mut self) -> Option<(Route, String)> {
        let is_of = |reason: &Reason, code: &String| code == reason.as_str();
        let said = [Reason::Liked, Reason::Disliked, Reason::WeakSignal];
        let said = said.into_iter().find(|reason| self.tags.iter().any(|code| is_of(reason, code)))?;
        self.tags.retain(|code| !is_of(&said, code));
        self.reasons = vec![said.as_str().to_owned()];
        let route = if said == Reason::Liked { Route::Replay } else { Route::Signals };
        Some((route, to_json(&self)))
    }

    /// Returns its line in `dropped`: ids, codes and scores, and no text. The sender stays: the ids count within it.
    #[must_use]
    pub fn dropped(&self, decision: Decision) -> Option<String> {
        let line = Self {
            prompt: None,
            chosen: None,
            rejected: None,
            prompt_messages: Value::Null,
            prompt_chat: None,
            prompt_tools: None,
            context: self.context.iter().filter(|entry| entry.is_of_sender()).cloned().collect(),
            tags: self.all_codes(),
            reasons: vec![decision.reason()?.to_owned()],
            ..self.clone()
        };
        Some(to_json(&line))
    }

    /// Returns the reviewer's edit as a message for curation: the same prompt and output, and another text. Its id follows from
    /// the corrected event in its sender's scope, the text and the reviewer, so it is idempotent. `None` if there is no output to
    /// correct.
    #[must_use]
    pub fn correction(&self, text: &str, reviewer: Option<&str>) -> Option<String> {
        let (prompt, output) = self.prompt.as_ref().zip(self.rejected.as_ref().or(self.chosen.as_ref()))?;
        let digest = FieldDigest::new("flywheel correction 1").text(&self.event_id).text(text).optional(reviewer);
        // A line from before scopes has no event key, and its corrections keep their ids.
        let event_key = self.context.iter().find(|entry| entry.key == EVENT_KEY);
        let digest = event_key.iter().fold(digest, |digest, entry| digest.text(&entry.value));
        let prompt = match &self.prompt_chat {
            Some(whole) => serde_json::from_str(whole).ok()?,
            None if self.prompt_messages.is_null() => json!(prompt),
            None => self.prompt_messages.clone(),
        };
        let entries = self.context.iter().filter(|entry| entry.key != CORRECTS && !entry.is_of_sender());
        let mut context: serde_json::Map<_, _> = entries.map(|entry| (entry.key.clone(), json!(entry.value))).collect();
        context.insert(CORRECTS.to_owned(), json!(self.event_id));
        let event = json!({
            "event_id": format!("correction-{}", hex(&digest.finish()[..DIGEST_DIGITS / 2])),
            "prompt": prompt, "original_llm_output": output, "final_user_edit": text, "contributor": reviewer,
            "model": self.model, "thread_id": self.thread_id, "context": context,
        });
        let given = event.as_object()?.iter().filter(|(_, value)| !value.is_null());
        let given: serde_json::Map<_, _> = given.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut message = Value::Object(given).to_string();
        if let Some(tools) = &self.prompt_tools {
            // Spliced in as they are: the order of their keys is part of the prompt.
            message.pop();
            message.push_str(&format!(",\"tools\":{tools}}}"));
        }
        Some(message)
    }

    /// Returns the codes of all findings, passed or not: each once, in their order.
    fn all_codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = Vec::new();
        for code in self.tags.iter().chain(&self.reasons) {
            if !codes.contains(code) && code != RELEASED {
                codes.push(code.clone());
            }
        }
        codes
    }
}

/// Returns the part of decisions about these events, in the order of their lines. Its time is the earliest that may be pending,
/// so that the next freeze finds it.
#[must_use]
pub fn reviewed_part(decision: Decision, route: Route, written_at: Millis, events: &BTreeSet<String>) -> PartName {
    let digest = FieldDigest::new("flywheel reviewed part 1").text(route.as_str()).text(&digest(decision, events));
    PartName { written_at, digest: hex(&digest.finish()[..DIGEST_DIGITS / 2]), rows: events.len() as u64 }
}

fn digest(decision: Decision, events: &BTreeSet<String>) -> String {
    let digest = FieldDigest::new("flywheel decisions 1").text(decision.as_str());
    hex(&events.iter().fold(digest, |digest, event| digest.text(event)).finish()[..DIGEST_DIGITS / 2])
}

fn to_json(line: &QuarantinedLine) -> String {
    // The line has only texts, numbers and lists, all of which JSON can represent.
    serde_json::to_string(line).unwrap_or_default()
}

/// A selection of quarantined and reviewed events: those that match every given field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineSelection<'s> {
    /// By event id.
    pub events: &'s [String],
    /// By pair id.
    pub pairs: &'s [String],
    /// By the contributor's pseudonym.
    pub contributor: Option<Cow<'s, str>>,
    /// By a reason.
    pub reason: Option<&'s str>,
    /// Curated at this time or later.
    pub from: Option<Millis>,
    /// Curated before this time.
    pub until: Option<Millis>,
}

impl QuarantineSelection<'_> {
    /// Returns `true` if it names single events or pairs.
    #[must_use]
    pub fn names_some(&self) -> bool {
        !self.events.is_empty() || !self.pairs.is_empty()
    }

    /// Returns `true` if an event is selected.
    #[must_use]
    pub fn has(&self, line: &QuarantinedLine) -> bool {
        let is_named = !self.names_some()
            || self.events.contains(&line.event_id)
            || line.pair_id.as_ref().is_some_and(|pair| self.pairs.contains(pair));
        let is_theirs = self.contributor.as_deref().is_none_or(|contributor| line.contributor() == Some(contributor));
        let has_reason = self.reason.is_none_or(|reason| line.reasons.iter().any(|held| held == reason));
        is_named && is_theirs && has_reason && self.is_in_window(&line.curated_at)
    }

    fn is_in_window(&self, curated_at: &str) -> bool {
        if self.from.is_none() && self.until.is_none() {
            return true;
        }
        let at = chrono::DateTime::parse_from_rfc3339(curated_at).ok();
        let at = at.and_then(|at| Millis::try_from(at.timestamp_millis()).ok());
        at.is_some_and(|at| self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GoldLine;
    use flywheel_curation::Curator;
    use flywheel_event::ContributorKey;
    use flywheel_policy::Policy;

    const NOW: Millis = 1_795_342_830_007;

    fn curated(fields: Value) -> (Route, String) {
        let mut event = json!({"event_id": "e-1", "thread_id": "t-1", "contributor_id": "alice", "context": {"tenant": "acme"},
            "model": {"id": "m"}, "prompt": [{"role": "user", "content": "How long do we wait?"}],
            "original_llm_output": "Please wait for 30 days, and then write to us again, by letter.",
            "final_user_edit": "Please wait for 14 days, and then write to us again, by letter."});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let curator = Curator::new(Policy::default(), ContributorKey::new("key"));
        let curated = curator.curate(&event.to_string(), NOW).unwrap();
        (curated.verdict.route, curated.line)
    }

    fn held() -> QuarantinedLine {
        let (route, line) = curated(json!({}));
        assert_eq!(route, Route::Review);
        QuarantinedLine::parse(&line).unwrap()
    }

    #[test]
    fn a_released_line_is_the_line_in_gold_with_what_it_was_held_for_as_tags() {
        let held = held();
        let (route, released) = held.released(Some("kim")).unwrap();
        assert_eq!(route, Route::Gold);
        assert!(GoldLine::parse(&released).is_some_and(|line| line.is_released()));
        let (before, after) = (to_json(&held), serde_json::from_str::<Value>(&released).unwrap());
        assert_eq!((&after["tags"], &after["reasons"]), (&json!(["critical", "released"]), &json!([])));
        let context = json!([{"key": "tenant", "value": "acme"}, {"key": "reviewer", "value": "kim"}]);
        assert_eq!(after["context"], context);
        let before: Value = serde_json::from_str(&before).unwrap();
        for column in
            ["pair_id", "event_id", "chosen", "contributor", "prompt_messages", "curated_at", "policy", "engine"]
        {
            assert_eq!(before[column], after[column], "{column}");
        }
        let columns = "pair_id event_id prompt chosen rejected similarity tags reasons scores policy contributor model \
                       thread_id occurred_at curated_at prompt_messages context feedback response_id received_at output_id \
                       engine prompt_chat prompt_tools";
        let positions = columns.split(' ').map(|column| released.find(&format!("\"{column}\":")).unwrap());
        assert!(positions.is_sorted());
        let again = QuarantinedLine::parse(&released).unwrap().released(Some("kim")).unwrap();
        assert_eq!(again, (route, released), "and once more it is the same");
    }

    #[test]
    fn what_straddles_the_split_is_not_released_and_what_was_too_long_to_compare_gets_its_similarity() {
        let straddling = QuarantinedLine { reasons: vec!["split_conflict".to_owned()], ..held() };
        assert_eq!(straddling.released(None), Err(NotReleasable::SplitConflict));
        let long = QuarantinedLine { similarity: None, ..held() };
        assert_eq!(long.released(None).unwrap(), held().released(None).unwrap());
    }

    #[test]
    fn an_output_without_an_edit_is_released_to_where_its_users_word_sends_it_and_never_to_gold() {
        let hidden = "Please wait for 30 days, and then \u{202e}write to us again.";
        // An event in the sample of liked outputs, which is one in a hundred.
        let sampled = (0..).map(|number| format!("e-{number}")).find(|id| {
            curated(json!({"event_id": id, "kind": "thumbs_up", "final_user_edit": null})).0 == Route::Replay
        });
        for (fields, held_in, reason, tags, route) in [
            (json!({"kind": "thumbs_down"}), Route::Review, "disliked", json!(["released"]), Route::Signals),
            (json!({"kind": "stars", "rating": 2}), Route::Review, "disliked", json!(["released"]), Route::Signals),
            (
                json!({"kind": "regenerate", "original_llm_output": hidden}),
                Route::Quarantine,
                "weak_signal",
                json!(["hidden_text", "released"]),
                Route::Signals,
            ),
            (
                json!({"kind": "thumbs_up", "original_llm_output": hidden, "event_id": sampled}),
                Route::Quarantine,
                "liked",
                json!(["hidden_text", "released"]),
                Route::Replay,
            ),
        ] {
            let mut event = fields.clone();
            event["final_user_edit"] = Value::Null;
            let (was_in, line) = curated(event);
            let held = QuarantinedLine::parse(&line).unwrap();
            let (released_to, released) = held.released(Some("kim")).unwrap();
            assert_eq!((was_in, released_to), (held_in, route), "{fields}");
            let (before, after): (Value, Value) =
                (serde_json::from_str(&line).unwrap(), serde_json::from_str(&released).unwrap());
            assert_eq!((&after["reasons"], &after["tags"]), (&json!([reason]), &tags), "{fields}");
            for column in ["event_id", "prompt", "chosen", "rejected", "similarity", "feedback"] {
                assert_eq!(before[column], after[column], "{fields}: {column}");
            }
            assert!(GoldLine::parse(&released).is_none(), "it is no pair");
            let again = QuarantinedLine::parse(&released).unwrap().released(Some("kim")).unwrap();
            assert_eq!(again, (route, released));
        }
        let silent = QuarantinedLine { chosen: None, ..held() };
        assert_eq!(silent.released(None), Err(NotReleasable::NoPair));
        let empty = QuarantinedLine { chosen: None, rejected: None, ..held() };
        assert_eq!((empty.released(None), empty.correction("a text", None)), (Err(NotReleasable::NoPair), None));
    }

    #[test]
    fn a_dropped_line_has_no_text() {
        let line = held().dropped(Decision::Rejected).unwrap();
        assert!(!line.contains("days") && !line.contains("acme"), "{line}");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["reasons"], &line["tags"]), (&json!(["rejected_by_reviewer"]), &json!(["critical"])));
        assert_eq!((&line["event_id"], &line["prompt"]), (&json!("e-1"), &Value::Null));
        assert_eq!(held().dropped(Decision::Released), None);
    }

    /// Returns the line of the same event as a key's holder posted it.
    fn held_of(key: &str) -> QuarantinedLine {
        let entry = |key: &str, value: &str| Entry { key: key.to_owned(), value: value.to_owned() };
        let context = vec![entry("tenant", "acme"), entry(INGEST_KEY, key), entry(EVENT_KEY, &format!("{key} e-1"))];
        QuarantinedLine { context, ..held() }
    }

    #[test]
    fn a_decision_about_an_event_stays_within_its_sender() {
        let line: Value = serde_json::from_str(&held_of("shop").dropped(Decision::Rejected).unwrap()).unwrap();
        let sender = json!([{"key": INGEST_KEY, "value": "shop"}, {"key": EVENT_KEY, "value": "shop e-1"}]);
        assert_eq!(line["context"], sender);
        let correction = |held: QuarantinedLine| -> Value {
            serde_json::from_str(&held.correction("another text", None).unwrap()).unwrap()
        };
        let [shop, desk, old] = [held_of("shop"), held_of("desk"), held()].map(correction);
        assert!(shop["event_id"] != desk["event_id"] && shop["event_id"] != old["event_id"]);
        assert_eq!(shop["context"], old["context"], "curation writes the sender");
    }

    #[test]
    fn a_correction_is_an_edit_of_the_reviewers() {
        let reviewer = "0123456789abcdef0123456789abcdef";
        let text = "Please wait for three weeks, and then call us, or write to us by letter.";
        let message = held().correction(text, Some(reviewer)).unwrap();
        let curator = Curator::new(Policy::default(), ContributorKey::new("key"));
        let curated = curator.curate(&message, NOW).unwrap();
        let line: Value = serde_json::from_str(&curated.line).unwrap();
        assert_eq!((&line["chosen"], &line["contributor"]), (&json!(text), &json!(reviewer)));
        assert_eq!(line["prompt_messages"], json!([{"role": "user", "content": "How long do we wait?"}]));
        assert!(line["context"].as_array().unwrap().contains(&json!({"key": "corrects", "value": "e-1"})));
        assert_eq!(held().correction(text, Some(reviewer)).unwrap(), message);
        assert_ne!(held().correction(text, None).unwrap(), message);
        // An output without an edit becomes a pair, from either of the two texts.
        for (chosen, rejected) in [(None, held().rejected), (held().rejected, None)] {
            let unedited = QuarantinedLine { chosen, rejected, ..held() };
            let pair = curator.curate(&unedited.correction(text, None).unwrap(), NOW).unwrap();
            assert_eq!((pair.verdict.route, pair.pair_id.as_str()), (Route::Gold, line["pair_id"].as_str().unwrap()));
        }
    }

    #[test]
    fn what_is_selected_fits_all_that_is_given() {
        let held = held();
        let has = |selection: QuarantineSelection<'_>| selection.has(&held);
        let events = ["e-1".to_owned()];
        assert!(has(QuarantineSelection::default()));
        assert!(has(QuarantineSelection {
            events: &events,
            reason: Some("critical"),
            ..QuarantineSelection::default()
        }));
        assert!(!has(QuarantineSelection { pairs: &events, ..QuarantineSelection::default() }));
        assert!(!has(QuarantineSelection { reason: Some("toxic"), ..QuarantineSelection::default() }));
        assert!(has(QuarantineSelection { from: Some(NOW), until: Some(NOW + 1), ..QuarantineSelection::default() }));
        assert!(!has(QuarantineSelection { until: Some(NOW), ..QuarantineSelection::default() }));
        assert!(!has(QuarantineSelection { contributor: Some("x".into()), ..QuarantineSelection::default() }));
    }

    #[test]
    fn records_and_parts_are_named_after_what_was_decided_about_which_events() {
        let events = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let record = |decision| {
            let (by, why, parts) = ("kim".to_owned(), "read".to_owned(), Vec::new());
            Decisions { decision, by, why, at: 7, events: events.clone(), parts }
        };
        assert_eq!(record(Decision::Released).key(), Decisions { at: 9, ..record(Decision::Released) }.key());
        assert_ne!(record(Decision::Released).key(), record(Decision::Rejected).key());
        let part = |route| reviewed_part(Decision::Corrected, route, NOW, &events);
        assert_eq!((part(Route::Gold).rows, part(Route::Gold) == part(Route::Dropped)), (2, false));
    }
}
