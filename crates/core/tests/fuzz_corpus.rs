//! The inputs that fuzzing kept, replayed on every compiler: each once took a path of its own through the code.

#![allow(clippy::expect_used)]

use std::fs;
use std::path::Path;

#[path = "../fuzz/checks.rs"]
mod checks;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(folder).expect("the corpus is in the repository");
    let inputs: Vec<_> = files.map(|file| fs::read(file.expect("a file").path()).expect("it can be read")).collect();
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
