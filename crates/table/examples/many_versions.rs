//! Makes a dataset of many versions in the folder of a lake, for measurements: `many_versions FOLDER VERSIONS PAIRS`. Each
//! version has so many pairs of its own, and a freeze's record, except that no part of a log went into it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for measurements")]

use std::path::Path;

use flywheel_curation::Curator;
use flywheel_dataset::{Background, Consumed, DatasetRules, Newcomers, ObjectDigest, Pair, VersionRecord, audit};
use flywheel_event::ContributorKey;
use flywheel_log::{Breadth, Frozen, Goal, Pointer, Watermark};
use flywheel_policy::Policy;
use flywheel_table::{Dataset as _, DeltaDataset, Loaded, Records};
use serde_json::json;

/// Returns a pair that repeats no other: its words follow from its number.
fn event(number: u64) -> String {
    let word = |at: u64| {
        let mut state = (number * 1_000 + at).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut letter = || {
            state = (state ^ (state >> 31)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            char::from(b'a' + (state >> 40) as u8 % 26)
        };
        (0..7).map(|_| letter()).collect::<String>()
    };
    let words = |from: u64, to: u64| (from..to).map(word).collect::<Vec<_>>().join(" ");
    let body = words(0, 60);
    json!({"event_id": format!("e{number}"), "contributor_id": format!("c{}", number % 997), "prompt": words(100, 110),
           "original_llm_output": format!("{body} {}", words(60, 66)), "final_user_edit": format!("{body} {}", words(70, 78))})
    .to_string()
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (lake, versions, pairs) =
        (Path::new(&arguments[1]), arguments[2].parse().unwrap(), arguments[3].parse::<u64>().unwrap());
    std::fs::create_dir_all(lake.join("datasets/dpo_gold_v1")).unwrap();
    let dataset = DeltaDataset::in_folder(lake).unwrap();
    let curator = Curator::new(Policy::default(), ContributorKey::new("key"));
    let rules = DatasetRules::default();
    for version in 1..=versions {
        let Loaded { snapshot, salt, last_freeze, .. } = dataset.load().await.unwrap();
        let mut newcomers = Newcomers::new(&rules);
        for number in (version - 1) * pairs..version * pairs {
            let line = curator.curate(&event(number), 1_795_342_830_007).unwrap().line;
            newcomers.add(Pair::read(&line).unwrap());
        }
        let audited = audit(newcomers, Background::default(), &rules, &salt);
        let mut objects = Vec::new();
        for (folder, extension, bytes) in
            [("parts", "jsonl", Vec::new()), ("background", "bin", audited.learnt(&[]).to_bytes())]
        {
            let object = ObjectDigest::of(folder, extension, &bytes);
            dataset.put_object(&snapshot, &object, bytes).await.unwrap();
            objects.push(object);
        }
        let consumed = Consumed { parts: 0, lines: pairs, list: objects.remove(0) };
        let previous = last_freeze.and_then(|records| records.version);
        let background = (None, objects.remove(0));
        let record =
            VersionRecord::of(&audited, (version, version), previous.as_ref(), consumed, background, (&rules, &salt));
        let rows = audited.entries.len() as u64;
        let frozen = Frozen {
            version,
            rows,
            duplicates: 0,
            near_duplicates: 0,
            superseded: 0,
            revised: 0,
            held: 0,
            waiting: 0,
            parts: 0,
            breadth: Breadth::default(),
            may_train: true,
        };
        let goal = Goal { threshold: pairs, ..Goal::default() };
        let pointer = Pointer { crossing: version, ..Pointer::default() };
        let pointer = pointer.after_freeze(frozen, &goal, Watermark::default(), 1_795_342_830_007);
        let records = |files| Records { pointer, version: Some(record.with_files(files)) };
        dataset.commit(snapshot, audited.entries, &audited.revised, records).await.unwrap();
    }
    println!("{} versions of {pairs} pairs in {}", versions, lake.display());
}
