//! Freezes this many new pairs twice and prints the memory used:
//! `cargo run -p flywheel-freeze --example freeze_memory -- 5000`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example for people")]

use std::ops::RangeInclusive;
use std::time::Instant;

use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::DatasetRules;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{
    CountRows, LakeError, ListParts, ListRoute, Listing, LoadBreaker, LoadPointer, LoadedBreaker, LoadedPointer,
    MemoryLake, MoveBreaker, MovePointer, Moved, ReadPart, WritePart,
};
use flywheel_log::{Breaker, BreakerBounds, Goal, ListedPart, PartName, Pointer};
use flywheel_table::DeltaDataset;
use serde_json::json;
use url::Url;

const FIRST: Millis = 1_795_342_830_007;
const HOUR: Millis = 60 * 60 * 1000;
const ROWS_A_PART: u64 = 500;

/// A lake whose gold parts are generated when they are read, so that they take only the freeze's own memory.
#[derive(Clone)]
struct MadeLake {
    rest: MemoryLake,
    parts_a_batch: u64,
    batches: u64,
}

impl ListParts for MadeLake {
    async fn list_parts(&self, after: &str) -> Result<Listing, LakeError> {
        let part = |batch: u64, part: u64| {
            let name = PartName {
                written_at: FIRST + batch * HOUR + part,
                digest: format!("{:032x}", batch * self.parts_a_batch + part),
                rows: ROWS_A_PART,
            };
            ListedPart { last_modified: name.written_at, bytes: ROWS_A_PART * 1_600, name }
        };
        let all = (0..self.batches).flat_map(|batch| (0..self.parts_a_batch).map(move |number| part(batch, number)));
        let parts = all.filter(|part| part.name.key(Route::Gold).as_str() > after).collect();
        Ok(Listing { parts, requests: 1 })
    }
}

impl ReadPart for MadeLake {
    async fn read_part(&self, key: &str) -> Result<Vec<u8>, LakeError> {
        let Some(name) = PartName::of_key(key, Route::Gold) else { return self.rest.read_part(key).await };
        let first = u64::from_str_radix(&name.digest, 16).unwrap_or_default() * ROWS_A_PART;
        Ok((first..first + ROWS_A_PART).map(line).collect::<String>().into_bytes())
    }
}

impl WritePart for MadeLake {
    async fn write_part(&self, key: &str, body: String) -> Result<(), LakeError> {
        self.rest.write_part(key, body).await
    }
}

impl ListRoute for MadeLake {
    async fn list_route(&self, _: Route, _: RangeInclusive<Millis>, _: u64) -> Result<Listing, LakeError> {
        Ok(Listing::default())
    }
}

impl CountRows for MadeLake {
    async fn count_rows(&self, route: Route, from: Millis, to: Millis) -> Result<u64, LakeError> {
        self.rest.count_rows(route, from, to).await
    }
}

impl LoadBreaker for MadeLake {
    async fn load_breaker(&self) -> Result<LoadedBreaker, LakeError> {
        self.rest.load_breaker().await
    }
}

impl MoveBreaker for MadeLake {
    async fn move_breaker(&self, from: &LoadedBreaker, to: &Breaker) -> Result<Moved, LakeError> {
        self.rest.move_breaker(from, to).await
    }
}

impl LoadPointer for MadeLake {
    async fn load_pointer(&self) -> Result<LoadedPointer, LakeError> {
        self.rest.load_pointer().await
    }
}

impl MovePointer for MadeLake {
    async fn move_pointer(&self, from: &LoadedPointer, to: &Pointer) -> Result<Moved, LakeError> {
        self.rest.move_pointer(from, to).await
    }
}

/// Returns a pair of texts of 60 words, of which the user changed a fifth.
fn line(number: u64) -> String {
    let mut state = number;
    let mut random = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ mixed >> 27
    };
    // The smaller of two numbers favours common words: as in real texts, a few words are frequent.
    let mut word = || format!("w{}", (random() % 30_000).min(random() % 30_000));
    let mut text = |words: usize| (0..words).map(|_| word()).collect::<Vec<_>>();
    let (prompt, rejected, other) = (text(60), text(60), text(60));
    let chosen: Vec<_> = (0..60).map(|at| if at % 5 == 0 { &other[at] } else { &rejected[at] }.as_str()).collect();
    let line = json!({
        "pair_id": format!("{number:064x}"), "event_id": format!("e-{number}"), "prompt": prompt.join(" "),
        "chosen": chosen.join(" "), "rejected": rejected.join(" "), "similarity": 0.8, "tags": [], "reasons": [], "scores": {},
        "policy": "0123456789abcdef", "contributor": format!("{:032x}", number / 4), "model": null, "thread_id": null,
        "occurred_at": null, "curated_at": "2026-11-22T10:20:30.007Z", "prompt_messages": null, "context": [], "feedback": null,
    });
    format!("{line}\n")
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1_024
}

#[tokio::main]
async fn main() {
    let pairs: u64 = std::env::args().nth(1).and_then(|pairs| pairs.parse().ok()).unwrap_or(5_000);
    let folder = tempfile::tempdir().unwrap();
    let location = Url::from_directory_path(folder.path()).unwrap();
    let mut lake = MadeLake { rest: MemoryLake::default(), parts_a_batch: pairs.div_ceil(ROWS_A_PART), batches: 0 };
    let (rules, goal) = (DatasetRules::default(), Goal { threshold: pairs, ..Goal::default() });
    for crossing in 1..=2 {
        lake.batches += 1;
        let started = Instant::now();
        let dataset = DeltaDataset::at(location.clone());
        let freezer = Freezer::new(lake.clone(), dataset, rules.clone(), BreakerBounds::default(), || FIRST);
        let report = freezer.freeze(FreezeRequest { crossing, goal }).await.unwrap();
        let seconds = started.elapsed().as_secs_f64();
        let peak = peak_megabytes();
        println!(
            "{} rows, {} held, {} near duplicates in {seconds:.1} s; peak so far {peak} MB",
            report.rows, report.held, report.near_duplicates
        );
    }
}
