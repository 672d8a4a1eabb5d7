use std::collections::HashSet;

use flywheel_base::{Route, instant::Millis};
use flywheel_dataset::{Split, SplitSalt};
use flywheel_lake::{ListRoute, ReadPart};
use flywheel_log::PartName;
use flywheel_training::{HeldOutSample, Message, PromptSides, ReplayRow, prompt_key};
use serde::Deserialize;

use crate::preparer::PrepareError;
use crate::spool::Spool;

/// The log's liked outputs, split.
pub(crate) struct Replay {
    pub(crate) train: Spool,
    pub(crate) held_out: Spool,
}

/// A line of the route `replay`: an unchanged output is in `chosen`.
#[derive(Deserialize)]
struct Line {
    event_id: String,
    prompt: Option<String>,
    prompt_messages: Option<Vec<Message>>,
    chosen: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    event_id: String,
}

impl Replay {
    /// Reads all liked outputs, part by part. Memory holds one part, and eight bytes for each event.
    pub(crate) async fn of(
        lake: &(impl ListRoute + ReadPart),
        sides: &PromptSides,
        salt: &SplitSalt,
    ) -> Result<Self, PrepareError> {
        let (mut train, mut all_held_out) = (Spool::new()?, Spool::new()?);
        let (mut seen, mut sample) = (HashSet::new(), HeldOutSample::default());
        let listing = lake.list_route(Route::Replay, 0..=Millis::MAX, u64::MAX).await?;
        for part in listing.parts {
            let body = match lake.read_part(&part.name.key(Route::Replay)).await {
                // The part was removed from the log after the listing.
                Err(error) if error.is_missing() => continue,
                read => read?,
            };
            for row in rows(&part.name, &body)? {
                // A redelivery may have written the same line twice.
                if !seen.insert(prompt_key(&row.event_id)) {
                    continue;
                }
                match sides.of_replay(&row.prompt, salt) {
                    None => (),
                    Some(Split::Train) => train.add(&row)?,
                    Some(Split::HeldOut) => {
                        sample.add(&row.event_id, (row.prompt.len() + row.completion.len()) as u64);
                        all_held_out.add(&row)?;
                    }
                }
            }
        }
        let is_scored = |line: &str| serde_json::from_str::<Id>(line).is_ok_and(|row| sample.has(&row.event_id));
        Ok(Self { train, held_out: all_held_out.filtered(is_scored)? })
    }
}

/// Returns a part's rows. Parts are written atomically, so an incomplete one is damaged.
fn rows(name: &PartName, body: &[u8]) -> Result<Vec<ReplayRow>, PrepareError> {
    let corrupt = || PrepareError::CorruptPart { key: name.key(Route::Replay) };
    let text = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n')).ok_or_else(corrupt)?;
    let lines = text.split('\n').map(serde_json::from_str::<Line>).collect::<Result<Vec<_>, _>>();
    let lines = lines.map_err(|_| corrupt())?;
    if lines.len() as u64 != name.rows {
        return Err(corrupt());
    }
    let rows = lines.into_iter().filter_map(|line| {
        let (prompt, completion) = line.prompt.zip(line.chosen)?;
        Some(ReplayRow { event_id: line.event_id, prompt, prompt_messages: line.prompt_messages, completion })
    });
    Ok(rows.collect())
}
