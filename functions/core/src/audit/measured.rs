//! What the checks do on real edits and labelled texts. Those are not part of this repository: where they are absent, a line
//! says so, and nothing is measured.

use std::path::Path;

use serde_json::Value;

use super::{Findings, Texts};
use crate::policy::Policy;
use crate::reason::Reason;
use crate::similarity::similarity;

/// The records of a file of the data set that lies next to the repository.
fn records(file: &str) -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(file);
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: shared/data/{file} is not here");
        return None;
    };
    Some(text.split('\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn texts(record: &Value) -> Texts<'_> {
    let text = |field: &str| record[field].as_str().unwrap();
    Texts { prompt: text("prompt"), chosen: text("final_user_edit"), rejected: text("original_llm_output") }
}

const EDITS: [&str; 4] =
    ["edits/defacto_trainval.jsonl", "edits/ilf_code.jsonl", "edits/lamp_partial.jsonl", "edits/mlqe_pe_sample.jsonl"];

#[test]
fn zz_critical() {
    use super::changed::Changed;
    for file in EDITS {
        let Some(records) = records(file) else { continue };
        let (mut trivial, mut critical) = (0, 0);
        for record in &records {
            let texts = texts(record);
            if texts.chosen == texts.rejected { continue; }
            let s = similarity(texts.rejected, texts.chosen, 1 << 26).unwrap();
            if s <= Policy::default().trivial_above { continue; }
            trivial += 1;
            let mut findings = Findings::default();
            findings.add(Reason::Trivial, 1.0, None);
            let changed = Changed::new(texts);
            super::critical::inspect(&changed, &mut findings);
            let c = findings.has(Reason::Critical);
            critical += c as usize;
            if std::env::args().any(|a| a == "--show-output") {
                let short = |s: &str| s.chars().take(160).collect::<String>();
                println!("{} {:?} => {:?} {:?}", if c {"CRIT"} else {"triv"}, short(changed.rejected), short(changed.chosen), findings.list.last().map(|f| f.span.clone().map(|s| &texts.chosen[s.bytes])));
            }
        }
        println!("FIG {file}: {} edits, {trivial} trivial, {critical} critical", records.len());
    }
}

#[test]
fn zz_facts() {
    use super::changed::Changed;
    let show = std::env::args().any(|a| a == "--show-output");
    for file in EDITS {
        let Some(records) = records(file) else { continue };
        let mut n = 0;
        let mut flags = [0, 0];
        for record in &records {
            let t = texts(record);
            if t.chosen == t.rejected || t.prompt.chars().count() <= 400 { continue; }
            n += 1;
            for (i, t) in [t, Texts { chosen: t.rejected, rejected: t.chosen, ..t }].into_iter().enumerate() {
                let mut findings = Findings::default();
                let changed = Changed::new(t);
                super::unsupported_facts::inspect(&changed, &Policy::default(), &mut findings);
                if findings.has(Reason::UnsupportedFacts) {
                    flags[i] += 1;
                }
                let f = findings.has(Reason::UnsupportedFacts);
                if show && (i == 0) == f {
                    println!("{} | {} | {} | {:?}", ["FORWARD", "MISS"][i], t.rejected.chars().take(250).collect::<String>(), t.chosen.chars().take(250).collect::<String>(), findings.list.last().map(|f| f.span.clone().map(|s| &t.chosen[s.bytes])));
                }
            }
        }
        println!("FIG {file}: {n} grounded, forward {} swapped {}", flags[0], flags[1]);
    }
}

#[test]
fn zz_rest() {
    let show = std::env::args().any(|a| a == "--show-output");
    for file in EDITS {
        let Some(records) = records(file) else { continue };
        for swapped in [false, true] {
        let mut counts = std::collections::BTreeMap::new();
        for record in &records {
            let mut t = texts(record);
            if t.chosen == t.rejected { continue; }
            if swapped { t = Texts { chosen: t.rejected, rejected: t.chosen, ..t }; }
            let mut findings = Findings::default();
            if similarity(t.rejected, t.chosen, 1 << 26).unwrap() > 0.95 { findings.add(Reason::Trivial, 1.0, None); }
            super::Audit::new().inspect(t, &Policy::default(), &mut findings);
            for f in &findings.list {
                *counts.entry(f.reason).or_insert(0) += 1;
                if show && !swapped && !matches!(f.reason, Reason::Trivial | Reason::Critical | Reason::LikelyRewrite | Reason::UnsupportedFacts) {
                    println!("REST {file} {:?} {:?} => {:?}", f, t.rejected.chars().take(200).collect::<String>(), t.chosen.chars().take(200).collect::<String>());
                }
            }
        }
        println!("FIG {file} swapped {swapped}: {counts:?}");
        }
    }
}

#[test]
fn zz_refusals() {
    let show = std::env::args().any(|a| a == "--show-output");
    let Some(records) = records("dev/refusal_xstest_gpt4_llama.jsonl") else { return };
    for half in [0, 1] {
        let mut n = std::collections::BTreeMap::new();
        for record in &records {
            let completion = record["completion"].as_str().unwrap();
            let label = record["label"].as_str().unwrap();
            let which = super::tokens::exact_hash(record["prompt"].as_str().unwrap()) % 2;
            if which != half { continue; }
            let mut findings = Findings::default();
            let t = Texts { prompt: "p", chosen: "Sure. Take the second left.", rejected: completion };
            super::refusal_inversion::inspect(t, &mut findings);
            let f = findings.has(Reason::RefusalInversion);
            *n.entry((label, f)).or_insert(0) += 1;
            if show && half == 0 && f != label.starts_with('2') {
                println!("REFUSAL {label} {f} {:?}", completion.chars().take(220).collect::<String>());
            }
        }
        println!("FIG half {half}: {n:?}");
    }
    for file in ["dev/benign_mixed.jsonl"] {
        let Some(records) = self::records(file) else { return };
        let mut k = 0;
        for record in &records {
            let Some(text) = record["text"].as_str() else { println!("{:?}", record.as_object().unwrap().keys()); break };
            let mut findings = Findings::default();
            super::refusal_inversion::inspect(Texts { prompt: "p", chosen: "Sure. Take the second left.", rejected: text }, &mut findings);
            k += findings.has(Reason::RefusalInversion) as usize;
        }
        println!("FIG {file}: {k} of {}", records.len());
    }
}
