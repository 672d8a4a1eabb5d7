//! The body of a request: one event, or a batch of them.

use crate::contributor::{ContributorKey, Writer};
use crate::edit_event::{EditEvent, parse_json};
use crate::fields::{Fields, wrong_type};
use crate::json::Json;
use crate::refusal::{Refusal, RefusalCode};
use crate::revision::Micros;

/// The most events that one request may hold. At ten to a queue call that is 50 calls, well within a request's time.
pub(crate) const MAX_EVENTS: usize = 500;

/// The largest event, in bytes as it is queued, with the contributor's pseudonym: what SQS takes as one message.
pub const MAX_EVENT_BYTES: usize = 1_048_576;

/// An event ready for the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedEvent {
    /// The event's idempotency key.
    pub event_id: String,
    /// The queue message.
    pub message: String,
}

/// Where an event is posted. Both take the same events, and each demands of them what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Edits: with `final_user_edit`.
    Edits,
    /// Feedback: with `kind`. With an edit besides, it is judged as one.
    Feedback,
}

/// What is to become of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// It goes to the queue.
    Event(QueuedEvent),
    /// An output was read. That is counted, and nothing of it is kept.
    Read,
}

/// What a request asks to capture.
#[derive(Debug, PartialEq, Eq)]
pub enum Submission {
    /// One event, sent as an object of its own.
    One(Submitted),
    /// A batch: the outcome of each event in the order sent. Never empty.
    Batch(Vec<Result<Submitted, Refusal>>),
}

impl Endpoint {
    /// Reads one event. `path` is where in a batch it is.
    fn submitted(
        self,
        event: Json<'_>,
        path: Option<&str>,
        key: Option<&ContributorKey>,
        received_at: Micros,
    ) -> Result<Submitted, Refusal> {
        self.check(&event)?;
        match EditEvent::from_json(event, path.unwrap_or("body"), Writer::Client, key) {
            Err(refusal) if refusal.code == RefusalCode::OnlyRead => Ok(Submitted::Read),
            Err(refusal) => Err(refusal),
            Ok(mut event) => {
                event.received_at = Some(received_at);
                queued(event, path).map(Submitted::Event)
            }
        }
    }

    /// Of an edit without a kind the event's own parser demands everything.
    fn check(self, event: &Json<'_>) -> Result<(), Refusal> {
        let has = |name| event.field(name).is_some_and(|value| *value != Json::Null);
        let missing = match self {
            Self::Edits if has("kind") && !has("final_user_edit") => "final_user_edit",
            Self::Feedback if matches!(event, Json::Object(_)) && !has("kind") => "kind",
            _ => return Ok(()),
        };
        let (code, message) = match event.field(missing) {
            None => (RefusalCode::MissingField, "is required"),
            Some(_) => (RefusalCode::NullField, "is required and may not be null"),
        };
        Err(Refusal::of_field(code, missing, message))
    }
}

impl Submission {
    /// Reads a request's body, as it came in at an endpoint. The messages have the pseudonyms of contributors under `key`, and
    /// without one no contributors. Events say when they were received: of a batch each one microsecond after the one before, so that
    /// revisions of one output keep the order in which they were sent.
    ///
    /// # Errors
    /// A [`Refusal`] of the whole request. Within a batch a bad event is refused alone.
    pub fn parse(
        body: &[u8],
        endpoint: Endpoint,
        key: Option<&ContributorKey>,
        received_at: Micros,
    ) -> Result<Self, Refusal> {
        let Ok(text) = std::str::from_utf8(body) else {
            return Err(Refusal::of_whole(RefusalCode::NotUtf8, "the body must be UTF-8"));
        };
        let value = parse_json(text)?;
        let Json::Object(entries) = value else {
            return Err(wrong_type(&value, "an object: one event, or {\"events\": [...]}", "body"));
        };
        let mut fields = Fields::new(entries, "");
        if !fields.contains("events") {
            return endpoint.submitted(Json::Object(fields.into_entries()), None, key, received_at).map(Self::One);
        }
        match fields.required("events")? {
            Json::List(items) => Self::batch(items, endpoint, key, received_at),
            other => Err(wrong_type(&other, "a list of events", "events")),
        }
    }

    fn batch(
        items: Vec<Json<'_>>,
        endpoint: Endpoint,
        key: Option<&ContributorKey>,
        received_at: Micros,
    ) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(Refusal::of_field(RefusalCode::EmptyField, "events", "may not be empty"));
        }
        if items.len() > MAX_EVENTS {
            let message = format!("has {} events; send at most {MAX_EVENTS} at once", items.len());
            return Err(Refusal::of_field(RefusalCode::TooManyEvents, "events", message));
        }
        let outcomes = items.into_iter().zip(received_at..).enumerate().map(|(index, (item, received_at))| {
            endpoint.submitted(item, Some(&format!("events[{index}]")), key, received_at)
        });
        Ok(Self::Batch(outcomes.collect()))
    }
}

fn queued(mut event: EditEvent<'_>, field: Option<&str>) -> Result<QueuedEvent, Refusal> {
    let mut message = message_of(&event)?;
    // The time of receipt takes room that a client does not know of. The queue has a time, too, which is the second best.
    if message.len() > MAX_EVENT_BYTES {
        event.received_at = None;
        message = message_of(&event)?;
    }
    if message.len() > MAX_EVENT_BYTES {
        let text = format!("the event has {} bytes; at most {MAX_EVENT_BYTES} are taken", message.len());
        return Err(Refusal { code: RefusalCode::TooLarge, message: text, field: field.map(str::to_owned) });
    }
    Ok(QueuedEvent { event_id: event.event_id.into_owned(), message })
}

fn message_of(event: &EditEvent<'_>) -> Result<String, Refusal> {
    let failed = |_| Refusal::of_whole(RefusalCode::InvalidValue, "the event cannot be written as JSON");
    event.to_message().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(edit: &str) -> String {
        serde_json::json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": edit}).to_string()
    }

    fn refused(body: &str) -> RefusalCode {
        Submission::parse(body.as_bytes(), Endpoint::Edits, None, 0).unwrap_err().code
    }

    #[test]
    fn one_object_is_one_event() {
        assert!(matches!(Submission::parse(event("e").as_bytes(), Endpoint::Edits, None, 0), Ok(Submission::One(_))));
    }

    #[test]
    fn an_endpoint_demands_what_it_is_for_and_reads_are_counted() {
        let feedback = |text: &str| Submission::parse(text.as_bytes(), Endpoint::Feedback, None, 0);
        let refused = |outcome: Result<Submission, Refusal>| {
            let refusal = outcome.unwrap_err();
            (refusal.code, refusal.field.unwrap())
        };
        assert_eq!(refused(feedback("{}")), (RefusalCode::MissingField, "kind".to_owned()));
        assert_eq!(refused(feedback(&event("e"))), (RefusalCode::MissingField, "kind".to_owned()));
        assert_eq!(refused(feedback(r#"{"kind":null}"#)), (RefusalCode::NullField, "kind".to_owned()));
        assert_eq!(refused(feedback("[]")), (RefusalCode::WrongType, "body".to_owned()));
        assert_eq!(feedback(r#"{"kind":"read"}"#), Ok(Submission::One(Submitted::Read)));
        let like = r#"{"kind":"accept","prompt":"p","original_llm_output":"o"}"#;
        assert!(matches!(feedback(like), Ok(Submission::One(Submitted::Event(_)))));
        for text in [like, r#"{"kind":"read"}"#] {
            let outcome = Submission::parse(text.as_bytes(), Endpoint::Edits, None, 0);
            assert_eq!(refused(outcome), (RefusalCode::MissingField, "final_user_edit".to_owned()));
        }
        let batch = feedback(&format!(r#"{{"events":[{{"kind":"read"}},{like},{}]}}"#, event("e"))).unwrap();
        let Submission::Batch(outcomes) = batch else { panic!("a batch was sent") };
        assert_eq!(outcomes[0], Ok(Submitted::Read));
        assert!(outcomes[1].is_ok() && outcomes[2].is_err());
    }

    #[test]
    fn an_edit_is_the_same_event_at_either_endpoint() {
        let edit = r#"{"kind":"thumbs_down","prompt":"p","original_llm_output":"o","final_user_edit":"e"}"#;
        let [one, other] =
            [Endpoint::Edits, Endpoint::Feedback].map(|at| Submission::parse(edit.as_bytes(), at, None, 0).unwrap());
        assert_eq!(one, other);
    }

    #[test]
    fn a_bad_event_is_refused_alone() {
        let body = format!(r#"{{"events":[{},{{"prompt":"p"}},7]}}"#, event("e"));
        let Ok(Submission::Batch(outcomes)) = Submission::parse(body.as_bytes(), Endpoint::Edits, None, 0) else {
            panic!("a batch was sent")
        };
        assert!(outcomes[0].is_ok());
        assert_eq!(outcomes[1].as_ref().unwrap_err().code, RefusalCode::MissingField);
        assert_eq!(outcomes[2].as_ref().unwrap_err().field.as_deref(), Some("events[2]"));
    }

    #[test]
    fn a_batch_is_a_non_empty_list_within_bounds() {
        assert_eq!(refused(r#"{"events":[]}"#), RefusalCode::EmptyField);
        assert_eq!(refused(r#"{"events":{}}"#), RefusalCode::WrongType);
        assert_eq!(refused(r#"{"events":null}"#), RefusalCode::NullField);
        let many = vec![event("e"); MAX_EVENTS + 1].join(",");
        assert_eq!(refused(&format!(r#"{{"events":[{many}]}}"#)), RefusalCode::TooManyEvents);
    }

    #[test]
    fn the_limit_is_counted_in_bytes_of_the_message() {
        let frame = event("").len();
        // Two bytes a letter: a count of characters would let twice as much pass.
        let letters = (MAX_EVENT_BYTES - frame) / 2;
        let fits = event(&"\u{e9}".repeat(letters));
        assert!(fits.len() <= MAX_EVENT_BYTES && fits.len() + 2 > MAX_EVENT_BYTES);
        assert!(Submission::parse(fits.as_bytes(), Endpoint::Edits, None, 0).is_ok());
        assert_eq!(refused(&event(&"\u{e9}".repeat(letters + 1))), RefusalCode::TooLarge);
    }

    #[test]
    fn the_limit_is_counted_with_the_pseudonym() {
        let key = ContributorKey::new("key");
        let edit_by = |letters: usize| {
            let mut event: serde_json::Value = serde_json::from_str(&event(&"e".repeat(letters))).unwrap();
            event["contributor_id"] = "u".into();
            event.to_string()
        };
        let letters = MAX_EVENT_BYTES - edit_by(0).len() - 28;
        let taken = |letters, key: Option<&ContributorKey>| {
            Submission::parse(edit_by(letters).as_bytes(), Endpoint::Edits, key, 0).map_err(|refusal| refusal.code)
        };
        let Ok(Submission::One(Submitted::Event(largest))) = taken(letters, key.as_ref()) else { panic!("it fits") };
        assert_eq!(largest.message.len(), MAX_EVENT_BYTES);
        assert_eq!(taken(letters + 1, key.as_ref()), Err(RefusalCode::TooLarge));
        assert!(taken(letters + 1, None).is_ok(), "of whom there is no pseudonym nothing is queued");
    }

    proptest! {
        #[test]
        fn of_a_contributor_only_the_pseudonym_is_queued_and_the_id_is_the_same_at_both_ends(
            number in any::<u32>(), rest in "\\PC{0,200}", has_key in any::<bool>(), reader_has_key in any::<bool>(),
            event_id in prop::option::of("[a-z]{1,8}"), kind in prop::option::of(Just("thumbs_down")),
            forged in prop_oneof![Just(serde_json::Value::Null), Just(7.into()), Just("f".repeat(32).into())],
        ) {
            let raw = format!("RAW-{number}");
            let mut sent: serde_json::Value = serde_json::from_str(&event("e")).unwrap();
            sent["contributor_id"] = format!("{raw}{rest}").into();
            sent["contributor"] = forged;
            sent["event_id"] = event_id.into();
            sent["kind"] = kind.into();
            let key = ContributorKey::new("key").filter(|_| has_key);
            let readers_key = ContributorKey::new("another key").filter(|_| reader_has_key);
            let Ok(Submission::One(Submitted::Event(queued))) =
                Submission::parse(sent.to_string().as_bytes(), Endpoint::Edits, key.as_ref(), 0)
            else {
                panic!("an edit was sent")
            };
            prop_assert!(!queued.message.contains("RAW-"), "{}", queued.message);
            let read = EditEvent::parse(&queued.message, readers_key.as_ref()).unwrap();
            prop_assert_eq!(&read.event_id, &queued.event_id);
            let pseudonym = key.map(|key| key.pseudonym(&format!("{raw}{rest}")));
            prop_assert_eq!(read.contributor.as_deref(), pseudonym.as_deref());
        }
    }

    #[test]
    fn refuses_bytes_that_are_not_utf8() {
        assert_eq!(
            Submission::parse(b"{\"prompt\":\"\xff\"}", Endpoint::Edits, None, 0).unwrap_err().code,
            RefusalCode::NotUtf8
        );
    }
}
