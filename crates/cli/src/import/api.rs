//! Sends events to the API, in batches within its documented limits. It retries what may be retried, with backoff.

use std::path::Path;
use std::time::Duration;

use flywheel_event::Endpoint;
use flywheel_import::{Event, Place, SkipReason, Skipped};
use reqwest::{Client, StatusCode, Url, header};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::report::Report;
use super::resume::Resume;
use crate::Failure;

/// The most events of a request, as docs/API.md has it.
const MAX_EVENTS: usize = 500;

/// The most bytes of a request: below the 6 MB of docs/API.md, which count quotes and backslashes twice.
const MAX_BYTES: usize = 5_000_000;

/// The time to wait for an answer. API Gateway gives up after 30 seconds.
const ANSWER_TIME: Duration = Duration::from_secs(35);

/// The number of attempts for a batch, and the first and the longest time between two: about three minutes in all.
const MAX_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The path of the URL that the command takes.
const EDITS: &str = "/v1/edits";

/// The API, with the events that wait for the next request.
pub(super) struct Api {
    client: Client,
    runtime: Runtime,
    /// The URL without the path of an endpoint.
    base: String,
    key: String,
    resume: Resume,
    /// The events that earlier attempts have sent, and that are to be passed over.
    to_pass: u64,
    waiting: Vec<(Place, Event)>,
    bytes: usize,
}

/// The answer to a request.
enum Answer {
    /// These events of the batch may be sent again, by their index; the others are settled.
    Settled(Vec<usize>),
    /// The whole batch may be sent again, after at least this time.
    Again(String, Option<Duration>),
}

impl Api {
    pub(super) fn new(url: &str, key_file: Option<&Path>, resume: Resume) -> Result<Self, Failure> {
        let unusable = |message: String| Failure::Unusable(message);
        let parsed = Url::parse(url).map_err(|error| unusable(format!("--to {url}: {error}")))?;
        let base = url.strip_suffix(EDITS);
        let base = base.ok_or_else(|| {
            unusable(format!("--to {url}: must end with {EDITS}; feedback goes to the path beside it"))
        })?;
        let is_local = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if parsed.scheme() != "https" && !is_local {
            return Err(unusable(format!("--to {url}: the key would be readable on its way; give an https URL")));
        }
        let key_file = key_file
            .ok_or_else(|| unusable("--to with a URL needs --key-file FILE, with the ingest key".to_owned()))?;
        let named = |why: &str| unusable(format!("--key-file {}: {why}", key_file.display()));
        let key = std::fs::read_to_string(key_file).map_err(|error| named(&error.to_string()))?.trim().to_owned();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(named("holds no key: one line of visible ASCII"));
        }
        let client = Client::builder().timeout(ANSWER_TIME).redirect(reqwest::redirect::Policy::none());
        // A proxy cannot reach this machine.
        let client = if is_local { client.no_proxy() } else { client };
        let client = client.build().map_err(|error| unusable(format!("--to {url}: {error}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let to_pass = resume.answered;
        Ok(Self { client, runtime, base: base.to_owned(), key, resume, to_pass, waiting: Vec::new(), bytes: 0 })
    }

    /// Takes an event, and sends the batch if it is full.
    pub(super) fn put(&mut self, place: Place, event: Event, report: &mut Report) -> Result<(), Failure> {
        if self.to_pass > 0 {
            self.to_pass -= 1;
            return Ok(());
        }
        let doubled = event.json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        let bytes = event.json.len() + doubled + 1;
        if self.waiting.len() == MAX_EVENTS || self.bytes + bytes > MAX_BYTES {
            self.send(report)?;
        }
        self.bytes += bytes;
        self.waiting.push((place, event));
        Ok(())
    }

    /// Sends what waits, and removes the progress file: the import is done.
    pub(super) fn finish(mut self, report: &mut Report) -> Result<(), Failure> {
        self.send(report)?;
        self.resume.finish()
    }

    fn send(&mut self, report: &mut Report) -> Result<(), Failure> {
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        for endpoint in [Endpoint::Edits, Endpoint::Feedback] {
            let events: Vec<_> = waiting.iter().filter(|(_, event)| event.endpoint == endpoint).collect();
            if !events.is_empty() {
                self.settle(endpoint, events, report)?;
            }
        }
        if waiting.is_empty() { Ok(()) } else { self.resume.advance(waiting.len() as u64) }
    }

    /// Sends events until the API has answered each of them.
    fn settle(&self, endpoint: Endpoint, mut events: Vec<&(Place, Event)>, report: &mut Report) -> Result<(), Failure> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=MAX_ATTEMPTS {
            let (why, at_least) = match self.runtime.block_on(self.post(endpoint, &events, report))? {
                Answer::Settled(again) if again.is_empty() => return Ok(()),
                Answer::Settled(again) => {
                    events = again.into_iter().filter_map(|index| events.get(index).copied()).collect();
                    ("the queue cannot be reached".to_owned(), None)
                }
                Answer::Again(why, at_least) => (why, at_least),
            };
            if attempt == MAX_ATTEMPTS {
                return Err(self.given_up(&why));
            }
            let wait = at_least.map_or(pause, |at_least| pause.max(at_least.min(LONGEST_PAUSE)));
            self.runtime.block_on(async { tokio::time::sleep(wait).await });
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    fn given_up(&self, why: &str) -> Failure {
        let go_on = match self.resume.name() {
            Some(name) => format!("run the command again, and it goes on from {name}"),
            None => "run the command again; what was sent counts once".to_owned(),
        };
        let answered = self.resume.answered;
        Failure::Unusable(format!("{}: {why}; {answered} events are answered; {go_on}", self.base))
    }

    async fn post(
        &self,
        endpoint: Endpoint,
        events: &[&(Place, Event)],
        report: &mut Report,
    ) -> Result<Answer, Failure> {
        let path = if endpoint == Endpoint::Edits { EDITS } else { "/v1/feedback" };
        let texts: Vec<_> = events.iter().map(|(_, event)| event.json.as_str()).collect();
        let request = self.client.post(format!("{}{path}", self.base)).header(header::CONTENT_TYPE, "application/json");
        let request = request.bearer_auth(&self.key).body(format!("{{\"events\":[{}]}}", texts.join(",")));
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Answer::Again(plain(&error), None)),
        };
        let status = response.status();
        let at_least = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return Ok(Answer::Again(plain(&error), None)),
        };
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Ok(Answer::Again(answered(status, &body), at_least.map(Duration::from_secs)));
        }
        if status == StatusCode::ACCEPTED {
            return Ok(Answer::Settled(Vec::new()));
        }
        let errors = body.get("errors").and_then(Value::as_array);
        match errors.filter(|_| matches!(status, StatusCode::MULTI_STATUS | StatusCode::UNPROCESSABLE_ENTITY)) {
            Some(errors) => self.refusals(errors, events, report),
            None => Err(self.given_up(&answered(status, &body))),
        }
    }

    /// Names the events that the API refuses, and returns those that may be sent again.
    fn refusals(&self, errors: &[Value], events: &[&(Place, Event)], report: &mut Report) -> Result<Answer, Failure> {
        let mut again = Vec::new();
        for error in errors {
            let index = error.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
            let Some((index, (place, event))) = index.and_then(|index| Some((index, events.get(index)?))) else {
                return Err(self.given_up("the answer names an event that was not sent"));
            };
            let text = |name: &str| error.get("error")?.get(name)?.as_str().map(str::to_owned);
            let code = text("code").unwrap_or_default();
            if code == "queue_unavailable" {
                again.push(index);
                continue;
            }
            let message = format!("the API refuses the event: {} ({code})", text("message").unwrap_or_default());
            report.refused(event);
            let skipped =
                Skipped { reason: SkipReason::Refused, record: Some(event.id.clone()), field: text("field"), message };
            report.skip(*place, &skipped)?;
        }
        Ok(Answer::Settled(again))
    }
}

/// Returns the cause of a request that was not answered, without its URL.
fn plain(error: &reqwest::Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    if error.is_timeout() { "no answer in time".to_owned() } else { format!("cannot be reached{cause}") }
}

/// Returns the answer in words.
fn answered(status: StatusCode, body: &Value) -> String {
    let message = body.get("error").unwrap_or(body).get("message").and_then(Value::as_str).unwrap_or_default();
    format!("the answer is {}: {message}", status.as_u16())
}
