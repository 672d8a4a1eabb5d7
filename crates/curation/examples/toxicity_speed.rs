//! Measures the cost of the toxicity check: `toxicity_speed < texts`, a text a line, as edits of the text `-`.
//!
//! Prints the time of an edit with the check and without it. The difference is more than the check's own cost where no other
//! check needs the sentences that the user added.

use std::error::Error;
use std::io::{Write, read_to_string, stdin, stdout};
use std::time::{Duration, Instant};

use flywheel_curation::Curator;
use flywheel_policy::Policy;
use serde_json::json;

const ROUNDS: u32 = 25;

/// The bytes of edits that are timed together: a fraction of a millisecond, so that most stretches are not interrupted.
const STRETCH: usize = 8_000;

fn main() -> Result<(), Box<dyn Error>> {
    let texts = read_to_string(stdin().lock())?;
    let edit = |text: &str| json!({"prompt": "-", "original_llm_output": "-", "final_user_edit": text}).to_string();
    let edits: Vec<String> = texts.lines().filter(|text| !text.is_empty()).map(edit).collect();
    let with = Curator::new(Policy::default(), None);
    let without = Curator::new(Policy::parse("[routes]\ntoxic = \"off\"\nunknown_language = \"off\"")?, None);
    let (mut best_with, mut best_without) = (Duration::ZERO, Duration::ZERO);
    // The best of a few short stretches counts: other processes interrupt only some of them.
    for edits in stretches(&edits) {
        let (mut stretch_with, mut stretch_without) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            stretch_with = stretch_with.min(time(&with, edits)?);
            stretch_without = stretch_without.min(time(&without, edits)?);
        }
        best_with += stretch_with;
        best_without += stretch_without;
    }
    let (events, bytes) = (edits.len() as f64, texts.len() as f64);
    let nanoseconds = |time: Duration| time.as_nanos() as f64;
    writeln!(stdout(), "{events} texts of {:.0} bytes", bytes / events)?;
    for (name, time) in [
        ("with", nanoseconds(best_with)),
        ("without", nanoseconds(best_without)),
        ("difference", nanoseconds(best_with) - nanoseconds(best_without)),
    ] {
        writeln!(stdout(), "{name}: {:.2} us a text, {:.2} ns a byte", time / events / 1000.0, time / bytes)?;
    }
    writeln!(stdout(), "with / without: {:.2}", nanoseconds(best_with) / nanoseconds(best_without))?;
    Ok(())
}

fn stretches(edits: &[String]) -> impl Iterator<Item = &[String]> {
    let mut rest = edits;
    std::iter::from_fn(move || {
        let (mut count, mut bytes) = (0, 0);
        while bytes < STRETCH {
            let Some(edit) = rest.get(count) else { break };
            bytes += edit.len();
            count += 1;
        }
        let (stretch, after) = rest.split_at(count);
        rest = after;
        (count > 0).then_some(stretch)
    })
}

fn time(curator: &Curator, edits: &[String]) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    for edit in edits {
        std::hint::black_box(curator.curate(edit, 0)?);
    }
    Ok(start.elapsed())
}
