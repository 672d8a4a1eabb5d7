//! The front door's answers.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use flywheel_base::{Refusal, RefusalCode};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

/// An answer with a JSON body.
pub(crate) fn answer(status: i64, body: &Value) -> ApiGatewayV2httpResponse {
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status;
    response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.body = Some(Body::Text(body.to_string()));
    response
}

fn with_header(
    mut response: ApiGatewayV2httpResponse,
    name: HeaderName,
    value: &'static str,
) -> ApiGatewayV2httpResponse {
    response.headers.insert(name, HeaderValue::from_static(value));
    response
}

fn error(code: &str, message: &str, field: Option<&str>) -> Value {
    json!({"code": code, "message": message, "field": field})
}

fn refused(status: i64, code: &str, message: &str) -> ApiGatewayV2httpResponse {
    answer(status, &json!({"error": error(code, message, None)}))
}

/// A refusal as clients see it. The message begins with the field, so that it reads as a sentence.
pub(crate) fn refusal_body(refusal: &Refusal) -> Value {
    let message = match &refusal.field {
        Some(field) => format!("{field} {}", refusal.message),
        None => refusal.message.clone(),
    };
    error(refusal.code.as_str(), &message, refusal.field.as_deref())
}

/// 400, or 413 where the size is what is wrong.
pub(crate) fn refusal(refusal: &Refusal) -> ApiGatewayV2httpResponse {
    let status = if refusal.code == RefusalCode::TooLarge { 413 } else { 400 };
    answer(status, &json!({"error": refusal_body(refusal)}))
}

pub(crate) fn unauthorized() -> ApiGatewayV2httpResponse {
    let message = "send a valid key as Authorization: Bearer <key>";
    with_header(refused(401, "unauthorized", message), WWW_AUTHENTICATE, "Bearer")
}

pub(crate) fn not_found() -> ApiGatewayV2httpResponse {
    refused(404, "not_found", "there are POST /v1/edits, POST /v1/feedback and GET /v1/health")
}

pub(crate) fn method_not_allowed(allowed: &'static str) -> ApiGatewayV2httpResponse {
    with_header(refused(405, "method_not_allowed", &format!("use {allowed}")), ALLOW, allowed)
}

/// 415, with what to send instead.
pub(crate) fn unsupported_media_type(wanted: &str) -> ApiGatewayV2httpResponse {
    refused(415, "unsupported_media_type", wanted)
}

pub(crate) fn unreadable_body() -> ApiGatewayV2httpResponse {
    refused(400, "malformed_body", "the body is not the base64 that it is said to be")
}

/// Returns the refusal of an event that the queue refuses.
pub(crate) fn queue_refused() -> Value {
    error("not_queueable", "the queue does not take this event", None)
}

/// Returns the refusal of an event that the queue may not have.
pub(crate) fn queue_unavailable() -> Value {
    error("queue_unavailable", "the event could not be queued; send it again with the same event_id", None)
}

/// 503, and when to try again.
pub(crate) fn unavailable() -> ApiGatewayV2httpResponse {
    with_header(answer(503, &json!({"error": queue_unavailable()})), RETRY_AFTER, "1")
}

/// 503 for a batch of which nothing is acknowledged, and not for its own fault alone.
pub(crate) fn none_queued(errors: &[Value]) -> ApiGatewayV2httpResponse {
    let body = json!({"error": queue_unavailable(), "accepted": 0, "event_ids": [], "errors": errors});
    with_header(answer(503, &body), RETRY_AFTER, "1")
}

/// 202, the one answer that acknowledges a whole request.
pub(crate) fn accepted(event_ids: &[&str], reads: usize) -> ApiGatewayV2httpResponse {
    answer(202, &acknowledgement(event_ids, reads))
}

/// Returns the acknowledgement. Reads are counted only if there are any. They have no ids, because they are not stored.
fn acknowledgement(event_ids: &[&str], reads: usize) -> Value {
    let mut acknowledgement = json!({"accepted": event_ids.len(), "event_ids": event_ids});
    if reads > 0 {
        acknowledgement["reads"] = reads.into();
    }
    acknowledgement
}

/// 207: acknowledges the events listed, and says of each other one what is wrong with it.
pub(crate) fn partly_accepted(event_ids: &[&str], errors: &[Value], reads: usize) -> ApiGatewayV2httpResponse {
    let mut body = acknowledgement(event_ids, reads);
    body["errors"] = errors.into();
    answer(207, &body)
}

/// 422: no event of the batch is good.
pub(crate) fn none_accepted(errors: &[Value]) -> ApiGatewayV2httpResponse {
    let summary = error("no_valid_event", "events holds no event that can be accepted", Some("events"));
    answer(422, &json!({"error": summary, "accepted": 0, "event_ids": [], "errors": errors}))
}

pub(crate) fn healthy() -> ApiGatewayV2httpResponse {
    answer(200, &json!({"status": "ok"}))
}
