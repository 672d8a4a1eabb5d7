//! The requests to Bedrock and the handling of its answers, with a scripted service.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::{Credentials, SharedCredentialsProvider};
use flywheel_curate::judges::{
    ApplyGuardrail as _, AskModel as _, BedrockChecks, BedrockGuardrail, BedrockModel, CheckText, GuardedText,
    NoAnswer, Source, bedrock_client,
};
use flywheel_curation::{CONTROL, CheckedFor, GuardrailPolicy, Opinion, Question};
use serde_json::{Value, json};

/// Starts a service that gives these answers in order. Returns its client and the requests.
fn service(answers: Vec<(u16, &'static str, Value)>) -> (Client, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    thread::spawn(move || {
        for (status, code, answer) in answers {
            let (mut connection, _) = listener.accept().unwrap();
            sender.send(request(&connection)).unwrap();
            let body = answer.to_string();
            write!(
                connection,
                "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nx-amzn-ErrorType: {code}\r\nConnection: close\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .endpoint_url(endpoint)
        .build();
    (bedrock_client(&aws), requests)
}

/// Reads the path and the body of a request.
fn request(connection: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (path, serde_json::from_slice(&body).unwrap())
}

fn question() -> Question {
    Question::new(&CONTROL, 7).unwrap()
}

fn message(content: Value) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1},
    })
}

fn call(name: &str, input: Value) -> Value {
    json!({"toolUse": {"toolUseId": "t", "name": name, "input": input}})
}

/// Returns the port's answer to a model's message with this content.
async fn asked(content: Value) -> Result<String, NoAnswer> {
    let (client, _requests) = service(vec![(200, "", message(content))]);
    BedrockModel::new(client, "test.model-1").ask_model(&question()).await
}

#[tokio::test]
async fn a_model_is_asked_coldly_and_has_no_choice_but_the_tool() {
    let answer = json!({"nonce": "0000000000000007", "opinion": "unsafe"});
    let thinking = json!({"text": "I think it passes."});
    let (client, requests) = service(vec![(200, "", message(json!([thinking, call("report", answer)])))]);
    let answer = BedrockModel::new(client, "eu.test.model-1:0").ask_model(&question()).await.unwrap();
    assert_eq!(question().read(&answer), Opinion::Unsafe);
    let (path, sent) = requests.recv().unwrap();
    assert_eq!(path, "/model/eu.test.model-1%3A0/converse");
    assert_eq!(sent["inferenceConfig"], json!({"maxTokens": 200, "temperature": 0.0}));
    assert_eq!(sent["toolConfig"]["toolChoice"], json!({"tool": {"name": "report"}}));
    assert_eq!(sent["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"], Question::answer_schema());
    assert_eq!(sent["system"], json!([{"text": Question::SYSTEM}]));
    assert_eq!(sent["messages"], json!([{"role": "user", "content": [{"text": question().text}]}]));
}

#[tokio::test]
async fn what_is_not_one_call_of_the_tool_with_strings_is_unreadable() {
    let pass = json!({"nonce": "0000000000000007", "opinion": "pass"});
    for content in [
        json!([]),
        json!([{"text": pass.to_string()}]),
        json!([call("other", pass.clone())]),
        json!([call("report", pass.clone()), call("report", pass.clone())]),
        json!([call("report", json!("pass"))]),
        json!([call("report", json!({"nonce": "0000000000000007", "opinion": ["pass"]}))]),
        json!([call("report", json!({"nonce": 7, "opinion": "pass"}))]),
    ] {
        assert_eq!(asked(content.clone()).await, Err(NoAnswer::Unreadable), "{content}");
    }
    let passed = asked(json!([call("report", pass)])).await.unwrap();
    assert_eq!(question().read(&passed), Opinion::Pass, "or none of the above would show anything");
}

#[tokio::test]
async fn throttling_is_tried_twice_and_a_refusal_once_and_neither_is_quoted() {
    let quote = json!({"message": "text was: SECRET"});
    let throttled = || (429, "ThrottlingException", quote.clone());
    let (client, requests) = service(vec![throttled(), throttled(), throttled()]);
    let refused = BedrockModel::new(client, "m").ask_model(&question()).await.unwrap_err();
    assert_eq!(refused, NoAnswer::Refused("ThrottlingException".to_owned()));
    assert_eq!(requests.try_iter().count(), 2);
    let (client, requests) = service(vec![(400, "ValidationException", quote.clone()), throttled()]);
    let refused = BedrockModel::new(client, "m").ask_model(&question()).await.unwrap_err();
    assert_eq!(format!("{refused} {refused:?}"), "ValidationException Refused(\"ValidationException\")");
    assert_eq!(requests.try_iter().count(), 1);
    let (client, _requests) = service(vec![(400, "a code that is: SECRET", quote)]);
    let refused = BedrockModel::new(client, "m").ask_model(&question()).await.unwrap_err();
    assert_eq!(refused, NoAnswer::Unreadable);
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_unreadable_and_nobody_at_home_is_not_reached() {
    let (client, _requests) = service(vec![(200, "", json!("not a message"))]);
    assert_eq!(BedrockModel::new(client, "m").ask_model(&question()).await, Err(NoAnswer::Unreadable));
    let (client, requests) = service(Vec::new());
    drop(requests);
    assert_eq!(BedrockModel::new(client, "m").ask_model(&question()).await, Err(NoAnswer::NotReached));
}

fn assessment(action: &str, assessments: Value) -> Value {
    json!({
        "action": action, "assessments": [assessments], "outputs": [],
        "usage": {"topicPolicyUnits": 0, "contentPolicyUnits": 1, "wordPolicyUnits": 0, "sensitiveInformationPolicyUnits": 0,
                  "sensitiveInformationPolicyFreeUnits": 0, "contextualGroundingPolicyUnits": 0},
    })
}

#[tokio::test]
async fn a_guardrail_is_shown_the_source_and_says_which_policies_acted() {
    let found = json!({
        "contentPolicy": {"filters": [
            {"type": "INSULTS", "confidence": "HIGH", "action": "BLOCKED"},
            {"type": "PROMPT_ATTACK", "confidence": "HIGH", "action": "BLOCKED"}]},
        "topicPolicy": {"topics": [{"name": "t", "type": "DENY", "action": "NONE"}]},
        "wordPolicy": {"customWords": [{"match": "w", "action": "BLOCKED"}], "managedWordLists": []},
        "sensitiveInformationPolicy": {"piiEntities": [{"match": "m", "type": "NAME", "action": "ANONYMIZED"}], "regexes": []},
        "contextualGroundingPolicy": {"filters": [{"type": "GROUNDING", "threshold": 0.7, "score": 0.1, "action": "BLOCKED"}]},
    });
    let (client, requests) = service(vec![(200, "", assessment("GUARDRAIL_INTERVENED", found))]);
    let text = GuardedText { text: "edited", source: Some(Source { text: "the source", query: "the query" }) };
    let assessment = BedrockGuardrail::new(client, "abc", "3").apply_guardrail(&text).await.unwrap();
    assert!(assessment.intervened);
    let all_but_topics = [
        GuardrailPolicy::Content,
        GuardrailPolicy::PromptAttack,
        GuardrailPolicy::Word,
        GuardrailPolicy::Private,
        GuardrailPolicy::Grounding,
    ];
    assert_eq!(assessment.policies, all_but_topics);
    let (path, sent) = requests.recv().unwrap();
    assert_eq!(path, "/guardrail/abc/version/3/apply");
    assert_eq!(sent["source"], "OUTPUT");
    let block = |text: &str, qualifier: &str| json!({"text": {"text": text, "qualifiers": [qualifier]}});
    let blocks =
        [block("the source", "grounding_source"), block("the query", "query"), block("edited", "guard_content")];
    assert_eq!(sent["content"], json!(blocks));
}

#[tokio::test]
async fn a_guardrail_that_does_nothing_passes_and_one_that_does_what_nobody_knows_does_not() {
    let text = GuardedText { text: "edited", source: None };
    let (client, _requests) = service(vec![(200, "", assessment("NONE", json!({})))]);
    assert!(!BedrockGuardrail::new(client, "abc", "3").apply_guardrail(&text).await.unwrap().intervened);
    let (client, _requests) = service(vec![(200, "", assessment("SHRUGGED", json!({})))]);
    let answer = BedrockGuardrail::new(client, "abc", "3").apply_guardrail(&text).await;
    assert_eq!(answer, Err(NoAnswer::Unreadable));
}

#[tokio::test]
async fn checks_ask_for_eight_categories_and_take_their_severities() {
    let answer = json!({
        "results": {
            "contentFilter": {"results": [{"category": "HATE", "severityScore": 0.2}, {"category": "INSULTS", "severityScore": 1.0}]},
            "promptAttack": {"results": [{"category": "JAILBREAK", "severityScore": 0.4}]},
        },
        "usage": {},
    });
    let (client, requests) = service(vec![(200, "", answer)]);
    let severities = BedrockChecks::new(client).check_text("edited").await.unwrap();
    let found: Vec<_> = severities.iter().map(|found| (found.checked_for, found.severity)).collect();
    assert_eq!(found, [(CheckedFor::Harm, 0.2), (CheckedFor::Harm, 1.0), (CheckedFor::Attack, 0.4)]);
    let (path, sent) = requests.recv().unwrap();
    assert_eq!(path, "/guardrail-checks/invoke");
    assert_eq!(sent["messages"], json!([{"role": "user", "content": [{"text": "edited"}]}]));
    let categories = |check: &str| sent["checks"][check]["categories"].as_array().unwrap().len();
    assert_eq!(categories("contentFilter") + categories("promptAttack"), BedrockChecks::CATEGORIES);
    assert_eq!(sent["checks"].as_object().unwrap().len(), 2);
}
