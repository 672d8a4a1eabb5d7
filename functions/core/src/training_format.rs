//! The lines that trainers read, made of the lake's: one home for every format, whoever writes it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A format of training lines. Every line of a file has the same columns with the same types, so that readers which infer a schema
/// infer one.
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
    /// Conversations to imitate, which TRL and OpenAI take alike: `{"messages"}`, the last of them the chosen text.
    Sft,
}

/// What a pair takes from a line of the lake, or from a row of the dataset.
#[derive(Deserialize)]
struct PairLine<'l> {
    #[serde(borrow)]
    prompt: Cow<'l, str>,
    #[serde(borrow)]
    chosen: Cow<'l, str>,
    #[serde(borrow)]
    rejected: Cow<'l, str>,
    #[serde(borrow, default)]
    prompt_messages: Option<Vec<Message<'l>>>,
}

/// What an output that was left as it was takes from a line of the lake. One of the two texts is null.
#[derive(Deserialize)]
struct FeedbackLine<'l> {
    #[serde(borrow)]
    prompt: Option<Cow<'l, str>>,
    #[serde(borrow)]
    chosen: Option<Cow<'l, str>>,
    #[serde(borrow)]
    rejected: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    prompt_messages: Option<Vec<Message<'l>>>,
    feedback: Option<FeedbackColumn>,
}

#[derive(Deserialize)]
struct FeedbackColumn {
    label: Option<bool>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Message<'l> {
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

#[derive(Serialize)]
struct Conversations<'l> {
    prompt: Vec<Message<'l>>,
    chosen: [Message<'l>; 1],
    rejected: [Message<'l>; 1],
}

#[derive(Serialize)]
struct OpenAiPair<'l> {
    input: OpenAiInput<'l>,
    preferred_output: [Message<'l>; 1],
    non_preferred_output: [Message<'l>; 1],
}

#[derive(Serialize)]
struct OpenAiInput<'l> {
    messages: Vec<Message<'l>>,
}

#[derive(Serialize)]
struct Unpaired<'l> {
    prompt: &'l [Message<'l>],
    completion: [Message<'l>; 1],
    label: bool,
}

#[derive(Serialize)]
struct Conversation<'l> {
    messages: Vec<Message<'l>>,
}

impl TrainingFormat {
    /// A gold line, or a row of the dataset, in this format: one line or more, each with its line feed.
    ///
    /// # Errors
    /// If the line lacks `prompt`, `chosen` or `rejected`.
    pub fn of_pair(self, line: &str) -> serde_json::Result<String> {
        let PairLine { prompt, chosen, rejected, prompt_messages } = serde_json::from_str(line)?;
        if self == Self::Trl {
            return as_line(&Texts { prompt: &prompt, chosen: &chosen, rejected: &rejected });
        }
        let mut messages = conversation(prompt, prompt_messages);
        let (chosen, rejected) = ([answer(chosen)], [answer(rejected)]);
        match self {
            Self::Trl | Self::TrlMessages => as_line(&Conversations { prompt: messages, chosen, rejected }),
            Self::OpenAi => as_line(&OpenAiPair {
                input: OpenAiInput { messages },
                preferred_output: chosen,
                non_preferred_output: rejected,
            }),
            Self::Kto => {
                let liked = as_line(&Unpaired { prompt: &messages, completion: chosen, label: true })?;
                let disliked = as_line(&Unpaired { prompt: &messages, completion: rejected, label: false })?;
                Ok(liked + &disliked)
            }
            Self::Sft => {
                messages.extend(chosen);
                as_line(&Conversation { messages })
            }
        }
    }

    /// Whether outputs that were left as they were are of use to this format, too.
    #[must_use]
    pub fn takes_feedback(self) -> bool {
        self == Self::Kto
    }

    /// A line of feedback on an output that was left as it was, in this format, with its line feed. `None` if the format has no
    /// place for it, or its user spoke neither for the output nor against it.
    ///
    /// # Errors
    /// If the line is none of the lake's.
    pub fn of_feedback(self, line: &str) -> serde_json::Result<Option<String>> {
        if !self.takes_feedback() {
            return Ok(None);
        }
        let FeedbackLine { prompt, chosen, rejected, prompt_messages, feedback } = serde_json::from_str(line)?;
        let Some(label) = feedback.and_then(|feedback| feedback.label) else { return Ok(None) };
        let Some((prompt, output)) = prompt.zip(chosen.or(rejected)) else { return Ok(None) };
        let prompt = conversation(prompt, prompt_messages);
        as_line(&Unpaired { prompt: &prompt, completion: [answer(output)], label }).map(Some)
    }
}

/// The prompt as it was sent: its messages, or, if it was one text, what a user said.
fn conversation<'l>(prompt: Cow<'l, str>, messages: Option<Vec<Message<'l>>>) -> Vec<Message<'l>> {
    messages.unwrap_or_else(|| vec![Message { role: Cow::Borrowed("user"), content: prompt }])
}

fn answer(text: Cow<'_, str>) -> Message<'_> {
    Message { role: Cow::Borrowed("assistant"), content: text }
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
            assert_eq!(lines(&format.of_pair(TEXT).unwrap()), expected, "{format:?}");
        }
    }

    #[test]
    fn a_chat_prompt_is_rebuilt_wherever_there_are_messages() {
        let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
        let first = |format: TrainingFormat| lines(&format.of_pair(&chat()).unwrap()).remove(0);
        assert_eq!(first(TrainingFormat::Trl)["prompt"], "system: Be brief.\n\nuser: Hi");
        assert_eq!(first(TrainingFormat::TrlMessages)["prompt"], messages);
        assert_eq!(first(TrainingFormat::OpenAi)["input"]["messages"], messages);
        assert_eq!(first(TrainingFormat::Kto)["prompt"], messages);
        assert_eq!(first(TrainingFormat::Sft)["messages"].as_array().unwrap()[..2], messages.as_array().unwrap()[..]);
    }

    #[test]
    fn feedback_is_unpaired_and_only_where_somebody_spoke() {
        let line = |chosen: Value, rejected: Value, label: Value| {
            json!({"prompt": "p", "chosen": chosen, "rejected": rejected, "feedback": {"kind": "copy", "label": label}})
                .to_string()
        };
        let kto = |line: &str| TrainingFormat::Kto.of_feedback(line).unwrap();
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
        assert_eq!(kto(&line(json!("o"), Value::Null, Value::Null)), None);
        assert_eq!(kto(r#"{"prompt":"p","chosen":"c","rejected":null,"feedback":null}"#), None);
        assert_eq!(TrainingFormat::Trl.of_feedback("no line").unwrap(), None);
        assert!(TrainingFormat::Kto.of_feedback("no line").is_err());
    }

    #[test]
    fn what_lacks_a_text_is_no_pair() {
        for line in [r#"{"prompt":"p","chosen":"c"}"#, r#"{"prompt":"p","chosen":"c","rejected":null}"#, "[]", ""] {
            assert!(TrainingFormat::Trl.of_pair(line).is_err(), "{line}");
        }
    }
}
