//! Measurements of the model on texts that it was not trained on, and on all real edits. No text is printed.
//!
//! The data is not part of this repository: `make test-data` runs these where it is.

use flywheel_base::Reason;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::Findings;
use super::super::measured::{CODE, PROSE, SUMMARIES, TRANSLATIONS, changed_edits, records};
use super::super::subject::{Subject, Texts};
use super::inspect;
use crate::AuditRules;

const POSTS: &str = "dev/tox_davidson_8k.jsonl";
const STATEMENTS: &str = "dev/tox_toxigen_safenlp.jsonl";
const COMMENTS: &str = "dev/tox_toxic_spans_pos.jsonl";
const TALK: &str = "dev/tox_wiki_talk.jsonl";
const BENIGN: &str = "dev/benign_mixed.jsonl";

/// Returns `true` for the fifth of the texts that the training script holds out (`split_of` in `toxicity/texts.py`).
fn is_held_out(text: &str) -> bool {
    Sha256::digest(text)[0] < 51
}

fn findings(rejected: &str, chosen: &str) -> Findings {
    let mut findings = Findings::default();
    inspect(&Subject::new(Texts { prompt: "", chosen, rejected }), &AuditRules::default(), &mut findings);
    findings
}

fn is_toxic(text: &str) -> bool {
    findings("", text).has(Reason::Toxic)
}

fn share(texts: &[String], is_found: impl Fn(&str) -> bool) -> f64 {
    texts.iter().filter(|text| is_found(text)).count() as f64 / texts.len() as f64
}

/// Returns the held-out texts of a file that `is_wanted` accepts.
fn held_out(file: &str, is_wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let texts = records(file).into_iter().filter(is_wanted).map(|record| record["text"].as_str().unwrap().to_owned());
    texts.filter(|text| is_held_out(text)).collect()
}

/// Returns AUC and F1 on the held-out texts of a labelled file.
fn quality(file: &str) -> (f64, f64) {
    let toxic = held_out(file, |record| record["toxic"] == 1);
    let clean = held_out(file, |record| record["toxic"] == 0);
    let scores = |texts: &[String]| -> Vec<f32> {
        texts.iter().map(|text| findings("", text).scores.toxicity.unwrap_or_default()).collect()
    };
    let (of_toxic, of_clean) = (scores(&toxic), scores(&clean));
    let in_order: f64 = of_toxic
        .iter()
        .flat_map(|toxic| {
            of_clean.iter().map(move |clean| if toxic > clean { 1.0 } else { f64::from(toxic == clean) / 2.0 })
        })
        .sum();
    let auc = in_order / (of_toxic.len() * of_clean.len()) as f64;
    let found = of_toxic.iter().filter(|score| **score > 0.5).count() as f64;
    let mistaken = of_clean.iter().filter(|score| **score > 0.5).count() as f64;
    let f1 = 2.0 * found / (toxic.len() as f64 + found + mistaken);
    println!(
        "{file}: {} toxic, {} clean, AUC {auc:.3}, F1 {f1:.3}, {mistaken} clean ones found",
        toxic.len(),
        clean.len()
    );
    (auc, f1)
}

/// Returns held-out toxic posts and comments of one to two lines.
fn toxic_posts() -> Vec<String> {
    let is_short = |record: &Value| record["toxic"] == 1 && record["text"].as_str().unwrap().len() <= 200;
    let mut posts = held_out(POSTS, is_short);
    posts.extend(held_out(COMMENTS, is_short));
    posts
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn posts_comments_and_talk_are_told() {
    let (auc, f1) = quality(POSTS);
    assert!(auc >= 0.95 && f1 >= 0.90, "posts");
    let (auc, f1) = quality(TALK);
    assert!(auc >= 0.88 && f1 >= 0.65, "talk");
    // Contempt without a word of contempt: a linear model is bad at it.
    let (auc, _) = quality(STATEMENTS);
    assert!(auc >= 0.78, "statements");
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn clean_texts_pass() {
    for source in ["benign_lamp_fiction", "benign_tech_docs", "benign_wiki_mtpe"] {
        let texts = held_out(BENIGN, |record| record["source"] == source);
        let found = share(&texts, is_toxic);
        println!("{source}: {found:.4} of {} found", texts.len());
        assert!(found <= 0.02, "{source}");
    }
    // There are only 46 texts of code, so that one of them is 2 %.
    for (file, most) in [(SUMMARIES, 0.01), (CODE, 0.03), (PROSE, 0.0), (TRANSLATIONS, 0.01)] {
        let edits = records(file);
        let texts: Vec<_> = edits.iter().map(|edit| edit["final_user_edit"].as_str().unwrap().to_owned()).collect();
        let texts: Vec<_> = texts.into_iter().filter(|text| is_held_out(text)).collect();
        let found = share(&texts, is_toxic);
        println!("{file}: {found:.4} of {} held-out texts found", texts.len());
        assert!(found <= most, "{file}");
    }
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn real_edits_are_hardly_ever_toxic() {
    let (mut all, mut toxic, mut foreign) = (0, 0, 0);
    for file in [SUMMARIES, CODE, PROSE, TRANSLATIONS] {
        let edits = records(file);
        for texts in changed_edits(&edits) {
            let findings = findings(texts.rejected, texts.chosen);
            all += 1;
            toxic += usize::from(findings.has(Reason::Toxic));
            foreign += usize::from(findings.has(Reason::UnknownLanguage));
        }
    }
    println!("of {all} edits {toxic} are toxic, and {foreign} in an unknown language");
    assert!(toxic * 200 <= all, "more than 0.5 %");
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn languages_are_told() {
    for (pair, least, most) in [("en-de", 0.85, 1.0), ("en-zh", 0.97, 1.0), ("ro-en", 0.0, 0.01), ("et-en", 0.0, 0.01)]
    {
        let edits = records(TRANSLATIONS);
        let texts = edits.iter().filter(|edit| edit["meta"]["lp"] == pair);
        let texts: Vec<_> = texts.map(|edit| edit["final_user_edit"].as_str().unwrap().to_owned()).collect();
        let foreign = share(&texts, |text| findings("", text).has(Reason::UnknownLanguage));
        println!("{pair}: {foreign:.4} of {} are in an unknown language", texts.len());
        assert!((least..=most).contains(&foreign), "{pair}");
    }
}

type Disguise<'d> = &'d dyn Fn(&str) -> String;

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn disguises_cost_little_recall() {
    let posts = toxic_posts();
    let mapped = |text: &str, from: &str, to: &str| -> String {
        let map =
            |letter| to.chars().nth(from.chars().position(|other| other == letter).unwrap_or(99)).unwrap_or(letter);
        text.chars().map(map).collect()
    };
    let full_width =
        |letter| if matches!(letter, '!'..='~') { char::from_u32(letter as u32 + 0xFEE0).unwrap() } else { letter };
    let spaced = |text: &str| -> String {
        text.chars().flat_map(|letter| [letter, ' ']).collect::<String>().trim_end().to_owned()
    };
    let plain = share(&posts, is_toxic);
    println!("{} posts, {plain:.3} found", posts.len());
    let disguises: [(&str, Disguise<'_>); 5] = [
        ("leet", &|text| mapped(text, "aeiosAEIOS", "4310$4310$")),
        ("homoglyphs", &|text| mapped(text, "aeopcyxiAEOPC", "аеорсухіАЕОРС")),
        ("zero-width", &|text| text.chars().flat_map(|letter| [letter, '\u{200b}']).collect()),
        ("full-width", &|text| text.chars().map(full_width).collect()),
        ("spaced", &spaced),
    ];
    for (name, disguise) in disguises {
        let found = share(&posts, |text| is_toxic(&disguise(text)));
        println!("{name}: {found:.3} found, {:.3} of the plain ones", found / plain);
        assert!(found >= 0.9 * plain, "{name}");
    }
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn one_sentence_in_a_page_is_found() {
    let posts = toxic_posts();
    let edits = records(PROSE);
    let pages: Vec<_> =
        edits.iter().map(|edit| edit["final_user_edit"].as_str().unwrap()).filter(|text| is_held_out(text)).collect();
    let with = |index: usize, post: &str| {
        let page = pages[index % pages.len()];
        let middle = page.ceil_char_boundary(page.len() / 2);
        let at = middle + page[middle..].find(". ").map_or(page.len() - middle, |stop| stop + 2);
        (page, format!("{}{post}. {}", &page[..at], &page[at..]))
    };
    let found = |rejected: &dyn Fn(&'_ str) -> String| {
        let is_found = |(index, post): (usize, &String)| {
            let (page, chosen) = with(index, post);
            findings(&rejected(page), &chosen).has(Reason::Toxic)
        };
        posts.iter().enumerate().filter(|&post| is_found(post)).count() as f64 / posts.len() as f64
    };
    let (added, all_new) = (found(&str::to_owned), found(&|_| String::new()));
    let mistaken = pages.iter().filter(|page| is_toxic(page)).count() as f64 / pages.len() as f64;
    println!(
        "found in {} pages: {added:.3} of sentences added, {all_new:.3} in new pages; {mistaken:.3} of clean pages",
        pages.len()
    );
    // If the whole page is new, a dozen other sentences are read as well, so one has to be surer.
    assert!(added >= 0.6 && all_new >= 0.5 && mistaken <= 0.02);
}
