use std::borrow::Cow;
use std::time::Instant;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flywheel_base::{Refusal, instant::Millis};
use flywheel_event::{ContributorKey, Endpoint, QueuedEvent, Received, Submission, Submitted};
use flywheel_runtime::millis_since;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::authentication::Authentication;
use crate::delivery::{Delivery, deliver};
use crate::edit_queue::EditQueue;
use crate::response;

const EDITS: &str = "/v1/edits";
const FEEDBACK: &str = "/v1/feedback";
const HEALTH: &str = "/v1/health";

const UNCOMPRESSED: &str = "send the body uncompressed, without content-encoding";

/// The first bytes of a body that is compressed by gzip. No JSON text begins with them.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The front door.
#[derive(Debug)]
pub struct Ingest<Q> {
    authentication: Authentication,
    contributor_key: Option<ContributorKey>,
    queue: Q,
    now: fn() -> Millis,
}

/// An answer, and for the log how many of the events in the request were reads, of which the log's count is all that is kept.
struct Answer {
    response: ApiGatewayV2httpResponse,
    reads: usize,
}

impl<Q: EditQueue> Ingest<Q> {
    /// A front door that lets in whom `authentication` knows, to `queue`.
    ///
    /// Contributors get there by their pseudonyms under `contributor_key`, or, without one, not at all.
    /// `now` is the clock that says when an event was received.
    pub fn new(
        authentication: Authentication,
        contributor_key: Option<ContributorKey>,
        queue: Q,
        now: fn() -> Millis,
    ) -> Self {
        Self { authentication, contributor_key, queue, now }
    }

    /// Answers one request. An event is acknowledged only after the queue has it. Without an acknowledgement the client sends
    /// again, and the event's id makes the repetition idempotent.
    pub async fn handle(&self, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let method = request.request_context.http.method.as_str();
        match (path(&request), method) {
            (Some(HEALTH), "GET") => response::healthy(),
            (Some(HEALTH), _) => response::method_not_allowed("GET"),
            (Some(EDITS), "POST") => self.post(&request, Endpoint::Edits).await,
            (Some(FEEDBACK), "POST") => self.post(&request, Endpoint::Feedback).await,
            (Some(_), _) => response::method_not_allowed("POST"),
            (None, _) => response::not_found(),
        }
    }

    async fn post(&self, request: &ApiGatewayV2httpRequest, endpoint: Endpoint) -> ApiGatewayV2httpResponse {
        let started = Instant::now();
        // First: of an unknown caller nothing is read.
        let Some(caller) = self.authentication.caller(request) else {
            tracing::warn!(status = 401, "events refused");
            return response::unauthorized();
        };
        let Answer { response, reads } = self.accept(request, endpoint, caller).await;
        let bytes = request.body.as_ref().map_or(0, String::len);
        tracing::info!(
            status = response.status_code,
            caller,
            bytes,
            reads,
            duration_ms = millis_since(started),
            "events posted"
        );
        response
    }

    async fn accept(&self, request: &ApiGatewayV2httpRequest, endpoint: Endpoint, caller: &str) -> Answer {
        if let Some(wanted) = unsupported_media(request) {
            return response::unsupported_media_type(wanted).into();
        }
        let Some(body) = body_bytes(request) else { return response::unreadable_body().into() };
        if body.starts_with(&GZIP) {
            return response::unsupported_media_type(UNCOMPRESSED).into();
        }
        let received = Received { at: (self.now)() * 1_000, ingest_key: Some(caller) };
        match Submission::parse(&body, endpoint, self.contributor_key.as_ref(), received) {
            Err(refusal) => response::refusal(&refusal).into(),
            Ok(Submission::One(Submitted::Read)) => Answer { response: response::accepted(&[], 1), reads: 1 },
            Ok(Submission::One(Submitted::Event(event))) => self.accept_one(&event).await.into(),
            Ok(Submission::Batch(outcomes)) => self.accept_batch(&outcomes).await,
        }
    }

    async fn accept_one(&self, event: &QueuedEvent) -> ApiGatewayV2httpResponse {
        match deliver(&self.queue, &[&event.message]).await[..] {
            [Delivery::Taken] => response::accepted(&[&event.event_id], 0),
            [Delivery::Refused] => response::answer(422, &json!({"error": response::queue_refused()})),
            _ => response::unavailable(),
        }
    }

    async fn accept_batch(&self, outcomes: &[Result<Submitted, Refusal>]) -> Answer {
        let message = |submitted| match submitted {
            &Submitted::Read => None,
            Submitted::Event(event) => Some(event.message.as_str()),
        };
        let messages: Vec<_> = outcomes.iter().flatten().filter_map(message).collect();
        let mut deliveries = deliver(&self.queue, &messages).await.into_iter();
        let mut event_ids = Vec::new();
        let mut errors = Vec::new();
        let mut is_unavailable = false;
        let mut reads = 0;
        for (index, outcome) in outcomes.iter().enumerate() {
            let error = match outcome {
                Err(refusal) => response::refusal_body(refusal),
                Ok(Submitted::Read) => {
                    reads += 1;
                    continue;
                }
                Ok(Submitted::Event(event)) => match deliveries.next() {
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
        Answer { response: conclude(&event_ids, &errors, reads, is_unavailable), reads }
    }
}

impl From<ApiGatewayV2httpResponse> for Answer {
    fn from(response: ApiGatewayV2httpResponse) -> Self {
        Self { response, reads: 0 }
    }
}

fn conclude(event_ids: &[&str], errors: &[Value], reads: usize, is_unavailable: bool) -> ApiGatewayV2httpResponse {
    if errors.is_empty() {
        return response::accepted(event_ids, reads);
    }
    if !event_ids.is_empty() || reads > 0 {
        return response::partly_accepted(event_ids, errors, reads);
    }
    if is_unavailable {
        return response::none_queued(errors);
    }
    response::none_accepted(errors)
}

/// The path that is asked for, as one of those above.
///
/// API Gateway matched the route before it called, so its key says which it is: `ANY /v1/edits`. The raw path says more: it
/// begins with the stage, or with the base path under which a custom domain maps the API. It is read only where the route
/// names no path of ours, such as `$default`, and by its end.
fn path(request: &ApiGatewayV2httpRequest) -> Option<&'static str> {
    let route_path = request.route_key.as_deref().and_then(|key| key.split_once(' ')).map(|(_, path)| path);
    let raw_path = request.raw_path.as_deref().unwrap_or_default();
    let paths = [EDITS, FEEDBACK, HEALTH].into_iter();
    let of_route = paths.clone().find(|path| route_path == Some(path));
    of_route.or_else(|| paths.clone().find(|path| raw_path.ends_with(path)))
}

/// Returns the correction of headers that announce anything but uncompressed JSON in UTF-8.
///
/// A request without a content type is taken at its word: it can only be JSON or be refused as malformed.
fn unsupported_media(request: &ApiGatewayV2httpRequest) -> Option<&'static str> {
    let encoding = request.headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default().trim());
    if encoding.is_some_and(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")) {
        return Some(UNCOMPRESSED);
    }
    let mut content_type = request.headers.get(CONTENT_TYPE)?.to_str().unwrap_or_default().split(';').map(str::trim);
    if !content_type.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Some("send content-type: application/json");
    }
    let is_other_charset = |parameter: &str| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let charset = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset")
            && !["utf-8", "utf8"].iter().any(|utf8| charset.eq_ignore_ascii_case(utf8))
    };
    content_type
        .any(is_other_charset)
        .then_some("send the body in UTF-8, with content-type: application/json; charset=utf-8")
}

/// API Gateway encodes bodies that it does not take for text.
fn body_bytes(request: &ApiGatewayV2httpRequest) -> Option<Cow<'_, [u8]>> {
    let body = request.body.as_deref().unwrap_or_default();
    if request.is_base64_encoded {
        return STANDARD.decode(body).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(body.as_bytes()))
}
