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
            let prompt = record["prompt"].as_str().unwrap(); let which = super::tokens::exact_hash(prompt, 0..prompt.len()) % 2;
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

#[test]
fn zz_repetition() {
    for file in ["dev/benign_mixed.jsonl", "dev/refusal_xstest_gpt4_llama.jsonl", "dev/prompt_injection_pos.jsonl", "edits/defacto_trainval.jsonl", "edits/lamp_partial.jsonl", "edits/ilf_code.jsonl", "edits/mlqe_pe_sample.jsonl"] {
        let Some(records) = records(file) else { return };
        let (mut n, mut k) = (0, 0);
        for record in &records {
            for field in ["text", "completion", "prompt", "original_llm_output", "final_user_edit"] {
                let Some(text) = record[field].as_str() else { continue };
                n += 1;
                let mut findings = Findings::default();
                super::repetition::inspect(Texts { prompt: "p", chosen: text, rejected: "" }, &mut findings);
                super::broken_fence::inspect(Texts { prompt: "p", chosen: text, rejected: "" }, &mut findings);
                super::chat_template::inspect(Texts { prompt: "p", chosen: text, rejected: "" }, &mut findings);
                for f in &findings.list {
                    k += 1;
                    if k < 12 { println!("  {file} {field} {:?} {:?} {:?}", f.reason, f.score, &text[text.floor_char_boundary(text.len().saturating_sub(150))..]); }
                }
            }
        }
        println!("FIG {file} {n} texts, {k} findings");
    }
    // This repository's own files.
    let mut stack = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")];
    let (mut n, mut k) = (0, 0);
    while let Some(dir) = stack.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { if !path.ends_with(".git") && !path.ends_with("target") { stack.push(path); } continue; }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            n += 1;
            let mut findings = Findings::default();
            super::repetition::inspect(Texts { prompt: "p", chosen: &text, rejected: "" }, &mut findings);
            super::broken_fence::inspect(Texts { prompt: "p", chosen: &text, rejected: "" }, &mut findings);
            if !findings.list.is_empty() { k += 1; println!("  {path:?} {:?}", findings.list); }
        }
    }
    println!("FIG own files {n}, {k} findings");
}

#[test]
fn zz_speed() {
    use super::changed::Changed;
    use std::hint::black_box;
    use std::time::Instant;
    let policy = Policy::default();
    let short = |n: &str| format!("Thanks for reaching out about invoice {n}. Our team in Lisbon looked into it and will refund the amount within {n} business days, as agreed earlier.");
    let para = |n: usize| (0..n).map(|i| format!("Paragraph {i} says that the {}th committee of the town met in the hall and talked about item {}, which Mr. Novak had put on its list. ", i * 7 % 31, i * i % 97)).collect::<String>();
    let cases = [
        ("150", short("7"), short("7"), short("8")),
        ("150 rewritten", short("7"), "I wanted to ask when the new offices open and if there is any parking nearby for guests who come by car.".to_owned() + " Also who to ask.", short("8")),
        ("2k", para(15), para(15).replacen("town", "city", 1), para(15)),
        ("2k all over", para(15), para(15).replace("town", "city"), para(15)),
        ("grounded 10k", para(80), para(5).replace("town", "City of Braga"), para(5)),
        ("100k all over", para(80), para(800).replace("town", "city"), para(800)),
        ("100k trivial", para(80), para(800).replace("town", "towns"), para(800)),
        ("100k loop", "p".into(), "abc def ghi jkl ".repeat(6400), para(800)),
        ("100k < marks", "p".into(), "<|[#`~".repeat(16000), "<|[#`~>".repeat(14000)),
        ("100k numbers", para(80), (0..16000).map(|i| format!("{i} ")).collect(), (0..16000).map(|i| format!("{} ", i * 3 + 1)).collect()),
        ("100k names", para(80), (0..12000).map(|i| format!("a X{i} ")).collect(), (0..12000).map(|i| format!("a Y{} ", i * 3 + 1)).collect()),
        ("100k CJK", para(80), "天気がいい日".repeat(5500), "天気が悪い日".repeat(5500)),
    ];
    for (name, prompt, chosen, rejected) in &cases {
        let texts = Texts { prompt, chosen, rejected };
        let runs = (40_000_000 / (prompt.len() + chosen.len() + rejected.len() + 400)).min(100_000) / 40 + 1;
        let time = |name2: &str, f: &dyn Fn(&mut Findings)| {
            let mut best = f64::MAX;
            for _ in 0..5 {
                let start = Instant::now();
                for _ in 0..runs { let mut findings = Findings::default(); f(&mut findings); black_box(&findings); }
                best = best.min(start.elapsed().as_secs_f64() * 1e6 / runs as f64);
            }
            print!("  {name2} {best:.2}");
        };
        let changed = Changed::new(texts);
        print!("SPEED {name} ({} B):", chosen.len());
        time("changed", &|_| { black_box(Changed::new(black_box(texts))); });
        time("words", &|f| super::words::inspect(&changed, &policy, f));
        time("critical", &|f| { f.add(Reason::Trivial, 1.0, None); super::critical::inspect(&changed, f) });
        time("facts", &|f| super::unsupported_facts::inspect(&changed, &policy, f));
        time("loaded", &|f| super::loaded_language::inspect(&changed, f));
        time("refusal", &|f| super::refusal_inversion::inspect(texts, f));
        time("template", &|f| super::chat_template::inspect(texts, f));
        time("fence", &|f| super::broken_fence::inspect(texts, f));
        time("repetition", &|f| super::repetition::inspect(texts, f));
        time("length", &|f| super::length::inspect(texts, &policy, f));
        println!();
    }
}
