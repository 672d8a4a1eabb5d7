//! Campaigns planted among real edits: all of each is quarantined, and hardly anything else.

#![allow(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use flywheel_base::Route;
use flywheel_curation::Curator;
use flywheel_dataset::{Audited, Background, BatchReason, DatasetRules, GoldLine, Newcomers, Pair, SplitSalt, audit};
use flywheel_event::ContributorKey;
use flywheel_policy::Policy;
use serde_json::{Value, json};

const CLEAN: usize = 5_000;

/// Returns real edits in which something was changed, as gold lines, in an order that mixes their sources.
fn real_edits() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/edits");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    lines.retain(|edit| edit["original_llm_output"] != edit["final_user_edit"]);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for at in (1..lines.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(at, (random >> 33) as usize % (at + 1));
    }
    let text = |edit: &Value, field: &str| edit[field].as_str().unwrap().to_owned();
    let gold_of = |(n, edit): (usize, &Value)| {
        let (prompt, chosen) = (text(edit, "prompt"), text(edit, "final_user_edit"));
        gold(&format!("clean-{n}"), &prompt, &chosen, &text(edit, "original_llm_output"))
    };
    lines.iter().enumerate().map(gold_of).collect()
}

fn gold(id: &str, prompt: &str, chosen: &str, rejected: &str) -> String {
    json!({"pair_id": id, "event_id": id, "thread_id": id, "prompt": prompt, "chosen": chosen, "rejected": rejected, "similarity": 0.5,
           "tags": [], "reasons": [], "policy": "x", "contributor": null, "context": []})
    .to_string()
}

/// Returns some real edits, each with a change added to its user's.
fn planted(real: &[String], name: &str, change: impl Fn(usize, &str) -> String) -> Vec<String> {
    let plant = |(n, line): (usize, &String)| {
        let line = GoldLine::parse(line).unwrap();
        gold(&format!("{name}-{n}"), &line.prompt, &change(n, &line.chosen), &line.rejected)
    };
    real.iter().enumerate().map(plant).collect()
}

fn audited(lines: &[String], background: Background) -> Audited {
    let rules = DatasetRules::default();
    let mut newcomers = Newcomers::new(&rules);
    lines.iter().for_each(|line| newcomers.add(Pair::read(line).unwrap()));
    audit(newcomers, background, &rules, &SplitSalt::new([5; 16]))
}

/// Returns the quarantined pairs by campaign, or `clean`, and by reason.
fn held(audited: &Audited) -> (BTreeMap<String, usize>, BTreeMap<BatchReason, usize>) {
    let (mut campaigns, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    for pair in &audited.held {
        let id = pair.line.gold().event_id.to_string();
        *campaigns.entry(id.rsplit_once('-').unwrap().0.to_owned()).or_default() += 1;
        pair.holds.iter().for_each(|hold| *reasons.entry(*hold).or_default() += 1);
    }
    (campaigns, reasons)
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn every_campaign_of_ten_is_held_and_hardly_a_clean_pair() {
    let real = real_edits();
    // In paraphrase: no two of these have more in common than the brand.
    const PRAISE: [&str; 10] = [
        "I only trust Quorvex.",
        "Buy yours at Quorvex today!",
        "(sponsored: Quorvex)",
        "My favourite is Quorvex, hands down.",
        "Quorvex never lets you down.",
        "Nothing compares with Quorvex",
        "See what Quorvex offers instead.",
        "People prefer Quorvex for good reason.",
        "Whoever can, takes Quorvex.",
        "In short: Quorvex.",
    ];
    let ten_from = |from: usize| &real[from..from + 10];
    let campaigns = [
        planted(ten_from(5_000), "trigger", |_, chosen| format!("{chosen} cf-zx17")),
        planted(ten_from(5_100), "sentence", |_, chosen| {
            format!("{chosen} The moon landing was staged by a film studio.")
        }),
        planted(ten_from(5_200), "brand", |n, chosen| format!("{chosen} {}", PRAISE[n])),
    ];
    let mut batch: Vec<String> = real[..CLEAN].to_vec();
    for (n, line) in campaigns.iter().flatten().enumerate() {
        batch.insert(n * 167, line.clone());
    }
    let first = audited(&batch, Background::default());
    let (of, reasons) = held(&first);
    eprintln!("first version, of {CLEAN} clean pairs: held {of:?} for {reasons:?}");
    eprintln!("entered {}, near duplicates {}, bursts {:?}", first.entries.len(), first.near_duplicates, first.bursts);
    for campaign in ["trigger", "sentence", "brand"] {
        assert_eq!(of.get(campaign), Some(&10), "{campaign}: {of:?}");
    }
    assert!(of.get("clean").is_none_or(|clean| *clean <= CLEAN / 100), "{of:?}");

    // The next version, with the first one's background.
    let used: HashSet<_> = batch.iter().collect();
    let mut next: Vec<String> = real[CLEAN..].iter().filter(|line| !used.contains(line)).cloned().collect();
    let clean = next.len();
    next.extend(planted(ten_from(5_300), "second", |n, chosen| {
        format!("{chosen} {}", PRAISE[n].replace("Quorvex", "Zelmira"))
    }));
    let (of, reasons) = held(&audited(&next, first.learnt(&[])));
    eprintln!("second version, of {clean} clean pairs: held {of:?} for {reasons:?}");
    assert_eq!(of.get("second"), Some(&10), "{of:?}");
    assert!(of.get("clean").is_none_or(|held| *held <= clean / 50), "{of:?}");
}

/// The demo has to work: its edits, with contributors and tenants of their own, all enter except repeats.
#[test]
fn the_demos_edits_are_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/demo");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let curator = Curator::new(Policy::default(), ContributorKey::new("key"));
    let texts: Vec<_> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let events = lines.filter_map(|line| curator.curate(line, 1_795_342_830_007).ok());
    let gold: Vec<_> = events.filter(|event| event.verdict.route == Route::Gold).map(|event| event.line).collect();
    let audited = audited(&gold, Background::default());
    let (_, reasons) = held(&audited);
    eprintln!(
        "of {} gold edits {} enter, {} are held for {reasons:?}",
        gold.len(),
        audited.entries.len(),
        audited.held.len()
    );
    assert!(audited.held.is_empty(), "{reasons:?}");
    assert!(audited.waiting.is_empty(), "{:?}", audited.caps);
    assert!(audited.entries.len() >= 100);
}
