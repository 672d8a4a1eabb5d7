//! The body of a request: one event, or a batch of them.

use flywheel_base::{
    Refusal, RefusalCode,
    fields::{Fields, given_twice, wrong_type},
    instant::Micros,
    json::{Body, Json, read_body},
};

use crate::contributor::{ContributorKey, Writer};
use crate::edit_event::{EditEvent, FIELDS};

/// The maximum number of events in one request. At ten to a queue call that is 50 calls, well within a request's time.
pub(crate) const MAX_EVENTS: usize = 500;

/// The maximum size of an event, in bytes as queued, with the contributor's pseudonym. It is the limit of one SQS
/// message.
pub const MAX_EVENT_BYTES: usize = 1_048_576;

/// An event ready for the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedEvent {
    /// The event's idempotency key.
    pub event_id: String,
    /// The queue message.
    pub message: String,
}

/// The facts that the front door adds to an event.
#[derive(Debug, Clone, Copy)]
pub struct Received<'r> {
    /// The time of receipt, in microseconds since the epoch.
    pub at: Micros,
    /// The label of the ingest key that posted it. Ids count within their sender; without a label there is one sender.
    pub ingest_key: Option<&'r str>,
}

impl Received<'_> {
    /// Returns the facts of an event that no ingest key posted.
    #[must_use]
    pub fn at(at: Micros) -> Self {
        Self { at, ingest_key: None }
    }
}

/// The endpoint of a posted event. Both take the same events, and each requires its own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Edits: requires `final_user_edit`.
    Edits,
    /// Feedback: requires `kind`. Feedback with an edit is judged as an edit.
    Feedback,
}

/// The outcome of an accepted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The event goes to the queue.
    Event(QueuedEvent),
    /// An output was read. Ingest counts it and keeps nothing of it.
    Read,
}

/// The events of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Submission {
    /// One event, sent as an object of its own.
    One(Submitted),
    /// A batch: the outcome of each event in the order sent. Never empty.
    Batch(Vec<Result<Submitted, Refusal>>),
}

impl Endpoint {
    /// Reads one event. `path` is its place in a batch.
    fn submitted(
        self,
        event: Json<'_>,
        path: Option<&str>,
        key: Option<&ContributorKey>,
        received: Received<'_>,
    ) -> Result<Submitted, Refusal> {
        self.check(&event)?;
        match EditEvent::from_json(event, path.unwrap_or("body"), Writer::Client, key) {
            Err(refusal) if refusal.code == RefusalCode::OnlyRead => Ok(Submitted::Read),
            Err(refusal) => Err(refusal),
            Ok(mut event) => {
                event.received_at = Some(received.at);
                event.ingest_key = received.ingest_key.map(|label| label.to_owned().into());
                queued(event, path).map(Submitted::Event)
            }
        }
    }

    /// Checks the field that the endpoint requires. For an edit without a kind, the event's parser checks everything.
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
    /// Reads a request's body from an endpoint. The messages have the pseudonyms of contributors under `key`, and no
    /// contributors without one. Events carry their time of receipt and the label of the
    /// ingest key. In a batch each is one microsecond after the one
    /// before, so that revisions of one output keep the order in which they were sent.
    ///
    /// # Errors
    /// A [`Refusal`] of the whole request. Within a batch an invalid event is refused alone.
    pub fn parse(
        body: &[u8],
        endpoint: Endpoint,
        key: Option<&ContributorKey>,
        received: Received<'_>,
    ) -> Result<Self, Refusal> {
        let Body { value, batch } = read_body(body, MAX_EVENTS)?;
        let Json::Object(entries) = value else {
            return Err(wrong_type(&value, "an object: one event, or {\"events\": [...]}", "body"));
        };
        let mut fields = Fields::new(entries, "");
        match batch {
            Some(_) if fields.contains("events") => Err(given_twice("events")),
            Some(items) => {
                fields
                    .refuse(&FIELDS, "stands beside events, where it belongs to no event; put it into each of them")?;
                Self::batch(items, endpoint, key, received)
            }
            None if fields.contains("events") => {
                Err(wrong_type(&fields.required("events")?, "a list of events", "events"))
            }
            None => endpoint.submitted(Json::Object(fields.into_entries()), None, key, received).map(Self::One),
        }
    }

    fn batch(
        items: Vec<Result<Json<'_>, Refusal>>,
        endpoint: Endpoint,
        key: Option<&ContributorKey>,
        received: Received<'_>,
    ) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(Refusal::of_field(RefusalCode::EmptyField, "events", "may not be empty"));
        }
        if items.len() > MAX_EVENTS {
            let message = format!("has {} events; send at most {MAX_EVENTS} at once", items.len());
            return Err(Refusal::of_field(RefusalCode::TooManyEvents, "events", message));
        }
        let outcomes = items.into_iter().zip(received.at..).enumerate().map(|(index, (item, at))| {
            let path = format!("events[{index}]");
            let event = item.map_err(|refusal| refusal.or_of(&path))?;
            endpoint.submitted(event, Some(&path), key, Received { at, ..received })
        });
        Ok(Self::Batch(outcomes.collect()))
    }
}

fn queued(mut event: EditEvent<'_>, field: Option<&str>) -> Result<QueuedEvent, Refusal> {
    let mut message = message_of(&event)?;
    if message.len() > MAX_EVENT_BYTES {
        // The time of receipt and the label of the ingest key take room that a client does not know of: the limit is on the
        // event without them. Without that time, the queue's own is the second best.
        event.received_at = None;
        let ingest_key = event.ingest_key.take();
        message = message_of(&event)?;
        check_size(&message, field)?;
        // No event goes without the label: a client could make itself nameless by padding, and be weighed and held by no key.
        if ingest_key.is_some() {
            event.ingest_key = ingest_key;
            message = event.to_compact_message().map_err(unwritable)?;
        }
    }
    check_size(&message, field)?;
    Ok(QueuedEvent { event_id: event.event_id.into_owned(), message })
}

fn check_size(message: &str, field: Option<&str>) -> Result<(), Refusal> {
    if message.len() <= MAX_EVENT_BYTES {
        return Ok(());
    }
    let text = format!("the event has {} bytes; at most {MAX_EVENT_BYTES} are taken", message.len());
    Err(Refusal { code: RefusalCode::TooLarge, message: text, field: field.map(str::to_owned) })
}

fn message_of(event: &EditEvent<'_>) -> Result<String, Refusal> {
    event.to_message().map_err(unwritable)
}

fn unwritable(_: serde_json::Error) -> Refusal {
    Refusal::of_whole(RefusalCode::InvalidValue, "the event cannot be written as JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(edit: &str) -> String {
        serde_json::json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": edit}).to_string()
    }

    fn refused(body: &str) -> RefusalCode {
        Submission::parse(body.as_bytes(), Endpoint::Edits, None, Received::at(0)).unwrap_err().code
    }

    #[test]
    fn one_object_is_one_event() {
        assert!(matches!(
            Submission::parse(event("e").as_bytes(), Endpoint::Edits, None, Received::at(0)),
            Ok(Submission::One(_))
        ));
    }

    #[test]
    fn an_endpoint_demands_what_it_is_for_and_reads_are_counted() {
        let feedback = |text: &str| Submission::parse(text.as_bytes(), Endpoint::Feedback, None, Received::at(0));
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
            let outcome = Submission::parse(text.as_bytes(), Endpoint::Edits, None, Received::at(0));
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
        let [one, other] = [Endpoint::Edits, Endpoint::Feedback]
            .map(|at| Submission::parse(edit.as_bytes(), at, None, Received::at(0)).unwrap());
        assert_eq!(one, other);
    }

    #[test]
    fn a_bad_event_is_refused_alone() {
        let body = format!(r#"{{"events":[{},{{"prompt":"p"}},7]}}"#, event("e"));
        let Ok(Submission::Batch(outcomes)) =
            Submission::parse(body.as_bytes(), Endpoint::Edits, None, Received::at(0))
        else {
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
    fn an_event_beside_a_batch_is_refused_by_its_first_field_and_other_fields_are_ignored() {
        let with = |field: &str| {
            let body = format!(r#"{{"events":[{}],{field}}}"#, event("e"));
            Submission::parse(body.as_bytes(), Endpoint::Edits, None, Received { at: 0, ingest_key: None })
                .map_err(|refusal| (refusal.code, refusal.field))
        };
        for name in FIELDS {
            let refusal = (RefusalCode::UnsupportedField, Some(name.to_owned()));
            assert_eq!(with(&format!(r#""{name}":false"#)), Err(refusal));
            assert!(with(&format!(r#""{name}":null"#)).is_ok(), "{name}: null counts as left out");
        }
        assert!(with(r#""page":7"#).is_ok());
        // The order in the body makes no difference.
        let before = format!(r#"{{"prompt":"p","events":[{}]}}"#, event("e"));
        assert_eq!(refused(&before), RefusalCode::UnsupportedField);
    }

    #[test]
    fn the_limit_is_counted_in_bytes_of_the_message() {
        let frame = event("").len();
        // Two bytes a letter: a count of characters would let twice as much pass.
        let letters = (MAX_EVENT_BYTES - frame) / 2;
        let fits = event(&"\u{e9}".repeat(letters));
        assert!(fits.len() <= MAX_EVENT_BYTES && fits.len() + 2 > MAX_EVENT_BYTES);
        assert!(Submission::parse(fits.as_bytes(), Endpoint::Edits, None, Received::at(0)).is_ok());
        assert_eq!(refused(&event(&"\u{e9}".repeat(letters + 1))), RefusalCode::TooLarge);
    }

    #[test]
    fn a_short_label_of_the_ingest_key_takes_no_room_of_the_clients_and_no_event_goes_without_it() {
        let sent = |letters: usize, ids: serde_json::Value| {
            let mut event: serde_json::Value = serde_json::from_str(&event(&"e".repeat(letters))).unwrap();
            event.as_object_mut().unwrap().extend(ids.as_object().unwrap().clone());
            event["context"] = serde_json::json!({"original_llm_output": "\"o\":", "ingest_key": "\"event_id\":"});
            event.to_string()
        };
        for ids in [serde_json::json!({}), serde_json::json!({"event_id": "e-1"})] {
            let body = sent(MAX_EVENT_BYTES - sent(0, ids.clone()).len(), ids.clone());
            let posted = |label| {
                let received = Received { at: 7, ingest_key: Some(label) };
                Submission::parse(body.as_bytes(), Endpoint::Edits, None, received)
            };
            let Ok(Submission::One(Submitted::Event(queued))) = posted("desk-sample") else { panic!("it fits") };
            let mut read = EditEvent::parse(&queued.message, None).unwrap();
            assert!(queued.message.len() <= MAX_EVENT_BYTES);
            assert_eq!(read.ingest_key.as_deref(), Some("desk-sample"));
            let long = posted("a label of more bytes").map_err(|refusal| refusal.code);
            assert_eq!(long, Err(RefusalCode::TooLarge));
            let padded = format!("{} ", body.replacen("\"final_user_edit\":\"", "\"final_user_edit\":\"e", 1));
            let received = Received { at: 7, ingest_key: Some("desk") };
            let longer =
                Submission::parse(padded.as_bytes(), Endpoint::Edits, None, received).map_err(|refusal| refusal.code);
            assert_eq!(longer, Err(RefusalCode::TooLarge), "the short names make no room for the client's texts");
            let plain = EditEvent::parse(&body, None).unwrap();
            read.ingest_key = None;
            assert_eq!(read, plain);
        }
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
            Submission::parse(edit_by(letters).as_bytes(), Endpoint::Edits, key, Received::at(0))
                .map_err(|refusal| refusal.code)
        };
        let Ok(Submission::One(Submitted::Event(largest))) = taken(letters, key.as_ref()) else { panic!("it fits") };
        assert_eq!(largest.message.len(), MAX_EVENT_BYTES);
        assert_eq!(taken(letters + 1, key.as_ref()), Err(RefusalCode::TooLarge));
        assert!(taken(letters + 1, None).is_ok(), "of whom there is no pseudonym nothing is queued");
    }

    proptest! {
        #[test]
        fn of_a_contributor_only_the_pseudonym_is_queued_and_the_id_is_the_same_at_both_ends(
            number in any::<u32>(), rest in "[a-zA-Z0-9_é漢.-]{0,200}", has_key in any::<bool>(), reader_has_key in any::<bool>(),
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
                Submission::parse(sent.to_string().as_bytes(), Endpoint::Edits, key.as_ref(), Received::at(0))
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
        let refusal = Submission::parse(b"{\"prompt\":\"\xff\"}", Endpoint::Edits, None, Received::at(0)).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::NotUtf8, Some("prompt")));
    }

    /// Returns a complete edit with `fields` added.
    fn edit_with(fields: &str) -> String {
        format!(r#"{{{fields},"prompt":"p","original_llm_output":"o","final_user_edit":"e"}}"#)
    }

    /// Returns the outcome of an event between two good ones, which must be taken.
    fn amid_good_ones(event_text: impl AsRef<[u8]>) -> Result<QueuedEvent, Refusal> {
        let (first, last) = (event("first"), event("last"));
        let body =
            [br#"{"events":["#, first.as_bytes(), b",", event_text.as_ref(), b",", last.as_bytes(), b"]}"].concat();
        let Ok(Submission::Batch(outcomes)) = Submission::parse(&body, Endpoint::Edits, None, Received::at(0)) else {
            panic!("a batch was sent: {}", String::from_utf8_lossy(&body))
        };
        let [Ok(Submitted::Event(before)), event, Ok(Submitted::Event(after))] = &outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert!(before.message.contains("first") && after.message.contains("last"));
        event.clone().map(|event| match event {
            Submitted::Event(event) => event,
            Submitted::Read => panic!("nothing was read"),
        })
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced_in_its_event_alone_and_the_message_says_so() {
        for fields in [
            r#""final_user_edit":"cut \ud83d""#,
            r#""final_user_edit":"cut \ude00\ud83d here""#,
            r#""original_llm_output":"\ud83d\n""#,
            r#""prompt":"\udfff""#,
            r#""prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"\ud83d"}]"#,
            r#""context":{"tenant":"\ud83d"}"#,
            r#""context":{"\ud83d":"tenant"}"#,
            r#""kind":"thumbs_down","comment":"\ud83d""#,
        ] {
            let name = fields[1..].split('"').next().unwrap();
            let plain: serde_json::Map<_, _> = serde_json::from_str(&event("e")).unwrap();
            let rest: Vec<_> =
                plain.iter().filter(|(key, _)| *key != name).map(|(key, value)| format!("\"{key}\":{value}")).collect();
            let sent = format!("{{{fields},{}}}", rest.join(","));
            let queued = amid_good_ones(&sent).unwrap();
            assert!(queued.message.contains('\u{fffd}'), "{}", queued.message);
            let read = EditEvent::parse(&queued.message, None).unwrap();
            assert!(read.has_replaced_character, "{fields}");
            let as_sent = EditEvent::parse(&sent, None).unwrap();
            let mut as_queued = read.clone();
            as_queued.received_at = None;
            assert_eq!(as_queued, as_sent, "the offline binary reads the event as it is sent");
            assert_eq!((&read.event_id[..], amid_good_ones(&sent)), (&queued.event_id[..], Ok(queued.clone())));
            assert_eq!(read.to_message().unwrap(), queued.message);
        }
    }

    #[test]
    fn only_what_was_replaced_is_said_to_be() {
        let typed = amid_good_ones(event("\u{fffd}")).unwrap();
        assert!(!EditEvent::parse(&typed.message, None).unwrap().has_replaced_character);
        let plain = amid_good_ones(event("e")).unwrap();
        for ignored in [
            r#""unknown":"\ud83d""#,
            r#""\ud83d":1"#,
            r#""unknown":{"\ude00":["\ud83d"]}"#,
            r#""replaced_character":true"#,
            r#""comment":"\ud83d without a kind""#,
        ] {
            assert_eq!(amid_good_ones(edit_with(ignored)).as_ref(), Ok(&plain), "{ignored}");
        }
        let message = |id: &str| {
            let prompt = format!(r#"[{{"role":"user","content":"p","id":"{id}"}}]"#);
            amid_good_ones(format!(r#"{{"prompt":{prompt},"original_llm_output":"o","final_user_edit":"e"}}"#))
        };
        assert_eq!(message(r"\ud83d"), message("m-1"));
        let replaced =
            amid_good_ones(r#"{"prompt":"p","original_llm_output":"o","final_user_edit":"\ud83d"}"#).unwrap();
        assert_eq!(replaced.event_id, typed.event_id, "it says the same");
    }

    #[test]
    fn an_id_with_half_a_surrogate_pair_is_refused_by_name() {
        for (fields, path) in [
            (r#""event_id":"e-\ud83d""#, "event_id"),
            (r#""thread_id":"\ude00""#, "thread_id"),
            (r#""contributor_id":"\ud83d""#, "contributor_id"),
            (r#""model":{"id":"\ud83d"}"#, "model.id"),
            (r#""model":{"id":"m","adapter":"\ud83d"}"#, "model.adapter"),
        ] {
            let refusal = amid_good_ones(edit_with(fields)).unwrap_err();
            assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::InvalidValue, Some(path)));
        }
        assert!(amid_good_ones(edit_with("\"event_id\":\"e-\u{fffd}\"")).is_ok(), "whole characters are an id");
    }

    #[test]
    fn an_id_or_label_with_a_hidden_character_is_refused_by_name_and_a_queued_one_is_taken() {
        for (fields, path) in [
            ("\"event_id\":\"e\\u0000\"", "event_id"),
            ("\"thread_id\":\"t\u{200b}\"", "thread_id"),
            ("\"response_id\":\"\u{202e}r\"", "response_id"),
            ("\"contributor_id\":\"kim\u{2060}\"", "contributor_id"),
            ("\"model\":{\"id\":\"m\u{feff}\"}", "model.id"),
            ("\"model\":{\"id\":\"m\",\"adapter\":\" \"}", "model.adapter"),
            ("\"context\":{\"tenant\":\"acme\u{ad}\"}", "context.tenant"),
            ("\"context\":{\"tenant \":\"acme\"}", "context.tenant "),
        ] {
            let refusal = amid_good_ones(edit_with(fields)).unwrap_err();
            assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::InvalidValue, Some(path)));
            assert!(refusal.message.contains("U+"), "{}", refusal.message);
            assert!(EditEvent::parse(&edit_with(fields), None).is_ok(), "an acknowledged event is never refused");
        }
    }

    #[test]
    fn the_names_of_flywheels_own_context_entries_are_reserved() {
        let refusal = amid_good_ones(edit_with(r#""context":{"flywheel.ingest_key":"shop"}"#)).unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("context.flywheel.ingest_key"));
        let plain = amid_good_ones(event("e")).unwrap();
        assert_eq!(amid_good_ones(edit_with(r#""ingest_key":"shop""#)).as_ref(), Ok(&plain), "a client's is no label");
    }

    #[test]
    fn the_label_of_the_ingest_key_is_queued_and_the_clients_id_stays_its_own() {
        let received = Received { at: 7, ingest_key: Some("shop") };
        let body = edit_with(r#""event_id":"order-1001""#);
        let Ok(Submission::One(Submitted::Event(queued))) =
            Submission::parse(body.as_bytes(), Endpoint::Edits, None, received)
        else {
            panic!("an edit was sent")
        };
        let read = EditEvent::parse(&queued.message, None).unwrap();
        assert_eq!((&queued.event_id[..], read.ingest_key.as_deref()), ("order-1001", Some("shop")));
        assert!(read.event_key().is_some() && EditEvent::parse(&body, None).unwrap().event_key().is_none());
        assert_eq!(read.to_message().unwrap(), queued.message);
    }

    #[test]
    fn whatever_is_wrong_with_one_event_is_its_own_even_in_a_field_that_is_ignored() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        for (fields, code, path) in [
            (r#""score":NaN"#, "malformed_json", "score"),
            (r#""score":-Infinity"#, "malformed_json", "score"),
            (r#""scores":{"a":[1,01]}"#, "malformed_json", "scores.a[1]"),
            (r#""flag":True"#, "malformed_json", "flag"),
            (r#""note":"C:\dir""#, "malformed_json", "note"),
            (r#""note":"\u12""#, "malformed_json", "note"),
            ("\"note\":\"two\nlines\"", "malformed_json", "note"),
            (r#""note":{"\x":1}"#, "malformed_json", "note"),
            (r#""list":[1,]"#, "malformed_json", "list[1]"),
            (r#""a":1,,"b":2"#, "malformed_json", "events[1]"),
            (r#""a":{"b":}"#, "malformed_json", "a.b"),
            (&format!(r#""deep":{deep}"#), "invalid_value", "deep[0][0]"),
        ] {
            let refusal = amid_good_ones(edit_with(fields)).unwrap_err();
            let field = refusal.field.unwrap();
            assert_eq!((refusal.code.as_str(), field.starts_with(path)), (code, true), "{fields}: {field}");
        }
        let refusal = amid_good_ones(b"{\"note\":\"caf\xe9\"}").unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (RefusalCode::NotUtf8, Some("note")));
        for item in ["NaN", "undefined", "'x'"] {
            assert_eq!(amid_good_ones(item).unwrap_err().field.as_deref(), Some("events[1]"));
        }
    }

    #[test]
    fn in_a_field_that_is_ignored_all_is_well_that_is_json() {
        let plain = amid_good_ones(event("e")).unwrap();
        for fields in [
            r#""score":1e999"#,
            r#""score":-0.0"#,
            r#""score":123456789012345678901234567890"#,
            r#""meta":{"a":1,"a":[],"a":{"b":{},"b":null}}"#,
            r#""meta":1,"meta":2"#,
            "\"note\":\"\u{7f}\u{85}\u{2028}\u{ffff}\"",
        ] {
            assert_eq!(amid_good_ones(edit_with(fields)).as_ref(), Ok(&plain), "{fields}");
        }
    }

    #[test]
    fn events_that_are_given_twice_are_refused() {
        for body in [r#"{"events":[{}],"events":[{}]}"#, r#"{"events":7,"events":[{}]}"#] {
            assert_eq!(refused(body), RefusalCode::DuplicateField);
        }
    }

    /// Generates contents of a string, many of them not JSON. The string ends where it should: no quote stands bare, no
    /// backslash last.
    fn written_string() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[^\"\\\\]",
            "\\\\[\"\\\\/bfnrt]",
            "\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
            "\\\\u[0-9a-fA-F]{4}",
            "\\\\(u[0-9a-f]{0,3}[g-z]|[acdeghq0'x])",
            "[\u{0}-\u{1f}]",
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_a_string_holds_concerns_its_event_alone(written in written_string(), place in 0..9_usize) {
            let string = format!("\"{written}\"");
            let field = |name: &str, value: &str| format!("\"{name}\":{value}");
            let edit = |prompt: &str, output: &str, edit: &str| {
                format!(r#"{{"prompt":{prompt},"original_llm_output":{output},"final_user_edit":{edit}}}"#)
            };
            let text = r#""text""#;
            let event = match place {
                0 => edit(&string, text, text),
                1 => edit(text, &string, text),
                2 => edit(text, text, &string),
                3 => edit(&format!(r#"[{{"role":"user","content":{string}}}]"#), text, text),
                4 => edit_with(&field("event_id", &string)),
                5 => edit_with(&field("context", &format!("{{{string}:{string}}}"))),
                6 => edit_with(&field("unknown", &format!("{{{string}:[{string}]}}"))),
                7 => edit_with(&format!("{string}:{string}")),
                _ => string.clone(),
            };
            if let Ok(queued) = amid_good_ones(&event) {
                let mut read = EditEvent::parse(&queued.message, None).unwrap();
                read.received_at = None;
                prop_assert_eq!(&read.event_id, &queued.event_id);
                prop_assert_eq!(read, EditEvent::parse(&event, None).unwrap());
            }
        }
    }
}
