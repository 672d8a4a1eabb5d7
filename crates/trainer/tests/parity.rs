//! This trainer reproduces the numbers of PyTorch, peft and TRL for a tiny model. `infra/trainer/golden.py` wrote the files.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The tolerance in nats, for a row and for a loss.
const TOLERANCE: f64 = 1e-3;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn inspect(folder: &Path, adapter: Option<&Path>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flywheel-trainer"));
    command.arg("inspect").arg("--input").arg(folder.join("input")).arg("--base").arg(folder.join("base"));
    if let Some(adapter) = adapter {
        command.arg("--adapter").arg(adapter);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Compares the numbers of both. Fields of only one are ignored, except rows.
fn assert_agree(place: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            let (ours, theirs) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
            assert!((ours - theirs).abs() <= TOLERANCE, "{place}: {ours} here, {theirs} there");
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{place}");
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                assert_agree(&format!("{place}[{index}]"), ours, theirs);
            }
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, theirs) in theirs {
                assert_agree(&format!("{place}.{name}"), &ours[name], theirs);
            }
        }
        _ => panic!("{place}: {ours} here, {theirs} there"),
    }
}

fn expected(folder: &Path) -> Value {
    let mut expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    // A new adapter's gradient depends on its random matrices, which differ between trainers.
    expected["base"]["step"].as_object_mut().unwrap().remove("gradient_norm");
    expected
}

#[test]
fn rows_and_losses_are_those_of_pytorch_and_trl() {
    let (golden, expected) = (golden(), expected(&golden()));
    assert_agree("base", &inspect(&golden, None), &expected["base"]);
    assert_agree("adapter", &inspect(&golden, Some(&golden.join("adapter"))), &expected["adapter"]);
}

/// transformers builds the tokenizer of such a base from code and writes no `▁` after `<s>`.
#[test]
fn rows_of_a_llama_2_base_are_those_of_transformers() {
    let folder = golden().join("llama2");
    assert_agree("llama2", &inspect(&folder, None), &expected(&folder)["base"]);
}
