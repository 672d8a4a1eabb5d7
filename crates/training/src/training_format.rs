//! The lines that trainers read, made from the lake's lines: the one module for every format.

use std::borrow::Cow;

use flywheel_base::JsonObject;
use serde::{Deserialize, Serialize};

use crate::chat::{Message, Shape, add_tools, check, messages_json, whole_messages};

/// A format of training lines. Every line of a file has the same columns with the same types, so a reader that infers a schema
/// finds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingFormat {
    /// TRL's preference format, as texts: `{"prompt","chosen","rejected"}`.
    Trl,
    /// TRL's preference format, as lists of chat messages, to which trainers apply the model's chat template.
    TrlMessages,
    /// OpenAI's format for preference fine-tuning: `{"input","preferred_output","non_preferred_output"}`.
    OpenAi,
    /// TRL's unpaired preference format, as chat messages, for KTO: `{"prompt","completion","label"}`. A pair makes two lines.
    Kto,
    /// Conversations to imitate, for TRL and OpenAI alike: `{"messages"}`, the last of them the chosen text.
    Sft,
}

/// The fields of a pair, from a line of the lake or a row of the dataset.
#[derive(Deserialize)]
struct PairLine<'l> {
    #[serde(borrow)]
    prompt: Cow<'l, str>,
    #[serde(borrow)]
    chosen: Cow<'l, str>,
    #[serde(borrow)]
    rejected: Cow<'l, str>,
    #[serde(borrow, default)]
    prompt_messages: Option<Vec<PlainMessage<'l>>>,
    #[serde(borrow, default)]
    prompt_chat: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    prompt_tools: Option<Cow<'l, str>>,
}

/// The fields of an output without an edit, from a line of the lake. One of the two texts is null.
#[derive(Deserialize)]
struct FeedbackLine<'l> {
    #[serde(borrow)]
    prompt: Option<Cow<'l, str>>,
    #[serde(borrow)]
    chosen: Option<Cow<'l, str>>,
    #[serde(borrow)]
    rejected: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    prompt_messages: Option<Vec<PlainMessage<'l>>>,
    #[serde(borrow, default)]
    prompt_chat: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    prompt_tools: Option<Cow<'l, str>>,
    feedback: Option<FeedbackColumn>,
}

#[derive(Deserialize)]
struct FeedbackColumn {
    label: Option<bool>,
}

/// A message in the column `prompt_messages`.
#[derive(Deserialize)]
struct PlainMessage<'l> {
    #[serde(borrow)]
    role: Cow<'l, str>,
    #[serde(borrow)]
    content: Cow<'l, str>,
}

#[derive(Serialize)]
struct Texts<'l> {
    prompt: &'l str,
    chosen: &'l str,
    rejected: &'l str,
}

/// The reason why a row has no line in a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Omitted {
    /// The prompt ends with an assistant's turn that the answer does not repeat. It may be the beginning of the answer, or an
    /// answer before it. With either, a chat would have two assistant's turns in a row.
    #[error("its prompt ends with an assistant's turn that the answer does not begin with")]
    AssistantLast,
    /// The prompt has an image, audio or a file. The lake has the digest only, so no trainer can show it to the model.
    #[error("its prompt has an image, audio or a file, which the lake does not keep")]
    Media,
    /// The user neither liked nor disliked the output.
    #[error("its user spoke neither for the output nor against it")]
    Unlabelled,
}

/// One output with its user's feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnpairedLine {
    /// The line, with its line feed.
    pub line: String,
    /// `true` if the user liked the output.
    pub label: bool,
}

impl TrainingFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Trl, Self::TrlMessages, Self::OpenAi, Self::Kto, Self::Sft];

    /// Converts a gold line, or a row of the dataset, to this format: one line or more, each with its line feed; or the reason
    /// why it is left out.
    ///
    /// A line has fields for tools only if its prompt has some: `tool_calls`, `tool_call_id` and `name` in messages, and `tools`.
    ///
    /// # Errors
    /// If the line lacks `prompt`, `chosen` or `rejected`.
    pub fn of_pair(self, line: &str) -> serde_json::Result<Result<String, Omitted>> {
        self.of_pair_in(line, self.shape())
    }

    /// Converts a pair for a table, as [`Self::of_pair`]. Arguments and tools are texts of JSON, because a column has one type.
    ///
    /// # Errors
    /// The same as those of [`Self::of_pair`].
    pub fn of_pair_in_table(self, line: &str) -> serde_json::Result<Result<String, Omitted>> {
        self.of_pair_in(line, Shape::Table)
    }

    fn shape(self) -> Shape {
        if self == Self::OpenAi { Shape::OpenAi } else { Shape::Templates }
    }

    fn of_pair_in(self, line: &str, shape: Shape) -> serde_json::Result<Result<String, Omitted>> {
        let PairLine { prompt, chosen, rejected, prompt_messages, prompt_chat, prompt_tools } =
            serde_json::from_str(line)?;
        let tools = prompt_tools.as_deref();
        tools.map_or(Ok(()), check)?;
        let whole = prompt_chat.as_deref().map(whole_messages).transpose()?.transpose();
        let Ok(whole) = whole else { return Ok(Err(Omitted::Media)) };
        if self == Self::Trl {
            return as_line(&Texts { prompt: &prompt, chosen: &chosen, rejected: &rejected }).map(Ok);
        }
        let mut messages = match conversation(prompt, whole, prompt_messages, &[&chosen, &rejected]) {
            Ok(messages) => messages,
            Err(left_out) => return Ok(Err(left_out)),
        };
        let capacity = line.len() + line.len() / 2;
        let (chosen, rejected) = (Message::answer(chosen), Message::answer(rejected));
        let mut json = JsonObject::with_capacity(capacity);
        match self {
            Self::Trl | Self::TrlMessages => {
                json.raw("prompt", &messages_json(&messages, shape));
                json.raw("chosen", &messages_json([&chosen], shape));
                json.raw("rejected", &messages_json([&rejected], shape));
                add_tools(&mut json, tools, shape);
            }
            Self::OpenAi => {
                json.object("input", |json| {
                    json.raw("messages", &messages_json(&messages, shape));
                    add_tools(json, tools, shape);
                    Ok(())
                })?;
                json.raw("preferred_output", &messages_json([&chosen], shape));
                json.raw("non_preferred_output", &messages_json([&rejected], shape));
            }
            Self::Kto => {
                let liked = unpaired(&messages, &chosen, true, tools, shape)?;
                let disliked = unpaired(&messages, &rejected, false, tools, shape)?;
                return Ok(Ok(liked + &disliked));
            }
            Self::Sft => {
                messages.push(chosen);
                json.raw("messages", &messages_json(&messages, shape));
                add_tools(&mut json, tools, shape);
            }
        }
        Ok(Ok(json.finish() + "\n"))
    }

    /// Returns `true` if this format also uses outputs without an edit.
    #[must_use]
    pub fn takes_feedback(self) -> bool {
        self == Self::Kto
    }

    /// Converts a line of feedback on an output without an edit to [`Self::Kto`]; or returns the reason why it is left out.
    ///
    /// # Errors
    /// If the line is not one of the lake's.
    pub fn of_feedback(line: &str) -> serde_json::Result<Result<UnpairedLine, Omitted>> {
        Self::of_feedback_in(line, Shape::Templates)
    }

    /// Converts a line of feedback for a table, as [`Self::of_feedback`]. Arguments and tools are texts of JSON.
    ///
    /// # Errors
    /// If the line is not one of the lake's.
    pub fn of_feedback_in_table(line: &str) -> serde_json::Result<Result<UnpairedLine, Omitted>> {
        Self::of_feedback_in(line, Shape::Table)
    }

    fn of_feedback_in(line: &str, shape: Shape) -> serde_json::Result<Result<UnpairedLine, Omitted>> {
        let FeedbackLine { prompt, chosen, rejected, prompt_messages, prompt_chat, prompt_tools, feedback } =
            serde_json::from_str(line)?;
        let label = feedback.and_then(|feedback| feedback.label);
        let Some(((prompt, output), label)) = prompt.zip(chosen.or(rejected)).zip(label) else {
            return Ok(Err(Omitted::Unlabelled));
        };
        let tools = prompt_tools.as_deref();
        tools.map_or(Ok(()), check)?;
        let whole = prompt_chat.as_deref().map(whole_messages).transpose()?.transpose();
        let Ok(whole) = whole else { return Ok(Err(Omitted::Media)) };
        match conversation(prompt, whole, prompt_messages, &[&output]) {
            Ok(prompt) => {
                let line = unpaired(&prompt, &Message::answer(output), label, tools, shape)?;
                Ok(Ok(UnpairedLine { line, label }))
            }
            Err(left_out) => Ok(Err(left_out)),
        }
    }
}

fn unpaired(
    prompt: &[Message<'_>],
    completion: &Message<'_>,
    label: bool,
    tools: Option<&str>,
    shape: Shape,
) -> serde_json::Result<String> {
    let mut json = JsonObject::with_capacity(1024);
    json.raw("prompt", &messages_json(prompt, shape));
    json.raw("completion", &messages_json([completion], shape));
    json.value("label", Some(&label))?;
    add_tools(&mut json, tools, shape);
    Ok(json.finish() + "\n")
}

/// Returns the prompt as a chat whose next turn is the assistant's: its whole messages, its messages of role and text, or, if it
/// was one text, a user's message.
///
/// No two assistant's turns may be in a row: many chat templates refuse that, and others render a prompt that no model was given.
/// Such turns before the last question become one. If the answer begins with the last turn, that turn is dropped: it is the
/// answer, logged with its conversation, or its beginning (a prefill). Any other last turn is ambiguous: the answer may continue
/// it or replace it, so the row is left out. So is a last turn that calls tools: no result came of it.
fn conversation<'l>(
    prompt: Cow<'l, str>,
    whole: Option<Vec<Message<'l>>>,
    messages: Option<Vec<PlainMessage<'l>>>,
    answers: &[&str],
) -> Result<Vec<Message<'l>>, Omitted> {
    let of_texts = |messages: Vec<PlainMessage<'l>>| {
        messages.into_iter().map(|message| Message::text(message.role, message.content)).collect()
    };
    let Some(mut messages) = whole.or_else(|| messages.map(of_texts)) else {
        return Ok(vec![Message::text(Cow::Borrowed("user"), prompt)]);
    };
    let is_answered = |turn: &&Message<'_>| {
        let text = turn.content.as_deref().unwrap_or_default().trim();
        turn.is_assistant() && !turn.calls_tools() && answers.iter().any(|answer| answer.trim().starts_with(text))
    };
    // A chat without any turn asks nothing.
    if messages.len() > 1 && messages.last().as_ref().is_some_and(is_answered) {
        messages.pop();
    }
    let messages = with_single_turns(messages);
    if messages.last().is_some_and(Message::is_assistant) { Err(Omitted::AssistantLast) } else { Ok(messages) }
}

/// Merges consecutive assistant's turns, with a blank line between them. Other turns stay: two answers of tools are two.
fn with_single_turns(messages: Vec<Message<'_>>) -> Vec<Message<'_>> {
    let mut turns: Vec<Message<'_>> = Vec::with_capacity(messages.len());
    for message in messages {
        match turns.last_mut() {
            Some(before) if before.is_assistant() && message.is_assistant() => before.append(message),
            _ => turns.push(message),
        }
    }
    turns
}

fn as_line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|line| line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const TEXT: &str =
        r#"{"pair_id":"x","prompt":"Say \"hi\"","chosen":"Hi!","rejected":"Hello.","prompt_messages":null}"#;

    fn lines(text: &str) -> Vec<Value> {
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn chat() -> String {
        let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
        json!({"prompt": "system: Be brief.\n\nuser: Hi", "chosen": "c", "rejected": "r", "prompt_messages": messages})
            .to_string()
    }

    #[test]
    fn a_pair_in_every_format() {
        let (user, assistant) = (
            |text: &str| json!([{"role": "user", "content": text}]),
            |text: &str| json!([{"role": "assistant", "content": text}]),
        );
        let prompt = user("Say \"hi\"");
        for (format, expected) in [
            (TrainingFormat::Trl, vec![json!({"prompt": "Say \"hi\"", "chosen": "Hi!", "rejected": "Hello."})]),
            (
                TrainingFormat::TrlMessages,
                vec![json!({"prompt": prompt, "chosen": assistant("Hi!"), "rejected": assistant("Hello.")})],
            ),
            (
                TrainingFormat::OpenAi,
                vec![json!({"input": {"messages": prompt}, "preferred_output": assistant("Hi!"),
                            "non_preferred_output": assistant("Hello.")})],
            ),
            (
                TrainingFormat::Kto,
                vec![
                    json!({"prompt": prompt, "completion": assistant("Hi!"), "label": true}),
                    json!({"prompt": prompt, "completion": assistant("Hello."), "label": false}),
                ],
            ),
            (
                TrainingFormat::Sft,
                vec![
                    json!({"messages": [{"role": "user", "content": "Say \"hi\""}, {"role": "assistant", "content": "Hi!"}]}),
                ],
            ),
        ] {
            assert_eq!(lines(&format.of_pair(TEXT).unwrap().unwrap()), expected, "{format:?}");
        }
    }

    #[test]
    fn a_chat_prompt_is_rebuilt_wherever_there_are_messages() {
        let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
        let first = |format: TrainingFormat| lines(&format.of_pair(&chat()).unwrap().unwrap()).remove(0);
        assert_eq!(first(TrainingFormat::Trl)["prompt"], "system: Be brief.\n\nuser: Hi");
        assert_eq!(first(TrainingFormat::TrlMessages)["prompt"], messages);
        assert_eq!(first(TrainingFormat::OpenAi)["input"]["messages"], messages);
        assert_eq!(first(TrainingFormat::Kto)["prompt"], messages);
        assert_eq!(first(TrainingFormat::Sft)["messages"].as_array().unwrap()[..2], messages.as_array().unwrap()[..]);
    }

    fn with_calls(content: &Value) -> Value {
        let call =
            json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"b\":1.50,\"a\":{}}"}});
        let chat = json!([
            {"role": "user", "name": "kim", "content": content},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "2"},
        ]);
        let plain = json!([{"role": "user", "content": "q"}]);
        json!({"prompt": "user kim: q", "chosen": "c", "rejected": "r", "prompt_messages": plain, "prompt_chat": chat.to_string(),
               "prompt_tools": "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"z\":0.10}}}]",
               "feedback": {"label": true}})
    }

    #[test]
    fn tool_calls_and_tools_are_carried_in_the_shape_that_readers_of_each_format_document() {
        let row = with_calls(&json!("q")).to_string();
        let text = |format: TrainingFormat| format.of_pair(&row).unwrap().unwrap();
        let object =
            r#""tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{"b":1.50,"a":{}}}}]"#;
        let string = r#""tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"b\":1.50,\"a\":{}}"}}]"#;
        let tools = r#"[{"type":"function","function":{"name":"f","parameters":{"z":0.10}}}]"#;
        let tools_text = format!("\"tools\":{}", Value::from(tools));
        for format in [TrainingFormat::TrlMessages, TrainingFormat::Kto, TrainingFormat::Sft] {
            let line = text(format);
            assert!(line.contains(object) && line.contains(&tools_text), "{line}");
        }
        let openai = text(TrainingFormat::OpenAi);
        assert!(openai.contains(string) && openai.contains(&format!("\"tools\":{tools}")), "{openai}");
        let messages = lines(&openai)[0]["input"]["messages"].clone();
        assert_eq!((&messages[0]["name"], &messages[1]["content"]), (&json!("kim"), &Value::Null));
        assert_eq!((&messages[2]["tool_call_id"], messages[0].get("tool_calls")), (&json!("c"), None));
        assert_eq!(
            lines(&text(TrainingFormat::Trl)),
            [json!({"prompt": "user kim: q", "chosen": "c", "rejected": "r"})]
        );
        let feedback = json!({"prompt": "p", "chosen": "c", "rejected": null}).as_object().unwrap().clone();
        let mut liked = with_calls(&json!("q"));
        liked.as_object_mut().unwrap().extend(feedback);
        let liked = TrainingFormat::of_feedback(&liked.to_string()).unwrap().unwrap().line;
        assert!(liked.contains(object) && liked.contains(&tools_text), "{liked}");
    }

    #[test]
    fn a_prompt_with_an_image_is_left_out_of_every_format() {
        let image = json!({"type": "image", "digest": format!("sha256:{}", "0".repeat(64))});
        let row = with_calls(&json!([{"type": "text", "text": "q"}, image]));
        for format in TrainingFormat::ALL {
            assert_eq!(format.of_pair(&row.to_string()).unwrap(), Err(Omitted::Media), "{format:?}");
        }
        let mut liked = row.clone();
        liked["rejected"] = Value::Null;
        assert_eq!(TrainingFormat::of_feedback(&liked.to_string()).unwrap(), Err(Omitted::Media));
        assert!(crate::has_media(row["prompt_chat"].as_str()) && !crate::has_media(None));
        assert!(!crate::has_media(with_calls(&json!("q"))["prompt_chat"].as_str()));
    }

    #[test]
    fn a_chat_that_ends_with_a_tool_call_is_left_out_and_turns_with_calls_merge() {
        let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let chat = |messages: Value| {
            json!({"prompt": "p", "chosen": "c", "rejected": "r", "prompt_messages": null, "prompt_chat": messages.to_string()})
                .to_string()
        };
        let ended = chat(
            json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [call("1")]}]),
        );
        assert_eq!(TrainingFormat::Sft.of_pair(&ended).unwrap(), Err(Omitted::AssistantLast));
        let two = chat(json!([
            {"role": "assistant", "content": "Wait."},
            {"role": "assistant", "content": null, "tool_calls": [call("1")]},
            {"role": "tool", "tool_call_id": "1", "content": "2"},
        ]));
        let messages = lines(&TrainingFormat::OpenAi.of_pair(&two).unwrap().unwrap())[0]["input"]["messages"].clone();
        assert_eq!(messages[0], json!({"role": "assistant", "content": "Wait.", "tool_calls": [call("1")]}));
        assert_eq!(messages.as_array().unwrap().len(), 2);
    }

    #[test]
    fn feedback_is_unpaired_and_only_where_somebody_spoke() {
        let line = |chosen: Value, rejected: Value, label: Value| {
            json!({"prompt": "p", "chosen": chosen, "rejected": rejected, "feedback": {"kind": "copy", "label": label}})
                .to_string()
        };
        let kto = |line: &str| TrainingFormat::of_feedback(line).unwrap().map(|unpaired| unpaired.line);
        let liked = kto(&line(json!("o"), Value::Null, json!(true))).unwrap();
        assert_eq!(
            lines(&liked),
            [
                json!({"prompt": [{"role": "user", "content": "p"}], "completion": [{"role": "assistant", "content": "o"}],
                    "label": true})
            ]
        );
        let disliked = kto(&line(Value::Null, json!("o"), json!(false))).unwrap();
        assert_eq!(
            (&lines(&disliked)[0]["completion"][0]["content"], &lines(&disliked)[0]["label"]),
            (&json!("o"), &json!(false))
        );
        let unlabelled = Err(Omitted::Unlabelled);
        assert_eq!(kto(&line(json!("o"), Value::Null, Value::Null)), unlabelled);
        assert_eq!(kto(r#"{"prompt":"p","chosen":"c","rejected":null,"feedback":null}"#), unlabelled);
        assert!(TrainingFormat::of_feedback("no line").is_err());
    }

    /// Returns the turns of a chat, written as `u` for a user, `a` for an assistant, and so on.
    fn turns(chat: &[(&str, &str)]) -> Value {
        let role = |initial: &str| match initial {
            "a" => "assistant",
            "s" => "system",
            "t" => "tool",
            _ => "user",
        };
        chat.iter().map(|(initial, content)| json!({"role": role(initial), "content": content})).collect()
    }

    /// Returns the prompt of a pair in every format of chats: they agree.
    fn prompt(chat: &[(&str, &str)]) -> Result<Value, Omitted> {
        let row =
            json!({"prompt": "p", "chosen": "The user's.", "rejected": "The model's.", "prompt_messages": turns(chat)});
        let of = |format: TrainingFormat| {
            let lines = lines(&format.of_pair(&row.to_string()).unwrap()?);
            assert!(lines.iter().all(has_single_turns), "{format:?}: {lines:?}");
            let mut line = lines.into_iter().next().unwrap();
            Ok(match format {
                TrainingFormat::OpenAi => line["input"]["messages"].take(),
                TrainingFormat::Sft => {
                    line["messages"].as_array_mut().unwrap().pop();
                    line["messages"].take()
                }
                _ => line["prompt"].take(),
            })
        };
        let [first, rest @ ..] =
            [TrainingFormat::TrlMessages, TrainingFormat::OpenAi, TrainingFormat::Kto, TrainingFormat::Sft].map(of);
        assert!(rest.iter().all(|other| *other == first));
        first
    }

    /// Returns `true` if no two assistant's turns are in a row, the completion included.
    fn has_single_turns(line: &Value) -> bool {
        let list = |name: &str| line[name].as_array().cloned().unwrap_or_default();
        let before =
            [list("prompt"), list("messages"), line["input"]["messages"].as_array().cloned().unwrap_or_default()]
                .concat();
        let answer = [list("completion"), list("chosen"), list("preferred_output")].concat();
        let chat = [before, answer].concat();
        chat.windows(2).all(|two| two.iter().any(|message| message["role"] != "assistant"))
    }

    #[test]
    fn a_conversation_that_was_logged_with_its_answer_or_its_beginning_is_asked_without() {
        let asked = turns(&[("s", "Be brief."), ("u", "Hi")]);
        for last in ["The model's.", "The user's.", "The mod", " The model's.\n", ""] {
            assert_eq!(prompt(&[("s", "Be brief."), ("u", "Hi"), ("a", last)]), Ok(asked.clone()), "{last:?}");
        }
    }

    #[test]
    fn what_ends_with_another_turn_of_the_assistants_is_left_out() {
        for chat in [
            &[("u", "Hi"), ("a", "Another answer.")][..],
            &[("u", "Hi"), ("a", "{\"answer\": ")],
            &[("a", "Welcome.")],
            &[("a", "The model's.")],
            &[("u", "Hi"), ("a", "Another answer."), ("a", "The model's.")],
        ] {
            assert_eq!(prompt(chat), Err(Omitted::AssistantLast), "{chat:?}");
        }
    }

    #[test]
    fn turns_of_the_assistants_in_a_row_become_one_and_others_stay_as_they_were_sent() {
        let chat = [("u", "Hi"), ("a", "Hello."), ("a", "Anything else?"), ("a", "Or not?"), ("u", "Yes")];
        let merged = turns(&[("u", "Hi"), ("a", "Hello.\n\nAnything else?\n\nOr not?"), ("u", "Yes")]);
        assert_eq!(prompt(&chat), Ok(merged));
        for chat in [
            &[("u", "Hi"), ("a", "Hello."), ("u", "Yes")][..],
            &[("u", "Hi"), ("u", "Hi?")],
            &[("a", "Welcome."), ("u", "Hi")],
            &[("u", "Hi"), ("s", "Be brief."), ("u", "Yes")],
            &[("u", "Hi"), ("a", ""), ("t", "1"), ("t", "2")],
            &[("s", "Write a poem.")],
        ] {
            assert_eq!(prompt(chat), Ok(turns(chat)), "{chat:?}");
        }
    }

    #[test]
    fn feedback_is_asked_about_as_pairs_are() {
        let of = |chat: &[(&str, &str)]| {
            let line = json!({"prompt": "p", "chosen": null, "rejected": "The model's.", "prompt_messages": turns(chat),
                "feedback": {"label": false}});
            TrainingFormat::of_feedback(&line.to_string())
                .unwrap()
                .map(|unpaired| lines(&unpaired.line)[0]["prompt"].take())
        };
        let asked = turns(&[("u", "Hi")]);
        assert_eq!(of(&[("u", "Hi")]), Ok(asked.clone()));
        assert_eq!(of(&[("u", "Hi"), ("a", "The model's.")]), Ok(asked));
        assert_eq!(of(&[("u", "Hi"), ("a", "Another.")]), Err(Omitted::AssistantLast));
    }

    #[test]
    fn texts_have_no_turns_and_lose_no_pair() {
        let row = json!({"prompt": "user: Hi\n\nassistant: Hello.", "chosen": "c", "rejected": "r",
            "prompt_messages": turns(&[("u", "Hi"), ("a", "Hello.")])});
        assert!(TrainingFormat::Trl.of_pair(&row.to_string()).unwrap().is_ok());
    }

    #[test]
    fn what_lacks_a_text_is_no_pair() {
        for line in [r#"{"prompt":"p","chosen":"c"}"#, r#"{"prompt":"p","chosen":"c","rejected":null}"#, "[]", ""] {
            assert!(TrainingFormat::Trl.of_pair(line).is_err(), "{line}");
        }
    }
}
