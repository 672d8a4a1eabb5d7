//! Measures the memory of preparing a run. The dataset is made first, in its own process, for a freeze takes far more.
//! `cargo run -p flywheel-prepare --example prepare_memory -- FOLDER 4` freezes 4 × 5,000 pairs; without a number it prepares the run.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example for people")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::DatasetRules;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{FolderLake, ReplaceObject as _, WritePart as _};
use flywheel_log::{BreakerBounds, Goal, PartName};
use flywheel_prepare::{Preparer, RunRequest};
use flywheel_table::DeltaDataset;
use flywheel_training::{BASE_KEY, Sha256Hex};
use serde_json::json;

const FIRST: Millis = 1_795_342_830_007;
const HOUR: Millis = 60 * 60 * 1000;
const PAIRS: u64 = 5_000;

/// Returns a pair of texts of 60 words, with a prompt of as many.
fn line(number: u64) -> String {
    let mut state = number << 32;
    let mut word = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        format!("w{}", (mixed ^ mixed >> 27) % 30_000)
    };
    let mut text = || (0..60).map(|_| word()).collect::<Vec<_>>().join(" ");
    let (prompt, chosen, rejected) = (text(), text(), text());
    let line = json!({
        "pair_id": format!("{number:064x}"), "event_id": format!("e-{number}"), "prompt": prompt, "chosen": chosen,
        "rejected": rejected, "similarity": 0.8, "tags": [], "reasons": [], "scores": {}, "policy": "0123456789abcdef",
        "contributor": null, "model": null, "thread_id": null, "occurred_at": null,
        "curated_at": "2026-11-22T10:20:30.007Z", "prompt_messages": null, "context": [], "feedback": null,
    });
    format!("{line}\n")
}

fn dataset(folder: &Path) -> DeltaDataset {
    DeltaDataset::in_folder(folder).unwrap()
}

async fn freeze(folder: &Path, crossings: u64) {
    let lake = FolderLake::new(folder);
    for crossing in 1..=crossings {
        let first = crossing * PAIRS;
        let body = (first..first + PAIRS).map(line).collect();
        let part = PartName { written_at: FIRST + crossing * HOUR, digest: format!("{crossing:032x}"), rows: PAIRS };
        lake.write_part(&part.key(Route::Gold), body).await.unwrap();
        let freezer =
            Freezer::new(lake.clone(), dataset(folder), DatasetRules::default(), BreakerBounds::default(), || FIRST);
        let goal = Goal { threshold: PAIRS, ..Goal::default() };
        let report = freezer.freeze(FreezeRequest { crossing, goal }).await.unwrap();
        println!("version {}: {} rows", report.version, report.rows);
    }
    let base = json!({"id": "x", "prefix": "models/x/", "files": {"x": Sha256Hex::of(b"")}}).to_string();
    lake.replace_object(BASE_KEY, base).await.unwrap();
}

fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() / 1_024
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    std::fs::create_dir_all(folder.join("datasets/dpo_gold_v1")).unwrap();
    if let Some(crossings) = arguments.next().and_then(|crossings| crossings.parse().ok()) {
        return freeze(&folder, crossings).await;
    }
    let version = dataset(&folder).open_version(None).await.unwrap().unwrap().number();
    let started = Instant::now();
    let preparer = Preparer::new(FolderLake::new(&folder), dataset(&folder), || FIRST);
    let run = format!("measured-{}", std::process::id()).parse().unwrap();
    let prepared = preparer.prepare(RunRequest { run, version }).await.unwrap();
    let (train, held_out) = (prepared.train, prepared.held_out);
    println!("{train} + {held_out} pairs in {:.1} s; peak {} MB", started.elapsed().as_secs_f64(), peak_megabytes());
}
