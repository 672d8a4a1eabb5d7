//! Lakes of older builds are still read, counted, frozen and exported: one of release 0.1.0, before revisions, waiting pairs and
//! normal forms, and one from before chats with tool calls.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

use flywheel_base::{Route, instant::Millis};
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::DatasetRules;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{FolderLake, ListParts as _, LoadPointer as _, WritePart as _};
use flywheel_log::{BreakerBounds, FreezeReport, Goal};
use flywheel_policy::Policy;
use flywheel_runtime::now;
use flywheel_table::{DeltaDataset, verify};
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: Millis = 1_795_343_000_000;

struct OldLake {
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl OldLake {
    fn new() -> Self {
        Self::of("lake-0.1.0")
    }

    fn of(fixture: &str) -> Self {
        let folder = TempDir::new().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture), folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder, runtime }
    }

    fn freeze(&self, crossing: u64) -> FreezeReport {
        self.freeze_at(crossing, || NOW)
    }

    fn freeze_at(&self, crossing: u64, now: fn() -> Millis) -> FreezeReport {
        let (lake, dataset) =
            (FolderLake::new(self.folder.path()), DeltaDataset::in_folder(self.folder.path()).unwrap());
        let freezer = Freezer::new(lake, dataset, DatasetRules::default(), BreakerBounds::default(), now);
        let goal = Goal { threshold: 3, ..Goal::default() };
        self.runtime.block_on(freezer.freeze(FreezeRequest { crossing, goal })).unwrap()
    }

    /// The numbers of versions, rows and quarantined pairs, as `verify` counts them.
    fn verified(&self) -> (u64, u64, u64) {
        let lake = FolderLake::new(self.folder.path());
        let dataset = DeltaDataset::in_folder(self.folder.path()).unwrap();
        let verified = self.runtime.block_on(verify(&dataset, &lake, |_, _| ())).unwrap();
        (verified.versions, verified.rows, verified.held)
    }

    fn flywheel(&self, arguments: &[&str]) -> String {
        let command = Command::new(env!("CARGO_BIN_EXE_flywheel"))
            .args(arguments)
            .arg("--lake")
            .arg(self.folder.path())
            .env_remove("FLYWHEEL_THRESHOLD")
            .output();
        let output = command.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn exported(&self, arguments: &[&str]) -> Vec<Value> {
        let file = self.folder.path().join("exported.jsonl");
        self.flywheel(&[&["export", "--force", "--output", file.to_str().unwrap()], arguments].concat());
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn an_old_lake_is_verified_and_counted() {
    let lake = OldLake::new();
    assert_eq!(lake.verified(), (2, 4, 10));
    let log = FolderLake::new(lake.folder.path());
    let pointer = lake.runtime.block_on(log.load_pointer()).unwrap().pointer;
    let listing = lake.runtime.block_on(log.list_parts(&pointer.watermark.list_after())).unwrap();
    assert_eq!(pointer.watermark.pending(&listing.parts).rows, 3);
    let status: Value = serde_json::from_str(&lake.flywheel(&["status", "--json"])).unwrap();
    assert!(status.is_object());
}

#[test]
fn an_old_version_is_exported_as_before() {
    let lake = OldLake::new();
    let rows = lake.exported(&["--format", "trl", "--version", "1", "--split", "all"]);
    assert_eq!(rows.len(), 1);
    let minimal = rows.iter().find(|row| row["prompt"] == json!("Write a python function")).unwrap();
    assert_eq!(minimal["chosen"], json!("def calculate_tax(): return 0.2"));
    assert_eq!(lake.exported(&["--format", "trl", "--version", "latest", "--split", "all"]).len(), 4);
}

#[test]
fn an_old_lake_is_frozen_on_and_of_what_was_pending_the_last_text_enters() {
    let lake = OldLake::new();
    let report = lake.freeze(3);
    assert_eq!((report.version > 2, report.rows, report.superseded, report.revised), (true, 2, 1, 0));
    let rows = lake.exported(&["--format", "trl", "--version", "latest", "--split", "all"]);
    let chosen: Vec<_> = rows.iter().map(|row| row["chosen"].as_str().unwrap()).collect();
    assert!(chosen.contains(&"The reply number 30 is finished now, and longer than it was."), "{chosen:?}");
    assert_eq!(rows.len(), 6);
    assert_eq!(lake.verified(), (3, 6, 10));
    let routes = Route::ALL.map(Route::as_str);
    assert!(routes.iter().all(|route| lake.folder.path().join(format!("dpo_gold_v1/route={route}")).is_dir()));
}

#[test]
fn a_lake_from_before_tool_calls_keeps_its_ids_and_is_exported_as_before_and_takes_chats_with_tools() {
    let lake = OldLake::of("lake-before-tools");
    // Rows are counted as they were added: the second version revised one.
    let (_, rows, _) = lake.verified();
    assert_eq!(rows, 13);
    let chats = lake.exported(&["--format", "openai", "--version", "1"]);
    assert_eq!(chats.len(), 8);
    let messages = |line: &Value| line["input"]["messages"].as_array().unwrap().len();
    assert_eq!(chats.iter().filter(|line| messages(line) == 2).count(), 4);
    assert!(chats.iter().all(|line| line["input"].as_object().unwrap().len() == 1));
    let table = lake.folder.path().join("table.parquet");
    lake.flywheel(&["export", "--format", "kto", "--as", "parquet", "--output", table.to_str().unwrap()]);

    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
    let event = json!({
        "event_id": "with-tools", "original_llm_output": "The answer of the tool is short.",
        "final_user_edit": "The reply of the tool is rather short.", "tools": [{"name": "f"}],
        "prompt": [{"role": "user", "content": "Call it."}, {"role": "assistant", "tool_calls": [call]},
                   {"role": "tool", "tool_call_id": "c", "content": "2"}]});
    let curated = Curator::new(Policy::default(), None).curate(&event.to_string(), now()).unwrap();
    let mut batch = Batch::default();
    batch.add(curated, ());
    let folder = FolderLake::new(lake.folder.path());
    for part in batch.into_parts(now()) {
        lake.runtime.block_on(folder.write_part(&part.name.key(part.route), part.body)).unwrap();
    }
    // The three pairs that were pending come along.
    assert_eq!(lake.freeze_at(3, now).rows, 4);
    let (_, rows, _) = lake.verified();
    assert_eq!(rows, 17);
    let with_tools = lake.exported(&["--format", "openai"]);
    assert_eq!(with_tools.iter().filter(|line| line["input"]["tools"].is_array()).count(), 1);
    assert_eq!(lake.exported(&["--format", "openai", "--version", "1"]), chats);
}
