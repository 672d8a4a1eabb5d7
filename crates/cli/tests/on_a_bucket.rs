//! Commands on a lake in a bucket: versions that commands commit there, and a store that stalls.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod bucket;
#[allow(dead_code, reason = "shared by tests that use parts of it")]
mod lake;

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use flywheel_event::ContributorKey;
use flywheel_log::Pointer;
use serde_json::{Value, json};

use bucket::Bucket;
use lake::{Lake, edits};

/// The time limit of one command. It takes about two seconds, and one whose checkpoint gets no answer twenty more.
const PATIENCE: Duration = Duration::from_secs(28);

/// Runs a command; panics if it does not end in time.
fn run(bucket: &Bucket, arguments: &[&str]) -> Output {
    let mut command = bucket.flywheel(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{arguments:?} does not end: {:?}", child.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

/// Runs a command that changes the lake, and returns its report.
fn changed(bucket: &Bucket, arguments: &[&str]) -> Value {
    let output = run(bucket, &[arguments, &["--yes", "--json", "--by", "kim", "--why", "a test"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", lake::stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A lake with two versions: three rows, then six.
fn two_versions() -> Lake {
    let lake = Lake::new();
    let now = flywheel_runtime::now();
    lake.curate(now, &edits(0..3));
    assert_eq!(lake.freeze(1).version, 1);
    lake.curate(now + 1, &edits(3..6));
    assert_eq!(lake.freeze(2).version, 2);
    lake
}

/// Commits versions by commands until there are this many. Each command must end, and leave the pointer at its version.
fn commit_until(lake: &Lake, bucket: &Bucket, newest: u64) {
    let mut to = 1;
    let pointer = || {
        let pointer = std::fs::read(lake.folder().join("state/pointer.json")).unwrap();
        serde_json::from_slice::<Pointer>(&pointer).unwrap().version()
    };
    while pointer() < newest {
        let version = changed(bucket, &["rollback", "--to", &to.to_string()])["version"].as_u64().unwrap();
        assert_eq!(pointer(), version);
        to = 3 - to;
    }
    let log = lake.folder().join("datasets/dpo_gold_v1/_delta_log");
    for version in (9..=newest).step_by(10) {
        assert!(log.join(format!("{version:020}.checkpoint.parquet")).is_file(), "no checkpoint of version {version}");
    }
    let verified = run(bucket, &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// A checkpoint that waits in the thread that reads its connections ends after 30 seconds for each of them, or never.
#[test]
fn commands_on_a_bucket_end_after_ten_versions() {
    let lake = two_versions();
    commit_until(&lake, &Bucket::of(lake.folder()), 11);
}

#[test]
fn an_erasure_that_commits_a_tenth_version_deletes_too() {
    let lake = two_versions();
    let bucket = Bucket::of(lake.folder());
    lake.amend_until(8);
    let report = changed(&bucket, &["forget", "--contributor-id", "c1"]);
    assert_eq!((&report["version"], &report["rows"]), (&json!(9), &json!(1)), "{report}");
    assert_eq!(changed(&bucket, &["forget", "--contributor-id", "c1"])["objects"], 0, "all is deleted");
    assert!(run(&bucket, &["verify"]).status.success());
}

#[test]
fn a_store_that_does_not_take_a_checkpoint_stops_no_command() {
    let lake = two_versions();
    let bucket = Bucket::of(lake.folder());
    lake.amend_until(8);
    bucket.stall(".checkpoint.parquet");
    assert_eq!(changed(&bucket, &["rollback", "--to", "2"])["version"], 9);
    assert_eq!(changed(&bucket, &["rollback", "--to", "1"])["version"], 10, "the pointer is at version 9");
    assert!(run(&bucket, &["verify"]).status.success());
}

#[test]
fn commands_on_a_bucket_end_after_a_hundred_versions() {
    let lake = two_versions();
    lake.amend_until(97);
    commit_until(&lake, &Bucket::of(lake.folder()), 101);
}

/// A lake in which c1 has rows, a pending part and copies in a run, beside others.
fn with_data_of_c1() -> Lake {
    let lake = two_versions();
    let mut pending = edits(6..8);
    pending[0]["contributor_id"] = json!("c1");
    lake.curate(flywheel_runtime::now() + 2, &pending);
    let copies = lake.folder().join(COPIES);
    std::fs::create_dir_all(copies.parent().unwrap()).unwrap();
    std::fs::write(copies, "{\"event_id\":\"e1\"}\n{\"event_id\":\"e2\"}\nnot JSON\n").unwrap();
    lake
}

const COPIES: &str = "runs/crossing-000001-attempt-1/input/train.jsonl";

#[test]
fn an_erasure_that_dies_at_any_write_is_completed_by_the_same_command() {
    let alive = with_data_of_c1();
    let forget = ["forget", "--contributor-id", "c1", "--by", "kim", "--why", "a test"];
    let planned = run(&Bucket::of(alive.folder()), &[&forget[..], &["--dry-run", "--json"]].concat());
    let planned: Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!((&planned["copies"], &planned["unreadable"]), (&json!([COPIES]), &json!([COPIES])));
    assert_eq!((&planned["lines"], &planned["rows"]), (&json!(2), &json!(1)), "{planned}");
    for writes in 0.. {
        let lake = alive.copied();
        let bucket = Bucket::of(lake.folder());
        bucket.refuse_after(Some(writes));
        let died = !run(&bucket, &[&forget[..], &["--yes"]].concat()).status.success();
        assert!(lake.folder().join(COPIES).is_file(), "the run's file is there at every moment");
        bucket.refuse_after(None);
        let again = changed(&bucket, &["forget", "--contributor-id", "c1"]);
        assert!(again["version"].is_null() || again["changed"] == true, "after {writes} writes: {again}");
        let left = lake.json(&["forget", "--contributor", &c1(), "--dry-run", "--by", "kim", "--why", "a test"]);
        assert_eq!((&left["lines"], &left["rows"], &left["objects"]), (&json!(0), &json!(0), &json!(0)), "{left}");
        assert_eq!(std::fs::read_to_string(lake.folder().join(COPIES)).unwrap(), "{\"event_id\":\"e2\"}\n");
        assert_eq!(lake.json(&["verify"])["fits"], true);
        assert_eq!(lake.json(&["status"])["last_version"]["pairs"], 5, "after {writes} writes");
        if !died {
            assert!(writes > 10, "it took only {writes} writes");
            return;
        }
    }
}

fn c1() -> String {
    ContributorKey::new("key").unwrap().pseudonym("c1")
}
