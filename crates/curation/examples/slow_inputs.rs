//! Measures the core's worst times: on edits made to take long, on ordinary ones of 10 kB, and at the start.
//!
//!     slow_inputs <events.jsonl>
//!
//! Prints JSON: the milliseconds of the slowest of the made-up inputs, those of each of the events, and those of a start.
//! `bench/` makes a table of it.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{Write as _, stdout};
use std::time::Instant;

use flywheel_curation::Curator;
use flywheel_policy::Policy;
use serde_json::json;

#[path = "../tests/inputs/mod.rs"]
mod inputs;

/// The bytes of the three texts of an edit together.
const BYTES: usize = 100_000;

/// The number of timed tries. The fastest counts, because other processes slow down some of them.
const TRIES: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(path) = std::env::args_os().nth(1) else { return Err("usage: slow_inputs <events.jsonl>".into()) };
    let curator = Curator::new(Policy::default(), None);
    let mut worst = Vec::new();
    for input in inputs::WORST {
        let [prompt, rejected, chosen] = (input.texts)(BYTES);
        let event = json!({ "prompt": prompt, "original_llm_output": rejected, "final_user_edit": chosen });
        let message = event.to_string();
        worst.push((input.name, fastest(|| curator.curate(&message, 0))?));
    }
    worst.sort_by(|left, right| right.1.total_cmp(&left.1));
    let events = fs::read_to_string(path)?;
    let events = events.lines().map(|event| fastest(|| curator.curate(event, 0))).collect::<Result<Vec<_>, _>>()?;
    let start = fastest(|| Ok::<_, Box<dyn Error>>(Curator::new(Policy::default(), None)))?;
    writeln!(stdout(), "{}", json!({ "worst": worst, "events": events, "start": start }))?;
    Ok(())
}

/// Returns the fewest milliseconds that the work takes.
fn fastest<T, E>(work: impl Fn() -> Result<T, E>) -> Result<f64, E> {
    let mut fastest = f64::INFINITY;
    for _ in 0..TRIES {
        let started = Instant::now();
        black_box(work()?);
        fastest = fastest.min(1_000.0 * started.elapsed().as_secs_f64());
    }
    Ok(fastest)
}
