//! Any three texts: judged, with every finding at a place that exists, and no text kept where none may be.
//!
//! The input is prompt, model's text and user's text, each cut off by a line with nothing but `----`. That keeps the corpus
//! readable, and lets the fuzzer mutate texts rather than JSON.
#![no_main]

use std::sync::LazyLock;

use flywheel_core::{Curator, Policy, Route, TextName};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), None));

fuzz_target!(|input: &str| {
    let mut texts = input.splitn(3, "\n----\n").map(|text| if text.is_empty() { "-" } else { text });
    let (prompt, rejected) = (texts.next().unwrap_or("-"), texts.next().unwrap_or("-"));
    let chosen = texts.next().unwrap_or("-");
    let message = json!({"prompt": prompt, "original_llm_output": rejected, "final_user_edit": chosen}).to_string();
    let curated = CURATOR.curate(&message, 0).expect("three texts are an edit");
    let line: Value = serde_json::from_str(&curated.line).expect("a line is JSON");
    if curated.verdict.route == Route::Dropped {
        return assert!(line["chosen"].is_null() && line["prompt"].is_null() && line["rejected"].is_null());
    }
    for span in curated.verdict.findings.iter().filter_map(|finding| finding.span.as_ref()) {
        let text = match span.text {
            TextName::Prompt => &line["prompt"],
            TextName::Chosen => &line["chosen"],
            TextName::Rejected => &line["rejected"],
        };
        let text = text.as_str().expect("what is not dropped keeps its texts");
        assert!(text.get(span.bytes.clone()).is_some(), "a finding lies outside its text");
    }
});
