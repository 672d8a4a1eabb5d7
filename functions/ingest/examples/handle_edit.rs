//! Measures the front door without the network: one request after the other, to a queue that accepts everything at once.
//!
//! Prints a line to standard error for each size of edit: its name, the median and the 99th percentile in microseconds.

use std::error::Error;
use std::io::{Write as _, stderr};
use std::time::{Duration, Instant};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use flywheel_ingest::{Authentication, EditQueue, Entry, EntryFault, Ingest, QueueError};
use flywheel_runtime::{Settings, init_logs};
use serde_json::{Value, json};

const REQUESTS: usize = 20_000;
const KEY: &str = "key-one";
const KEYS: &str = "bench:9b346041bc9a49574eb2665b2ad2a0a3f9f9cce4e42f5d1f26deb8a256b5966a";

struct BottomlessQueue;

impl EditQueue for BottomlessQueue {
    async fn send(&self, _: &[Entry<'_>]) -> Result<Vec<EntryFault>, QueueError> {
        Ok(Vec::new())
    }
}

/// Returns an edit of about `bytes`, with line breaks, quotes and a few non-ASCII letters.
fn edit(bytes: usize) -> Value {
    let prompt = "Summarise the café's ticket in one paragraph.";
    let half = |text: &str| text.chars().cycle().take((bytes - 150) / 2).collect::<String>();
    json!({
        "prompt": prompt,
        "original_llm_output": half("The customer \"asked\" for a refund.\nWe could not find the order — sorry. "),
        "final_user_edit": half("The customer asked for a refund of order 17.\nWe paid it back, déjà fait. "),
    })
}

fn request(body: &str) -> String {
    json!({
        "version": "2.0", "routeKey": "POST /v1/edits", "rawPath": "/v1/edits", "rawQueryString": "",
        "headers": {"authorization": format!("Bearer {KEY}"), "content-type": "application/json", "host": "localhost"},
        "requestContext": {"http": {"method": "POST", "path": "/v1/edits"}, "requestId": "r", "timeEpoch": 0},
        "body": body, "isBase64Encoded": false,
    })
    .to_string()
}

async fn handle(ingest: &Ingest<BottomlessQueue>, event: &str) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    let request: ApiGatewayV2httpRequest = serde_json::from_str(event)?;
    let response = ingest.handle(request).await;
    let answer = serde_json::to_vec(&response)?;
    let took = started.elapsed();
    if response.status_code != 202 || answer.is_empty() {
        return Err(format!("answered {}", response.status_code).into());
    }
    Ok(took)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::of([("FLYWHEEL_AUTH", "keys"), ("FLYWHEEL_INGEST_KEYS", KEYS)]);
    init_logs(&settings);
    let ingest = Ingest::new(Authentication::from_settings(&settings)?, None, BottomlessQueue, || 0);
    for (name, bytes) in [("an edit of 2 kB", 2_000), ("an edit of 20 kB", 20_000)] {
        let event = request(&edit(bytes).to_string());
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            times.push(handle(&ingest, &event).await?);
        }
        times.sort_unstable();
        let micros = |share: usize| times[REQUESTS * share / 100].as_secs_f64() * 1e6;
        writeln!(stderr(), "{name}\t{:.2}\t{:.2}", micros(50), micros(99))?;
    }
    Ok(())
}
