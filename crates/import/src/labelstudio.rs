//! Label Studio 1: tasks with predictions and annotations, exported as JSON (a list of tasks).
//!
//! A task has `id`, `project`, `data`, `predictions` and `annotations`. An annotation has `id`, `completed_by`, `was_cancelled`,
//! `updated_at` and `result`, a list of regions with `from_name`, `to_name`, `type` and `value`.
//!
//! | region | becomes | its output |
//! |---|---|---|
//! | `textarea`: `{"text": […]}` | an edit | the prediction's text of the same `from_name`, else the task's data |
//! | `rating`: `{"rating": n}` | stars of five, unless a scale is given | the task's data, else the only text of the predictions |
//! | `choices`: `{"choices": […]}` | thumbs, if the choice is a word for or against | the same |
//! | `pairwise`: `{"selected": "left"}` | an edit: the selected text in place of the other one | the data that `to_name` names |
//!
//! Snapshots have complete predictions, or their ids only, which help nothing. JSON_MIN has no predictions at all.

use serde_json::Value;

use crate::content::{OUTPUT_FIELDS, PROMPT_FIELDS, answer, prompt};
use crate::event::{Act, Event, Output, Source, event};
use crate::notes::{Outcome, Place};
use crate::options::{Options, Scale};
use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{at, id, instant, present, text};

/// One annotation of a task.
struct Annotation<'t> {
    task: &'t Value,
    annotation: &'t Value,
    options: &'t Options,
    task_id: String,
    id: String,
}

/// Returns the events of a task.
pub(crate) fn read(task: &Value, place: Place, options: &Options) -> Vec<Outcome> {
    let annotations = task.get("annotations").and_then(Value::as_array).into_iter().flatten();
    let outcomes = annotations.flat_map(|annotation| {
        let ids = id(task, &["id"]).zip(id(annotation, &["id"]));
        let Some((task_id, id)) = ids else {
            return vec![Err(Skipped::new(SkipReason::NoId, "annotations[].id", "task or annotation has no id"))];
        };
        Annotation { task, annotation, options, task_id, id }.read()
    });
    outcomes.map(|outcome| (place, outcome)).collect()
}

impl Annotation<'_> {
    fn read(&self) -> Vec<Result<Event, Skipped>> {
        let named = |skipped: Skipped| skipped.of(&format!("annotation {}", self.id));
        if self.annotation["was_cancelled"] == true {
            let message = "the annotator skipped the task";
            return vec![Err(named(Skipped::new(SkipReason::Cancelled, "was_cancelled", message)))];
        }
        let regions = self.annotation.get("result").and_then(Value::as_array).into_iter().flatten();
        let regions: Vec<_> = regions.collect();
        if regions.is_empty() {
            return vec![Err(named(Skipped::new(SkipReason::SaysNothing, "result", "the annotation is empty")))];
        }
        let read = regions.iter().map(|region| {
            let name = text(region, &["from_name"]).unwrap_or_default();
            let of_name = regions.iter().filter(|other| text(other, &["from_name"]) == Some(name)).count();
            if of_name > 1 {
                let message = format!("{name} has several values, and one output has one text");
                return Err(Skipped::new(SkipReason::NoOriginal, "result", message));
            }
            self.region(region, name)
        });
        read.map(|outcome| outcome.map_err(named)).collect()
    }

    fn region(&self, region: &Value, name: &str) -> Result<Event, Skipped> {
        if self.options.ignored.contains(name) {
            return Err(Skipped::new(SkipReason::Ignored, "from_name", format!("{name} is ignored")));
        }
        let value = region.get("value").unwrap_or(&Value::Null);
        let kind = text(region, &["type"]).unwrap_or_default();
        let source = self.source(name)?;
        match kind {
            "textarea" => {
                let act = Act { edit: Some(one_text(value, name)?), ..Act::default() };
                event(&self.output(self.original(name)?, Some(name))?, &act, &source)
            }
            "rating" => {
                let number = value.get("rating").and_then(Value::as_f64).unwrap_or(f64::NAN);
                let scale = self.options.scales.get(name).copied().unwrap_or(Scale::STARS);
                let rating = Rating::of_number(number, Some(scale), name, "value.rating")?;
                event(&self.output(self.shown()?, None)?, &Act { rating: Some(rating), ..Act::default() }, &source)
            }
            "choices" => {
                let choices = value.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let [Value::String(choice)] = choices else {
                    let message = format!("{name} is not one choice");
                    return Err(Skipped::new(SkipReason::UnknownLabel, "value.choices", message));
                };
                let rating = Rating::of_word(choice, name, "value.choices")?;
                event(&self.output(self.shown()?, None)?, &Act { rating: Some(rating), ..Act::default() }, &source)
            }
            "pairwise" => {
                let (chosen, rejected) = self.pair(region, value)?;
                event(
                    &self.output((rejected, None), Some(name))?,
                    &Act { edit: Some(chosen), ..Act::default() },
                    &source,
                )
            }
            _ => {
                let message = format!("{name} is of type {kind}, which is neither an edit nor a rating");
                Err(Skipped::new(SkipReason::UnsupportedKind, "type", message))
            }
        }
    }

    fn project(&self) -> Option<String> {
        self.options.project.clone().or_else(|| id(self.task, &["project"]))
    }

    fn source(&self, name: &str) -> Result<Source, Skipped> {
        let by = self.annotation.get("completed_by").unwrap_or(&Value::Null);
        Ok(Source {
            tool: Tool::LabelStudio,
            project: self.project(),
            id: format!("annotation {} {name}", self.id),
            user: id(self.annotation, &["completed_by"]).or_else(|| id(by, &["id"])),
            occurred_at: instant(self.annotation, &["updated_at", "created_at"])?,
            name: Some(name.to_owned()),
        })
    }

    fn output(&self, (text, model): (String, Option<String>), control: Option<&str>) -> Result<Output, Skipped> {
        let name = format!("labelstudio:{}:{}", self.project().unwrap_or_default(), self.task_id);
        Ok(Output {
            prompt: self.prompt()?,
            text,
            response_id: Some(control.map_or(name.clone(), |control| format!("{name}:{control}"))),
            thread_id: None,
            model,
        })
    }

    fn prompt(&self) -> Result<Value, Skipped> {
        let data = self.task.get("data").unwrap_or(&Value::Null);
        if let Some(field) = &self.options.prompt {
            return prompt(data, "data", Some(field));
        }
        let field =
            ["messages", "dialogue", "chat"].iter().chain(&PROMPT_FIELDS).find(|name| present(data, name).is_some());
        match field {
            Some(field) => prompt(data, "data", Some(field)),
            None => Err(Skipped::new(
                SkipReason::NoPrompt,
                "data",
                "no field is known as the prompt; name it: --prompt FIELD",
            )),
        }
    }

    /// Returns the texts that the task's predictions have for text areas, with their models. `name` is the text area's,
    /// `only` the id of one prediction.
    fn predicted(&self, name: Option<&str>, only: Option<&str>) -> Vec<(String, Option<String>)> {
        let all = self.task.get("predictions").and_then(Value::as_array).into_iter().flatten();
        let predictions = all.filter(|prediction| only.is_none() || id(prediction, &["id"]).as_deref() == only);
        let texts = predictions.flat_map(|prediction| {
            let model = text(prediction, &["model_version"]).map(str::to_owned);
            let regions = prediction.get("result").and_then(Value::as_array).into_iter().flatten();
            let of_area = regions.filter(move |region| {
                region["type"] == "textarea" && name.is_none_or(|name| region["from_name"] == name)
            });
            of_area.filter_map(move |region| Some((one_text(region.get("value")?, "").ok()?, model.clone())))
        });
        texts.collect()
    }

    /// Returns the output in the task's data.
    fn in_data(&self) -> Option<Result<String, Skipped>> {
        let data = self.task.get("data")?;
        if let Some(field) = &self.options.output {
            return Some(answer(data, "data", Some(field)));
        }
        let field = OUTPUT_FIELDS.iter().find(|name| !PROMPT_FIELDS.contains(name) && present(data, name).is_some())?;
        Some(answer(data, "data", Some(field)))
    }

    fn has_one_text_area(&self) -> bool {
        let regions = self.annotation.get("result").and_then(Value::as_array).into_iter().flatten();
        regions.filter(|region| region["type"] == "textarea").count() == 1
    }

    /// Returns the text that a text area corrects.
    fn original(&self, name: &str) -> Result<(String, Option<String>), Skipped> {
        // Of several predictions, the one that the annotator began with.
        let begun_with = id(self.annotation, &["parent_prediction"]);
        for only in [None, begun_with.as_deref()] {
            let mut predicted = self.predicted(Some(name), only);
            if let (1, Some(one)) = (predicted.len(), predicted.pop()) {
                return Ok(one);
            }
        }
        // Of several text areas, one may be a comment.
        let is_edit = self.options.edits.contains(name) || self.options.edits.is_empty() && self.has_one_text_area();
        match self.in_data().filter(|_| is_edit) {
            Some(output) => Ok((output?, None)),
            None => {
                let message = format!(
                    "{name} has no single predicted text; export a snapshot with complete predictions, or name the \
                                       data's field with the model's text: --output FIELD; of several text areas, the edited one: --edit NAME"
                );
                Err(Skipped::new(SkipReason::NoOriginal, "predictions", message))
            }
        }
    }

    /// Returns the text that the annotator rated.
    fn shown(&self) -> Result<(String, Option<String>), Skipped> {
        if let Some(output) = self.in_data() {
            return Ok((output?, None));
        }
        let mut predicted = self.predicted(None, None);
        match (predicted.len(), predicted.pop()) {
            (1, Some(one)) => Ok(one),
            _ => Err(Skipped::new(
                SkipReason::NoOutput,
                "data",
                "no field is known as the output; name it: --output FIELD",
            )),
        }
    }

    /// Returns the selected text of a pairwise comparison, and the other one.
    fn pair(&self, region: &Value, value: &Value) -> Result<(String, String), Skipped> {
        let names = match region.get("to_name") {
            Some(Value::String(names)) => names.split(',').map(|name| name.trim().to_owned()).collect(),
            Some(Value::Array(names)) => names.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
            _ => Vec::new(),
        };
        let data = self.task.get("data").unwrap_or(&Value::Null);
        let side = |name: &String| at(data, name).map(|side| answer(side, &format!("data.{name}"), None));
        let sides: Vec<_> = names.iter().filter_map(side).collect::<Result<_, _>>()?;
        let Ok([left, right]) = <[String; 2]>::try_from(sides) else {
            let message =
                "the data has no fields with the names of the two compared tags; give the tags the names of the fields";
            return Err(Skipped::new(SkipReason::NoOutput, "to_name", message));
        };
        match text(value, &["selected"]) {
            Some("left") => Ok((left, right)),
            Some("right") => Ok((right, left)),
            _ => Err(Skipped::new(SkipReason::SaysNothing, "value.selected", "neither side is selected")),
        }
    }
}

/// Returns the one text of a text area.
fn one_text(value: &Value, name: &str) -> Result<String, Skipped> {
    let texts = match value.get("text") {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    match texts[..] {
        [text] if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Skipped::new(SkipReason::NoOriginal, "value.text", format!("{name} has not exactly one text"))),
    }
}
