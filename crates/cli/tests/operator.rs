//! The operator's reading commands on a lake in a folder, as operators and scripts run them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod lake;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lake::{Lake, edit, edits, stderr};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3_600_000;

/// The real time: a newly written part that names an old time counts as settled.
fn now() -> u64 {
    flywheel_runtime::now()
}

/// A lake with two versions: five pairs, then two more.
fn two_versions() -> Lake {
    let lake = Lake::new();
    lake.curate(now(), &edits(0..5));
    assert_eq!((lake.freeze(1).rows, lake.freeze(2).rows), (5, 0));
    lake.curate(now(), &edits(5..7));
    assert_eq!(lake.freeze(3).version, 3);
    lake
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        found.extend(if entry.is_dir() { files(&entry) } else { [entry].into() });
    }
    found
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn versions_are_listed_newest_first() {
    let lake = two_versions();
    let report = lake.json(&["versions"]);
    let column =
        |name: &str| report["versions"].as_array().unwrap().iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("version"), [3, 2, 1, 0]);
    assert_eq!(column("pairs"), [7, 5, 5, 0]);
    assert_eq!(column("added"), [json!(2), json!(0), json!(5), Value::Null]);
    assert_eq!(column("held"), [json!(0), json!(0), json!(0), Value::Null]);
    let split: Vec<_> =
        column("train").iter().zip(column("heldout")).map(|(a, b)| Some(a.as_u64()? + b.as_u64()?)).collect();
    assert_eq!(split, [Some(2), Some(0), Some(5), None]);
    assert!(column("digest")[..3].iter().all(|digest| digest.as_str().unwrap().len() == 64));
    assert!(column("committed_at").iter().all(|at| at.as_str().unwrap().ends_with('Z')));
    let newest = lake.json(&["versions", "--limit", "2"]);
    assert_eq!(newest["versions"], json!(report["versions"].as_array().unwrap()[..2]));
    let text = lake.text(&["versions", "--limit", "1"]);
    assert!(text.contains("version 3 is the newest") && text.contains("3 older ones: --limit N, or --all"), "{text}");
    assert!(lake.text(&["versions", "--all"]).contains("(CREATE TABLE)"));
}

#[test]
fn a_version_is_shown_by_number_date_and_as_the_latest() {
    let lake = two_versions();
    let latest = lake.json(&["show", "latest"]);
    assert_eq!(
        (&latest["version"], &latest["pairs"], &latest["record"]["counts"]["entered"]),
        (&json!(3), &json!(7), &json!(2))
    );
    assert_eq!(lake.json(&["show", "3"]), latest);
    assert_eq!(lake.json(&["show", "9999-01-01"]), latest);
    assert_eq!(lake.json(&["show", latest["committed_at"].as_str().unwrap()]), latest);
    let first = lake.json(&["show", "1"]);
    assert_eq!(lake.json(&["show", first["committed_at"].as_str().unwrap()])["version"], 1);
    assert_eq!(latest["record"]["previous"], lake.json(&["show", "2"])["record"]["digest"]);
    assert_eq!(lake.json(&["show", "0"])["record"], Value::Null);
    for (version, error) in [
        ("4", "there is no version 4: the newest is 3"),
        ("2020-01-01", "no version was committed by 2020-01-01T23:59:59.999Z"),
        ("soon", "expected a number, `latest`, or a date"),
    ] {
        let output = lake.flywheel(&["show", version]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(error), "{}", stderr(&output));
    }
    let text = lake.text(&["show", "3"]);
    assert!(text.contains("crossing 3 took 2 lines of 1 parts: 2 entered"), "{text}");
    assert!(text.contains("what that means for training") && text.contains("not enough to train on"), "{text}");
}

#[test]
fn pairs_are_shown_as_changes_and_nothing_in_them_acts_on_the_terminal() {
    let lake = Lake::new();
    let mut odd = edit(1, json!("Ring\u{7} the bell\u{1b}[2J"));
    odd["final_user_edit"] = json!("The reply number 1 is \u{1b}[31mrather\u{202e} short.");
    lake.curate(now(), &[odd, edit(2, json!("Two?")), edit(3, json!("Three?"))]);
    lake.freeze(1);
    let text = lake.text(&["show", "1", "--pairs", "9"]);
    assert!(text.contains("The [-answer-]{+reply+} number 2 is {+rather +}short."), "{text}");
    assert!(text.contains("prompt: Two?"), "{text}");
    assert!(text.contains("3 of the pairs that it added") || text.contains("2 of the pairs that it added"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'), "{text}");
    assert_eq!(lake.text(&["show", "1", "--pairs", "1"]).matches("prompt:").count(), 1);
    assert_eq!(lake.json(&["show", "1"]).get("examples"), None);
}

#[test]
fn two_versions_are_compared() {
    let lake = two_versions();
    let report = lake.json(&["diff", "1", "3"]);
    let counts =
        |report: &Value| ["added_pairs", "removed_pairs", "changed_pairs"].map(|name| report[name].as_u64().unwrap());
    assert_eq!((counts(&report), &report["pairs"]), ([2, 0, 0], &json!([5, 7])));
    assert_eq!(report["statistics"][0], lake.json(&["show", "1"])["record"]["statistics"]);
    assert_eq!(report["statistics"][1]["rows"], 7);
    let prompts: Vec<_> = report["added"].as_array().unwrap().iter().map(|pair| pair["prompt"].clone()).collect();
    assert_eq!(prompts, ["Question 5?", "Question 6?"]);
    let back = lake.json(&["diff", "3", "1", "--quick", "--pairs", "1"]);
    assert_eq!((counts(&back), &back["statistics"]), ([0, 2, 0], &Value::Null));
    assert_eq!((back["removed"].as_array().unwrap().len(), &back["removed"][0]), (1, &report["added"][0]));
    assert_eq!(counts(&lake.json(&["diff", "2", "latest"])), [2, 0, 0]);
    assert_eq!(counts(&lake.json(&["diff", "1", "2"])), [0, 0, 0]);
    let text = lake.text(&["diff", "1", "3"]);
    assert!(text.contains("5 → 7 pairs\n2 added, 0 removed, 0 changed"), "{text}");
    assert!(text.contains("The [-answer-]{+reply+} number 5 is"), "{text}");
}

#[test]
fn a_pair_that_took_the_place_of_another_is_shown_as_a_change() {
    let lake = Lake::new();
    lake.curate(now(), &[edit(1, json!("Same?"))]);
    lake.freeze(1);
    lake.curate(now(), &[edit(2, json!("Same?"))]);
    assert_eq!(lake.freeze(2).rows, 1);
    // An operation that replaces a data file writes this to the log.
    let log = lake.folder().join("datasets/dpo_gold_v1/_delta_log");
    let commits = lines(&log.join("00000000000000000001.json"));
    let path = commits.iter().find_map(|action| action.get("add")).unwrap()["path"].clone();
    let remove = json!({"remove": {"path": path, "deletionTimestamp": now(), "dataChange": false}});
    let info = json!({"commitInfo": {"timestamp": now(), "operation": "\u{1b}[2J"}});
    fs::write(log.join("00000000000000000003.json"), format!("{info}\n{remove}\n")).unwrap();

    let report = lake.json(&["diff", "1", "3"]);
    assert_eq!(
        (&report["changed_pairs"], &report["added_pairs"], &report["pairs"]),
        (&json!(1), &json!(0), &json!([1, 1]))
    );
    assert_eq!(report["changed"][0]["to"]["chosen"], "The reply number 2 is rather short.");
    let text = lake.text(&["diff", "1", "3"]);
    assert!(text.contains("The reply number [-1-]{+2+} is rather short."), "{text}");
    let listed = lake.text(&["versions"]) + &lake.text(&["show", "3"]);
    assert!(listed.contains("(\\u{1b}[2J)") && !listed.contains('\u{1b}'), "{listed}");
}

#[test]
fn what_fits_is_verified_and_the_first_thing_that_does_not_is_named() {
    let lake = two_versions();
    let report = lake.json(&["verify"]);
    assert_eq!((&report["fits"], &report["versions"], &report["rows"]), (&json!(true), &json!(3), &json!(7)));
    let digest = report["digest"].as_str().unwrap();
    assert_eq!(digest, lake.json(&["show", "latest"])["record"]["digest"]);
    assert!(lake.text(&["verify", "--expect-digest", digest]).ends_with("everything fits\n"));

    let other = lake.flywheel(&["verify", "--expect-digest", "abc", "--json"]);
    assert_eq!(other.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert!(report["misfit"]["what"].as_str().unwrap().ends_with(", not abc"), "{report}");

    let part = files(&lake.folder().join("dpo_gold_v1")).into_iter().next().unwrap();
    let body = fs::read_to_string(&part).unwrap();
    fs::write(&part, body.replace("Question 1?", "Question 8?")).unwrap();
    let tampered = lake.flywheel(&["verify"]);
    assert_eq!(tampered.status.code(), Some(1));
    let text = String::from_utf8(tampered.stdout).unwrap();
    let name = part.file_name().unwrap().to_str().unwrap();
    assert!(text.starts_with("does not fit: version 1: part ") && text.contains(name), "{text}");
    fs::write(&part, body).unwrap();
    assert_eq!(lake.json(&["verify"])["fits"], true);
}

#[test]
fn a_version_is_exported_in_every_format() {
    let lake = two_versions();
    let out = tempfile::TempDir::new().unwrap();
    let export = |name: &str, arguments: &[&str]| {
        let path = out.path().join(name);
        let report = lake.json(&[&["export", "--output", path.to_str().unwrap()], arguments].concat());
        (report, lines(&path))
    };
    let (report, trl) = export("trl", &["--format", "trl"]);
    assert_eq!((&report["version"], &report["pairs"], trl.len()), (&json!(3), &json!(7), 7));
    assert_eq!(
        trl[0],
        json!({"prompt": "Question 0?", "chosen": "The reply number 0 is rather short.",
                              "rejected": "The answer number 0 is short."})
    );
    let (report, messages) = export("messages", &[]);
    assert_eq!((&report["format"], &report["as"]), (&json!("trl-messages"), &json!("jsonl")));
    assert_eq!(messages[0]["prompt"], json!([{"role": "user", "content": "Question 0?"}]));
    let (_, openai) = export("openai", &["--format", "openai"]);
    assert_eq!(
        openai[6]["preferred_output"][0],
        json!({"role": "assistant", "content": "The reply number 6 is rather short."})
    );
    let (_, sft) = export("sft", &["--format", "sft"]);
    assert_eq!((sft.len(), sft[0]["messages"].as_array().unwrap().len()), (7, 2));
    let (report, kto) = export("kto", &["--format", "kto"]);
    assert_eq!(["desirable", "undesirable", "left_out"].map(|name| report[name].as_u64()), [Some(7), Some(7), Some(0)]);
    assert_eq!((kto.len(), &kto[0]["label"], &kto[1]["label"]), (14, &json!(true), &json!(false)));
    let (report, first) = export("first", &["--format", "trl", "--version", "1"]);
    assert_eq!((&report["version"], &first[..]), (&json!(1), &trl[..5]));
    let sides = ["train", "heldout"].map(|split| export(split, &["--format", "trl", "--split", split]).1);
    let train = lake.json(&["diff", "0", "3", "--pairs", "0"])["statistics"][1]["train"].as_u64().unwrap();
    assert_eq!((sides[0].len() as u64, sides[0].len() + sides[1].len()), (train, 7));
    assert!(sides.concat().iter().all(|pair| trl.contains(pair)));

    let again = lake.flywheel(&["export", "--format", "sft", "--output", out.path().join("trl").to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("pass --force"), "{}", stderr(&again));
    assert_eq!(export("trl", &["--format", "sft", "--force"]).1, sft);
    let text = lake.text(&["export", "--format", "sft", "--output", "-"]);
    assert_eq!(text, fs::read_to_string(out.path().join("sft")).unwrap());
    assert_eq!(files(out.path()).len(), 8, "nothing unfinished is left");
}

#[test]
fn no_export_has_two_turns_of_the_assistants_in_a_row_and_what_is_left_out_is_named() {
    let lake = Lake::new();
    let question = |number: u32| json!({"role": "user", "content": format!("Question {number}?")});
    let assistant = |text: &str| json!({"role": "assistant", "content": text});
    let events = [
        edit(0, json!([question(0), assistant("The answer number 0 is short.")])),
        edit(1, json!([question(1), assistant("The answer")])),
        edit(2, json!([question(2), assistant("Something else. ")])),
        edit(3, json!([question(0), assistant("One."), assistant("Two."), question(3)])),
    ];
    lake.curate(now(), &events);
    let copied = json!({"event_id": "copied", "prompt": [question(4), assistant("Something else.")],
        "original_llm_output": "The answer number 4 is short.", "kind": "copy"});
    lake.curate(now(), &[copied]);
    assert_eq!(lake.freeze(1).rows, 4);
    let out = tempfile::TempDir::new().unwrap();
    for format in ["trl-messages", "openai", "kto", "sft"] {
        let path = out.path().join(format);
        let export = ["export", "--format", format, "--output", path.to_str().unwrap()];
        let report = lake.json(&export);
        let named = if format == "kto" { json!(["e2", "copied"]) } else { json!(["e2"]) };
        assert_eq!((&report["pairs"], &report["left_out_events"]), (&json!(3), &named), "{format}");
        assert_eq!(report["left_out"], named.as_array().unwrap().len());
        for line in lines(&path) {
            let turns = |list: &Value| list.as_array().cloned().unwrap_or_default();
            let asked = [turns(&line["prompt"]), turns(&line["input"]["messages"]), turns(&line["messages"])].concat();
            let answer = [&line["chosen"], &line["preferred_output"], &line["completion"]].map(turns).concat();
            let roles: Vec<_> = asked.iter().chain(&answer).map(|turn| turn["role"].as_str().unwrap()).collect();
            let expected = [&["user", "assistant"][..], &["user", "assistant", "user", "assistant"]];
            assert!(expected.contains(&roles.as_slice()), "{format}: {roles:?}");
        }
    }
    let trl = lake.text(&["export", "--format", "trl", "--output", "-"]);
    assert_eq!(trl.lines().count(), 4, "texts have no turns");
    let told = lake.flywheel(&["export", "--output", "-"]);
    assert!(
        stderr(&told).contains("left out 1, each because its prompt ends with an assistant's turn"),
        "{}",
        stderr(&told)
    );
}

#[test]
fn kto_takes_what_users_said_of_outputs_that_they_left_alone() {
    let lake = two_versions();
    let said = |id: &str, feedback: Value| {
        let mut event = json!({"event_id": id, "prompt": format!("Prompt of {id}"), "original_llm_output": format!("Output of {id}")});
        event.as_object_mut().unwrap().extend(feedback.as_object().unwrap().clone());
        event
    };
    let events = [
        said("liked", json!({"kind": "thumbs_up"})),
        said("copied", json!({"kind": "copy"})),
        said("again", json!({"kind": "regenerate"})),
        said("marked", json!({"kind": "highlight", "comment": "here"})),
        said("disliked", json!({"kind": "thumbs_down"})),
    ];
    lake.curate(now(), &events);
    // The events are delivered again in another batch.
    lake.curate(now(), &events[1..3]);
    let out = tempfile::TempDir::new().unwrap();
    let path = out.path().join("kto.jsonl");
    let report = lake.json(&["export", "--format", "kto", "--output", path.to_str().unwrap()]);
    assert_eq!(["pairs", "feedback", "unlabelled"].map(|name| report[name].as_u64()), [Some(7), Some(3), Some(1)]);
    let fed: BTreeSet<_> = lines(&path)[14..]
        .iter()
        .map(|line| (line["completion"][0]["content"].to_string(), line["label"].to_string()))
        .collect();
    let expected =
        [("\"Output of again\"", "false"), ("\"Output of copied\"", "true"), ("\"Output of liked\"", "true")];
    assert_eq!(fed, expected.map(|(output, label)| (output.to_owned(), label.to_owned())).into());
    let sides = ["train", "heldout"].map(|split| {
        let arguments = ["export", "--format", "kto", "--force", "--split", split, "--output", path.to_str().unwrap()];
        lake.json(&arguments)["feedback"].as_u64().unwrap()
    });
    assert_eq!(sides.iter().sum::<u64>(), 3);
}

#[test]
fn feedback_of_a_named_version_is_what_was_there_when_it_was_committed() {
    let lake = two_versions();
    let copied = |at: u64, id: &str| {
        lake.curate(at, &[json!({"event_id": id, "prompt": "p", "original_llm_output": id, "kind": "copy"})]);
    };
    copied(now() - 30 * DAY, "before");
    copied(now() + 300 * DAY, "after");
    let feedback = |arguments: &[&str]| {
        let arguments = [&["export", "--format", "kto", "--output", "-"], arguments].concat();
        lake.text(&arguments).lines().count() - 2 * 7
    };
    assert_eq!(feedback(&[]), 2);
    assert_eq!(feedback(&["--version", "3"]), 1);
}

#[test]
fn where_the_lake_stands_is_shown() {
    let lake = two_versions();
    lake.curate(now(), &edits(20..24));
    let dropped = json!({"prompt": "p", "original_llm_output": "just the same", "final_user_edit": "just the same"});
    lake.curate(now(), &[dropped]);
    let report = lake.json(&["status", "--threshold", "8"]);
    assert_eq!(
        (&report["pending"]["pairs"], &report["pending"]["threshold"]),
        (&json!(6), &json!(8)),
        "2 are carried over"
    );
    assert_eq!((&report["breaker"]["state"], &report["last_freeze"]["version"]), (&json!("closed"), &json!(3)));
    assert_eq!((&report["last_version"]["version"], &report["last_version"]["pairs"]), (&json!(3), &json!(7)));
    let today = |counts: &Value| counts.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!((today(&report["routes"]["rows"]["dropped"]), &report["routes"]["complete"]), (1, &json!(true)));
    assert_eq!(today(&report["reasons"]["rows"]["unchanged"]), 1);
    assert_eq!((&report["reasons"]["parts"], &report["reasons"]["parts_read"]), (&json!(1), &json!(1)));
    assert_eq!(report["list_requests"], 1 + 14 * 6);
    assert_eq!(lake.json(&["status"])["pending"]["threshold"], 3, "the threshold of the last freeze");
    let unfrozen = Lake::new();
    assert_eq!(unfrozen.json(&["status"])["pending"]["threshold"], Value::Null);
    assert!(unfrozen.text(&["status"]).contains("pending   0 pairs (give the threshold by --threshold)"));
    let text = lake.text(&["status", "--threshold", "8", "--days", "1", "--reason-days", "0"]);
    assert!(
        text.contains(&format!("pending   {}{} 6 of 8 pairs, 2 of them carried over", "█".repeat(22), "░".repeat(8))),
        "{text}"
    );
    assert!(text.contains("version   3, committed at") && text.contains("7 pairs, digest"), "{text}");
    assert!(!text.contains("reasons"), "{text}");
}

/// Runs `verify` while a file has another content, or none. Returns its exit code and what it says.
fn verify_with(lake: &Lake, key: &str, content: Option<&[u8]>) -> (i32, String) {
    let path = lake.folder().join(key);
    let before = std::fs::read(&path).ok();
    match content {
        Some(content) => {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
        }
        None => std::fs::remove_file(&path).unwrap(),
    }
    let output = lake.flywheel(&["verify"]);
    match before {
        Some(before) => std::fs::write(&path, before).unwrap(),
        None => std::fs::remove_file(&path).unwrap(),
    }
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn a_lost_commit_or_state_does_not_fit() {
    let lake = two_versions();
    let newest = lake.json(&["verify"])["versions"].as_u64().unwrap();
    assert!(lake.text(&["verify"]).contains("everything fits"));
    let commit = format!("datasets/dpo_gold_v1/_delta_log/{newest:020}.json");
    let [pointer, breaker, live] = ["state/pointer.json", "state/breaker.json", "models/live.json"];
    let older = std::fs::read_to_string(lake.folder().join(pointer))
        .unwrap()
        .replace("\"carried_over\":2", "\"carried_over\":1");
    let refused: [(&str, Option<&[u8]>, i32, &str); 11] = [
        (&commit, None, 1, "the pointer stands at it"),
        (&commit, Some(b"{}"), 1, "the pointer"),
        (&commit, Some(b"garbage"), 2, "the dataset"),
        (pointer, None, 1, "state/pointer.json is gone"),
        (pointer, Some(b"[]"), 2, pointer),
        (pointer, Some(b"{"), 2, pointer),
        (pointer, Some(older.as_bytes()), 1, "is not the pointer that the newest record carries"),
        (breaker, Some(b"[]"), 2, breaker),
        (breaker, Some(b"garbage"), 2, breaker),
        (live, Some(b"[]"), 2, live),
        (live, Some(b"null"), 2, live),
    ];
    for (key, content, code, expected) in refused {
        let (exit, said) = verify_with(&lake, key, content);
        assert!(exit == code && said.contains(expected), "{key}: {exit}: {said}");
    }
    assert!(lake.text(&["verify"]).contains("everything fits"));
    std::fs::remove_dir_all(lake.folder().join("datasets/dpo_gold_v1/_delta_log")).unwrap();
    let output = lake.flywheel(&["verify"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("there is no dataset"), "{said}");
}

#[test]
fn a_live_pointer_that_is_no_object_is_not_the_bare_base() {
    let lake = two_versions();
    std::fs::create_dir_all(lake.folder().join("models")).unwrap();
    std::fs::write(lake.folder().join("models/live.json"), "[]").unwrap();
    for arguments in [&["adapters"][..], &["demote", "--to", "base", "--why", "x", "--by", "kim", "--yes"]] {
        let output = lake.flywheel(arguments);
        let said = stderr(&output);
        assert!(output.status.code() == Some(2) && said.contains("models/live.json"), "{said}");
    }
}

#[test]
fn a_lake_without_a_dataset_is_said_to_have_none_and_none_is_made() {
    let lake = Lake::new();
    lake.curate(now(), &edits(0..2));
    let before = files(lake.folder());
    for arguments in [
        &["versions"][..],
        &["show", "latest"],
        &["show", "3"],
        &["show", "2026-11-22"],
        &["diff", "1", "2"],
        &["verify"],
        &["export", "--format", "trl", "--output", "-"],
    ] {
        let output = lake.flywheel(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(stderr(&output).contains("has no dataset yet: the first freeze makes it"), "{}", stderr(&output));
    }
    let report = lake.json(&["status"]);
    assert_eq!((&report["pending"]["pairs"], &report["last_version"]), (&json!(2), &Value::Null));
    assert!(lake.text(&["status"]).contains("version   no dataset yet"));
    assert_eq!(files(lake.folder()), before);
}

#[test]
fn every_command_says_what_it_costs_how_it_ends_and_how_it_is_used() {
    for command in ["status", "versions", "show", "diff", "verify", "export"] {
        let output = Command::new(env!("CARGO_BIN_EXE_flywheel")).args([command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        for part in ["Cost:", "Exit code:", "Examples:\n  flywheel", "--lake", "--json", "FLYWHEEL_LAKE"] {
            assert!(help.contains(part), "{command}: {part} is missing");
        }
    }
}
