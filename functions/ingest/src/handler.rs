use std::borrow::Cow;
use std::time::Instant;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flywheel_core::{QueuedEvent, Refusal, Submission};
use flywheel_runtime::millis_since;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::authentication::Authentication;
use crate::delivery::{Delivery, deliver};
use crate::edit_queue::EditQueue;
use crate::response;

/// The front door.
#[derive(Debug)]
pub struct Ingest<Q> {
    authentication: Authentication,
    queue: Q,
}

impl<Q: EditQueue> Ingest<Q> {
    /// A front door that lets in whom `authentication` knows, to `queue`.
    pub fn new(authentication: Authentication, queue: Q) -> Self {
        Self { authentication, queue }
    }

    /// Answers one request. An event is acknowledged only after the queue has it; whoever gets no acknowledgement sends
    /// again, and the event's id makes the repetition harmless.
    pub async fn handle(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let method = request.request_context.http.method.as_str();
        match (request.raw_path.as_deref().unwrap_or_default(), method) {
            ("/v1/health", "GET") => response::healthy(),
            ("/v1/health", _) => response::method_not_allowed("GET"),
            ("/v1/edits", "POST") => self.post_edits(&request).await,
            ("/v1/edits", _) => response::method_not_allowed("POST"),
            _ => response::not_found(),
        }
    }

    async fn post_edits(&self, request: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let started = Instant::now();
        // First: of an unknown caller nothing is read.
        let Some(caller) = self.authentication.caller(request) else {
            tracing::warn!(status = 401, "edits refused");
            return response::unauthorized();
        };
        let response = self.accept_edits(request).await;
        let bytes = request.body.as_ref().map_or(0, String::len);
        tracing::info!(
            status = response.status_code,
            caller,
            bytes,
            duration_ms = millis_since(started),
            "edits posted"
        );
        response
    }

    async fn accept_edits(&self, request: &ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        if !says_json(request) {
            return response::unsupported_media_type();
        }
        let Some(body) = body_bytes(request) else { return response::unreadable_body() };
        match Submission::parse(&body) {
            Err(refusal) => response::refusal(&refusal),
            Ok(Submission::One(event)) => self.accept_one(&event).await,
            Ok(Submission::Batch(outcomes)) => self.accept_batch(&outcomes).await,
        }
    }

    async fn accept_one(&self, event: &QueuedEvent) -> ApiGatewayV2httpResponse {
        match deliver(&self.queue, &[&event.message]).await[..] {
            [Delivery::Taken] => response::accepted(&[&event.event_id]),
            [Delivery::Refused] => response::answer(422, &json!({"error": response::queue_refused()})),
            _ => response::unavailable(),
        }
    }

    async fn accept_batch(&self, outcomes: &[Result<QueuedEvent, Refusal>]) -> ApiGatewayV2httpResponse {
        let messages: Vec<_> = outcomes.iter().flatten().map(|event| event.message.as_str()).collect();
        let mut deliveries = deliver(&self.queue, &messages).await.into_iter();
        let mut event_ids = Vec::new();
        let mut errors = Vec::new();
        let mut is_unavailable = false;
        for (index, outcome) in outcomes.iter().enumerate() {
            let error = match outcome {
                Err(refusal) => response::refusal_body(refusal),
                Ok(event) => match deliveries.next() {
                    Some(Delivery::Taken) => {
                        event_ids.push(event.event_id.as_str());
                        continue;
                    }
                    Some(Delivery::Refused) => response::queue_refused(),
                    Some(Delivery::Unknown) | None => {
                        is_unavailable = true;
                        response::queue_unavailable()
                    }
                },
            };
            errors.push(json!({"index": index, "error": error}));
        }
        conclude(&event_ids, &errors, is_unavailable)
    }
}

fn conclude(event_ids: &[&str], errors: &[Value], is_unavailable: bool) -> ApiGatewayV2httpResponse {
    if errors.is_empty() {
        return response::accepted(event_ids);
    }
    if !event_ids.is_empty() {
        return response::partly_accepted(event_ids, errors);
    }
    if is_unavailable {
        return response::none_queued(errors);
    }
    response::none_accepted(errors)
}

/// A request without a content type is taken at its word: it can only be JSON or be refused as malformed.
fn says_json(request: &ApiGatewayV2httpRequest) -> bool {
    let Some(content_type) = request.headers.get(CONTENT_TYPE) else { return true };
    let media_type = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

/// API Gateway encodes bodies that it does not take for text.
fn body_bytes(request: &ApiGatewayV2httpRequest) -> Option<Cow<'_, [u8]>> {
    let body = request.body.as_deref().unwrap_or_default();
    if request.is_base64_encoded {
        return STANDARD.decode(body).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(body.as_bytes()))
}
