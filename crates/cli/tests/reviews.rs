//! `flywheel promote --run` and `flywheel reject --run`: their requests to the lake and the workflow. A service stands in for S3
//! and Step Functions and records the requests.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

const RUN: &str = "crossing-000007-attempt-1";
const TOKEN: &str = "the-token-of-the-question";

/// A request: the object that is read, or the call with its body.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Read(String),
    Called(String, Value),
}

/// An S3 with at most one review question, and a Step Functions that gives one answer.
struct Cloud {
    endpoint: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Cloud {
    /// `refusal` is the code with which Step Functions refuses the answer.
    fn new(question: Option<String>, refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let request = request(&connection);
                let (status, body) = match (&request, &question, refusal) {
                    (Asked::Read(_), Some(question), _) => (200, question.clone()),
                    (Asked::Read(_), None, _) => (404, "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
                    (Asked::Called(..), _, None) => (200, "{}".to_owned()),
                    (Asked::Called(..), _, Some(code)) => (400, json!({"__type": code, "message": "no"}).to_string()),
                };
                noted.lock().unwrap().push(request);
                let length = body.len();
                let head = format!("HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                connection.write_all((head + &body).as_bytes()).unwrap();
            }
        });
        Self { endpoint, asked }
    }

    fn that_waits() -> Self {
        Self::new(Some(question()), None)
    }

    fn flywheel(&self, arguments: &[&str]) -> Output {
        let rest = ["--lake", "s3://a-lake", "--why", "it invents flags", "--by", "kim"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_flywheel"));
        command.args(arguments).args(rest).env("AWS_ENDPOINT_URL", &self.endpoint);
        let none_of_this_machine = [("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")];
        command.env_remove("AWS_PROFILE").envs(none_of_this_machine);
        command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")]);
        command.output().unwrap()
    }

    /// Returns the calls to the workflow with their bodies.
    fn told(&self) -> Vec<(String, Value)> {
        let asked = self.asked.lock().unwrap().clone();
        let called = |asked| if let Asked::Called(call, body) = asked { Some((call, body)) } else { None };
        asked.into_iter().filter_map(called).collect()
    }
}

fn question() -> String {
    let reasons = ["G0 integrity: 150 scored pairs are fewer than 200"];
    json!({"run": RUN, "task_token": TOKEN, "asked_at": 1, "reasons": reasons}).to_string()
}

fn request(connection: &TcpStream) -> Asked {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let (mut length, mut call) = (0, None);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "x-amz-target" => call = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let path = path.split('?').next().unwrap_or_default().to_owned();
    call.map_or(Asked::Read(path), |call| Asked::Called(call, serde_json::from_slice(&body).unwrap()))
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_persons_answer_is_what_the_workflow_is_told_once() {
    for decision in ["promote", "reject"] {
        let cloud = Cloud::that_waits();
        let output = cloud.flywheel(&[decision, "--run", RUN, "--yes", "--json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["decision"], &report["answered"]), (&json!(decision), &json!(true)));
        let told = cloud.told();
        assert_eq!((told.len(), told[0].0.as_str()), (1, "AWSStepFunctions.SendTaskSuccess"));
        assert_eq!(told[0].1["taskToken"], TOKEN);
        let answer: Value = serde_json::from_str(told[0].1["output"].as_str().unwrap()).unwrap();
        assert_eq!(answer, json!({"decision": decision, "who": "kim", "why": "it invents flags"}));
        let read = Asked::Read(format!("/a-lake/runs/{RUN}/review.json"));
        assert_eq!(cloud.asked.lock().unwrap().first(), Some(&read));
        assert!(!String::from_utf8(output.stdout).unwrap().contains(TOKEN), "who has the token may answer");
    }
}

#[test]
fn nothing_is_answered_that_nobody_has_said_yes_to() {
    let cloud = Cloud::that_waits();
    let output = cloud.flywheel(&["reject", "--run", RUN, "--dry-run"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{RUN} would be answered: reject\n"));
    let output = cloud.flywheel(&["reject", "--run", RUN]);
    assert_eq!((output.status.code(), stderr(&output).contains("pass --yes")), (Some(2), true));
    let output = cloud.flywheel(&["reject", "--run", RUN, "--event", "e", "--yes"]);
    assert_eq!((output.status.code(), stderr(&output).contains("cannot be used with")), (Some(2), true));
    assert_eq!(cloud.told(), []);
}

#[test]
fn a_run_that_waits_for_nobody_is_not_answered() {
    let damaged = question().replace("task_token", "token");
    for (question, says) in
        [(None, format!("{RUN} waits for no answer")), (Some(damaged), "review.json: missing field".to_owned())]
    {
        let cloud = Cloud::new(question, None);
        let output = cloud.flywheel(&["reject", "--run", RUN, "--yes"]);
        assert!(output.status.code() == Some(2) && stderr(&output).contains(&says), "{}", stderr(&output));
        assert_eq!((cloud.told(), output.stdout.len()), (Vec::new(), 0));
    }
}

#[test]
fn an_answer_that_comes_too_late_is_said_to_and_another_failure_is_not_taken_for_it() {
    for (code, is_late) in
        [("TaskTimedOut", true), ("TaskDoesNotExist", true), ("InvalidToken", true), ("AccessDeniedException", false)]
    {
        let cloud = Cloud::new(Some(question()), Some(code));
        let output = cloud.flywheel(&["reject", "--run", RUN, "--yes"]);
        let error = stderr(&output);
        assert_eq!((output.status.code(), output.stdout.len(), cloud.told().len()), (Some(2), 0, 1), "{code}: {error}");
        assert_eq!(error.contains("waits no more: it was answered, or its time is over"), is_late, "{code}: {error}");
        assert!(is_late || error.contains(code), "{error}");
        assert!(!error.contains(TOKEN), "{error}");
    }
}
