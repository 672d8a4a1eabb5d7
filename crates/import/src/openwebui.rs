//! Open WebUI 0.3.34 and later, as its source was in 2026: exported chats, and the export of feedback.
//!
//! | row | from | fields read |
//! |---|---|---|
//! | chat | *Export chats* (`chat-export-….json`) | `id`, `user_id`, `chat.history.messages`, `chat.params.system` |
//! | feedback | *Evaluations › Feedbacks › Export* (`feedback-history-export-….json`) | `id`, `user_id`, `type`, `data.rating`, `data.comment`, `data.reason`, `meta.message_id`, `snapshot.chat`, `updated_at` |
//!
//! A message is a node of a tree by `parentId`. The prompt of an answer is the path from the root to it. An edited answer has
//! the text before its last edit in `originalContent`; a rated one has `annotation.rating`, 1 or -1. *Save as copy* makes a
//! new message without a trace of the old one, which cannot be told from a model's second answer.

use serde_json::{Map, Value, json};

use crate::event::{Act, Output, Source, event};
use crate::notes::{Outcome, Place};
use crate::options::Options;
use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{at, id, instant, present, text};

/// The block in which an answer shows the model's reasoning. It is no part of what is sent back to the model.
const REASONING: &str = "<details type=\"reasoning\"";
const BLOCK: &str = "<details type=\"";
const BLOCK_END: &str = "</details>";

type Messages = Map<String, Value>;

/// Returns the events of a row.
pub(crate) fn read(row: &Value, place: Place, options: &Options) -> Vec<Outcome> {
    let outcomes = match row.get("chat") {
        Some(chat) => of_chat(row, chat, options),
        None => vec![of_feedback(row, options).map_err(|skipped| match id(row, &["id"]) {
            Some(id) => skipped.of(&id),
            None => skipped,
        })],
    };
    outcomes.into_iter().map(|outcome| (place, outcome)).collect()
}

fn of_chat(row: &Value, chat: &Value, options: &Options) -> Vec<Result<crate::Event, Skipped>> {
    let Some(messages) = at(chat, "history.messages").and_then(Value::as_object) else {
        let skipped = Skipped::new(SkipReason::NoPrompt, "chat.history.messages", "the chat has no messages");
        return vec![Err(skipped.of(&id(row, &["id"]).unwrap_or_default()))];
    };
    let mut answers: Vec<_> = messages.iter().filter(|(_, message)| message["role"] == "assistant").collect();
    answers.sort_by_key(|(id, message)| (message["timestamp"].as_u64(), *id));
    let mut outcomes = Vec::new();
    for (key, message) in answers {
        let is_edited = message.get("originalContent").is_some_and(Value::is_string);
        let annotation = present(message, "annotation").filter(|annotation| annotation.get("rating").is_some());
        let source = |part: &str| -> Result<Source, Skipped> {
            Ok(Source {
                tool: Tool::OpenWebUi,
                project: options.project.clone(),
                id: format!("{part} {key}"),
                user: id(row, &["user_id"]),
                occurred_at: instant(row, &["updated_at"])?,
                name: None,
            })
        };
        let named = |skipped: Skipped| skipped.of(key);
        if is_edited {
            let edit = || {
                let edited = without_reasoning(message["content"].as_str().unwrap_or_default())?;
                let act = Act { edit: Some(edited), ..Act::default() };
                event(&output(chat, messages, key, thread(row))?, &act, &source("edit")?)
            };
            outcomes.push(edit().map_err(named));
        }
        if let Some(annotation) = annotation {
            let rated = || {
                let source = Source { occurred_at: None, ..source("rating")? };
                event(&output(chat, messages, key, thread(row))?, &rating(annotation)?, &source)
            };
            outcomes.push(rated().map_err(named));
        }
    }
    outcomes
}

fn of_feedback(row: &Value, options: &Options) -> Result<crate::Event, Skipped> {
    if text(row, &["type"]) != Some("rating") {
        return Err(Skipped::new(SkipReason::UnsupportedKind, "type", "is no rating"));
    }
    let missing = |field: &str, message: &str| Skipped::new(SkipReason::NoTarget, field, message);
    let message = at(row, "meta").and_then(|meta| id(meta, &["message_id"]));
    let message = message.ok_or_else(|| missing("meta.message_id", "names no message"))?;
    let snapshot =
        "has no chat; export the feedback on the page Evaluations, or from /api/v1/evaluations/feedbacks/all/export";
    let chat = at(row, "snapshot.chat").and_then(|chat| present(chat, "chat").or(Some(chat)));
    let messages = chat.and_then(|chat| Some((chat, at(chat, "history.messages")?.as_object()?)));
    let (chat, messages) = messages.ok_or_else(|| missing("snapshot", snapshot))?;
    let source = Source {
        tool: Tool::OpenWebUi,
        project: options.project.clone(),
        // The same rating is in the exported chat, too. By the message's id both are one event.
        id: format!("rating {message}"),
        user: id(row, &["user_id"]),
        occurred_at: instant(row, &["updated_at", "created_at"])?,
        name: None,
    };
    let thread = at(row, "meta").and_then(|meta| id(meta, &["chat_id"]));
    event(&output(chat, messages, &message, thread)?, &rating(at(row, "data").unwrap_or(&Value::Null))?, &source)
}

fn thread(row: &Value) -> Option<String> {
    id(row, &["id"])
}

/// Reads `rating`, `comment` and `reason` of an annotation.
fn rating(annotation: &Value) -> Result<Act, Skipped> {
    let number = annotation.get("rating").and_then(|rating| rating.as_i64().or_else(|| rating.as_str()?.parse().ok()));
    let comment = text(annotation, &["comment"]).or_else(|| text(annotation, &["reason"])).map(str::to_owned);
    match number {
        Some(up @ (1 | -1)) => Ok(Act { rating: Some(Rating::thumb(up == 1)), comment, edit: None }),
        _ => Err(Skipped::new(SkipReason::UnknownScale, "rating", "is neither 1 nor -1")),
    }
}

/// Reads an answer and the path of messages that leads to it.
fn output(chat: &Value, messages: &Messages, key: &str, thread: Option<String>) -> Result<Output, Skipped> {
    let missing = || Skipped::new(SkipReason::NoOutput, "history.messages", "the chat has no such message");
    let answer = messages.get(key).ok_or_else(missing)?;
    let mut turns = Vec::new();
    let mut parent = text(answer, &["parentId"]);
    while let Some(message) = parent.and_then(|id| messages.get(id)) {
        if turns.len() > messages.len() {
            return Err(Skipped::new(SkipReason::NoPrompt, "parentId", "the messages before the answer form a circle"));
        }
        turns.push(turn(message)?);
        parent = text(message, &["parentId"]);
    }
    if turns.is_empty() {
        return Err(Skipped::new(SkipReason::NoPrompt, "parentId", "the answer follows no message"));
    }
    let system = text(chat, &["system"]).or_else(|| text(chat.get("params")?, &["system"]));
    turns.extend(system.map(|system| json!({"role": "system", "content": system})));
    turns.reverse();
    let original = text(answer, &["originalContent", "content"]);
    let original = original.ok_or_else(|| Skipped::new(SkipReason::NoOutput, "content", "the answer is empty"))?;
    Ok(Output {
        prompt: Value::Array(turns),
        text: without_reasoning(original)?,
        response_id: Some(key.to_owned()),
        thread_id: thread,
        model: id(answer, &["model"]),
    })
}

fn turn(message: &Value) -> Result<Value, Skipped> {
    if present(message, "files").is_some() {
        let why = "the model read files besides the messages, and an event does not carry them yet";
        return Err(Skipped::new(SkipReason::UnsupportedContent, "files", why));
    }
    let content = without_reasoning(text(message, &["content"]).unwrap_or_default())?;
    Ok(json!({"role": message.get("role"), "content": content}))
}

/// Returns an answer's text without its blocks of reasoning.
///
/// # Errors
/// It has a block of another kind, such as a tool's call and result.
fn without_reasoning(answer: &str) -> Result<String, Skipped> {
    let mut left = answer.to_owned();
    while let Some(start) = left.find(REASONING) {
        let Some(length) = left[start..].find(BLOCK_END) else { break };
        let rest = left[start + length + BLOCK_END.len()..].trim_start().to_owned();
        left.truncate(start);
        left.push_str(&rest);
    }
    if left.contains(BLOCK) && !left.contains(REASONING) {
        let why = "an answer with calls of tools or code is not taken yet";
        return Err(Skipped::new(SkipReason::UnsupportedContent, "content", why));
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_left_out_and_calls_are_refused() {
        let answer = "<details type=\"reasoning\" done=\"true\" duration=\"2\">\n<summary>Thought</summary>\n> a\n</details>\nYes";
        assert_eq!(without_reasoning(answer).as_deref(), Ok("Yes"));
        assert_eq!(
            without_reasoning("<details type=\"reasoning\"> open").as_deref(),
            Ok("<details type=\"reasoning\"> open")
        );
        let call = without_reasoning("<details type=\"tool_calls\" done=\"true\">x</details>Yes").unwrap_err();
        assert_eq!(call.reason, SkipReason::UnsupportedContent);
    }

    #[test]
    fn a_circle_of_messages_ends() {
        let chat = json!({"history": {"messages": {
            "a": {"role": "user", "content": "x", "parentId": "b"},
            "b": {"role": "assistant", "content": "y", "parentId": "a", "annotation": {"rating": 1}},
        }}});
        let read = read(&json!({"id": "c", "chat": chat}), Place { file: 0, row: 1 }, &Options::default());
        let [(_, Err(skipped))] = &read[..] else { panic!("one rating was given") };
        assert_eq!(skipped.reason, SkipReason::NoPrompt);
    }
}
