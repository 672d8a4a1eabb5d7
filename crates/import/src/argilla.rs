//! Argilla 2: records with suggestions and responses, as `dataset.records.to_json` writes them (a list of records).
//!
//! A record has `id`, `fields`, `suggestions` (`{question: {value, score, agent}}`) and `responses`
//! (`{question: [{value, user_id}]}`). The file does not say which kind a question has, nor the status of a response, so
//! export submitted responses only.
//!
//! | response | becomes | its output |
//! |---|---|---|
//! | a text, and the question has a suggested text | an edit | the suggestion |
//! | a text, and the user named the question | an edit | the field with the output |
//! | a word for or against | thumbs | the field with the output |
//! | a number, with a scale given | thumbs or stars | the field with the output |

use serde_json::Value;

use crate::content::{OUTPUT_FIELDS, PROMPT_FIELDS, answer, prompt};
use crate::event::{Act, Event, Output, Source, event};
use crate::notes::{Outcome, Place};
use crate::options::Options;
use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{id, present, text};

/// One response to a question of a record.
struct Response<'r> {
    record: &'r Value,
    options: &'r Options,
    record_id: String,
    question: &'r str,
    response: &'r Value,
}

/// Returns the events of a record.
pub(crate) fn read(record: &Value, place: Place, options: &Options) -> Vec<Outcome> {
    let Some(record_id) = id(record, &["_server_id", "id"]) else {
        return vec![(place, Err(Skipped::new(SkipReason::NoId, "id", "has no id")))];
    };
    let mut outcomes = Vec::new();
    let questions = record.get("responses").and_then(Value::as_object).into_iter().flatten();
    for (question, responses) in questions {
        for response in responses.as_array().into_iter().flatten() {
            let response = Response { record, options, record_id: record_id.clone(), question, response };
            let named = |skipped: Skipped| skipped.of(&format!("{record_id} {question}"));
            outcomes.push((place, response.read().map_err(named)));
        }
    }
    outcomes
}

impl Response<'_> {
    fn read(&self) -> Result<Event, Skipped> {
        let (question, options) = (self.question, self.options);
        let field = format!("responses.{question}");
        if options.ignored.contains(question) {
            return Err(Skipped::new(SkipReason::Ignored, &field, format!("{question} is ignored")));
        }
        let user = id(self.response, &["user_id"]);
        let user = user.ok_or_else(|| Skipped::new(SkipReason::NoId, &field, "the response has no user_id"))?;
        let source = Source {
            tool: Tool::Argilla,
            project: options.project.clone(),
            id: format!("{} {question} {user}", self.record_id),
            user: Some(user),
            occurred_at: None,
            name: Some(question.to_owned()),
        };
        let suggestion = self.record.get("suggestions").and_then(|suggestions| present(suggestions, question));
        let suggested = suggestion.and_then(|suggestion| text(suggestion, &["value"]));
        match self.response.get("value") {
            Some(Value::String(words)) => match suggested {
                Some(suggested) => {
                    let model = suggestion.and_then(|suggestion| text(suggestion, &["agent"])).map(str::to_owned);
                    let output = self.output(suggested.to_owned(), model, Some(question))?;
                    event(&output, &Act { edit: Some(words.clone()), ..Act::default() }, &source)
                }
                None if options.edits.contains(question) => {
                    let output = self.output(self.shown()?, None, Some(question))?;
                    event(&output, &Act { edit: Some(words.clone()), ..Act::default() }, &source)
                }
                None => {
                    let rating = Rating::of_word(words, question, &field).map_err(|skipped| Skipped {
                        message: format!(
                            "{question} has no suggestion, and is no word for or against; if it corrects the output: --edit '{question}'"
                        ),
                        ..skipped
                    })?;
                    self.rated(rating, &source)
                }
            },
            Some(Value::Number(number)) => {
                let scale = options.scales.get(question).copied();
                let number = number.as_f64().unwrap_or(f64::NAN);
                self.rated(Rating::of_number(number, scale, question, &field)?, &source)
            }
            _ => {
                let message = format!(
                    "{question} is neither a text nor a number: rankings, spans and several labels are not taken"
                );
                Err(Skipped::new(SkipReason::UnsupportedKind, &field, message))
            }
        }
    }

    fn rated(&self, rating: Rating, source: &Source) -> Result<Event, Skipped> {
        event(&self.output(self.shown()?, None, None)?, &Act { rating: Some(rating), ..Act::default() }, source)
    }

    fn output(&self, text: String, model: Option<String>, question: Option<&str>) -> Result<Output, Skipped> {
        let name = format!("argilla:{}", self.record_id);
        Ok(Output {
            prompt: self.prompt()?,
            text,
            response_id: Some(question.map_or(name.clone(), |question| format!("{name}:{question}"))),
            thread_id: None,
            model,
        })
    }

    fn fields(&self) -> &Value {
        self.record.get("fields").unwrap_or(&Value::Null)
    }

    fn prompt(&self) -> Result<Value, Skipped> {
        let known = || {
            ["messages", "dialogue", "chat"]
                .iter()
                .chain(&PROMPT_FIELDS)
                .find(|name| present(self.fields(), name).is_some())
        };
        match self.options.prompt.as_deref().or_else(|| known().copied()) {
            Some(field) => prompt(self.fields(), "fields", Some(field)),
            None => Err(Skipped::new(
                SkipReason::NoPrompt,
                "fields",
                "no field is known as the prompt; name it: --prompt FIELD",
            )),
        }
    }

    /// Returns the output that the record shows.
    fn shown(&self) -> Result<String, Skipped> {
        let is_known = |name: &&&str| !PROMPT_FIELDS.contains(name) && present(self.fields(), name).is_some();
        let known = || OUTPUT_FIELDS.iter().find(is_known).copied();
        match self.options.output.as_deref().or_else(known) {
            Some(field) => answer(self.fields(), "fields", Some(field)),
            None => Err(Skipped::new(
                SkipReason::NoOutput,
                "fields",
                "no field is known as the output; name it: --output FIELD",
            )),
        }
    }
}
