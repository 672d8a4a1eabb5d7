//! Prompts and outputs in the shapes of common APIs, as an event carries them.
//!
//! A message keeps the fields that it does not read, such as `tool_calls`, and parts of its content that are no text: the
//! event's own parser judges them, so the import takes what events take.

use serde_json::{Map, Value, json};

use crate::skipped::{SkipReason, Skipped};
use crate::value::{at, is_empty, present, text};

/// Fields of an input that are its prompt, if it has no other field.
pub(crate) const PROMPT_FIELDS: [&str; 6] = ["prompt", "question", "instruction", "input", "query", "text"];

/// Fields of an output that are its text.
pub(crate) const OUTPUT_FIELDS: [&str; 8] =
    ["response", "output", "answer", "completion", "generation", "result", "text", "content"];

/// Fields of an input that tell a model something besides the messages.
const BESIDE_MESSAGES: [&str; 5] = ["tools", "functions", "instructions", "documents", "tool_definitions"];

/// Fields of a message that say how it was made, and nothing that a model reads.
const NOTES: [&str; 8] = [
    "additional_kwargs",
    "response_metadata",
    "usage_metadata",
    "invalid_tool_calls",
    "finish_reason",
    "example",
    "id",
    "lc",
];

/// Returns the prompt in an input: a text, or a list of messages. `chosen` names its field, where a user named one.
pub(crate) fn prompt(input: &Value, path: &str, chosen: Option<&str>) -> Result<Value, Skipped> {
    let structured = parsed(input);
    let value = structured.as_ref().unwrap_or(input);
    if let Some(field) = chosen {
        let missing = || Skipped::new(SkipReason::NoPrompt, &join(path, field), "there is no such field");
        let value = at(value, field).filter(|value| !is_empty(value)).ok_or_else(missing)?;
        return prompt(value, &join(path, field), None);
    }
    match (value, input) {
        (Value::Array(items), _) => messages(items, path),
        (Value::Object(_), Value::String(_)) if !is_request(value) => Ok(input.clone()),
        (Value::Object(_), _) => of_object(value, path),
        (Value::String(text), _) if !text.is_empty() => Ok(value.clone()),
        _ => Err(no_prompt(path, "has no prompt")),
    }
}

/// Returns the value of a text that is a list or an object in JSON: some exports write every value as a text.
fn parsed(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim();
    let is_structure = text.starts_with(['[', '{']);
    let parsed: Value = is_structure.then(|| serde_json::from_str(text).ok())??;
    let is_list_of_messages = |items: &[Value]| items.iter().all(is_message_or_list);
    match &parsed {
        Value::Array(items) => (!items.is_empty() && is_list_of_messages(items)).then_some(parsed),
        _ => Some(parsed),
    }
}

fn is_message_or_list(value: &Value) -> bool {
    is_message(value) || value.as_array().is_some_and(|items| items.iter().all(is_message))
}

fn is_message(value: &Value) -> bool {
    let has = |name| value.get(name).is_some();
    has("lc") || has("message") || (has("role") || has("type")) && (has("content") || has("parts") || has("tool_calls"))
}

/// Returns `true` for an object that carries messages or one named prompt.
fn is_request(value: &Value) -> bool {
    is_message(value)
        || present(value, "messages").is_some()
        || PROMPT_FIELDS.iter().any(|name| present(value, name).is_some())
}

fn of_object(input: &Value, path: &str) -> Result<Value, Skipped> {
    for name in BESIDE_MESSAGES {
        if present(input, name).is_some() {
            let message = "the model read this besides its messages, and the import does not carry it yet";
            return Err(Skipped::new(SkipReason::UnsupportedContent, &join(path, name), message));
        }
    }
    if let Some(list) = present(input, "messages") {
        let Value::Array(mut prompt) = prompt(list, &join(path, "messages"), None)? else {
            return Err(no_prompt(&join(path, "messages"), "is no list of messages"));
        };
        if let Some(system) = present(input, "system") {
            let system = content(system, &join(path, "system"))?;
            prompt.insert(0, json!({"role": "system", "content": system}));
        }
        return Ok(Value::Array(prompt));
    }
    if is_message(input) {
        return Ok(Value::Array(vec![message(input, path)?]));
    }
    let fields: Vec<_> = input.as_object().into_iter().flatten().filter(|(_, value)| !is_empty(value)).collect();
    match fields[..] {
        [(name, value)] if PROMPT_FIELDS.contains(&name.as_str()) => prompt(value, &join(path, name), None),
        [] => Err(no_prompt(path, "is empty")),
        _ => Err(no_prompt(path, "has several fields, and the prompt may be any of them; name it: --prompt FIELD")),
    }
}

fn no_prompt(path: &str, message: &str) -> Skipped {
    Skipped::new(SkipReason::NoPrompt, path, message)
}

/// Reads messages. A list in a list is one conversation, as LangChain writes it.
pub(crate) fn messages(items: &[Value], path: &str) -> Result<Value, Skipped> {
    if let [Value::Array(inner)] = items {
        return messages(inner, &format!("{path}[0]"));
    }
    if items.is_empty() {
        return Err(no_prompt(path, "has no messages"));
    }
    let read = items.iter().enumerate().map(|(index, item)| message(item, &format!("{path}[{index}]")));
    read.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// Reads one message: of OpenAI's and Anthropic's APIs, of LangChain, of OpenInference or of OpenTelemetry.
fn message(value: &Value, path: &str) -> Result<Value, Skipped> {
    if let Some(inner) = present(value, "message").filter(|inner| inner.is_object()) {
        return message(inner, &join(path, "message"));
    }
    let class = value.get("id").and_then(|id| id.as_array()?.last()?.as_str());
    if let (Some(inner), Some(class)) = (value.get("kwargs"), class) {
        return fields(inner, class, &join(path, "kwargs"));
    }
    match text(value, &["role", "type"]) {
        Some(role) => fields(value, role, path),
        None => Err(no_prompt(path, "is no message with a role")),
    }
}

fn fields(value: &Value, role: &str, path: &str) -> Result<Value, Skipped> {
    let mut message = Map::new();
    for (name, field) in value.as_object().into_iter().flatten() {
        let is_read = ["role", "type", "content", "contents", "parts"].contains(&name.as_str());
        if !is_read && !is_empty(field) && !NOTES.contains(&name.as_str()) {
            message.insert(name.clone(), field.clone());
        }
    }
    for name in ["tool_calls", "function_call"] {
        if let Some(calls) = value.get("additional_kwargs").and_then(|notes| present(notes, name)) {
            message.insert(name.to_owned(), calls.clone());
        }
    }
    // LangChain's names. Its messages have a call twice where the content has it as a block.
    if let Some(Value::Array(calls)) = message.get_mut("tool_calls") {
        for call in calls.iter_mut().filter_map(Value::as_object_mut) {
            if let Some(arguments) = call.remove("args") {
                call.entry("arguments").or_insert(arguments);
            }
            if call.get("type").is_some_and(|kind| kind == "tool_call") {
                call.remove("type");
            }
        }
    }
    let has_block =
        |parts: &Value| parts.as_array().is_some_and(|parts| parts.iter().any(|part| part["type"] == "tool_use"));
    if value.get("content").is_some_and(has_block) {
        message.remove("tool_calls");
    }
    let given = ["content", "parts", "contents"].into_iter().find(|name| value.get(name).is_some());
    if let Some(name) = given {
        message.insert("content".to_owned(), content(&value[name], &join(path, name))?);
    }
    message.insert("role".to_owned(), role_of(role).into());
    Ok(Value::Object(message))
}

fn role_of(role: &str) -> &str {
    match role {
        "human" | "HumanMessage" | "HumanMessageChunk" => "user",
        "ai" | "AIMessage" | "AIMessageChunk" | "model" => "assistant",
        "SystemMessage" => "system",
        "ToolMessage" => "tool",
        other => other,
    }
}

/// Reads the content of a message. Lists of nothing but texts are joined by line feeds, as the API joins them. All else, such as `null`
/// and images, is left to the event's own parser.
fn content(value: &Value, path: &str) -> Result<Value, Skipped> {
    let parts = match value {
        Value::String(_) | Value::Null => return Ok(value.clone()),
        Value::Array(parts) => parts,
        _ => return Err(Skipped::new(SkipReason::UnsupportedContent, path, "is neither a text nor a list of parts")),
    };
    let mut texts = Vec::new();
    for part in parts {
        let part = part.get("message_content").unwrap_or(part);
        let kind = part.get("type").and_then(Value::as_str);
        let is_text = part.is_string() || matches!(kind, Some("text" | "input_text" | "output_text"));
        match part.as_str().or_else(|| text(part, &["text", "content"])).filter(|_| is_text) {
            Some(text) => texts.push(text),
            None => return Ok(value.clone()),
        }
    }
    Ok(texts.join("\n").into())
}

/// Returns the text of an output. `chosen` names its field, where a user named one.
pub(crate) fn answer(output: &Value, path: &str, chosen: Option<&str>) -> Result<String, Skipped> {
    if let Some(field) = chosen {
        let structured = parsed(output);
        let value = structured.as_ref().unwrap_or(output);
        let missing = || Skipped::new(SkipReason::NoOutput, &join(path, field), "there is no such field");
        let value = at(value, field).filter(|value| !is_empty(value)).ok_or_else(missing)?;
        return answer(value, &join(path, field), None);
    }
    match output {
        Value::String(text) if text.is_empty() => Err(no_output(path, "is empty")),
        Value::String(text) => match parsed(output).filter(is_response) {
            Some(response) => answer(&response, path, None),
            None => Ok(text.clone()),
        },
        Value::Array(items) => match &items[..] {
            [item] => answer(item, &format!("{path}[0]"), None),
            _ => Err(no_output(path, "has several items, and the output may be any of them")),
        },
        Value::Object(_) => of_response(output, path),
        _ => Err(no_output(path, "has no output")),
    }
}

/// Returns `true` for an object or a list that is a model's response. Other JSON is a text that the model wrote.
fn is_response(value: &Value) -> bool {
    let items = value.as_array().map(Vec::as_slice);
    is_message(value) || value.get("choices").is_some() || items.is_some_and(|items| items.iter().all(is_message))
}

fn of_response(output: &Value, path: &str) -> Result<String, Skipped> {
    for list in ["choices", "generations", "messages"] {
        if let Some(items) = present(output, list) {
            return answer(items, &join(path, list), None);
        }
    }
    if is_message(output) {
        return spoken(&message(output, path)?, path);
    }
    let named: Vec<_> = OUTPUT_FIELDS.iter().filter_map(|name| Some((name, present(output, name)?))).collect();
    match named[..] {
        [(name, value)] => answer(value, &join(path, name), None),
        _ => Err(no_output(path, "has not exactly one field with an output; name it: --output FIELD")),
    }
}

/// Returns the text of an assistant's message.
fn spoken(message: &Value, path: &str) -> Result<String, Skipped> {
    for calls in ["tool_calls", "function_call"] {
        if present(message, calls).is_some() {
            let why = "an output with tool calls is not taken yet";
            return Err(Skipped::new(SkipReason::UnsupportedContent, &join(path, calls), why));
        }
    }
    match message["content"].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(no_output(&join(path, "content"), "has no text")),
    }
}

fn no_output(path: &str, message: &str) -> Skipped {
    Skipped::new(SkipReason::NoOutput, path, message)
}

/// Joins two parts of a path.
pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped<T: std::fmt::Debug>(read: Result<T, Skipped>) -> (SkipReason, String) {
        let skipped = read.unwrap_err();
        (skipped.reason, skipped.field.unwrap())
    }

    #[test]
    fn prompts_of_common_shapes_are_texts_or_messages() {
        let user = json!([{"role": "user", "content": "Hi ✓"}]);
        for (input, expected) in [
            (json!("Hi"), json!("Hi")),
            (json!("[1] and [2]"), json!("[1] and [2]")),
            (json!("{\"a\": 1}"), json!("{\"a\": 1}")),
            (json!({"question": "Hi", "nothing": null}), json!("Hi")),
            (json!({"messages": [{"role": "user", "content": "Hi ✓"}], "model": "m", "temperature": 0}), user.clone()),
            (json!("[{\"role\": \"user\", \"content\": \"Hi ✓\"}]"), user.clone()),
            (
                json!([{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "✓"}]}]),
                json!([{"role": "user", "content": "Hi\n✓"}]),
            ),
            (json!({"messages": [[{"type": "human", "content": "Hi ✓"}]]}), user.clone()),
            (
                json!([{"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "Hi ✓", "type": "human"}}]),
                user.clone(),
            ),
            (
                json!([{"message": {"role": "user", "contents": [{"message_content": {"type": "text", "text": "Hi ✓"}}]}}]),
                user.clone(),
            ),
            (json!([{"role": "user", "parts": [{"type": "text", "content": "Hi ✓"}]}]), user),
        ] {
            assert_eq!(prompt(&input, "input", None), Ok(expected), "{input}");
        }
    }

    #[test]
    fn what_is_not_text_is_named_by_its_path() {
        let tools = json!({"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "t"}]});
        assert_eq!(skipped(prompt(&tools, "input", None)), (SkipReason::UnsupportedContent, "input.tools".to_owned()));
        let several = json!({"question": "a", "documents_found": "b"});
        assert_eq!(skipped(prompt(&several, "input", None)).0, SkipReason::NoPrompt);
        assert_eq!(prompt(&several, "input", Some("question")), Ok(json!("a")));
    }

    #[test]
    fn a_message_keeps_its_tool_calls_and_its_images_for_the_events_parser() {
        let parts =
            json!([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}]);
        let image = json!({"messages": [{"role": "user", "content": parts}]});
        assert_eq!(prompt(&image, "input", None).unwrap()[0]["content"], parts);
        let of_langchain = json!([{"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}]}]);
        let read = prompt(&of_langchain, "input", None).unwrap();
        assert_eq!(read[0]["tool_calls"], json!([{"name": "f", "arguments": {"a": 1}, "id": "1"}]));
        let twice = json!([{"type": "ai", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}], "tool_calls": [{"id": "1"}]}]);
        assert_eq!(prompt(&twice, "input", None).unwrap()[0].get("tool_calls"), None);
        let call = json!([{"id": "1"}]);
        for message in [
            json!({"role": "assistant", "content": null, "tool_calls": call}),
            json!({"type": "ai", "content": "", "additional_kwargs": {"tool_calls": call}}),
        ] {
            assert_eq!(prompt(&json!([message]), "input", None).unwrap()[0]["tool_calls"], call);
        }
    }

    #[test]
    fn outputs_of_common_shapes_are_texts() {
        for output in [
            json!("Yes"),
            json!({"role": "assistant", "content": "Yes"}),
            json!("{\"role\": \"assistant\", \"content\": \"Yes\"}"),
            json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes"}}]}),
            json!({"generations": [[{"text": "Yes", "message": {"lc": 1, "id": ["x", "AIMessage"], "kwargs": {"content": "Yes"}}}]]}),
            json!({"output": "Yes", "sources": [1]}),
            json!([{"role": "assistant", "parts": [{"type": "text", "content": "Yes"}], "finish_reason": "stop"}]),
        ] {
            assert_eq!(answer(&output, "output", None).as_deref(), Ok("Yes"), "{output}");
        }
        assert_eq!(answer(&json!("{\"answer\": 42}"), "output", None).as_deref(), Ok("{\"answer\": 42}"));
        let calls = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]});
        assert_eq!(skipped(answer(&calls, "output", None)).1, "output.tool_calls");
        assert_eq!(skipped(answer(&json!({"a": "b"}), "output", None)).0, SkipReason::NoOutput);
        assert_eq!(skipped(answer(&json!(""), "output", None)).0, SkipReason::NoOutput);
    }
}
