//! Ratings, from the event to the file that KTO reads: decisions about thumbs-downs, and their export.

#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "other tests of a lake use the rest of it")]
mod lake;

use std::fs;

use flywheel_base::Route;
use serde_json::{Value, json};

use lake::{Lake, edit, edits, stderr};

fn now() -> u64 {
    flywheel_runtime::now()
}

fn rating(id: String, kind: &str) -> Value {
    json!({"event_id": id, "prompt": format!("Prompt of {id}"), "original_llm_output": format!("Output of {id}"), "kind": kind})
}

/// 150 likes and 50 dislikes.
fn ratings() -> Vec<Value> {
    (0..200)
        .map(
            |n| {
                if n % 4 == 3 {
                    rating(format!("down{n}"), "thumbs_down")
                } else {
                    rating(format!("up{n}"), "thumbs_up")
                }
            },
        )
        .collect()
}

/// Runs `release` and returns its report.
fn release(lake: &Lake, arguments: &[&str]) -> Value {
    lake.json(&[&["release", "--by", "kim", "--why", "a test", "--yes"], arguments].concat())
}

fn kto(lake: &Lake, arguments: &[&str]) -> (Value, Vec<Value>) {
    let path = lake.folder().join("kto.jsonl");
    let export = ["export", "--format", "kto", "--force", "--output", path.to_str().unwrap()];
    let report = lake.json(&[&export, arguments].concat());
    let lines = fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (report, lines)
}

fn counts(report: &Value) -> [u64; 4] {
    ["pairs", "feedback", "desirable", "undesirable"].map(|name| report[name].as_u64().unwrap())
}

/// Returns the lines of a route, in any order.
fn lines(lake: &Lake, route: Route) -> Vec<Value> {
    let mut folders = vec![lake.folder().join(format!("dpo_gold_v1/route={}", route.as_str()))];
    let mut lines = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                lines.extend(fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()));
            }
        }
    }
    lines
}

#[test]
fn of_two_hundred_ratings_all_dislikes_are_exported_once_a_person_has_released_them() {
    let lake = Lake::with_policy("");
    lake.curate(now(), &ratings());
    let sampled = lines(&lake, Route::Replay).len() as u64;
    assert!((1..=5).contains(&sampled), "one in a hundred of 150: {sampled}");
    let (before, _) = kto(&lake, &[]);
    assert_eq!((counts(&before), &before["version"]), ([0, sampled, sampled, 0], &Value::Null));

    let planned = release(&lake, &["--reason", "disliked", "--dry-run"]);
    assert_eq!((planned["events"].as_array().unwrap().len(), &planned["left"]), (50, &json!({})));
    let released = release(&lake, &["--reason", "disliked"]);
    assert_eq!((&released["changed"], &released["decision"]), (&json!(true), &json!("released")));
    assert_eq!(release(&lake, &["--reason", "disliked"])["changed"], false, "once");
    let (after, exported) = kto(&lake, &[]);
    assert_eq!(counts(&after), [0, 50 + sampled, sampled, 50]);
    let disliked: Vec<_> = exported.iter().filter(|line| line["label"] == false).collect();
    assert!(
        disliked.iter().all(|line| line["completion"][0]["content"].as_str().unwrap().starts_with("Output of down"))
    );
    assert!(lines(&lake, Route::Gold).is_empty(), "one text is no pair");
    let signal = &lines(&lake, Route::Signals)[0];
    assert_eq!((&signal["reasons"], &signal["tags"]), (&json!(["disliked"]), &json!(["released"])));
}

#[test]
fn ratings_have_the_sides_of_pairs_and_a_named_version_has_those_of_its_time() {
    let lake = Lake::new();
    lake.curate(now(), &edits(0..5));
    lake.curate(now(), &ratings());
    assert_eq!(lake.freeze(1).rows, 5);
    std::thread::sleep(std::time::Duration::from_millis(5));
    release(&lake, &["--reason", "disliked"]);
    assert_eq!(counts(&kto(&lake, &[]).0), [5, 200, 155, 55]);
    assert_eq!(counts(&kto(&lake, &["--version", "1"]).0), [5, 150, 155, 5], "they were released after it");
    let sides = ["train", "heldout"].map(|side| counts(&kto(&lake, &["--split", side]).0));
    assert_eq!([sides[0][1] + sides[1][1], sides[0][3] + sides[1][3]], [200, 55]);
    assert!(sides[1][1] > 0);
}

#[test]
fn a_thumbs_down_becomes_a_pair_by_what_the_output_should_have_been() {
    let lake = Lake::new();
    let mut disliked = rating("down".to_owned(), "thumbs_down");
    disliked["original_llm_output"] = json!("Cooked rice keeps for a week at room temperature.");
    disliked["prompt"] = json!([{"role": "user", "content": "How long does cooked rice keep?"}]);
    disliked["comment"] = json!("dangerous");
    lake.curate(now(), &[disliked]);
    let text = lake.folder().join("better.txt");
    fs::write(&text, "Cooked rice keeps for a day in the fridge. Do not leave it on the table.").unwrap();
    let corrected = release(&lake, &["--event", "down", "--correct", text.to_str().unwrap()]);
    assert_eq!((&corrected["decision"], &corrected["events"]), (&json!("corrected"), &json!(["down"])));
    assert_eq!(release(&lake, &["--event", "down"])["changed"], false, "it is settled");

    let gold = lines(&lake, Route::Gold);
    assert_eq!((gold.len(), &gold[0]["event_id"]), (1, &corrected["correction"]));
    assert_eq!(gold[0]["rejected"], "Cooked rice keeps for a week at room temperature.");
    assert_eq!((&gold[0]["feedback"], &gold[0]["tags"]), (&Value::Null, &json!([])));
    let dropped = lines(&lake, Route::Dropped);
    assert_eq!((&dropped[0]["reasons"], &dropped[0]["rejected"]), (&json!(["corrected_by_reviewer"]), &Value::Null));
    assert_eq!(lake.freeze(1).rows, 1);
    let (report, exported) = kto(&lake, &[]);
    assert_eq!(counts(&report), [1, 0, 1, 1]);
    let answers: Vec<_> = exported.iter().map(|line| (&line["completion"][0]["content"], &line["label"])).collect();
    assert_eq!(answers, [(&gold[0]["chosen"], &json!(true)), (&gold[0]["rejected"], &json!(false))]);
    assert!(exported.iter().all(|line| line["prompt"] == gold[0]["prompt_messages"]));
}

#[test]
fn an_edit_that_comes_with_a_thumbs_down_is_an_edit_and_is_not_held() {
    let lake = Lake::new();
    let mut event = edit(1, json!("One?"));
    event["kind"] = json!("thumbs_down");
    lake.curate(now(), &[event]);
    assert_eq!((lines(&lake, Route::Gold).len(), lines(&lake, Route::Review).len()), (1, 0));
    assert_eq!(lake.freeze(1).rows, 1);
    assert_eq!(counts(&kto(&lake, &[]).0), [1, 0, 1, 1]);
}

#[test]
fn pairs_and_ratings_that_are_released_together_go_each_to_its_route() {
    let lake = Lake::new();
    let critical = json!({"event_id": "critical", "prompt": "How long?",
        "original_llm_output": "Please wait for 30 days, and then write to us again, by letter.",
        "final_user_edit": "Please wait for 14 days, and then write to us again, by letter."});
    lake.curate(now(), &[critical, rating("down".to_owned(), "thumbs_down")]);
    let released = release(&lake, &["--event", "critical", "--event", "down"]);
    assert_eq!((&released["events"], released["parts"].as_array().unwrap().len()), (&json!(["critical", "down"]), 2));
    assert_eq!((lines(&lake, Route::Gold).len(), lines(&lake, Route::Signals).len()), (1, 1));
    let record = fs::read_dir(lake.folder().join("review")).unwrap().next().unwrap().unwrap().path();
    let record: Value = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    assert_eq!((&record["events"], &record["parts"]), (&released["events"], &released["parts"]));
    assert_eq!(lake.freeze(1).rows, 1);
}

#[test]
fn without_a_dataset_only_kto_has_something_and_no_side_of_a_split() {
    let lake = Lake::new();
    lake.curate(now(), &[rating("up".to_owned(), "thumbs_up")]);
    assert_eq!(counts(&kto(&lake, &[]).0), [0, 1, 1, 0]);
    for arguments in
        [&["--format", "sft"][..], &["--format", "kto", "--split", "train"], &["--format", "kto", "--version", "1"]]
    {
        let output = lake.flywheel(&[&["export", "--output", "-"], arguments].concat());
        assert!(
            output.status.code() == Some(2) && stderr(&output).contains("has no dataset yet"),
            "{}",
            stderr(&output)
        );
    }
}
