//! Chats with tool calls, parts and tools go through curation, freeze, table and exports undamaged.
#![allow(clippy::unwrap_used, reason = "tests")]

mod lake;

use std::fs;

use flywheel_base::Route;
use serde_json::{Value, json};

use lake::{Lake, edit};

const FORMATS: [&str; 4] = ["trl-messages", "openai", "kto", "sft"];

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "get_weather", "parameters": {"n": 1.5, "type": "object"}}}])
}

fn chat() -> Value {
    json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "kim", "content": [{"type": "text", "text": "Is it raining in Paris?"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
            "function": {"name": "get_weather", "arguments": "{\"note\":\"a\\n\\\"b\\\"\",\"city\":\"Paris\"}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "{\"sky\":\"dry\"}"},
    ])
}

/// Returns the events: one with tools, one with an image, one liked with tools, and a plain one.
fn events() -> Vec<Value> {
    let mut with_tools = edit(1, chat());
    with_tools["tools"] = weather();
    let image = json!([{"role": "user", "content": [{"type": "text", "text": "What is it?"},
                       {"type": "image_url", "image_url": {"url": "data:image/png;base64,YWJj"}}]}]);
    let mut liked = json!({"event_id": "liked", "kind": "thumbs_up", "prompt": chat(), "tools": weather(),
                           "original_llm_output": "It is dry in Paris, so you need no umbrella."});
    liked["prompt"][1]["content"] = json!("Do I need an umbrella in Paris?");
    vec![with_tools, edit(2, image), liked, edit(3, json!("Question 3?"))]
}

fn lines(lake: &Lake, route: Route) -> Vec<Value> {
    let mut folders = vec![lake.folder().join(format!("dpo_gold_v1/route={}", route.as_str()))];
    let mut lines = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let text = fs::read_to_string(entry).unwrap();
                lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
            }
        }
    }
    lines
}

fn exported(lake: &Lake, format: &str) -> (Value, Vec<Value>) {
    let file = lake.folder().join("exported.jsonl");
    let report = lake.json(&["export", "--force", "--format", format, "--output", file.to_str().unwrap()]);
    let text = fs::read_to_string(file).unwrap();
    (report, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Returns the prompt and the tools of an exported line.
fn prompt(format: &str, line: &Value) -> (Value, Value) {
    match format {
        "openai" => (line["input"]["messages"].clone(), line["input"]["tools"].clone()),
        "sft" => {
            let mut messages = line["messages"].as_array().unwrap().clone();
            messages.pop();
            (Value::Array(messages), line["tools"].clone())
        }
        _ => (line["prompt"].clone(), line["tools"].clone()),
    }
}

#[test]
fn a_chat_with_tools_is_exported_as_it_was_sent_and_one_with_an_image_is_left_out_by_name() {
    let lake = Lake::new();
    lake.curate(flywheel_runtime::now(), &events());
    assert_eq!(lines(&lake, Route::Gold).len(), 3);
    assert_eq!(lake.freeze(1).rows, 3);
    let mut sent = chat();
    sent[1]["content"] = json!("Is it raining in Paris?");
    let mut as_objects = sent.clone();
    as_objects[2]["tool_calls"][0]["function"]["arguments"] = json!({"note": "a\n\"b\"", "city": "Paris"});
    for format in FORMATS {
        let (report, lines) = exported(&lake, format);
        assert_eq!((&report["pairs"], &report["left_out"]), (&json!(2), &json!(0)), "{format}");
        assert_eq!(
            (&report["left_out_media"], &report["left_out_media_events"]),
            (&json!(1), &json!(["e2"])),
            "{format}"
        );
        let (with_tools, plain): (Vec<_>, Vec<_>) =
            lines.iter().map(|line| prompt(format, line)).partition(|(_, tools)| !tools.is_null());
        assert_eq!(plain[0].0, json!([{"role": "user", "content": "Question 3?"}]), "{format}");
        let (messages, tools) = &with_tools[0];
        if format == "openai" {
            assert_eq!((messages, tools), (&sent, &weather()));
        } else {
            let tools: Value = serde_json::from_str(tools.as_str().unwrap()).unwrap();
            assert_eq!((messages, &tools), (&as_objects, &weather()), "{format}");
        }
        // A pair makes two lines, and the liked output one.
        assert_eq!(with_tools.len(), if format == "kto" { 3 } else { 1 });
    }
    let (report, texts) = exported(&lake, "trl");
    assert_eq!((&report["pairs"], &report["left_out_media"]), (&json!(2), &json!(1)));
    assert!(texts.iter().any(|line| line["prompt"].as_str().unwrap().contains("[tool call call_1: get_weather {")));
    for format in FORMATS {
        let table = lake.folder().join("exported.parquet");
        let report = lake.json(&[
            "export",
            "--force",
            "--format",
            format,
            "--as",
            "parquet",
            "--output",
            table.to_str().unwrap(),
        ]);
        assert_eq!((&report["pairs"], &report["left_out_media"]), (&json!(2), &json!(1)), "{format}");
        assert!(fs::metadata(table).unwrap().len() > 0);
    }
    let text = lake.text(&["export", "--force", "--output", lake.folder().join("text.jsonl").to_str().unwrap()]);
    assert!(text.contains("left out 1, each because its prompt has an image, audio or a file"), "{text}");
    assert!(text.contains("e2"), "{text}");
    let verified = lake.json(&["verify"]);
    assert!(verified.is_object());
}

#[test]
fn a_reviewed_chat_with_tools_is_released_and_corrected_with_the_same_prompt() {
    let lake = Lake::new();
    let mut critical = edit(7, chat());
    critical["tools"] = weather();
    critical["original_llm_output"] = json!("Please wait for 30 days, and then write to us again, by letter.");
    critical["final_user_edit"] = json!("Please wait for 14 days, and then write to us again, by letter.");
    let mut other = critical.clone();
    other["event_id"] = json!("e8");
    other["prompt"][1]["content"] = json!("How long do I wait for my letter, in Paris?");
    lake.curate(flywheel_runtime::now(), &[critical, other]);
    let held = lines(&lake, Route::Review);
    assert_eq!(held.len(), 2);
    let columns =
        |line: &Value| ["prompt", "prompt_messages", "prompt_chat", "prompt_tools"].map(|name| line[name].clone());
    let of = |lines: &[Value], event: &str| {
        columns(
            lines.iter().find(|line| line["event_id"] == event || line["context"].to_string().contains(event)).unwrap(),
        )
    };
    let better = lake.folder().join("better.txt");
    fs::write(&better, "Please wait for 21 days, and then write to us again, by letter or by phone.").unwrap();
    let release = ["release", "--by", "kim", "--why", "a test", "--yes", "--event"];
    lake.json(&[&release[..], &["e7"]].concat());
    lake.json(&[&release[..], &["e8", "--correct", better.to_str().unwrap()]].concat());
    let kept = [lines(&lake, Route::Gold), lines(&lake, Route::Review)].concat();
    assert_eq!(of(&lines(&lake, Route::Gold), "e7"), of(&held, "e7"));
    let corrected: Vec<_> =
        kept.iter().filter(|line| line["event_id"].as_str().unwrap().starts_with("correction-")).collect();
    assert_eq!(corrected.len(), 1);
    assert_eq!(columns(corrected[0]), of(&held, "e8"));
}
