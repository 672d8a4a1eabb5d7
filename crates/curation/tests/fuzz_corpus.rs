//! The inputs that fuzzing kept, replayed on every compiler: each once took a path of its own through the code.

#![allow(clippy::expect_used)]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[path = "../fuzz/checks.rs"]
mod checks;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target).with_extension("base64");
    let lines = std::fs::read_to_string(file).expect("the corpus is in the repository");
    let inputs: Vec<_> = lines.split('\n').map(|line| STANDARD.decode(line).expect("base64")).collect();
    assert!(inputs.len() > 50, "only {} inputs", inputs.len());
    inputs
}

fn texts(target: &str) -> Vec<String> {
    corpus(target).into_iter().filter_map(|input| String::from_utf8(input).ok()).collect()
}

#[test]
fn events() {
    corpus("event").iter().for_each(|body| checks::event(body));
}

#[test]
fn policies() {
    texts("policy").iter().for_each(|text| checks::policy(text));
}

#[test]
fn edits() {
    texts("audit").iter().for_each(|input| checks::audit(input));
}
