//! The binary as an operator or a script runs it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/demo");

fn flywheel(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flywheel")).args(arguments).output().unwrap()
}

fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let command = Command::new(env!("CARGO_BIN_EXE_flywheel"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut process = command.unwrap();
    process.stdin.take().unwrap().write_all(input).unwrap();
    process.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn file(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.into_os_string().into_string().unwrap()
}

fn edit(id: &str, rejected: &str, chosen: &str) -> String {
    json!({"event_id": id, "prompt": "p", "original_llm_output": rejected, "final_user_edit": chosen}).to_string()
}

fn demo_files() -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(EVENTS).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_stem().is_some_and(|name| name != "bad"));
    files.sort();
    files
}

#[test]
fn every_line_gets_its_verdict_in_order() {
    let folder = TempDir::new().unwrap();
    let events = [edit("a", "one two three", "one two four"), edit("b", "same", "same"), "{".to_owned(), String::new()];
    let path = file(&folder, "events.jsonl", format!("{}\n{}", events.join("\n"), edit("c", "one two", "one three")));
    let output = flywheel(&["replay", &path]);
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert_eq!(lines.len(), 4);
    let summary = |line: &Value| (line["line"].as_u64().unwrap(), line["event_id"].clone(), line["route"].clone());
    assert_eq!(summary(&lines[0]), (1, "a".into(), "gold".into()));
    assert_eq!(summary(&lines[1]), (2, "b".into(), "dropped".into()));
    assert_eq!(lines[1]["reasons"], json!(["unchanged"]));
    assert_eq!((&lines[2]["line"], &lines[2]["error"]["code"]), (&json!(3), &json!("malformed_json")));
    assert_eq!(summary(&lines[3]), (5, "c".into(), "gold".into()));
    assert_eq!(lines[0]["pair"].as_str().unwrap().len(), 64);
    let told = stderr(&output);
    assert!(told.contains("events.jsonl:3: "), "{told}");
    assert!(told.contains("3 events") && told.contains("unchanged"), "{told}");
}

#[test]
fn what_comes_out_does_not_depend_on_threads() {
    let folder = TempDir::new().unwrap();
    let events: String = (0..20_000)
        .map(|number| edit(&format!("e-{number}"), "one two three four", &format!("one two {number} four")) + "\n")
        .collect();
    let path = file(&folder, "many.jsonl", events);
    let one = flywheel(&["replay", "--quiet", "--threads", "1", &path]);
    let eight = flywheel(&["replay", "--quiet", "--threads", "8", &path]);
    assert!(one.status.success() && one.stderr.is_empty());
    assert!(one.stdout == eight.stdout);
    assert!(lines(&one).iter().zip(1..).all(|(line, number)| line["line"] == number));
}

#[test]
fn several_files_are_named_and_numbered_apart() {
    let folder = TempDir::new().unwrap();
    let first = file(&folder, "1.jsonl", edit("a", "one two", "one three") + "\n");
    let second = file(&folder, "2.jsonl", edit("b", "one two", "one three"));
    let lines = lines(&flywheel(&["replay", &first, &second]));
    assert_eq!(lines.iter().map(|line| line["line"].clone()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(lines[1]["file"], second);
}

#[test]
fn what_is_no_text_is_reported_and_the_rest_goes_on() {
    let good = edit("a", "one two", "one three");
    let input = [b"\xef\xbb\xbf", good.as_bytes(), b"\r\n\xff\xfe\r\n", good.as_bytes(), b"\r\n"].concat();
    let output = fed(&["replay", "-"], &input);
    let lines = lines(&output);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["error"]["code"], "not_utf8");
    assert_eq!(lines[2]["line"], 3);
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let policy = file(&folder, "policy.toml", "[similarity]\n\ntrivial_above = 95\n");
    let events = file(&folder, "events.jsonl", edit("a", "one two", "one three"));
    let output = flywheel(&["replay", "--policy", &policy, &events]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("policy.toml:3: 95 is no share"), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let output = flywheel(&["replay", "no-such-file.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no-such-file.jsonl"));
    assert_eq!(flywheel(&["replay"]).status.code(), Some(2));
    assert!(stderr(&fed(&["replay", "-"], b"prompt,edit\n")).contains("expected one JSON object a line"));
    assert!(stderr(&flywheel(&["replay", "--threads", "0", &events])).contains("give a number, 1 or more"));
}

#[test]
fn another_policy_shows_exactly_what_it_changes() {
    let folder = TempDir::new().unwrap();
    let policy = file(&folder, "stricter.toml", "[similarity]\ntrivial_above = 0.6\nlocal_correction_below = 0.0\n");
    let events = [
        edit("a", "We sent the parcel this morning.", "We sent the parcel this morning. Thank you!"),
        edit("b", "red green blue", "purple, orange and a little grey"),
    ];
    let events = file(&folder, "events.jsonl", events.join("\n"));
    let output = flywheel(&["replay", "--against", &policy, &events]);
    let lines = lines(&output);
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["event_id"], &lines[0]["from"]["route"]), (&json!("a"), &json!("gold")));
    assert_eq!((&lines[0]["to"]["route"], &lines[0]["to"]["reasons"]), (&json!("dropped"), &json!(["trivial"])));
    assert!(lines[0]["to"]["similarity"].as_f64().unwrap() > 0.6, "which is why");
    let told = stderr(&output);
    assert!(told.contains("judges 1 of them otherwise") && told.contains("gold → dropped"), "{told}");
}

#[test]
fn an_earlier_replay_shows_what_another_engine_judged_otherwise() {
    let folder = TempDir::new().unwrap();
    let events = [
        edit("a", "We sent the parcel this morning.", "We sent the parcel this evening."),
        "no event".to_owned(),
        edit("b", "red green blue", "purple, orange and a little grey"),
    ];
    let events = file(&folder, "events.jsonl", events.join("\n"));
    let printed = String::from_utf8(flywheel(&["replay", &events]).stdout).unwrap();
    let verdict: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let engine = verdict["engine"].as_str().unwrap().to_owned();
    assert!(engine.starts_with(concat!(env!("CARGO_PKG_VERSION"), "+")), "{engine}");

    let same = file(&folder, "same.jsonl", &printed);
    let output = flywheel(&["replay", "--against", &same, &events]);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "one line is no event");
    assert!(stderr(&output).contains(&format!("2 events by engine {engine}, before by {engine}\n0 are judged")));
    assert!(stderr(&output).contains("events.jsonl:2: "), "the invalid event is named");

    // Another build, with a route and a reason that this one does not know.
    let other = printed.replacen("\"route\":\"gold\",\"reasons\":[]", "\"route\":\"attic\",\"reasons\":[\"dull\"]", 1);
    let other = file(&folder, "other.jsonl", other.replace(&engine, "0.0.9+x"));
    let output = flywheel(&["replay", "--against", &other, &events]);
    let changed = lines(&output);
    assert_eq!((changed.len(), &changed[0]["event_id"]), (1, &json!("a")));
    assert_eq!((&changed[0]["from"]["reasons"], &changed[0]["to"]["route"]), (&json!(["dull"]), &json!("gold")));
    let told = stderr(&output);
    assert!(told.contains("before by 0.0.9+x") && told.contains("attic → gold"), "{told}");

    for (text, part) in [
        (
            printed.replacen("\"event_id\":\"a\"", "\"event_id\":\"c\"", 1),
            "wrong.jsonl:1: this verdict is on another event",
        ),
        (printed.lines().skip(1).collect::<Vec<_>>().join("\n"), "wrong.jsonl:1: this verdict is on line 2"),
        (printed.lines().next().unwrap().to_owned(), "wrong.jsonl:2: expected the verdict on line 2"),
        (printed.repeat(2), "wrong.jsonl:4: there are no more events"),
    ] {
        let wrong = file(&folder, "wrong.jsonl", text);
        let output = flywheel(&["replay", "--against", &wrong, &events]);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(part), "{}", stderr(&output));
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let events = edit("a", "one two", "one three") + "\n";
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "events.jsonl", events.repeat(50_000));
    let mut process = Command::new(env!("CARGO_BIN_EXE_flywheel"))
        .args(["replay", "--quiet", &path])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(stderr(&output), "");
}

#[test]
fn pairs_are_what_a_trainer_reads() {
    let folder = TempDir::new().unwrap();
    let chat = json!({"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
                      "original_llm_output": "one two", "final_user_edit": "one \"three\""});
    let events = [edit("a", "one two", "one three"), edit("b", "same", "same"), chat.to_string()].join("\n");
    let path = file(&folder, "events.jsonl", events);
    let pairs = lines(&flywheel(&["pairs", "--format", "trl", &path]));
    assert_eq!(pairs.len(), 2);
    assert_eq!(pairs[0], json!({"prompt": "p", "chosen": "one three", "rejected": "one two"}));
    let pairs = lines(&flywheel(&["pairs", &path]));
    assert_eq!(pairs, lines(&flywheel(&["pairs", "--format", "trl-messages", &path])));
    assert_eq!(pairs[0]["prompt"], json!([{"role": "user", "content": "p"}]));
    assert_eq!(pairs[1]["prompt"], chat["prompt"]);
    assert_eq!(pairs[1]["chosen"], json!([{"role": "assistant", "content": "one \"three\""}]));
    assert_eq!(pairs[1]["rejected"], json!([{"role": "assistant", "content": "one two"}]));
}

#[test]
fn a_chat_that_ends_with_another_turn_of_the_assistants_is_no_pair_and_is_named() {
    let folder = TempDir::new().unwrap();
    let chat = |last: &str| {
        let prompt = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": last}]);
        json!({"prompt": prompt, "original_llm_output": "one two", "final_user_edit": "one three"}).to_string()
    };
    let path =
        file(&folder, "events.jsonl", [chat("one two"), chat("zero, "), edit("a", "one two", "one 2")].join("\n"));
    for format in ["trl-messages", "openai", "kto", "sft"] {
        let output = flywheel(&["pairs", "--format", format, &path]);
        let per_pair = if format == "kto" { 2 } else { 1 };
        assert_eq!((output.status.code(), lines(&output).len()), (Some(0), 2 * per_pair), "{format}");
        let told = stderr(&output);
        assert!(told.contains("events.jsonl:2: left out: its prompt ends with an assistant's turn"), "{told}");
        assert!(told.contains("3 events") && told.contains("left out, named above             1"), "{told}");
    }
    assert_eq!(lines(&flywheel(&["pairs", "--format", "trl", &path])).len(), 3);
}

#[test]
fn the_columns_are_printed_as_they_are_documented() {
    let printed = String::from_utf8(flywheel(&["schema"]).stdout).unwrap();
    assert_eq!(printed, include_str!("../../../docs/flywheel_columns.py"));
}

fn feedback(id: &str, fields: &Value) -> String {
    let mut event = json!({"event_id": id, "prompt": "p", "original_llm_output": "one two three"});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event.to_string()
}

#[test]
fn edits_and_feedback_are_judged_alike_and_only_edits_are_pairs() {
    let folder = TempDir::new().unwrap();
    let policy = file(&folder, "all.toml", "[sampling]\naccept = 1.0\n");
    let events = [
        edit("edit", "one two three", "one two four").replace("\"prompt\":\"p\"", "\"prompt\":\"q\""),
        feedback("with-edit", &json!({"kind": "stars", "rating": 2, "final_user_edit": "one two five"})),
        feedback("bad", &json!({"kind": "thumbs_down"})),
        feedback("kept", &json!({"kind": "accept"})),
        feedback("weak", &json!({"kind": "regenerate"})),
        json!({"kind": "read"}).to_string(),
        feedback("wrong", &json!({"kind": "stars", "rating": 7})),
        feedback("private", &json!({"kind": "copy", "consent": false})),
    ];
    let path = file(&folder, "events.jsonl", events.join("\n"));
    let output = flywheel(&["replay", "--policy", &policy, &path]);
    assert_eq!(output.status.code(), Some(1), "stars end at five");
    let verdicts = lines(&output);
    let routes: Vec<_> = verdicts.iter().map(|line| line["route"].as_str().unwrap_or("-")).collect();
    assert_eq!(routes, ["gold", "gold", "review", "replay", "signals", "-", "-", "dropped"]);
    assert_eq!((&verdicts[5], &verdicts[6]["error"]["field"]), (&json!({"line": 6, "kind": "read"}), &json!("rating")));
    assert!(stderr(&output).contains("reads, only counted"), "{}", stderr(&output));
    let unsampled = lines(&flywheel(&["replay", &path]));
    assert_eq!(unsampled[3]["reasons"], json!(["unsampled"]));
    let pairs = lines(&flywheel(&["pairs", "--format", "trl", "--policy", &policy, &path]));
    let chosen: Vec<_> = pairs.iter().map(|pair| pair["chosen"].as_str().unwrap()).collect();
    assert_eq!(chosen, ["one two four", "one two five"]);
    let changed = lines(&flywheel(&["replay", "--against", &policy, &path]));
    let events: Vec<_> = changed.iter().filter_map(|line| line["event_id"].as_str()).collect();
    assert_eq!(events, ["kept"]);
}

#[test]
fn an_explanation_shows_what_changed_and_what_was_found() {
    let folder = TempDir::new().unwrap();
    let secret = concat!("password = \"vT7kq29Lm", "Xz4pWc8\"");
    let events = [
        edit("a", "one two three", "one two four"),
        edit("b", "Log in with the vault.", &format!("Log in with {secret}.")),
    ];
    let path = file(&folder, "events.jsonl", events.join("\n"));
    let explain = |arguments: &[&str]| {
        let output = flywheel(&[&["explain", path.as_str()], arguments].concat());
        (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output))
    };
    let (_, text, _) = explain(&[]);
    assert!(text.contains("event a → gold") && text.contains("one two [-three-]{+four+}"), "{text}");
    let (_, text, _) = explain(&["--line", "2"]);
    assert!(text.contains("secret") && text.contains("dropped") && text.contains("[routes] secret"), "{text}");
    assert!(text.contains("[-the vault.-]{+password = \"»▇▇▇▇«\".+}"), "{text}");
    assert!(!text.contains("vT7kq29"), "{text}");
    let (_, json, _) = explain(&["--line", "2", "--json"]);
    assert!(!json.contains("vT7kq29"));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["findings"][0]["reason"], "secret");
    let (code, text, error) = explain(&["--line", "3"]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(error.contains("events.jsonl:3: there is no such line"), "{error}");
}

#[test]
fn an_explanation_says_what_was_respelled() {
    let event = edit("a", "It's one.\nIt's two.", "It\u{2019}s one.\r\nIt\u{2019}s three.");
    let text = String::from_utf8(fed(&["explain", "-"], event.as_bytes()).stdout).unwrap();
    assert!(text.contains("\nas the model spells: line ends, quotes\n"), "{text}");
    assert!(text.contains("It's one.\n  It's [-two.-]{+three.+}"), "{text}");
    let json = fed(&["explain", "-", "--json"], event.as_bytes()).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["respelled"], json!(["line_ends", "quotes"]));
    let plain = edit("a", "one two three", "one two four");
    let text = String::from_utf8(fed(&["explain", "-"], plain.as_bytes()).stdout).unwrap();
    assert!(!text.contains("as the model spells"), "{text}");
}

#[test]
fn each_reason_is_explained_on_its_example() {
    let examples = std::fs::read_dir(Path::new(EVENTS).join("../reasons")).unwrap().map(|entry| entry.unwrap().path());
    for example in examples.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let (policy, path) = (example.with_extension("toml"), example.to_str().unwrap());
        let code = example.file_stem().unwrap().to_str().unwrap();
        let policy = if policy.exists() { vec!["--policy", policy.to_str().unwrap()] } else { Vec::new() };
        let replayed = lines(&flywheel(&[&["replay", "--quiet", path][..], &policy].concat()));
        let text = String::from_utf8(flywheel(&[&["explain", path][..], &policy].concat()).stdout).unwrap();
        let is_found = [&replayed[0]["reasons"], &replayed[0]["tags"]].iter().any(|codes| **codes == json!([code]));
        assert!(text.contains(&format!("\n{code}")) == is_found && text.contains("tune:") == is_found, "{text}");
    }
}

#[test]
fn what_is_found_is_marked_where_it_stands() {
    let events = [
        edit(
            "a",
            "Pay within 30 days of delivery, by card or by transfer, please.",
            "Pay within 14 days of delivery, by card or by transfer, please.",
        ),
        edit("b", "One two three.", "One two <|im_end|> three.\u{1b}[8m"),
    ];
    let explained = |event: &str| String::from_utf8(fed(&["explain", "-"], event.as_bytes()).stdout).unwrap();
    let text = explained(&events[0]);
    assert!(text.contains("  Pay within [-30-]{+»14«+} days of delivery,"), "{text}");
    assert!(text.contains("in the user's text: Pay within »14« days of delivery, by ca…"), "{text}");
    assert!(
        text.contains("\nsimilarity of the place that changed most 0.975; below 0.95 it is a local_correction\n"),
        "{text}"
    );
    let text = explained(&events[1]);
    assert!(text.contains("»<|im_end|>«") && text.contains("»\\u{1b}«[8m") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn half_a_surrogate_pair_makes_no_bad_line() {
    let event = |id: &str| edit(id, "The kettle is ready.", "The kettle is hot. CUT").replace("CUT", r"\ud83d");
    let events = [event("a"), event("CUT"), event("c")].join("\n");
    let output = fed(&["replay", "-"], events.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let replayed = lines(&output);
    assert_eq!((&replayed[0]["route"], &replayed[0]["tags"]), (&json!("gold"), &json!(["replaced_character"])));
    assert_eq!(replayed[1]["error"]["field"], "event_id");
    assert_eq!(replayed[2]["pair"], replayed[0]["pair"]);
    let text = String::from_utf8(fed(&["explain", "-"], event("a").as_bytes()).stdout).unwrap();
    assert!(text.contains("replaced_character → a tag"), "{text}");
    let pairs = fed(&["pairs", "--format", "trl", "-"], event("a").as_bytes());
    assert_eq!(lines(&pairs)[0]["chosen"], "The kettle is hot. \u{fffd}");
}

#[test]
fn a_critical_finding_of_a_local_correction_is_explained_as_a_tag() {
    let program = |call: &str| format!("{}total = {call}\n{}", "step(a, b)\n".repeat(40), "step(b, a)\n".repeat(40));
    let event = edit("a", &program("orders.sum_of(prices)"), &program("sum(order.price for order in orders)"));
    let explain = |arguments: &[&str]| {
        String::from_utf8(fed(&[&["explain", "-"], arguments].concat(), event.as_bytes()).stdout).unwrap()
    };
    let text = explain(&[]);
    assert!(text.contains("event a → gold") && text.contains("\ncritical → a tag"), "{text}");
    assert!(
        text.contains("\nlocal_correction → a tag") && text.contains("tune: [similarity] local_correction_below"),
        "{text}"
    );
    let json: Value = serde_json::from_str(&explain(&["--json"])).unwrap();
    assert_eq!((&json["findings"][0]["reason"], &json["findings"][0]["route"]), (&json!("critical"), &json!("gold")));
    assert!(json["scores"]["region_similarity"].as_f64().unwrap() < 0.95);
}

#[test]
fn sample_events_are_all_judged() {
    for path in demo_files() {
        let output = flywheel(&["replay", "--quiet", path.to_str().unwrap()]);
        assert!(output.status.success(), "{}: {}", path.display(), stderr(&output));
    }
    let bad = Path::new(EVENTS).join("bad.jsonl");
    assert_eq!(flywheel(&["replay", "--quiet", bad.to_str().unwrap()]).status.code(), Some(1));
}

/// Returns the keys of a printed JSON object.
fn printed(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_breaker_is_opened_and_closed_with_who_and_why() {
    let folder = TempDir::new().unwrap();
    let lake = folder.path().to_str().unwrap();
    let status = || printed(&flywheel(&["breaker", "status", "--lake", lake, "--json"]));
    assert_eq!((&status()["state"], &status()["changes"]), (&json!("closed"), &json!([])));

    let open = ["breaker", "open", "--lake", lake, "--why", "a campaign", "--by", "kim", "--json"];
    let planned = printed(&flywheel(&[&open[..], &["--dry-run"]].concat()));
    assert_eq!(
        (&planned["state"], &planned["changed"], &planned["dry_run"]),
        (&json!("open"), &json!(false), &json!(true))
    );
    assert_eq!(status()["state"], "closed", "a dry run changes nothing");

    let opened = printed(&flywheel(&[&open[..], &["--yes"]].concat()));
    assert_eq!((&opened["state"], &opened["changed"]), (&json!("open"), &json!(true)));
    let cause = json!({"kind": "by_hand", "who": "kim", "why": "a campaign"});
    assert_eq!(status()["changes"][0]["cause"], cause);

    let again = flywheel(&[&open[..], &["--yes"]].concat());
    assert_eq!((again.status.code(), stderr(&again).as_str()), (Some(2), "flywheel: the breaker is open already\n"));

    let close = ["breaker", "close", "--lake", lake, "--why", "blo\u{1b}cked", "--by", "kim", "--yes"];
    let closed = flywheel(&close);
    let text = String::from_utf8(closed.stdout).unwrap();
    assert!(text.contains(": closed since") && text.contains("open → closed: kim: blo\\u{1b}cked"), "{text}");
}

#[test]
fn nothing_is_changed_unless_somebody_says_yes() {
    let folder = TempDir::new().unwrap();
    let lake = folder.path().to_str().unwrap();
    let output = fed(&["breaker", "open", "--lake", lake, "--why", "w", "--by", "kim"], b"y\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("pass --yes"), "{}", stderr(&output));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_breaker_that_is_open_for_one_sender_closes_without_a_sample() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("state")).unwrap();
    let status = |senders: Value| {
        let stored = json!({"state": "open", "half_open_at": 1_795_342_830_007_u64, "senders": senders});
        std::fs::write(folder.path().join("state/breaker.json"), stored.to_string()).unwrap();
        let output = flywheel(&["breaker", "status", "--lake", folder.path().to_str().unwrap()]);
        String::from_utf8(output.stdout).unwrap()
    };
    let said = status(json!([{"contributor": "eve"}]));
    assert!(said.contains("open for some senders, closes at 2026-"), "{said}");
    let said = status(json!([]));
    assert!(said.contains("open, lets a sample through from 2026-"), "{said}");
}

#[test]
fn a_lake_that_is_not_there_or_damaged_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing");
    let output = flywheel(&["breaker", "status", "--lake", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("missing: no such folder"));
    std::fs::create_dir(folder.path().join("state")).unwrap();
    std::fs::write(folder.path().join("state/breaker.json"), "{").unwrap();
    let output = flywheel(&["breaker", "status", "--lake", folder.path().to_str().unwrap()]);
    assert!(stderr(&output).contains("understand state/breaker.json"), "{}", stderr(&output));
    let output = flywheel(&["breaker", "status", "--lake", "gs://my-lake"]);
    assert!(stderr(&output).contains("expected s3://BUCKET or a folder"), "{}", stderr(&output));
    let output = flywheel(&["breaker", "open", "--lake", "s3://my-lake", "--by", "kim"]);
    assert!(stderr(&output).contains("--why"), "{}", stderr(&output));
}

/// A lake in a folder in which two adapters became live one after the other.
fn lake_with_adapters() -> TempDir {
    use flywheel_training::{DatasetVersion, LIVE_KEY, LiveAdapter, LiveCause, LiveModel, Sha256Hex};
    let folder = TempDir::new().unwrap();
    let live = (1..=2).fold(LiveModel::default(), |live, number| {
        let adapter = LiveAdapter {
            adapter: format!("run-{number}").parse().unwrap(),
            prefix: format!("runs/run-{number}/output/"),
            sha256: Sha256Hex::of(b"weights"),
            config_sha256: Sha256Hex::of(b"configuration"),
            base: "tiny".to_owned(),
            dataset: DatasetVersion { version: number, digest: None },
        };
        live.promoted(adapter, live.incumbent().as_ref(), LiveCause::Gate, number).unwrap()
    });
    std::fs::create_dir(folder.path().join("models")).unwrap();
    std::fs::write(folder.path().join(LIVE_KEY), serde_json::to_vec(&live).unwrap()).unwrap();
    folder
}

#[test]
fn adapters_are_listed_and_one_is_put_back() {
    let folder = lake_with_adapters();
    let lake = folder.path().to_str().unwrap();
    let listed = || printed(&flywheel(&["adapters", "--lake", lake, "--json"]));
    assert_eq!((&listed()["adapter"]["adapter"], listed()["changes"].as_array().unwrap().len()), (&json!("run-2"), 2));
    let text = String::from_utf8(flywheel(&["adapters", "--lake", lake]).stdout).unwrap();
    assert!(text.contains(": run-2 (base tiny, dataset version 2)\n") && text.contains("→ run-1 (base"), "{text}");

    let demote = ["demote", "--to", "run-1", "--lake", lake, "--why", "ra\u{1b}mbles", "--by", "kim"];
    let planned = printed(&flywheel(&[&demote[..], &["--json", "--dry-run"]].concat()));
    assert_eq!((&planned["adapter"]["adapter"], &planned["changed"]), (&json!("run-1"), &json!(false)));
    assert_eq!(flywheel(&demote).status.code(), Some(2), "nobody can be asked");
    assert_eq!(listed()["adapter"]["adapter"], "run-2");

    let text = String::from_utf8(flywheel(&[&demote[..], &["--yes"]].concat()).stdout).unwrap();
    assert!(text.contains("kim: ra\\u{1b}mbles"), "{text}");
    assert_eq!(listed()["adapter"]["adapter"], "run-1");
    let again = flywheel(&[&demote[..], &["--yes"]].concat());
    assert_eq!((again.status.code(), stderr(&again).as_str()), (Some(2), "flywheel: run-1 is live already\n"));
    let base = ["demote", "--to", "base", "--lake", lake, "--why", "w", "--by", "kim", "--yes", "--json"];
    assert_eq!(
        (&printed(&flywheel(&base))["adapter"], listed()["changes"].as_array().unwrap().len()),
        (&json!(null), 4)
    );
}

#[test]
fn what_cannot_be_put_back_or_answered_is_said() {
    let folder = lake_with_adapters();
    let lake = folder.path().to_str().unwrap();
    let rest = ["--lake", lake, "--why", "w", "--by", "kim", "--yes"];
    for (command, part) in [
        (["demote", "--to", "run-9"], "run-9 was never live"),
        (["demote", "--to", "Run 9"], "expected the name of a run"),
        (["promote", "--run", "run-2"], "in a folder none waits"),
        (["reject", "--run", "run-2"], "in a folder none waits"),
    ] {
        let output = flywheel(&[&command[..], &rest[..]].concat());
        assert!(output.status.code() == Some(2) && stderr(&output).contains(part), "{command:?}: {}", stderr(&output));
    }
}

#[test]
fn of_the_saves_of_one_output_pairs_has_the_last_text() {
    let letter = "Dear Mr Okoro, we sent the replacement this morning and your refund follows on Friday.";
    let output = "Dear customer, we have received your letter and will come back to you when we can.";
    let saves: Vec<_> =
        [21, 30, 42, 55, 61, 74, letter.len()].iter().map(|end| edit_of("t-1", output, &letter[..*end])).collect();
    let other = edit_of("t-2", output, "Dear Mr Okoro, thank you. The parcel left today.");
    let pairs = fed(&["pairs", "--format", "trl", "-"], [saves.join("\n"), other].join("\n").as_bytes());
    let chosen: Vec<_> = lines(&pairs).iter().map(|pair| pair["chosen"].clone()).collect();
    assert_eq!(chosen, [json!(letter), json!("Dear Mr Okoro, thank you. The parcel left today.")]);
    // An edit that the user undid gives no pair.
    let back = [saves.join("\n"), edit_of("t-1", output, output)].join("\n");
    assert!(lines(&fed(&["pairs", "--format", "trl", "-"], back.as_bytes())).is_empty());
}

/// An edit without an id, in a thread.
fn edit_of(thread: &str, output: &str, text: &str) -> String {
    json!({"prompt": "Answer the letter", "thread_id": thread, "original_llm_output": output, "final_user_edit": text})
        .to_string()
}
