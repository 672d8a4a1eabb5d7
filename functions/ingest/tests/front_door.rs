//! The front door as clients see it: the sample events, and everything that can be wrong with a request.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::sync::Mutex;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use flywheel_event::{ContributorKey, EditEvent};
use flywheel_ingest::{Authentication, EditQueue, Entry, EntryFault, Ingest, QueueError};
use serde_json::{Value, json};

const EDIT: &str = include_str!("../../../events/ingest.post-edit.json");
const MAPPED_EDIT: &str = include_str!("../../../events/ingest.post-edit-mapped.json");
const BATCH: &str = include_str!("../../../events/ingest.post-batch.json");
const CHAT_EDIT: &str = include_str!("../../../events/ingest.post-chat-edit.json");
const FEEDBACK: &str = include_str!("../../../events/ingest.post-feedback.json");
const FEEDBACK_BATCH: &str = include_str!("../../../events/ingest.post-feedback-batch.json");
const HEALTH: &str = include_str!("../../../events/ingest.health.json");
const UNAUTHORIZED: &str = include_str!("../../../events/ingest.unauthorized.json");

/// SHA-256 of `flywheel-local-sample-key`, the key in the sample events.
const SAMPLE_KEY_HASH: &str = "45702e5d2cc4e00298e6cb840213593c19a61ea12cb712a5fff8541aa14f6513";

/// Which messages a queue does not take.
#[derive(Clone, Copy)]
enum Mood {
    TakesAll,
    TakesNone,
    /// Takes all but those that contain this.
    Chokes(&'static str),
    /// Takes all but those that contain this, and never will.
    Refuses(&'static str),
}

struct FakeQueue {
    mood: Mood,
    messages: Mutex<Vec<String>>,
}

impl EditQueue for &FakeQueue {
    async fn send(&self, entries: &[Entry<'_>]) -> Result<Vec<EntryFault>, QueueError> {
        let chokes = |entry: &Entry<'_>| match self.mood {
            Mood::Chokes(part) | Mood::Refuses(part) => entry.message.contains(part),
            Mood::TakesAll | Mood::TakesNone => false,
        };
        let is_permanent = matches!(self.mood, Mood::Refuses(_));
        if matches!(self.mood, Mood::TakesNone) {
            return Err(QueueError("connection refused".to_owned()));
        }
        let (faulty, taken): (Vec<Entry<'_>>, Vec<Entry<'_>>) = entries.iter().partition(|entry| chokes(entry));
        self.messages.lock().unwrap().extend(taken.iter().map(|entry| entry.message.to_owned()));
        Ok(faulty.iter().map(|entry| EntryFault { number: entry.number, is_permanent }).collect())
    }
}

/// Posts a request to a front door whose queue is in the given mood; answers with the response and what was queued.
async fn post_in(mood: Mood, request: ApiGatewayV2httpRequest) -> (ApiGatewayV2httpResponse, Vec<String>) {
    post_with(ContributorKey::new("key"), mood, request).await
}

async fn post_with(
    contributor_key: Option<ContributorKey>,
    mood: Mood,
    request: ApiGatewayV2httpRequest,
) -> (ApiGatewayV2httpResponse, Vec<String>) {
    let queue = FakeQueue { mood, messages: Mutex::default() };
    let keys = format!("sample:{SAMPLE_KEY_HASH}").parse().map(Authentication::Keys).unwrap();
    let response = Ingest::new(keys, contributor_key, &queue, || 0).handle(request).await;
    (response, queue.messages.into_inner().unwrap())
}

async fn post(request: ApiGatewayV2httpRequest) -> (ApiGatewayV2httpResponse, Vec<String>) {
    post_in(Mood::TakesAll, request).await
}

fn sample(text: &str) -> ApiGatewayV2httpRequest {
    serde_json::from_str(text).unwrap()
}

/// The sample edit with another body.
fn with_body(body: &str) -> ApiGatewayV2httpRequest {
    let mut request = sample(EDIT);
    request.body = Some(body.to_owned());
    request
}

fn body(response: &ApiGatewayV2httpResponse) -> Value {
    let Some(Body::Text(text)) = &response.body else { panic!("a text body") };
    serde_json::from_str(text).unwrap()
}

/// The sample feedback with another body.
fn with_feedback(body: &str) -> ApiGatewayV2httpRequest {
    let mut request = sample(FEEDBACK);
    request.body = Some(body.to_owned());
    request
}

/// Status, error code and field of a refusal, which must have queued nothing.
async fn refused(request: ApiGatewayV2httpRequest) -> (i64, String, Value) {
    let (response, queued) = post(request).await;
    assert!(queued.is_empty(), "a refused request queues nothing");
    let error = body(&response)["error"].clone();
    assert!(!error["message"].as_str().unwrap().is_empty());
    (response.status_code, error["code"].as_str().unwrap().to_owned(), error["field"].clone())
}

#[tokio::test]
async fn the_sample_edit_is_accepted_and_queued() {
    let (response, queued) = post(sample(EDIT)).await;
    assert_eq!(response.status_code, 202);
    let event = EditEvent::parse(&queued[0], None).unwrap();
    assert_eq!(body(&response), json!({"accepted": 1, "event_ids": [event.event_id]}));
    assert_eq!(response.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_client_that_retries_gets_the_same_id() {
    let ids = |response| body(&response)["event_ids"].clone();
    assert_eq!(ids(post(sample(EDIT)).await.0), ids(post(sample(EDIT)).await.0));
    let (response, _) = post(sample(CHAT_EDIT)).await;
    let (again, _) = post(sample(CHAT_EDIT)).await;
    assert_eq!((response.status_code, ids(response)), (202, ids(again)));
}

#[tokio::test]
async fn a_base64_body_with_every_field_is_accepted() {
    let request = sample(CHAT_EDIT);
    assert!(request.is_base64_encoded);
    let (response, queued) = post(request).await;
    assert_eq!(response.status_code, 202);
    let event = EditEvent::parse(&queued[0], None).unwrap();
    assert!(event.prompt.messages().is_some() && event.model.is_some() && !event.context.is_empty());
}

#[tokio::test]
async fn a_contributor_is_queued_by_pseudonym_or_not_at_all() {
    let edit = json!({
        "contributor_id": "alice@example.org", "contributor": "f".repeat(32),
        "prompt": "p", "original_llm_output": "o", "final_user_edit": "e",
    });
    for key in [ContributorKey::new("key"), None] {
        let pseudonym = key.as_ref().map(|key| key.pseudonym("alice@example.org"));
        for sent in [edit.clone(), json!({"events": [edit]})] {
            let (response, queued) = post_with(key.clone(), Mood::TakesAll, with_body(&sent.to_string())).await;
            assert_eq!(response.status_code, 202);
            assert!(!queued[0].contains("alice") && !queued[0].contains(&"f".repeat(32)), "{}", queued[0]);
            let event = EditEvent::parse(&queued[0], None).unwrap();
            assert_eq!(event.contributor.as_deref(), pseudonym.as_deref());
            assert_eq!(body(&response)["event_ids"], json!([event.event_id]));
        }
    }
}

#[tokio::test]
async fn a_batch_with_a_bad_event_is_accepted_in_part() {
    let (response, queued) = post(sample(BATCH)).await;
    assert_eq!((response.status_code, queued.len()), (207, 3));
    let body = body(&response);
    assert_eq!(body["accepted"], 3);
    assert_eq!(body["event_ids"].as_array().unwrap().len(), 3);
    let [error] = &body["errors"].as_array().unwrap()[..] else { panic!("one error") };
    assert!(error["index"].is_u64() && error["error"]["code"].is_string() && error["error"]["field"].is_string());
}

#[tokio::test]
async fn a_batch_without_a_good_event_is_refused() {
    let (response, queued) = post(with_body(r#"{"events":[{},7]}"#)).await;
    assert_eq!((response.status_code, queued.len()), (422, 0));
    assert_eq!(body(&response)["errors"].as_array().unwrap().len(), 2);
    assert_eq!(body(&response)["error"]["code"], "no_valid_event");
}

#[tokio::test]
async fn the_sample_feedback_is_accepted_and_queued_without_an_edit() {
    let (response, queued) = post(sample(FEEDBACK)).await;
    assert_eq!(response.status_code, 202);
    let event = EditEvent::parse(&queued[0], None).unwrap();
    assert_eq!(body(&response), json!({"accepted": 1, "event_ids": [event.event_id]}));
    assert!(event.feedback.is_some() && event.chosen == event.rejected);
    assert!(!queued[0].contains("final_user_edit"));
}

#[tokio::test]
async fn of_a_batch_of_feedback_reads_are_counted_and_never_queued() {
    let (response, queued) = post(sample(FEEDBACK_BATCH)).await;
    assert_eq!((response.status_code, queued.len()), (207, 2));
    assert!(queued.iter().all(|message| !message.contains("read\"")));
    let body = body(&response);
    assert_eq!((&body["accepted"], &body["reads"]), (&json!(2), &json!(2)));
    let [error] = &body["errors"].as_array().unwrap()[..] else { panic!("one error") };
    assert_eq!((&error["index"], &error["error"]["field"]), (&json!(1), &json!("rating")));
}

#[tokio::test]
async fn a_read_is_answered_even_while_the_queue_is_away() {
    let reads = r#"{"events":[{"kind":"read"},{"kind":"read","thread_id":"t"}]}"#;
    for (text, count) in [(r#"{"kind":"read"}"#, 1), (reads, 2)] {
        let (response, queued) = post_in(Mood::TakesNone, with_feedback(text)).await;
        assert_eq!((response.status_code, queued.len()), (202, 0));
        assert_eq!(body(&response), json!({"accepted": 0, "event_ids": [], "reads": count}));
    }
    let some_bad = r#"{"events":[{"kind":"read"},{"kind":"applause"}]}"#;
    let (response, _) = post(with_feedback(some_bad)).await;
    assert_eq!((response.status_code, &body(&response)["reads"]), (207, &json!(1)));
}

#[tokio::test]
async fn bad_feedback_is_refused_with_code_and_field() {
    let field = |name: &str| json!(name);
    for (text, code, named) in [
        ("{", "malformed_json", Value::Null),
        ("[]", "wrong_type", field("body")),
        ("{}", "missing_field", field("kind")),
        (r#"{"kind":null}"#, "null_field", field("kind")),
        (r#"{"kind":"applause"}"#, "invalid_value", field("kind")),
        (r#"{"kind":"stars"}"#, "missing_field", field("rating")),
        (r#"{"kind":"stars","rating":9}"#, "invalid_value", field("rating")),
        (r#"{"kind":"copy","rating":1}"#, "invalid_value", field("rating")),
        (r#"{"kind":"comment"}"#, "missing_field", field("comment")),
        (r#"{"kind":"copy"}"#, "missing_field", field("prompt")),
        (r#"{"kind":"copy","prompt":"p"}"#, "missing_field", field("original_llm_output")),
        (r#"{"kind":"read","final_user_edit":"e"}"#, "invalid_value", field("final_user_edit")),
        (r#"{"prompt":"p","original_llm_output":"o","final_user_edit":"e"}"#, "missing_field", field("kind")),
    ] {
        assert_eq!(refused(with_feedback(text)).await, (400, code.to_owned(), named), "{text}");
    }
    let (response, queued) = post(with_feedback(r#"{"events":[{},7]}"#)).await;
    assert_eq!((response.status_code, queued.len()), (422, 0));
    // Edits are what the other endpoint is for.
    let like = r#"{"kind":"accept","prompt":"p","original_llm_output":"o"}"#;
    assert_eq!(refused(with_body(like)).await.2, field("final_user_edit"));
}

#[tokio::test]
async fn the_front_door_is_the_same_for_feedback() {
    let mut request = with_feedback(r#"{"kind":"read"}"#);
    request.headers.remove("authorization");
    assert_eq!(post(request).await.0.status_code, 401);
    let mut request = sample(FEEDBACK);
    request.request_context.http.method = http::Method::GET;
    assert_eq!(post(request).await.0.status_code, 405);
    let large = json!({"kind": "copy", "prompt": "p", "original_llm_output": "o".repeat(1_048_577)});
    assert_eq!(refused(with_feedback(&large.to_string())).await, (413, "too_large".to_owned(), Value::Null));
    let (response, _) = post_in(Mood::TakesNone, sample(FEEDBACK)).await;
    assert_eq!(response.status_code, 503);
}

#[tokio::test]
async fn five_hundred_events_are_accepted_at_once() {
    let event = |n| json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": format!("edit {n}")});
    let events: Vec<_> = (0..500).map(event).collect();
    let (response, queued) = post(with_body(&json!({"events": events}).to_string())).await;
    assert_eq!((response.status_code, queued.len()), (202, 500));
    let ids = body(&response)["event_ids"].clone();
    for (id, event) in ids.as_array().unwrap().iter().zip(events) {
        let event = event.to_string();
        let in_order = EditEvent::parse(&event, None).unwrap().event_id;
        assert_eq!(id, in_order.as_ref());
    }
}

#[tokio::test]
async fn health_needs_no_key() {
    let (response, _) = post(sample(HEALTH)).await;
    assert_eq!((response.status_code, body(&response)), (200, json!({"status": "ok"})));
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_read() {
    assert_eq!(refused(sample(UNAUTHORIZED)).await.0, 401);
    let mut request = with_body("not even JSON");
    request.headers.remove("authorization");
    let (response, _) = post(request).await;
    assert_eq!((response.status_code, &response.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
}

#[tokio::test]
async fn wrong_methods_and_paths_are_named() {
    let mut request = sample(EDIT);
    request.request_context.http.method = http::Method::GET;
    let (response, _) = post(request).await;
    assert_eq!((response.status_code, &response.headers["allow"]), (405, &"POST".parse().unwrap()));
    for raw_path in ["/v1/unknown", "/v1/edits/1", "/v1", "/", ""] {
        assert_eq!(refused(asked_for("$default", raw_path)).await.0, 404, "{raw_path}");
    }
}

/// The sample edit, as API Gateway sends it by another route.
fn asked_for(route_key: &str, raw_path: &str) -> ApiGatewayV2httpRequest {
    let mut request = sample(EDIT);
    request.route_key = Some(route_key.to_owned());
    request.raw_path = Some(raw_path.to_owned());
    request
}

#[tokio::test]
async fn the_sample_edit_under_a_custom_domain_is_accepted_and_queued() {
    let request = sample(MAPPED_EDIT);
    assert!(request.raw_path.as_deref() != Some("/v1/edits") && request.route_key.as_deref() == Some("ANY /v1/edits"));
    let (response, queued) = post(request).await;
    assert_eq!((response.status_code, queued.len()), (202, 1));
}

#[tokio::test]
async fn a_path_is_the_same_behind_a_stage_or_a_base_path() {
    for (route_key, raw_path) in [
        ("POST /v1/edits", "/prod/v1/edits"),
        ("ANY /v1/edits", "/base/path/v1/edits"),
        ("$default", "/v1/edits"),
        ("$default", "/prod/v1/edits"),
        ("ANY /{proxy+}", "/prod/v1/edits"),
        ("POST /llm/v1/edits", "/llm/v1/edits"),
    ] {
        let (response, queued) = post(asked_for(route_key, raw_path)).await;
        assert_eq!((response.status_code, queued.len()), (202, 1), "{route_key} {raw_path}");
    }
    let mut request = asked_for("ANY /v1/health", "/prod/v1/health");
    request.request_context.http.method = http::Method::GET;
    assert_eq!(post(request).await.0.status_code, 200);
    let mut request = asked_for("ANY /v1/feedback", "/prod/v1/feedback");
    request.body = Some(r#"{"kind":"read"}"#.to_owned());
    assert_eq!(body(&post(request.clone()).await.0)["reads"], 1);
    request.request_context.http.method = http::Method::GET;
    assert_eq!(post(request).await.0.headers["allow"], "POST");
    let mut request = asked_for("$default", "/v1/edits");
    request.route_key = None;
    assert_eq!(post(request).await.0.status_code, 202, "a sample may leave it out");
}

#[tokio::test]
async fn half_a_surrogate_pair_or_a_broken_event_leaves_the_rest_of_the_batch_alone() {
    let edit = |edit: &str, more: &str| {
        format!(r#"{{"prompt":"p","original_llm_output":"one two","final_user_edit":"{edit}"{more}}}"#)
    };
    let events = [
        edit("fine", ""),
        edit(r"cut \ud83d", ""),
        edit("bad number", r#","ignored":{"score":NaN}"#),
        edit("bad id", r#","event_id":"\ud83d""#),
        edit("functions", r#","functions":[{"name":"f"}]"#),
        edit("fine, too", r#","ignored":["\ude00",1e999]"#),
    ];
    let (response, queued) = post(with_body(&format!(r#"{{"events":[{}]}}"#, events.join(",")))).await;
    assert_eq!((response.status_code, queued.len()), (207, 3));
    let replaced: Vec<_> =
        queued.iter().map(|message| EditEvent::parse(message, None).unwrap().has_replaced_character).collect();
    assert_eq!(replaced, [false, true, false]);
    let answer = body(&response);
    let errors = answer["errors"].as_array().unwrap().iter();
    let errors: Vec<_> =
        errors.map(|error| json!([error["index"], error["error"]["code"], error["error"]["field"]])).collect();
    let expected = json!([
        [2, "malformed_json", "ignored.score"],
        [3, "invalid_value", "event_id"],
        [4, "unsupported_field", "functions"]
    ]);
    assert_eq!(json!(errors), expected);
    assert_eq!(
        answer["errors"][2]["error"]["message"].as_str().unwrap().split(';').next(),
        Some("functions is not supported yet")
    );
    let unbalanced = format!(r#"{{"events":[{},{}"#, edit("fine", ""), edit("fine", ""));
    assert_eq!(refused(with_body(&unbalanced)).await.0, 400);
}

#[tokio::test]
async fn only_json_is_taken() {
    for (content_type, status) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=utf-8", 202),
        ("application/json;charset=\"UTF-8\"", 202),
        ("application/json; charset=utf8; profile=x", 202),
        ("application/json; charset=utf-16", 415),
        ("application/json; Charset=ISO-8859-1", 415),
        ("application/json; charset=", 415),
        ("application/json; charset=utf-8; charset=utf-16", 415),
        ("Application/JSON", 202),
    ] {
        let mut request = sample(EDIT);
        request.headers.insert("content-type", content_type.parse().unwrap());
        assert_eq!(post(request).await.0.status_code, status, "{content_type}");
    }
    let mut request = sample(EDIT);
    request.headers.remove("content-type");
    assert_eq!(post(request).await.0.status_code, 202);
}

#[tokio::test]
async fn a_compressed_body_is_refused_with_or_without_its_header() {
    // `printf '{}' | gzip -n`, as API Gateway hands it over.
    let gzip = "H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==";
    for (encoding, is_compressed, status) in
        [(Some("gzip"), true, 415), (None, true, 415), (Some("br"), false, 415), (Some("identity"), false, 202)]
    {
        let mut request = sample(EDIT);
        if let Some(encoding) = encoding {
            request.headers.insert("content-encoding", encoding.parse().unwrap());
        }
        if is_compressed {
            request.body = Some(gzip.to_owned());
            request.is_base64_encoded = true;
        }
        let (response, queued) = post(request).await;
        assert_eq!(response.status_code, status, "{encoding:?}");
        assert_eq!(queued.is_empty(), status == 415);
        if status == 415 {
            let error = body(&response)["error"].clone();
            assert_eq!(error["code"], "unsupported_media_type");
            assert!(error["message"].as_str().unwrap().contains("uncompressed"));
        }
    }
}

#[tokio::test]
async fn an_event_beside_a_batch_is_named_and_nothing_is_queued() {
    let event = json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": "e"});
    let mut both = json!({"events": [event]});
    both["prompt"] = "outer".into();
    assert_eq!(refused(with_body(&both.to_string())).await, (400, "unsupported_field".to_owned(), json!("prompt")));
    let consent = json!({"events": [event], "consent": false});
    assert_eq!(refused(with_body(&consent.to_string())).await.2, json!("consent"));
}

#[tokio::test]
async fn bad_bodies_are_refused_with_code_and_field() {
    let field = |name: &str| json!(name);
    for (text, code, named) in [
        ("", "malformed_json", Value::Null),
        ("{", "malformed_json", Value::Null),
        ("[]", "wrong_type", field("body")),
        ("{}", "missing_field", field("prompt")),
        (r#"{"prompt":"p","original_llm_output":null}"#, "null_field", field("original_llm_output")),
        (r#"{"prompt":"p","original_llm_output":"o","final_user_edit":""}"#, "empty_field", field("final_user_edit")),
        (r#"{"prompt":7}"#, "wrong_type", field("prompt")),
        (r#"{"events":[]}"#, "empty_field", field("events")),
    ] {
        assert_eq!(refused(with_body(text)).await, (400, code.to_owned(), named), "{text}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_what_they_are_said_to_be_are_refused() {
    let mut request = with_body("%%%");
    request.is_base64_encoded = true;
    assert_eq!(refused(request).await.1, "malformed_body");
    // "\xff" in base64.
    let mut request = with_body("/w==");
    request.is_base64_encoded = true;
    assert_eq!(refused(request).await.1, "not_utf8");
}

#[tokio::test]
async fn an_event_larger_than_a_message_is_refused() {
    let edit = |letters| {
        let event = json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": "e".repeat(letters)});
        event.to_string()
    };
    let frame = edit(0).len();
    assert_eq!(post(with_body(&edit(1_048_576 - frame))).await.0.status_code, 202);
    assert_eq!(refused(with_body(&edit(1_048_577 - frame))).await, (413, "too_large".to_owned(), Value::Null));
    let batch = format!(r#"{{"events":[{},{}]}}"#, edit(1), edit(1_048_577 - frame));
    let (response, queued) = post(with_body(&batch)).await;
    assert_eq!((response.status_code, queued.len()), (207, 1));
    assert_eq!(body(&response)["errors"][0]["error"]["field"], "events[1]");
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_may_not_have_is_not_acknowledged() {
    let (response, _) = post_in(Mood::TakesNone, sample(EDIT)).await;
    assert_eq!((response.status_code, &response.headers["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(body(&response)["error"]["code"], "queue_unavailable");
    let (response, _) = post_in(Mood::TakesNone, sample(BATCH)).await;
    assert_eq!((response.status_code, body(&response)["errors"].as_array().unwrap().len()), (503, 4));
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_what_the_queue_has_is_acknowledged() {
    let event = |edit| json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": edit});
    let batch = json!({"events": [event("fine"), event("choke"), event("fine, too")]});
    let (response, queued) = post_in(Mood::Chokes("choke"), with_body(&batch.to_string())).await;
    assert_eq!((response.status_code, queued.len()), (207, 2));
    let body = body(&response);
    assert_eq!(body["errors"], json!([{"index": 1, "error": body["errors"][0]["error"]}]));
    assert_eq!(body["errors"][0]["error"]["code"], "queue_unavailable");
    assert_eq!(body["event_ids"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_queue_never_takes_is_not_to_be_sent_again() {
    let event = |edit| json!({"prompt": "p", "original_llm_output": "o", "final_user_edit": edit});
    let answered = async |events: Value| post_in(Mood::Refuses("choke"), with_body(&events.to_string())).await.0;
    let response = answered(event("choke")).await;
    assert_eq!((response.status_code, &body(&response)["error"]["code"]), (422, &json!("not_queueable")));
    for (events, status) in [(vec![event("choke")], 422), (vec![event("choke"), event("fine")], 207)] {
        let response = answered(json!({ "events": events })).await;
        assert_eq!((response.status_code, &body(&response)["errors"][0]["index"]), (status, &json!(0)));
        assert_eq!(body(&response)["errors"][0]["error"]["code"], "not_queueable");
    }
}
