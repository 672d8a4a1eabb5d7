//! The log's liked outputs.
//!
//! A log has as many parts as batches with a liked output, and they never become fewer. So a run does not read them all: when
//! many were read, it leaves a compaction for later runs, an object with the rows of all settled parts. A later run reads the newest
//! compaction and the parts after it. The rows, and their order, are those of reading every part.
//!
//! A compaction's name has a digest over the names of its parts. It is used only if the listing of the route has the same names, up
//! to its time. So it is not used once a part is erased or replaced, or comes late. Each run lists the whole route, with one request for
//! 1,000 parts.
//!
//! A compaction lies with the run's input as JSON lines, where `flywheel forget` erases copies. If it is gone, the parts are read.

use std::collections::{BTreeMap, HashSet};

use flywheel_base::{Route, digest::FieldDigest, instant::Millis};
use flywheel_dataset::{Split, SplitSalt};
use flywheel_event::{EVENT_KEY, ScopedId};
use flywheel_lake::{ListKeys, ListRoute, ReadPart, VisitObject, WriteFile};
use flywheel_log::{ListedPart, PartName};
use flywheel_training::{HeldOutSample, Message, PromptSides, ReplayRow, RunName, has_media};
use futures::{StreamExt as _, pin_mut, stream};
use serde::{Deserialize, Serialize};

use crate::preparer::PrepareError;
use crate::spool::Spool;

/// The number of parts that are read at the same time. Most parts have few rows, so the time is that of the requests.
const READS_AT_ONCE: usize = 16;

/// The number of settled parts that have to be read before a compaction is left for later runs. At 16 reads at a time these take
/// seconds, and a compaction doubles the space of its rows.
const COMPACT_FROM: u64 = 500;

/// The age at which a part is settled: no part with an older key appears any more. The freeze waits 15 minutes for late parts;
/// a compaction is for ever, so it waits a day.
const SETTLED_AFTER: Millis = 24 * 60 * 60 * 1000;

/// The name of a compaction in a run's input, before and behind the time up to which it has all parts and their digest.
const COMPACTION: (&str, &str) = ("input/replay_log-", ".jsonl");

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
    #[serde(default)]
    prompt_chat: Option<String>,
    chosen: Option<String>,
    #[serde(default)]
    context: Vec<ContextEntry>,
}

#[derive(Deserialize)]
struct ContextEntry {
    key: String,
    value: String,
}

/// A liked output, as a compaction keeps it.
#[derive(Serialize, Deserialize)]
struct LikedOutput {
    #[serde(flatten)]
    row: ReplayRow,
    /// The key of its event in the scope of its sender. A line from before scopes has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_key: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    event_id: String,
}

/// The rows of all parts up to a time.
struct Compaction {
    key: String,
    until: Millis,
}

/// The rows on their way to their files.
struct Sorting<'s> {
    sides: &'s PromptSides,
    salt: &'s SplitSalt,
    train: Spool,
    all_held_out: Spool,
    /// The rows of settled parts, for a compaction.
    settled: Spool,
    seen: HashSet<u128>,
    sample: HeldOutSample,
}

impl Replay {
    /// Reads all liked outputs, in the order of the parts. Memory holds the parts that are read at the same time, their names, and
    /// sixteen bytes for each event.
    pub(crate) async fn of(
        lake: &(impl ListKeys + ListRoute + ReadPart + VisitObject + WriteFile),
        (sides, salt): (&PromptSides, &SplitSalt),
        run: &RunName,
        now: Millis,
    ) -> Result<Self, PrepareError> {
        let mut sorting = Sorting::new(sides, salt)?;
        let settled_until = now.saturating_sub(SETTLED_AFTER);
        let mut parts = lake.list_route(Route::Replay, 0..=Millis::MAX, u64::MAX).await?.parts;
        parts.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        let compactions = compactions(lake).await?;
        let (mut newest, mut newest_settled) = (None, None);
        for reached in digests(&parts) {
            if let Some(key) = compactions.get(&reached) {
                newest = Some(Compaction { key: key.clone(), until: reached.0 });
            }
            if reached.0 <= settled_until {
                newest_settled = Some(reached);
            }
        }
        if let Some(compaction) = &newest {
            compaction.read(lake, &mut sorting).await?;
            parts.retain(|part| part.name.written_at > compaction.until);
        }
        let read = |part: ListedPart| async move {
            let body = lake.read_part(&part.name.key(Route::Replay)).await;
            (part.name, body)
        };
        // `buffered` keeps the order: which of two lines of an event counts does not depend on which part arrives first.
        let parts = stream::iter(parts).map(read).buffered(READS_AT_ONCE);
        pin_mut!(parts);
        let mut settled_parts = 0;
        while let Some((name, body)) = parts.next().await {
            let body = match body {
                // The part was removed from the log after the listing.
                Err(error) if error.is_missing() => continue,
                read => read?,
            };
            let is_settled = name.written_at <= settled_until;
            settled_parts += u64::from(is_settled);
            for liked in rows(&name, &body)? {
                sorting.add(&liked, is_settled)?;
            }
        }
        let Sorting { train, all_held_out, settled, sample, .. } = sorting;
        // A repeated preparation finds the same parts, and so the same key.
        if let Some((until, digest)) = newest_settled.filter(|_| settled_parts >= COMPACT_FROM) {
            let key = format!("{}{}{until}-{digest}{}", run.folder(), COMPACTION.0, COMPACTION.1);
            lake.write_file(&key, settled.finish()?.path()).await?;
        }
        let is_scored = |line: &str| serde_json::from_str::<Id>(line).is_ok_and(|row| sample.has(&row.event_id));
        Ok(Self { train, held_out: all_held_out.filtered(is_scored)? })
    }
}

impl<'s> Sorting<'s> {
    fn new(sides: &'s PromptSides, salt: &'s SplitSalt) -> Result<Self, PrepareError> {
        let (train, all_held_out, settled) = (Spool::new()?, Spool::new()?, Spool::new()?);
        Ok(Self { sides, salt, train, all_held_out, settled, seen: HashSet::new(), sample: HeldOutSample::default() })
    }

    /// Adds a row. A redelivery may have written the same line twice; the first one counts.
    fn add(&mut self, liked: &LikedOutput, is_settled: bool) -> Result<(), PrepareError> {
        let LikedOutput { row, event_key } = liked;
        let event = ScopedId::of_event(&row.event_id, event_key.as_deref());
        if event.keys().iter().any(|key| self.seen.contains(key)) {
            return Ok(());
        }
        self.seen.insert(event.own);
        if is_settled {
            self.settled.add(liked)?;
        }
        match self.sides.of_replay(&row.prompt, self.salt) {
            None => Ok(()),
            Some(Split::Train) => self.train.add(row),
            Some(Split::HeldOut) => {
                self.sample.add(&row.event_id, (row.prompt.len() + row.completion.len()) as u64);
                self.all_held_out.add(row)
            }
        }
    }
}

/// Returns the keys of all compactions, by the time up to which each has all parts, and by their digest. An older one without a
/// digest is not used.
async fn compactions(lake: &impl ListKeys) -> Result<BTreeMap<(Millis, String), String>, PrepareError> {
    let keys = lake.list_keys("runs/").await?;
    let compactions = keys.into_iter().filter_map(|key| {
        let (until, digest) = key.strip_suffix(COMPACTION.1)?.split_once(COMPACTION.0)?.1.split_once('-')?;
        let reached = (until.parse::<Millis>().ok()?, digest.to_owned());
        Some((reached, key))
    });
    Ok(compactions.collect())
}

/// Returns each time at which a part was written, with a digest over the names of all parts up to then. The parts are sorted by
/// name.
fn digests(parts: &[ListedPart]) -> impl Iterator<Item = (Millis, String)> {
    let mut digest = String::new();
    parts.chunk_by(|left, right| left.name.written_at == right.name.written_at).filter_map(move |parts| {
        for part in parts {
            digest = FieldDigest::new("flywheel replay log 1").text(&digest).text(&part.name.to_string()).hex();
        }
        parts.first().map(|part| (part.name.written_at, digest.clone()))
    })
}

impl Compaction {
    async fn read(&self, lake: &impl VisitObject, sorting: &mut Sorting<'_>) -> Result<(), PrepareError> {
        let (mut begun, mut read) = (Vec::new(), Ok(()));
        let mut add = |line: &[u8]| {
            let liked = serde_json::from_slice::<LikedOutput>(line);
            let liked = liked.map_err(|_| PrepareError::CorruptPart { key: self.key.clone() })?;
            sorting.add(&liked, true)
        };
        let mut visit = |piece: &[u8]| {
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                begun.extend_from_slice(part);
                if begun.pop_if(|last| *last == b'\n').is_some() {
                    if read.is_ok() {
                        read = add(&begun);
                    }
                    begun.clear();
                }
            }
        };
        lake.visit_object(&self.key, &mut visit).await?;
        // An object is written as a whole, and its last line ends.
        if begun.is_empty() { read } else { Err(PrepareError::CorruptPart { key: self.key.clone() }) }
    }
}

/// Returns a part's rows, without those whose prompt has an image, audio or a file: the lake has the digest only. Parts are written atomically, so an incomplete one is damaged.
fn rows(name: &PartName, body: &[u8]) -> Result<Vec<LikedOutput>, PrepareError> {
    let corrupt = || PrepareError::CorruptPart { key: name.key(Route::Replay) };
    let text = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n')).ok_or_else(corrupt)?;
    let lines = text.split('\n').map(serde_json::from_str::<Line>).collect::<Result<Vec<_>, _>>();
    let lines = lines.map_err(|_| corrupt())?;
    if lines.len() as u64 != name.rows {
        return Err(corrupt());
    }
    let rows = lines.into_iter().filter(|line| !has_media(line.prompt_chat.as_deref())).filter_map(|line| {
        let (prompt, completion) = line.prompt.zip(line.chosen)?;
        let event_key = line.context.into_iter().find(|entry| entry.key == EVENT_KEY).map(|entry| entry.value);
        let row = ReplayRow { event_id: line.event_id, prompt, prompt_messages: line.prompt_messages, completion };
        Some(LikedOutput { row, event_key })
    });
    Ok(rows.collect())
}
