//! Decides about quarantined and reviewed events: they are released, corrected or rejected.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use flywheel_base::{Refusal, Route, instant::Millis};
use flywheel_curation::{CuratedEvent, Curator};
use flywheel_dataset::{
    DECISIONS_PREFIX, Decisions, QuarantineSelection, QuarantinedLine, ReviewDecision, reviewed_part,
};
use flywheel_lake::{LakeError, ListKeys, ListRoute, LoadPointer, ReadPart, WritePart};
use flywheel_log::PartName;
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// The most lines of one part, and the most events of one record.
const LINES_A_PART: usize = 1_000;

const CONCURRENT_READS: usize = 16;

/// A decision that was not made.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// A named event or pair is neither in review nor in quarantine.
    #[error("{0} is neither in review nor in quarantine")]
    NotHeld(String),
    /// A named event cannot be released.
    #[error("{event} cannot be released: {cause}")]
    NotReleasable {
        /// The event.
        event: String,
        /// The reason.
        cause: String,
    },
    /// A correction has several events.
    #[error("one text corrects one event: name it with --event")]
    NotOne,
    /// An event has no output.
    #[error("there is no output that could be corrected")]
    NoOutput,
    /// The corrected text is no edit.
    #[error("the corrected text is no edit: {0}")]
    NoEdit(Refusal),
    /// The rules send the corrected text to another route than gold.
    #[error("the corrected text would be in {} itself, for {reasons}: see `flywheel explain`", .route.as_str())]
    NotGold {
        /// The route.
        route: Route,
        /// The codes of the reasons.
        reasons: String,
    },
    /// An object has a line, or is a record, that cannot be read.
    #[error("{key}: {what}")]
    Damaged {
        /// The object.
        key: String,
        /// The fault, without a quotation.
        what: String,
    },
    /// The record cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// The selected events that no operator has decided about.
pub type OpenEvents = Vec<QuarantinedLine>;

/// A planned decision: for each event a line and its route.
#[derive(Debug)]
pub struct QuarantinePlan {
    /// The decision.
    pub decision: ReviewDecision,
    /// The lines, by event.
    pub lines: BTreeMap<String, (Route, String)>,
    /// Selected events that cannot be released, with the reason.
    pub left: BTreeMap<String, String>,
    /// The edit that carries the corrected text.
    pub correction: Option<CuratedEvent>,
}

/// Returns the selected events that no operator has decided about, each by its latest line.
///
/// # Errors
/// [`QuarantineError::NotHeld`] if a named event or pair is not there; or if an object is damaged or cannot be read.
pub async fn open_events(
    lake: &(impl ListKeys + ListRoute + ReadPart),
    selection: &QuarantineSelection<'_>,
) -> Result<OpenEvents, QuarantineError> {
    let decided = decided_events(lake).await?;
    let found = find(lake, selection).await?;
    all_are_there(selection, &found, &decided)?;
    Ok(found.into_iter().filter(|held| !decided.contains(&held.event_id)).collect())
}

impl QuarantinePlan {
    /// Plans a release. Of many selected events those that cannot be released are left. An event named by id must succeed.
    ///
    /// # Errors
    /// [`QuarantineError::NotReleasable`].
    pub fn release(
        found: OpenEvents,
        selection: &QuarantineSelection<'_>,
        reviewer: Option<&str>,
    ) -> Result<Self, QuarantineError> {
        let (mut lines, mut left) = (BTreeMap::new(), BTreeMap::new());
        for held in found {
            match held.released(reviewer) {
                Ok(line) => drop(lines.insert(held.event_id, line)),
                Err(error) if selection.names_some() => {
                    return Err(QuarantineError::NotReleasable { event: held.event_id, cause: error.to_string() });
                }
                Err(error) => drop(left.insert(held.event_id, error.to_string())),
            }
        }
        Ok(Self { decision: ReviewDecision::Released, lines, left, correction: None })
    }

    /// Plans a correction: the text is an edit of the reviewer's, judged by the rules as any edit.
    ///
    /// # Errors
    /// If there are several events, or if the text is not an edit that goes to gold.
    pub fn correct(
        found: OpenEvents,
        text: &str,
        reviewer: Option<&str>,
        curator: &Curator,
        now: Millis,
    ) -> Result<Self, QuarantineError> {
        let plan =
            |lines, correction| Self { decision: ReviewDecision::Corrected, lines, left: BTreeMap::new(), correction };
        let [held] = match <[QuarantinedLine; 1]>::try_from(found) {
            Ok(one) => one,
            Err(found) if found.is_empty() => return Ok(plan(BTreeMap::new(), None)),
            Err(_) => return Err(QuarantineError::NotOne),
        };
        let message = held.correction(text, reviewer).ok_or(QuarantineError::NoOutput)?;
        let edit = curator.curate(&message, now).map_err(QuarantineError::NoEdit)?;
        if edit.verdict.route != Route::Gold {
            let reasons: Vec<_> = edit.verdict.reasons.iter().map(|reason| reason.as_str()).collect();
            return Err(QuarantineError::NotGold { route: edit.verdict.route, reasons: reasons.join(", ") });
        }
        let line = held.dropped(ReviewDecision::Corrected).map(|line| (held.event_id, (Route::Dropped, line)));
        Ok(plan(line.into_iter().collect(), Some(edit)))
    }

    /// Plans a rejection: the events get a line in `dropped`.
    #[must_use]
    pub fn reject(found: OpenEvents) -> Self {
        let decision = ReviewDecision::Rejected;
        let line = |held: QuarantinedLine| Some((held.event_id.clone(), (Route::Dropped, held.dropped(decision)?)));
        let lines = found.into_iter().filter_map(line).collect();
        Self { decision, lines, left: BTreeMap::new(), correction: None }
    }

    /// Writes the decision: lines, in parts, and a record that names the events. Returns the keys of the parts.
    ///
    /// # Why a decision takes effect once
    /// The record is written last. A crash before it leaves no decision: the next attempt decides again and writes the lines again.
    /// A line that comes twice counts once, by its event and its pair. Once the record is there, the events are not found any more.
    ///
    /// # Errors
    /// If the lake cannot be read or written.
    pub async fn carry_out(
        &self,
        lake: &(impl LoadPointer + WritePart),
        by: &str,
        why: &str,
        now: Millis,
    ) -> Result<Vec<String>, QuarantineError> {
        let pointer = lake.load_pointer().await?.pointer;
        // This machine's clock may be wrong. A part before this time is never consumed, for the log is frozen up to it.
        let written_at = now.max(pointer.watermark.consumed_until());
        let mut written = Vec::new();
        let lines: Vec<_> = self.lines.iter().collect();
        for lines in lines.chunks(LINES_A_PART) {
            let events: BTreeSet<String> = lines.iter().map(|(event, _)| (*event).clone()).collect();
            let mut parts = Vec::new();
            if let Some(edit) = &self.correction {
                let part = reviewed_part(self.decision, Route::Gold, written_at, &events).key(Route::Gold);
                lake.write_part(&part, format!("{}\n", edit.line)).await?;
                parts.push(part);
            }
            for route in Route::ALL {
                let of_route: Vec<_> = lines.iter().filter(|(_, (to, _))| *to == route).collect();
                if of_route.is_empty() {
                    continue;
                }
                let events = of_route.iter().map(|(event, _)| (*event).clone()).collect();
                let part = reviewed_part(self.decision, route, written_at, &events).key(route);
                let body: String = of_route.iter().flat_map(|(_, (_, line))| [line.as_str(), "\n"]).collect();
                lake.write_part(&part, body).await?;
                parts.push(part);
            }
            written.extend(parts.iter().cloned());
            let (by, why) = (by.to_owned(), why.to_owned());
            let record = Decisions { decision: self.decision, by, why, at: now, events, parts };
            lake.write_part(&record.key(), serde_json::to_string(&record)?).await?;
        }
        Ok(written)
    }
}

/// Returns the events that an operator has decided about.
async fn decided_events(lake: &(impl ListKeys + ReadPart)) -> Result<HashSet<String>, QuarantineError> {
    let keys = lake.list_keys(DECISIONS_PREFIX).await?;
    let read = |key: String| async move {
        let record = lake.read_part(&key).await?;
        let record = serde_json::from_slice::<Decisions>(&record);
        record.map_err(|error| QuarantineError::Damaged { key, what: error.to_string() })
    };
    let records = stream::iter(keys).map(read).buffer_unordered(CONCURRENT_READS);
    let records: Vec<_> = records.try_collect().await?;
    Ok(records.into_iter().flat_map(|record| record.events).collect())
}

/// Returns the matching events, each by its latest line.
async fn find(
    lake: &(impl ListRoute + ReadPart),
    selection: &QuarantineSelection<'_>,
) -> Result<Vec<QuarantinedLine>, QuarantineError> {
    let mut found: BTreeMap<String, (Millis, QuarantinedLine)> = BTreeMap::new();
    for route in [Route::Review, Route::Quarantine] {
        // A part is written after its lines were curated.
        let within = selection.from.unwrap_or(0)..=Millis::MAX;
        let listing = lake.list_route(route, within, u64::MAX).await?;
        let read = |name: PartName| async move {
            let key = name.key(route);
            let body = match lake.read_part(&key).await {
                // It expired since it was listed.
                Err(error) if error.is_missing() => None,
                other => Some(other?),
            };
            Ok::<_, QuarantineError>((name.written_at, key, body))
        };
        let names = listing.parts.into_iter().map(|part| part.name);
        let mut parts = stream::iter(names).map(read).buffered(CONCURRENT_READS);
        while let Some((written_at, key, body)) = parts.try_next().await? {
            let Some(body) = body else { continue };
            let damaged = |what: String| QuarantineError::Damaged { key: key.clone(), what };
            let body = std::str::from_utf8(&body).map_err(|_| damaged("it is not UTF-8".to_owned()))?;
            for (index, line) in body.split_terminator('\n').enumerate() {
                let held = QuarantinedLine::parse(line)
                    .ok_or_else(|| damaged(format!("line {} lacks a column", index + 1)))?;
                if selection.has(&held) && found.get(&held.event_id).is_none_or(|(at, _)| *at <= written_at) {
                    found.insert(held.event_id.clone(), (written_at, held));
                }
            }
        }
    }
    Ok(found.into_values().map(|(_, held)| held).collect())
}

fn all_are_there(
    selection: &QuarantineSelection<'_>,
    found: &[QuarantinedLine],
    decided: &HashSet<String>,
) -> Result<(), QuarantineError> {
    let has_event = |event: &&String| found.iter().any(|held| held.event_id == **event) || decided.contains(*event);
    let has_pair = |pair: &&String| found.iter().any(|held| held.pair_id() == Some(pair.as_str()));
    let missing = selection.events.iter().find(|event| !has_event(event));
    match missing.or_else(|| selection.pairs.iter().find(|pair| !has_pair(pair))) {
        None => Ok(()),
        Some(missing) => Err(QuarantineError::NotHeld(missing.clone())),
    }
}
