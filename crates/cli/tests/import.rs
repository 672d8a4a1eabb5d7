//! `flywheel import` as a team runs it: on exports, into files, and to an API that fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

use flywheel_event::{Endpoint, Received, Submission};
use serde_json::{Value, json};
use tempfile::TempDir;

const EXPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/import");

/// The arguments of an import of each tool's fixtures, and the number of events in them.
const IMPORTS: [(&str, &[&str], usize); 7] = [
    ("langfuse", &["langfuse-observations.jsonl", "langfuse-scores.json"], 3),
    ("langsmith", &["langsmith-runs.jsonl", "langsmith-feedback.jsonl"], 4),
    ("openwebui", &["openwebui-chats.json", "openwebui-feedback.json"], 4),
    ("labelstudio", &["labelstudio.json"], 4),
    ("argilla", &["argilla.json"], 2),
    ("phoenix", &["phoenix-spans.json", "phoenix-annotations.json"], 2),
    ("otlp", &["otlp-traces.jsonl", "--edits", "otlp-edits.jsonl"], 2),
];

fn flywheel(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flywheel")).args(arguments).current_dir(folder).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}

/// An export of Argilla with so many corrected answers.
fn records(count: usize) -> String {
    let record = |number: usize| {
        json!({"id": number.to_string(), "fields": {"instruction": format!("question {number}")},
               "suggestions": {"answer": {"value": "an answer of \"two\" words"}},
               "responses": {"answer": [{"value": format!("answer {number} of two words"), "user_id": "u"}]}})
    };
    Value::Array((0..count).map(record).collect()).to_string()
}

#[test]
fn exports_of_every_tool_become_events_that_are_judged_and_twice_the_same() {
    let folder = TempDir::new().unwrap();
    for (tool, files, count) in IMPORTS {
        let path = folder.path().join(tool).into_os_string().into_string().unwrap();
        let arguments = [&["import", tool], files].concat();
        let output = flywheel(Path::new(EXPORTS), &[&arguments[..], &["--to", &path]].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", stderr(&output));
        assert!(stderr(&output).contains("left out "), "{}", stderr(&output));
        let again = flywheel(Path::new(EXPORTS), &arguments);
        let lines = std::fs::read(&path).unwrap();
        assert!(again.stdout == lines, "{tool}: the second import differs");
        assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), count, "{tool}");
        let judged = flywheel(folder.path(), &["replay", &path]);
        assert_eq!(judged.status.code(), Some(0), "{tool}: {}", stderr(&judged));
    }
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    write(&folder, "export.json", &records(9)[..700]);
    write(&folder, "edits.jsonl", "as before");
    let output = flywheel(
        folder.path(),
        &["import", "argilla", "export.json", "--to", "edits.jsonl", "--skipped", "left.jsonl"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("export.json: row 4: the file ends within the row"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(folder.path().join("edits.jsonl")).unwrap(), "as before");
    assert_eq!(names(&folder), ["edits.jsonl", "export.json"]);
}

#[test]
fn a_file_that_is_none_of_the_tools_is_named_with_the_fix() {
    let folder = TempDir::new().unwrap();
    write(&folder, "export.json", &records(1));
    write(&folder, "other.json", r#"[{"a": 1}]"#);
    write(&folder, "text.json", "\"text\"");
    write(&folder, "table.csv", "id,input\n1,2\n");
    for (tool, file, message) in [
        ("langfuse", "export.json", "row 1 is a record of argilla, not of langfuse; run flywheel import argilla"),
        ("argilla", "other.json", "row 1 is no record of argilla"),
        ("argilla", "text.json", "neither a list nor an object"),
        ("argilla", "table.csv", "is not JSON"),
        ("argilla", "missing.json", "cannot read missing.json"),
    ] {
        let output = flywheel(folder.path(), &["import", tool, file, "--to", "edits.jsonl"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    assert!(!names(&folder).contains(&"edits.jsonl".to_owned()));
}

#[test]
fn what_is_left_out_is_named_by_file_row_and_reason() {
    let folder = TempDir::new().unwrap();
    let runs = std::fs::read_to_string(format!("{EXPORTS}/langsmith-runs.jsonl")).unwrap();
    write(&folder, "runs.jsonl", &format!("{runs}{{\"run_type\": NaN}}\n{{\"stray\":1}}\n"));
    let feedback = format!("{EXPORTS}/langsmith-feedback.jsonl");
    let arguments = ["import", "langsmith", "runs.jsonl", &feedback];
    let told = stderr(&flywheel(folder.path(), &arguments));
    assert!(told.contains("runs.jsonl:4: the row is not JSON, at its line 1 column 14 (unknown_record)"), "{told}");
    assert!(told.contains("runs.jsonl:5: is no record of langsmith (unknown_record)"), "{told}");
    let output = flywheel(folder.path(), &[&arguments[..], &["--skipped", "left.jsonl"]].concat());
    assert!(
        stderr(&output).starts_with("records 11, events 4 (edits 1, feedback 3), left out 5\n"),
        "{}",
        stderr(&output)
    );
    let left = std::fs::read_to_string(folder.path().join("left.jsonl")).unwrap();
    let lines: Vec<Value> = left.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    let expected = json!({"file": "runs.jsonl", "row": 5, "record": null, "field": null, "reason": "unknown_record", "message": "is no record of langsmith"});
    assert!(lines.contains(&expected), "{left}");
}

#[test]
fn the_standard_input_may_be_read_twice() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_flywheel"))
        .args(["import", "langfuse", "-", "langfuse-observations.jsonl", "-q"])
        .current_dir(EXPORTS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let scores = std::fs::read(format!("{EXPORTS}/langfuse-scores.json")).unwrap();
    process.stdin.take().unwrap().write_all(&scores).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 3);
}

#[test]
fn arguments_that_do_not_fit_together_are_refused() {
    let folder = TempDir::new().unwrap();
    write(&folder, "export.json", &records(1));
    write(&folder, "key", "secret\n");
    write(&folder, "empty", "\n");
    let api = "https://api.example/v1/edits";
    for (arguments, message) in [
        (&["otlp", "export.json"][..], "otlp needs --edits"),
        (&["argilla", "export.json", "--edits", "key"], "--edits goes with otlp"),
        (&["argilla", "export.json", "--key-file", "key"], "--key-file goes with --to"),
        (&["argilla", "export.json", "--to", api], "needs --key-file"),
        (&["argilla", "export.json", "--to", api, "--key-file", "empty"], "holds no key"),
        (&["argilla", "export.json", "--to", "https://api.example/", "--key-file", "key"], "must end with /v1/edits"),
        (&["argilla", "export.json", "--to", "http://api.example/v1/edits", "--key-file", "key"], "give an https URL"),
        (&["argilla", "export.json", "--to", "."], "it is a folder"),
        (&["argilla", "export.json", "--scale", "a=1..1"], "such as 1..5"),
        (&["argilla", "-", "-"], "once only"),
    ] {
        let output = flywheel(folder.path(), &[&["import"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
        assert_eq!(output.stdout.len(), 0);
    }
}

/// A request to the API: its path, its key, and the ids of its events.
type Request = (String, String, Vec<String>);

/// An API that gives these answers, one a request. The real parser has to accept every event. It returns the requests.
fn api(answers: Vec<(u16, Value)>) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/edits", listener.local_addr().unwrap());
    let serve = move || {
        let answer = |(status, body): (u16, Value)| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line == "\r\n" {
                    break;
                }
                head.push(line.trim_end().to_owned());
            }
            let header = |name: &str| {
                let found = head
                    .iter()
                    .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
                found.unwrap().1.to_owned()
            };
            let mut text = vec![0; header("content-length").parse().unwrap()];
            reader.read_exact(&mut text).unwrap();
            let path = head[0].split(' ').nth(1).unwrap().to_owned();
            let endpoint = if path == "/v1/edits" { Endpoint::Edits } else { Endpoint::Feedback };
            let Ok(Submission::Batch(events)) = Submission::parse(&text, endpoint, None, Received::at(0)) else {
                panic!("a batch was sent")
            };
            assert!(events.iter().all(Result::is_ok) && text.len() < 6_000_000);
            let sent: Value = serde_json::from_slice(&text).unwrap();
            let ids =
                sent["events"].as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap().to_owned());
            let request = (path, header("authorization"), ids.collect());
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            reader.get_mut().write_all(format!("{head}{body}").as_bytes()).unwrap();
            request
        };
        answers.into_iter().map(answer).collect()
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn events_go_to_their_endpoint_and_what_is_refused_is_named_and_what_failed_is_sent_again() {
    let folder = TempDir::new().unwrap();
    write(&folder, "key", "secret\n");
    let error =
        |index: usize, code: &str| json!({"index": index, "error": {"code": code, "message": "m", "field": "prompt"}});
    let partly =
        json!({"accepted": 1, "event_ids": [], "errors": [error(0, "queue_unavailable"), error(1, "too_large")]});
    let (url, served) =
        api(vec![(429, json!({"message": "Too Many Requests"})), (207, partly), (202, json!({})), (202, json!({}))]);
    let export = format!("{EXPORTS}/labelstudio.json");
    let output = flywheel(
        folder.path(),
        &["import", "labelstudio", &export, "--to", &url, "--key-file", "key", "--progress", "p"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let requests = served.join().unwrap();
    let paths: Vec<_> = requests.iter().map(|(path, _, ids)| (path.as_str(), ids.len())).collect();
    assert_eq!(paths, [("/v1/edits", 2), ("/v1/edits", 2), ("/v1/edits", 1), ("/v1/feedback", 2)]);
    assert!(requests.iter().all(|(_, key, _)| key == "Bearer secret"));
    assert_eq!(requests[2].2[0], requests[0].2[0], "the event that the queue did not take");
    let told = stderr(&output);
    assert!(told.contains("prompt: the API refuses the event: m (too_large) (refused)"), "{told}");
    assert!(told.contains("events 3 (edits 1, feedback 2), left out 3"), "{told}");
    assert_eq!(names(&folder), ["key"], "an import that is done has no progress");
}

#[test]
fn an_import_that_was_broken_off_goes_on_where_it_was() {
    let folder = TempDir::new().unwrap();
    write(&folder, "key", "secret");
    write(&folder, "export.json", &records(1_200));
    let ids = |requests: &[Request]| -> Vec<usize> { requests.iter().map(|request| request.2.len()).collect() };
    let (url, served) = api(vec![(202, json!({})), (401, json!({"error": {"message": "send a valid key"}}))]);
    let port_of = |url: &str| url.split(':').nth(2).unwrap().split('/').next().unwrap().parse::<u16>().unwrap();
    let first = flywheel(folder.path(), &["import", "argilla", "export.json", "--to", &url, "--key-file", "key"]);
    assert_eq!(first.status.code(), Some(2));
    let told = stderr(&first);
    assert!(told.contains("the answer is 401: send a valid key; 500 events are answered"), "{told}");
    assert!(told.contains("export.json.flywheel-import"), "{told}");
    let mut sent = served.join().unwrap();
    assert_eq!(ids(&sent), [500, 500]);
    sent.pop();
    // The same API comes back: the progress is of this URL.
    let saved = std::fs::read_to_string(folder.path().join("export.json.flywheel-import")).unwrap();
    let (again, served) = api(vec![(202, json!({})), (202, json!({}))]);
    let moved = saved.replace(&port_of(&url).to_string(), &port_of(&again).to_string());
    write(&folder, "export.json.flywheel-import", &moved);
    let second = flywheel(folder.path(), &["import", "argilla", "export.json", "--to", &again, "--key-file", "key"]);
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    sent.extend(served.join().unwrap());
    assert_eq!(ids(&sent), [500, 500, 200]);
    let mut all: Vec<_> = sent.into_iter().flat_map(|request| request.2).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 1_200, "every event was answered once");
    assert_eq!(names(&folder), ["export.json", "key"]);
}
