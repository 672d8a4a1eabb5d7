//! A lake in a folder, with parts by curation and versions by freezes as in the cloud.

use std::path::Path;
use std::process::{Command, Output};

use flywheel_base::instant::Millis;
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::DatasetRules;
use flywheel_event::ContributorKey;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{FolderLake, WritePart as _};
use flywheel_log::{BreakerBounds, FreezeReport, Goal};
use flywheel_operator::{Amender, Request, Wish};
use flywheel_policy::Policy;
use flywheel_table::DeltaDataset;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Lake {
    folder: TempDir,
    curator: Curator,
    runtime: tokio::runtime::Runtime,
}

impl Lake {
    /// A lake that keeps every liked output.
    pub(crate) fn new() -> Self {
        Self::with_policy("[sampling]\nthumbs_up = 1.0\nstars = 1.0\naccept = 1.0\n")
    }

    pub(crate) fn with_policy(policy: &str) -> Self {
        let curator = Curator::new(Policy::parse(policy).unwrap(), ContributorKey::new("key"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder: TempDir::new().unwrap(), curator, runtime }
    }

    /// Returns a copy of this lake, as it is now.
    #[allow(dead_code, reason = "not every test that shares this module copies")]
    pub(crate) fn copied(&self) -> Self {
        let copy = Self::new();
        let mut folders = vec![self.folder().to_owned()];
        while let Some(folder) = folders.pop() {
            let into = copy.folder().join(folder.strip_prefix(self.folder()).unwrap());
            std::fs::create_dir_all(&into).unwrap();
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    std::fs::copy(&entry, into.join(entry.file_name().unwrap())).unwrap();
                }
            }
        }
        copy
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes events as curation does: one part a route.
    pub(crate) fn curate(&self, written_at: Millis, events: &[Value]) {
        let lake = FolderLake::new(self.folder());
        let mut batch = Batch::default();
        for event in events {
            batch.add(self.curator.curate(&event.to_string(), written_at).unwrap(), ());
        }
        for part in batch.into_parts(written_at) {
            self.runtime.block_on(lake.write_part(&part.name.key(part.route), part.body)).unwrap();
        }
    }

    /// Freezes pending pairs, as the workflow does.
    pub(crate) fn freeze(&self, crossing: u64) -> FreezeReport {
        std::fs::create_dir_all(self.folder().join("datasets/dpo_gold_v1")).unwrap();
        let (lake, dataset) = (FolderLake::new(self.folder()), DeltaDataset::in_folder(self.folder()).unwrap());
        let freezer =
            Freezer::new(lake, dataset, DatasetRules::default(), BreakerBounds::default(), flywheel_runtime::now);
        let goal = Goal { threshold: 3, ..Goal::default() };
        self.runtime.block_on(freezer.freeze(FreezeRequest { crossing, goal })).unwrap()
    }

    /// Rolls back and forth between the first two versions until there are this many.
    #[allow(dead_code, reason = "not every test that shares this module amends")]
    pub(crate) fn amend_until(&self, newest: u64) {
        let (lake, dataset) = (FolderLake::new(self.folder()), DeltaDataset::in_folder(self.folder()).unwrap());
        let amender = Amender::new(&lake, &dataset, flywheel_runtime::now);
        for to in [1, 2].into_iter().cycle() {
            let wish = Wish::RollBackTo(to);
            let request = Request { wish, by: "kim".to_owned(), why: "a test".to_owned() };
            let made = self.runtime.block_on(amender.amend(&request)).unwrap();
            if made.is_some_and(|made| made.record.version >= newest) {
                return;
            }
        }
    }

    /// Runs a command on this lake.
    pub(crate) fn flywheel(&self, arguments: &[&str]) -> Output {
        let command = Command::new(env!("CARGO_BIN_EXE_flywheel"))
            .args(arguments)
            .arg("--lake")
            .arg(self.folder())
            .env_remove("FLYWHEEL_THRESHOLD")
            .output();
        command.unwrap()
    }

    /// Returns a command's JSON report.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.flywheel(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Returns a command's text report.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.flywheel(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// An edit by a contributor who has no other edits.
pub(crate) fn edit(number: u32, prompt: Value) -> Value {
    json!({"event_id": format!("e{number}"), "prompt": prompt, "contributor_id": format!("c{number}"),
           "original_llm_output": format!("The answer number {number} is short."),
           "final_user_edit": format!("The reply number {number} is rather short.")})
}

#[allow(dead_code, reason = "not every test that shares this module needs many")]
pub(crate) fn edits(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(|number| edit(number, json!(format!("Question {number}?")))).collect()
}
