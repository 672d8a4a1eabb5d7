//! Measurements of the checks on real edits and labelled texts: 6,486 edits by people, and 900 labelled answers of two
//! models.
//!
//! The texts are not part of this repository. Without them the tests print a line and measure nothing.

use std::path::Path;

use flywheel_base::Reason;
use flywheel_text::similarity::similarity;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::changed::Changed;
use super::unsupported_facts::UnsupportedFacts;
use super::{Findings, Texts};
use super::{broken_fence, chat_template, critical, loaded_language, refusal_inversion, repetition};
use crate::AuditRules;

pub(super) const SUMMARIES: &str = "edits/defacto_trainval.jsonl";
pub(super) const CODE: &str = "edits/ilf_code.jsonl";
pub(super) const PROSE: &str = "edits/lamp_partial.jsonl";
pub(super) const TRANSLATIONS: &str = "edits/mlqe_pe_sample.jsonl";
const REFUSALS: &str = "dev/refusal_xstest_gpt4_llama.jsonl";

/// Returns the records of a file of the data that may lie beside the repository.
pub(super) fn records(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.split('\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns `true` for the held-out half: the last bit of the text's SHA-256. Rules are not tuned with a view of it.
pub(super) fn is_held_out(text: &str) -> bool {
    Sha256::digest(text).last().is_some_and(|byte| byte & 1 == 1)
}

fn texts(edit: &Value) -> Texts<'_> {
    let text = |field: &str| edit[field].as_str().unwrap();
    Texts { prompt: text("prompt"), chosen: text("final_user_edit"), rejected: text("original_llm_output") }
}

pub(super) fn changed_edits(edits: &[Value]) -> impl Iterator<Item = Texts<'_>> {
    edits.iter().map(texts).filter(|texts| texts.chosen != texts.rejected)
}

/// Counts the changed edits that a check flags.
fn flagged(edits: &[Value], inspect: impl Fn(Texts<'_>, &mut Findings), reason: Reason) -> usize {
    let is_flagged = |texts: &Texts<'_>| {
        let mut findings = Findings::default();
        inspect(*texts, &mut findings);
        findings.has(reason)
    };
    changed_edits(edits).filter(is_flagged).count()
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn most_trivial_fixes_of_facts_and_code_are_critical_and_the_fewest_of_language() {
    // Critical edits among the trivial ones when last measured: 38 of 43 in summaries, 20 of 22 in code, 73 of 190 in
    // translations, where editors often put one word for another.
    for (file, shares) in [(SUMMARIES, 0.8..=0.95), (CODE, 0.85..=1.0), (TRANSLATIONS, 0.3..=0.45)] {
        let edits = records(file);
        let rules = AuditRules::default();
        let is_trivial = |texts: &Texts<'_>| {
            similarity(texts.rejected, texts.chosen, rules.max_similarity_steps)
                .is_some_and(|similarity| similarity > rules.trivial_above)
        };
        let trivial: Vec<_> = changed_edits(&edits).filter(is_trivial).collect();
        let is_critical = |texts: &&Texts<'_>| {
            let mut findings = Findings::default();
            findings.add(Reason::Trivial, 1.0, None);
            critical::inspect(&Changed::new(**texts), &mut findings);
            findings.has(Reason::Critical)
        };
        let critical = trivial.iter().filter(is_critical).count();
        println!("{file}: {critical} of {} trivial edits are critical", trivial.len());
        assert!(shares.contains(&(critical as f64 / trivial.len() as f64)));
    }
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn inventions_are_found_and_corrections_are_not() {
    // Corrected summaries, and the same pairs swapped, which puts the errors in. When last measured: 308 and 4 of the 452
    // edits that the rules were tuned on, 328 and 1 of the 526 others.
    let edits = records(SUMMARIES);
    let rules = AuditRules::default();
    let check = UnsupportedFacts::new();
    let inspect = |texts: Texts<'_>, findings: &mut Findings| check.inspect(&Changed::new(texts), &rules, findings);
    let swapped = |texts: Texts<'_>, findings: &mut Findings| {
        inspect(Texts { chosen: texts.rejected, rejected: texts.chosen, ..texts }, findings);
    };
    let (held_out, tuned_on): (Vec<_>, Vec<_>) =
        edits.into_iter().partition(|edit| is_held_out(edit["prompt"].as_str().unwrap()));
    for (name, edits) in [("tuned on", tuned_on), ("held out", held_out)] {
        let grounded =
            changed_edits(&edits).filter(|texts| texts.prompt.chars().count() > rules.grounded_above_chars).count();
        let corrections = flagged(&edits, inspect, Reason::UnsupportedFacts);
        let inventions = flagged(&edits, swapped, Reason::UnsupportedFacts);
        println!(
            "{name}, {grounded} grounded edits: {inventions} inventions and {corrections} corrections are flagged"
        );
        assert!(inventions as f64 >= 0.6 * grounded as f64 && corrections as f64 <= 0.017 * grounded as f64);
    }
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn edits_of_a_text_to_improve_add_no_unsupported_facts() {
    // The same edits, under a prompt that has the model's text as a draft. When every long prompt counted as a source, a
    // quarter to a third of them was flagged; when last measured, none of 5,640.
    let check = UnsupportedFacts::new();
    let rules = AuditRules::default();
    let (mut all, mut held_back) = (0, 0);
    for file in [SUMMARIES, CODE, PROSE, TRANSLATIONS] {
        for texts in changed_edits(&records(file)).filter(|texts| !texts.rejected.is_empty()) {
            let times = rules.grounded_above_chars / texts.rejected.len() + 1;
            let prompt = format!("Please improve this.\n\n{}", format!("{}\n", texts.rejected).repeat(times));
            let mut findings = Findings::default();
            check.inspect(&Changed::new(Texts { prompt: &prompt, ..texts }), &rules, &mut findings);
            all += 1;
            held_back += usize::from(findings.has(Reason::UnsupportedFacts));
        }
    }
    println!("{held_back} of {all} edits of a text to improve are flagged");
    assert!(held_back * 100 <= all, "more than 1 %");
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn real_edits_are_hardly_ever_held_back() {
    // When last measured: 5 of 6,486, all for unsupported facts.
    let (mut all, mut held_back) = (0, 0);
    let facts = UnsupportedFacts::new();
    for file in [SUMMARIES, CODE, PROSE, TRANSLATIONS] {
        let edits = records(file);
        all += edits.len();
        held_back += flagged(
            &edits,
            |texts, findings| facts.inspect(&Changed::new(texts), &AuditRules::default(), findings),
            Reason::UnsupportedFacts,
        );
        held_back += flagged(&edits, refusal_inversion::inspect, Reason::RefusalInversion);
        held_back += flagged(&edits, chat_template::inspect, Reason::ChatTemplate);
        held_back += flagged(&edits, broken_fence::inspect, Reason::BrokenFence);
        held_back += flagged(&edits, repetition::inspect, Reason::Repetition);
        held_back += flagged(
            &edits,
            |texts, findings| loaded_language::inspect(&Changed::new(texts), findings),
            Reason::LoadedLanguage,
        );
    }
    println!("{held_back} of {all} edits are flagged");
    assert!(held_back <= 13, "more than 0.2 %");
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn a_loop_is_found_in_what_the_model_wrote() {
    // The machine translations have some: 9 when last measured. No text of a person has any.
    let edits = records(TRANSLATIONS);
    let of_model = |texts: Texts<'_>, findings: &mut Findings| {
        repetition::inspect(Texts { chosen: texts.rejected, rejected: texts.chosen, ..texts }, findings);
    };
    assert!(flagged(&edits, of_model, Reason::Repetition) >= 8);
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn refusals_are_told_from_answers() {
    // When last measured: 461 of 505 full refusals, 30 of 64 partial ones, 5 of 331 answers. Phrases were chosen with a
    // view of half of them; on the other half it was 232 of 250, 13 of 34 and 3 of 162.
    let answers = records(REFUSALS);
    let is_flagged = |answer: &Value| {
        let rejected = answer["completion"].as_str().unwrap();
        let mut findings = Findings::default();
        refusal_inversion::inspect(
            Texts { prompt: "", chosen: "Sure. Take the second street on the left.", rejected },
            &mut findings,
        );
        findings.has(Reason::RefusalInversion)
    };
    let share = |label: &str| {
        let answers: Vec<_> = answers.iter().filter(|answer| answer["label"] == label).collect();
        let flagged = answers.iter().filter(|answer| is_flagged(answer)).count();
        println!("{label}: {flagged} of {} flagged", answers.len());
        flagged as f64 / answers.len() as f64
    };
    let (refusals, _, answers) = (share("2_full_refusal"), share("3_partial_refusal"), share("1_full_compliance"));
    assert!(refusals >= 0.9 && answers <= 0.02);
}
