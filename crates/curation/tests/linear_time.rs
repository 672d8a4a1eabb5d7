//! No edit can hold up the edits of others: four times as much text takes no more than about four times as long.
//!
//! The test is timed on a machine that does other work, too. So the fastest of several tries counts, and twice the growth is
//! allowed; a quadratic step shows sixteenfold. The policy leaves out the comparison of texts, because it is quadratic and
//! bounded by steps.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod inputs;

use std::time::{Duration, Instant};

use flywheel_curation::Curator;
use flywheel_policy::Policy;

use inputs::WORST;

/// Little enough for one time slice of a busy processor; a quadratic step would still show.
const BYTES: usize = 6_000;
const GROWTH: u32 = 4;
const TRIES: usize = 200;

fn time(curator: &Curator, [prompt, rejected, chosen]: [String; 3]) -> Duration {
    let event = serde_json::json!({ "prompt": prompt, "original_llm_output": rejected, "final_user_edit": chosen });
    let message = event.to_string();
    let start = Instant::now();
    std::hint::black_box(curator.curate(&message, 0).unwrap());
    start.elapsed()
}

#[test]
fn four_times_as_much_takes_four_times_as_long() {
    let policy = Policy::parse("[similarity]\nmax_steps = 1\n").unwrap();
    let curator = Curator::new(policy, None);
    for worst in WORST {
        let (mut little, mut much) = (Duration::MAX, Duration::MAX);
        for _ in 0..TRIES {
            little = little.min(time(&curator, (worst.texts)(BYTES)));
            much = much.min(time(&curator, (worst.texts)(GROWTH as usize * BYTES)));
            if much < 2 * GROWTH * little {
                break;
            }
        }
        println!("{}: {little:?}, {much:?}", worst.name);
        assert!(
            much < 2 * GROWTH * little,
            "{}: {little:?} for {BYTES} bytes, {much:?} for {GROWTH} times",
            worst.name
        );
    }
}
