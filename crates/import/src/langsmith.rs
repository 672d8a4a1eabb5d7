//! LangSmith: runs, and the feedback on them, as its SDK and its API return them.
//!
//! | row | from | fields read |
//! |---|---|---|
//! | run | `POST /runs/query` (`{"runs": […]}`), `Client.list_runs` | `id`, `run_type`, `inputs`, `outputs`, `session_id`, `extra.metadata` |
//! | feedback | `GET /feedback`, `Client.list_feedback` | `id`, `key`, `run_id`, `score`, `value`, `comment`, `correction`, `feedback_source`, `feedback_config`, `modified_at`, `created_at` |
//!
//! A `correction` is a text, or an object in the shape of the run's outputs. One with only a `score` corrects an evaluator
//! and no output.

use serde_json::Value;

use crate::content::{answer, prompt};
use crate::event::{Act, Output, Source};
use crate::notes::{Note, Notes, Outcome, Place};
use crate::options::{Options, Scale};
use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{at, id, instant, present, text};

fn is_run(row: &Value) -> bool {
    row.get("run_type").is_some()
}

/// Keeps the feedback of a row.
pub(crate) fn note(row: &Value, place: Place, options: &Options, notes: &mut Notes) -> Vec<Skipped> {
    if is_run(row) {
        return Vec::new();
    }
    notes.keep(row, of_feedback(row, place, options)).into_iter().collect()
}

fn of_feedback(row: &Value, place: Place, options: &Options) -> Result<(String, Note), Skipped> {
    let record = id(row, &["id"]).ok_or_else(|| Skipped::new(SkipReason::NoId, "id", "has no id"))?;
    let key = text(row, &["key"]).unwrap_or("feedback");
    if options.ignored.contains(key) {
        return Err(Skipped::new(SkipReason::Ignored, "key", format!("{key} is ignored")));
    }
    let by = at(row, "feedback_source").unwrap_or(&Value::Null);
    if text(by, &["type"]).is_some_and(|kind| matches!(kind, "model" | "auto_eval")) {
        return Err(Skipped::new(
            SkipReason::NotAUser,
            "feedback_source.type",
            format!("{key} is by a model, not by a user"),
        ));
    }
    let missing = || Skipped::new(SkipReason::NoTarget, "run_id", "names no run");
    let run = id(row, &["run_id"]).ok_or_else(missing)?;
    let source = Source {
        tool: Tool::LangSmith,
        project: options.project.clone().or_else(|| id(row, &["session_id"])),
        id: record,
        user: id(by, &["user_id"]),
        occurred_at: instant(row, &["modified_at", "created_at"])?,
        name: Some(key.to_owned()),
    };
    Ok((format!("run {run}"), Note { act: act(row, key, options)?, source, place }))
}

fn act(row: &Value, key: &str, options: &Options) -> Result<Act, Skipped> {
    let comment = text(row, &["comment"]).map(str::to_owned);
    let edit = match present(row, "correction") {
        Some(correction) if is_score_alone(correction) => {
            let message = format!("the correction of {key} corrects a score, not an output");
            return Err(Skipped::new(SkipReason::UnsupportedKind, "correction", message));
        }
        Some(correction) => Some(answer(correction, "correction", options.output.as_deref())?),
        None if options.edits.contains(key) => text(row, &["value"]).map(str::to_owned),
        None => None,
    };
    let rating = match present(row, "score") {
        Some(Value::Bool(flag)) => Some(Rating::thumb(*flag)),
        Some(Value::Number(number)) => {
            let scale = options.scales.get(key).copied().or_else(|| configured(row));
            match Rating::of_number(number.as_f64().unwrap_or(f64::NAN), scale, key, "score") {
                // The edit says more than a score whose scale is not known.
                Err(_) if edit.is_some() => None,
                rating => Some(rating?),
            }
        }
        _ if edit.is_some() => None,
        _ => text(row, &["value"]).map(|word| Rating::of_word(word, key, "value")).transpose()?,
    };
    Ok(Act { edit, rating, comment })
}

/// Returns `true` for a correction that has a score or a comment on it, and nothing else.
fn is_score_alone(correction: &Value) -> bool {
    let fields = correction.as_object();
    fields.is_some_and(|fields| {
        fields.keys().all(|key| matches!(key.as_str(), "score" | "value" | "comment" | "explanation"))
    })
}

/// Returns the scale that the feedback's own configuration has.
fn configured(row: &Value) -> Option<Scale> {
    let end = |name: &str| present(row, "feedback_config")?.get(name)?.as_f64();
    Scale::new(end("min")?, end("max")?)
}

/// Returns the events on the output of a run.
pub(crate) fn meet(row: &Value, options: &Options, notes: &mut Notes) -> Vec<Outcome> {
    let Some(run) = id(row, &["id"]).filter(|_| is_run(row)) else { return Vec::new() };
    let read = || {
        let field = |name| row.get(name).unwrap_or(&Value::Null);
        let metadata = at(row, "extra.metadata").unwrap_or(&Value::Null);
        if let Some(tools) = at(row, "extra.invocation_params").and_then(|parameters| present(parameters, "tools")) {
            let message = format!(
                "the model had {} tools, and an event does not carry them yet",
                tools.as_array().map_or(1, Vec::len)
            );
            return Err(Skipped::new(SkipReason::UnsupportedContent, "extra.invocation_params.tools", message));
        }
        Ok(Output {
            prompt: prompt(field("inputs"), "inputs", options.prompt.as_deref())?,
            text: answer(field("outputs"), "outputs", options.output.as_deref())?,
            response_id: Some(run.clone()),
            thread_id: id(metadata, &["session_id", "thread_id", "conversation_id"]),
            model: id(metadata, &["ls_model_name"]),
        })
    };
    notes.meet(&format!("run {run}"), None, read)
}
