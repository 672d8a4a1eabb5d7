//! Chat prompts as the common APIs have them: parts, tool calls, their results, and tools.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use flywheel_base::RefusalCode;
use flywheel_event::EditEvent;
use serde_json::{Value, json};

const DIGEST_OF_ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn sent(prompt: &Value) -> String {
    json!({"prompt": prompt, "original_llm_output": "o", "final_user_edit": "e"}).to_string()
}

fn with_tools(prompt: &Value, tools: &Value) -> String {
    json!({"prompt": prompt, "original_llm_output": "o", "final_user_edit": "e", "tools": tools}).to_string()
}

fn parsed(message: &str) -> EditEvent<'_> {
    let event = EditEvent::parse(message, None).unwrap();
    let queued = event.to_message().unwrap();
    // Queued, it is the same event, and nothing changes by queueing it again.
    let again = EditEvent::parse(&queued, None).unwrap();
    assert_eq!((&again.pair_id, &again.event_id), (&event.pair_id, &event.event_id));
    assert_eq!((again.to_message().unwrap(), whole(&again)), (queued.clone(), whole(&event)));
    event
}

fn whole(event: &EditEvent<'_>) -> Value {
    event.prompt.whole_messages().unwrap().map_or(Value::Null, |json| serde_json::from_str(&json).unwrap())
}

/// Returns the whole messages and the plain form of a prompt.
fn forms(prompt: Value) -> (Value, String) {
    let message = sent(&prompt);
    let event = parsed(&message);
    (whole(&event), event.prompt.text().to_owned())
}

fn refused(message: &str) -> (RefusalCode, String, String) {
    let refusal = EditEvent::parse(message, None).unwrap_err();
    (refusal.code, refusal.field.unwrap(), refusal.message)
}

fn call(arguments: &Value) -> Value {
    json!([
        {"role": "user", "content": "Is it raining in Paris?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "dry"},
    ])
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "get_weather", "description": "Says the weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}])
}

#[test]
fn tool_calls_and_their_results_are_kept_whole_and_are_in_the_plain_form() {
    let prompt = call(&json!("{\"city\": \"Paris\", \"n\": 1.50}"));
    let (whole, text) = forms(prompt);
    assert_eq!(whole, call(&json!("{\"city\":\"Paris\",\"n\":1.50}")));
    let expected = "user: Is it raining in Paris?\n\nassistant: [tool call call_1: get_weather {\"city\":\"Paris\",\"n\":1.50}]\
                    \n\ntool [call_1]: dry";
    assert_eq!(text, expected);
}

#[test]
fn parts_of_text_are_a_text_and_other_parts_are_digests() {
    let as_parts = json!([{"role": "user", "content": [{"type": "text", "text": "q"}]}]);
    let (text, parts) = (sent(&json!([{"role": "user", "content": "q"}])), sent(&as_parts));
    assert_eq!(parsed(&parts), parsed(&text));
    let image = "data:image/png;base64,YWJj";
    let (whole, text) = forms(json!([{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "YWJj", "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]}]));
    assert_eq!(whole[0]["content"][1], json!({"type": "image", "digest": DIGEST_OF_ABC}));
    assert_eq!(whole[0]["content"][3], json!({"type": "audio", "digest": DIGEST_OF_ABC}));
    assert!(whole[0]["content"][2]["link_digest"].is_string() && whole[0]["content"][4]["link_digest"].is_string());
    assert!(text.starts_with(&format!("user: What is this?\n[image {DIGEST_OF_ABC}]\n[image link sha256:")));
    assert!(!whole.to_string().contains("YWJj") && !whole.to_string().contains("example.org"));
}

#[test]
fn blocks_of_anthropics_api_become_the_same_messages() {
    let anthropic = json!([
        {"role": "user", "content": "Is it raining in Paris?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "MARKER", "signature": "MARKER"},
            {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Paris"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "dry"}]},
            {"type": "text", "text": "And now?"}]},
    ]);
    let mut openai = call(&json!({"city": "Paris"}));
    openai.as_array_mut().unwrap().push(json!({"role": "user", "content": "And now?"}));
    openai[1]["reasoning_content"] = json!("MARKER");
    let (anthropic, openai) = (sent(&anthropic), sent(&openai));
    assert_eq!(parsed(&anthropic).pair_id, parsed(&openai).pair_id);
    assert_eq!(whole(&parsed(&anthropic)), whole(&parsed(&openai)));
    assert!(!parsed(&anthropic).to_message().unwrap().contains("MARKER"));
    assert!(!parsed(&openai).to_message().unwrap().contains("MARKER"));
    // Text, not `json!`: the order of keys counts.
    let message =
        |tool: &str| format!(r#"{{"prompt":"q","original_llm_output":"o","final_user_edit":"e","tools":[{tool}]}}"#);
    let anthropic =
        message(r#"{"type":"custom","name":"f","cache_control":{"type":"ephemeral"},"input_schema":{"a":1.0}}"#);
    let openai = message(r#"{"type":"function","function":{"name":"f","parameters":{"a":1.0}}}"#);
    let flat = message(r#"{"type":"function","name":"f","parameters":{"a":1.0}}"#);
    assert_eq!(parsed(&anthropic), parsed(&openai));
    assert_eq!(parsed(&flat), parsed(&openai));
}

#[test]
fn tools_are_kept_in_one_form_and_one_text_beside_them_is_a_users_message() {
    let message = with_tools(&json!("q"), &weather());
    let event = parsed(&message);
    let tools: Value = serde_json::from_str(&event.prompt.tools().unwrap()).unwrap();
    assert_eq!(tools, weather());
    assert!(
        event.prompt.text().starts_with("tools: [{\"type\":\"function\"")
            && event.prompt.text().ends_with("\n\nuser: q")
    );
    assert_eq!(event.prompt.messages().unwrap().len(), 1);
}

#[test]
fn a_pair_depends_on_all_that_the_model_saw() {
    let base = call(&json!({"city": "Paris"}));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut prompt = base.clone();
        change(&mut prompt);
        sent(&prompt)
    };
    let image = |part: Value| changed(&|prompt| prompt[0]["content"] = json!([{"type": "text", "text": "q"}, part]));
    let messages = [
        sent(&base),
        with_tools(&base, &weather()),
        with_tools(&base, &json!([{"name": "other"}])),
        changed(&|prompt| prompt[1]["tool_calls"][0]["id"] = json!("call_2")),
        changed(&|prompt| prompt[1]["tool_calls"][0]["function"]["name"] = json!("other")),
        changed(&|prompt| prompt[1]["tool_calls"][0]["function"]["arguments"] = json!({"city": "Rome"})),
        changed(&|prompt| prompt[1]["tool_calls"][0]["function"]["arguments"] = json!({"city": 1})),
        changed(&|prompt| prompt[1]["tool_calls"][0]["function"]["arguments"] = json!({"city": "1"})),
        changed(&|prompt| prompt[1]["content"] = json!("Wait.")),
        changed(&|prompt| prompt[2]["tool_call_id"] = json!("call_2")),
        changed(&|prompt| prompt[2]["content"] = json!("wet")),
        changed(&|prompt| prompt[2]["name"] = json!("get_weather")),
        image(json!({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}})),
        image(json!({"type": "image_url", "image_url": {"url": "https://example.org/b.png"}})),
        image(json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YWJj"}})),
        image(json!({"type": "input_audio", "input_audio": {"data": "YWJj", "format": "wav"}})),
    ];
    let ids: BTreeSet<_> = messages.iter().map(|message| parsed(message).pair_id).collect();
    assert_eq!(ids.len(), messages.len());
}

#[test]
fn what_is_wrong_is_named_with_its_field_and_its_fix() {
    let part = |part: Value| sent(&json!([{"role": "user", "content": [{"type": "text", "text": "q"}, part]}]));
    let (code, field, message) = refused(&part(json!({"type": "video"})));
    assert_eq!((code, field.as_str()), (RefusalCode::InvalidValue, "prompt[0].content[1].type"));
    assert!(message.starts_with("\"video\" is not known: use text, image_url,"), "{message}");
    let secret = refused(&part(json!({"type": "my SECRET is here"}))).2;
    assert!(!secret.contains("SECRET"), "{secret}");
    let with_call = |call: Value| sent(&json!([{"role": "assistant", "content": null, "tool_calls": [call]}]));
    let function = |arguments: Value| with_call(json!({"id": "c", "function": {"name": "f", "arguments": arguments}}));
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    for (message, code, field) in [
        (part(json!({"text": "q"})), RefusalCode::MissingField, "prompt[0].content[1].type"),
        (part(json!({"type": "text"})), RefusalCode::MissingField, "prompt[0].content[1].text"),
        (part(json!({"type": "image_url"})), RefusalCode::MissingField, "prompt[0].content[1].url"),
        (
            part(json!({"type": "image", "digest": "sha256:1"})),
            RefusalCode::InvalidValue,
            "prompt[0].content[1].digest",
        ),
        (
            part(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,???"}})),
            RefusalCode::InvalidValue,
            "prompt[0].content[1].image_url.url",
        ),
        (part(json!({"type": "tool_use", "name": "f"})), RefusalCode::InvalidValue, "prompt[0].content[1]"),
        (sent(&json!([{"role": "user", "content": null}])), RefusalCode::NullField, "prompt[0].content"),
        (sent(&json!([{"role": "user", "content": []}])), RefusalCode::EmptyField, "prompt[0].content"),
        (sent(&json!([{"role": "user", "content": 1}])), RefusalCode::WrongType, "prompt[0].content"),
        (
            sent(&json!([{"role": "user", "content": "q", "tool_calls": [{"function": {"name": "f"}}]}])),
            RefusalCode::InvalidValue,
            "prompt[0].tool_calls",
        ),
        (
            sent(&json!([{"role": "user", "content": "q", "tool_call_id": "c"}])),
            RefusalCode::InvalidValue,
            "prompt[0].tool_call_id",
        ),
        (with_call(json!({"id": "c"})), RefusalCode::MissingField, "prompt[0].tool_calls[0].function"),
        (with_call(json!({"type": "custom"})), RefusalCode::InvalidValue, "prompt[0].tool_calls[0].type"),
        (function(json!([1])), RefusalCode::WrongType, "prompt[0].tool_calls[0].function.arguments"),
        (function(json!({"a": deep})), RefusalCode::InvalidValue, "prompt[0].tool_calls[0].function.arguments"),
        (
            function(json!({"a": "x".repeat(70_000)})),
            RefusalCode::InvalidValue,
            "prompt[0].tool_calls[0].function.arguments",
        ),
        (with_tools(&json!("q"), &json!({"a": 1})), RefusalCode::WrongType, "tools"),
        (
            with_tools(&json!("q"), &json!([{"type": "web_search", "name": "w"}])),
            RefusalCode::InvalidValue,
            "tools[0].type",
        ),
        (with_tools(&json!("q"), &json!([{"type": "function"}])), RefusalCode::MissingField, "tools[0].function"),
        (with_tools(&json!("q"), &json!([{"function": {}}])), RefusalCode::MissingField, "tools[0].function.name"),
        (with_tools(&json!("q"), &json!(vec![json!({"name": "f"}); 129])), RefusalCode::InvalidValue, "tools"),
        (
            sent(&json!([{"role": "user", "content": vec![json!({"type": "text", "text": "q"}); 257]}])),
            RefusalCode::InvalidValue,
            "prompt[0].content",
        ),
        (
            sent(&json!([{"role": "assistant", "tool_calls": vec![json!({"name": "f"}); 129]}])),
            RefusalCode::InvalidValue,
            "prompt[0].tool_calls",
        ),
    ] {
        let refusal = refused(&message);
        assert_eq!((refusal.0, refusal.1.as_str()), (code, field), "{}", refusal.2);
    }
}

#[test]
fn arguments_under_another_name_and_deep_ones_in_a_text_are_refused() {
    for (name, of_call) in [
        ("args", json!({"id": "c", "name": "f", "args": {"city": "Paris"}})),
        (
            "function.input",
            json!({"id": "c", "type": "function", "function": {"name": "f", "input": {"city": "Paris"}}}),
        ),
    ] {
        let message = sent(&json!([{"role": "assistant", "content": null, "tool_calls": [of_call]}]));
        assert_eq!(refused(&message).1, format!("prompt[0].tool_calls[0].{name}"));
    }
    let block = json!({"type": "tool_use", "id": "c", "name": "f", "arguments": {"city": "Paris"}});
    assert_eq!(refused(&sent(&json!([{"role": "assistant", "content": [block]}]))).1, "prompt[0].content[0].arguments");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(3_000), "]".repeat(3_000));
    let (_, path, message) = refused(&sent(&call(&json!(deep))));
    assert!(path.ends_with("arguments") && message.contains("deep"), "{path}: {message}");
    let quoted = format!("not JSON, but \"{}\"", "[".repeat(3_000));
    parsed(&sent(&call(&json!(quoted))));
}

#[test]
fn empty_arguments_are_none_and_what_is_not_json_is_kept_as_it_is() {
    let function = |arguments: &str| call(&json!(arguments));
    let (whole, _) = forms(function(""));
    assert_eq!(whole[1]["tool_calls"][0]["function"]["arguments"], "{}");
    for text in ["{\"city\": \"Par", "[1]", "Paris \"\n"] {
        let (whole, plain) = forms(function(text));
        assert_eq!(whole[1]["tool_calls"][0]["function"]["arguments"], text);
        assert!(plain.contains(&format!("get_weather \"{text}\"]")), "{plain}");
    }
    let broken = sent(&function("{\"a\":\"\\ud83d\"}"));
    let event = parsed(&broken);
    assert!(event.has_replaced_character);
    assert_eq!(EditEvent::parse(&event.to_message().unwrap(), None).unwrap(), event);
}

#[test]
fn rewriting_reaches_every_text_of_a_chat() {
    let mut prompt = call(&json!({"to": "bob\nbob", "bob": [1]}));
    prompt[0] = json!({"role": "user", "name": "bob", "content": [
        {"type": "text", "text": "I am bob"}, {"type": "image_url", "image_url": {"url": "https://bob.example"}}]});
    prompt[2]["content"] = json!("bob");
    let message = with_tools(&prompt, &json!([{"name": "f", "description": "mails bob"}]));
    let mut event = parsed(&message);
    let before = event.pair_id.clone();
    event.rewrite(|text| text.contains("bob").then(|| text.replace("bob", "<1>")));
    let queued = event.to_message().unwrap();
    assert!(!queued.contains("bob") && !event.prompt.text().contains("bob"), "{queued}");
    assert_ne!(event.pair_id, before);
    let again = EditEvent::parse(&queued, None).unwrap();
    assert_eq!((again.prompt.text(), &again.pair_id), (event.prompt.text(), &event.pair_id));
}
