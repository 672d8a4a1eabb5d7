//! Langfuse 3 and 4: scores, and the observations and traces that they are on.
//!
//! | row | from | fields read |
//! |---|---|---|
//! | score | `GET /api/public/v3/scores?fields=details,subject,annotation`, `/v2/scores`, `scores/` of the blob storage export | `id`, `name`, `dataType`, `value`, `stringValue`, `source`, `comment`, `authorUserId`, `timestamp`, `subject` or `observationId`, `traceId` |
//! | observation | `GET /api/public/v2/observations`, `observations/` and `observations_v2/` of the export | `id`, `traceId`, `type`, `input`, `output`, `model`, `parentObservationId`, `sessionId`, `userId`, `tool_definitions` |
//! | trace | `GET /api/public/traces`, `traces/` of the export | `id`, `timestamp`, `input`, `output`, `sessionId`, `userId` |
//! | trace with details | `GET /api/public/traces/{id}` | the same, with lists of `scores` and `observations` |
//!
//! The API writes names in camel case, the blob storage export in snake case; both are read. A corrected output is a score
//! with the data type `CORRECTION`. The blob storage export leaves those out; only the API has them.

use serde_json::Value;

use crate::content::{answer, prompt};
use crate::event::{Act, Output, Source};
use crate::notes::{Note, Notes, Outcome, Place};
use crate::options::{Options, Scale};
use crate::rating::Rating;
use crate::skipped::{SkipReason, Skipped};
use crate::tool::Tool;
use crate::value::{first, id, instant, is_empty, present, text};

fn is_score(row: &Value) -> bool {
    first(row, &["dataType", "data_type"]).is_some()
}

/// Returns `true` for an observation that says that it has no parent. An export without the field says nothing.
fn is_root(row: &Value) -> bool {
    let parent = ["parentObservationId", "parent_observation_id"].into_iter().find_map(|name| row.get(name));
    parent.is_some_and(is_empty)
}

/// Keeps the scores of a row, and counts what may be the output of a trace.
pub(crate) fn note(row: &Value, place: Place, options: &Options, notes: &mut Notes) -> Vec<Skipped> {
    let nested = row.get("scores").and_then(Value::as_array).into_iter().flatten().filter(|score| score.is_object());
    if let (false, Some(record)) = (is_score(row), id(row, &["id"])) {
        match id(row, &["traceId", "trace_id"]) {
            None => notes.has_whole(format!("trace {record}")),
            Some(trace) if is_root(row) => notes.count_part(format!("trace {trace}")),
            Some(_) => {}
        }
    }
    let scores = is_score(row).then_some(row).into_iter().chain(nested);
    scores.filter_map(|score| notes.keep(score, of_score(score, place, options))).collect()
}

fn of_score(score: &Value, place: Place, options: &Options) -> Result<(String, Note), Skipped> {
    let record = id(score, &["id"]).ok_or_else(|| Skipped::new(SkipReason::NoId, "id", "has no id"))?;
    let name = text(score, &["name"]).unwrap_or("score");
    if options.ignored.contains(name) {
        return Err(Skipped::new(SkipReason::Ignored, "name", format!("{name} is ignored")));
    }
    if text(score, &["source"]).is_some_and(|source| source.eq_ignore_ascii_case("eval")) {
        return Err(Skipped::new(SkipReason::NotAUser, "source", format!("{name} is by an evaluator, not by a user")));
    }
    let source = Source {
        tool: Tool::Langfuse,
        project: options.project.clone().or_else(|| id(score, &["projectId", "project_id"])),
        user: id(score, &["authorUserId", "author_user_id"]),
        occurred_at: instant(score, &["timestamp", "updatedAt", "updated_at"])?,
        name: Some(name.to_owned()),
        id: record,
    };
    Ok((target(score)?, Note { act: act(score, name, options)?, source, place }))
}

/// Returns the output that the score is on.
fn target(score: &Value) -> Result<String, Skipped> {
    if let Some(subject) = present(score, "subject") {
        let kind = text(subject, &["kind"]).unwrap_or_default();
        let is_output = matches!(kind, "observation" | "trace");
        if let Some(id) = id(subject, &["id"]).filter(|_| is_output) {
            return Ok(format!("{kind} {id}"));
        }
        return Err(Skipped::new(SkipReason::UnsupportedKind, "subject.kind", "is on no single output"));
    }
    let observation = id(score, &["observationId", "observation_id"]).map(|id| format!("observation {id}"));
    let trace = || id(score, &["traceId", "trace_id"]).map(|id| format!("trace {id}"));
    let message = "names no output; export scores with fields=details,subject,annotation";
    observation.or_else(trace).ok_or_else(|| Skipped::new(SkipReason::NoTarget, "subject", message))
}

fn act(score: &Value, name: &str, options: &Options) -> Result<Act, Skipped> {
    let comment = text(score, &["comment"]).map(str::to_owned);
    let words = text(score, &["stringValue", "string_value"]).or_else(|| text(score, &["value"]));
    let number = score.get("value").and_then(Value::as_f64);
    let kind = text(score, &["dataType", "data_type"]).unwrap_or_default();
    if let Some(words) = words.filter(|_| kind == "CORRECTION" || options.edits.contains(name)) {
        // A correction of a structured output is structured itself.
        return Ok(Act { edit: Some(answer(&words.into(), "value", None)?), comment, rating: None });
    }
    let rating = match kind {
        "BOOLEAN" => {
            let flag = score.get("value").and_then(Value::as_bool).or_else(|| Some(number? > 0.0));
            Some(Rating::thumb(flag.ok_or_else(|| Skipped::new(SkipReason::SaysNothing, "value", "has no value"))?))
        }
        "NUMERIC" => {
            let number = number.ok_or_else(|| Skipped::new(SkipReason::SaysNothing, "value", "has no value"))?;
            Some(Rating::of_number(number, scale(name, options), name, "value")?)
        }
        "CATEGORICAL" => Some(Rating::of_word(words.unwrap_or_default(), name, "stringValue")?),
        "TEXT" => return Ok(Act { comment: words.map(str::to_owned).or(comment), ..Act::default() }),
        _ => {
            return Err(Skipped::new(SkipReason::UnsupportedKind, "dataType", format!("{name} is of an unknown type")));
        }
    };
    Ok(Act { edit: None, rating, comment })
}

fn scale(name: &str, options: &Options) -> Option<Scale> {
    options.scales.get(name).copied()
}

/// Returns the events on the outputs of a row.
pub(crate) fn meet(row: &Value, options: &Options, notes: &mut Notes) -> Vec<Outcome> {
    if is_score(row) {
        return Vec::new();
    }
    let mut outcomes = Vec::new();
    let Some(record) = id(row, &["id"]) else { return outcomes };
    let user = id(row, &["userId", "user_id"]);
    let observations = row.get("observations").and_then(Value::as_array).into_iter().flatten();
    for observation in observations.filter(|observation| observation.is_object()) {
        if let Some(id) = id(observation, &["id"]) {
            let output = || output(observation, row, &id, options);
            outcomes.extend(notes.meet(&format!("observation {id}"), user.as_deref(), output));
        }
    }
    let read = || output(row, row, &record, options);
    let Some(trace) = id(row, &["traceId", "trace_id"]) else {
        outcomes.extend(notes.meet(&format!("trace {record}"), user.as_deref(), read));
        return outcomes;
    };
    outcomes.extend(notes.meet(&format!("observation {record}"), user.as_deref(), read));
    // The input and output of a trace are those of its only root observation.
    let whole = format!("trace {trace}");
    if is_root(row) && notes.has_one_part(&whole) {
        let read = || output(row, row, &trace, options);
        outcomes.extend(notes.meet(&whole, user.as_deref(), read));
    }
    outcomes
}

fn output(row: &Value, trace: &Value, response_id: &str, options: &Options) -> Result<Output, Skipped> {
    for name in ["tool_definitions", "toolDefinitions", "tool_calls", "toolCalls"] {
        if present(row, name).is_some() {
            let message = "an output with tools is not taken yet";
            return Err(Skipped::new(SkipReason::UnsupportedContent, name, message));
        }
    }
    let field = |name| row.get(name).unwrap_or(&Value::Null);
    Ok(Output {
        prompt: prompt(field("input"), "input", options.prompt.as_deref())?,
        text: answer(field("output"), "output", options.output.as_deref())?,
        response_id: Some(response_id.to_owned()),
        thread_id: id(trace, &["sessionId", "session_id"]),
        model: id(row, &["model", "providedModelName", "provided_model_name"]),
    })
}
