//! The binary and the function judge alike: every available event goes through both.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lambda_events::sqs::SqsMessage;
use flywheel_curate::Curate;
use flywheel_curation::Curator;
use flywheel_lake::MemoryLake;
use flywheel_policy::Policy;
use serde_json::{Value, json};

/// The verdicts of both by event id.
type Verdicts = BTreeMap<String, Value>;

/// `true` for a read: the front door counts reads, and they never reach the function.
fn is_read(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|line| line["kind"] == "read")
}

/// The number of messages in one delivery of the queue.
const BATCH: usize = 1000;

fn jsonl_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_some_and(|extension| extension == "jsonl") && path.file_stem().unwrap() != "bad"
    });
    files.sort();
    files
}

fn of_the_binary(file: &Path) -> Verdicts {
    let output = Command::new(env!("CARGO_BIN_EXE_flywheel")).args(["replay", "--quiet"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let verdict = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let pair = if line["reasons"] == json!(["no_consent"]) { Value::Null } else { line["pair"].clone() };
        (line["event_id"].as_str().unwrap().to_owned(), of(&line, line["route"].as_str().unwrap(), pair))
    };
    lines.lines().filter(|line| !is_read(line)).map(verdict).collect()
}

async fn of_the_function(file: &Path) -> Verdicts {
    let lake = MemoryLake::default();
    let curate = Curate::new(Curator::new(Policy::default(), None), lake.clone(), || 1_795_342_830_007);
    let text = std::fs::read_to_string(file).unwrap();
    let message = |(number, body): (usize, &str)| -> SqsMessage {
        serde_json::from_value(json!({"messageId": number.to_string(), "body": body})).unwrap()
    };
    let messages: Vec<_> =
        text.split('\n').filter(|line| !line.is_empty() && !is_read(line)).enumerate().map(message).collect();
    for batch in messages.chunks(BATCH) {
        assert!(curate.handle(batch.to_vec()).await.unwrap().batch_item_failures.is_empty());
    }
    let mut verdicts = Verdicts::new();
    for (key, part) in lake.objects() {
        let route = key.split("route=").nth(1).unwrap().split('/').next().unwrap().to_owned();
        for line in String::from_utf8(part).unwrap().split_terminator('\n') {
            let line: Value = serde_json::from_str(line).unwrap();
            verdicts.insert(line["event_id"].as_str().unwrap().to_owned(), of(&line, &route, line["pair_id"].clone()));
        }
    }
    verdicts
}

fn of(line: &Value, route: &str, pair: Value) -> Value {
    let [reasons, tags, scores, similarity] = ["reasons", "tags", "scores", "similarity"].map(|field| &line[field]);
    json!({"route": route, "reasons": reasons, "tags": tags, "scores": scores, "similarity": similarity, "pair": pair})
}

#[tokio::test]
async fn binary_and_function_judge_alike() {
    judge_both(&jsonl_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/demo"))).await;
}

#[tokio::test]
#[ignore = "needs ../shared/data: make test-data"]
async fn binary_and_function_judge_real_edits_alike() {
    judge_both(&jsonl_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/edits"))).await;
}

async fn judge_both(files: &[PathBuf]) {
    assert!(!files.is_empty());
    for file in files {
        let (binary, function) = (of_the_binary(file), of_the_function(file).await);
        assert!(!binary.is_empty());
        assert_eq!(binary.len(), function.len(), "{}", file.display());
        for (event_id, verdict) in &binary {
            assert_eq!(Some(verdict), function.get(event_id), "{}: {event_id}", file.display());
        }
    }
}
