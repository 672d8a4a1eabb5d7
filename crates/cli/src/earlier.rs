//! `flywheel replay --against verdicts.jsonl`: compares with the verdicts of an earlier replay, which another build printed, or
//! another policy's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _, stderr, stdout};
use std::path::{Path, PathBuf};

use flywheel_base::Reason;
use flywheel_curation::{Curator, ENGINE, Verdict};
use serde::{Deserialize, Serialize};

use crate::arguments::ReplayArguments;
use crate::input::{Chunk, total_bytes};
use crate::marked::visible;
use crate::ordered::in_order;
use crate::progress::Progress;
use crate::worker::{self, judge};
use crate::{Failure, Outcome, policy};

/// The name of the place of an event without a verdict: a read, or an invalid event.
const NO_VERDICT: &str = "no verdict";

/// A verdict as `flywheel replay` prints it. Another build may know routes and reasons that this one does not: they are texts.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Printed {
    route: String,
    reasons: Vec<String>,
    tags: Vec<String>,
    similarity: Option<f64>,
}

impl Printed {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        let codes = |reasons: &[Reason]| reasons.iter().map(|reason| reason.as_str().to_owned()).collect();
        let Verdict { route, reasons, tags, similarity, .. } = verdict;
        let (reasons, tags) = (codes(reasons), codes(tags));
        Self { route: route.as_str().to_owned(), reasons, tags, similarity: *similarity }
    }

    fn is_like(&self, other: &Self) -> bool {
        (&self.route, &self.reasons, &self.tags) == (&other.route, &other.reasons, &other.tags)
    }
}

/// A line that an earlier replay printed.
#[derive(Debug, Deserialize)]
struct EarlierLine {
    file: Option<String>,
    line: u64,
    event_id: Option<String>,
    /// None in a line from before lines named their engine.
    engine: Option<String>,
    #[serde(flatten)]
    verdict: Option<Printed>,
}

/// The lines of an earlier replay, in its order.
struct EarlierLines {
    path: PathBuf,
    reader: BufReader<File>,
    text: String,
    number: u64,
}

/// One line of the input as this build judges it.
struct Present {
    line: u64,
    /// The event's id, and its verdict; none for a read and an invalid event.
    judged: Option<(String, Printed)>,
}

/// A chunk of the input as this build judges it.
struct Judged {
    /// The file's name, if there are several.
    file: Option<String>,
    lines: Vec<Present>,
    bytes_read: u64,
    bad_lines: u64,
    /// The invalid events, named by file and line.
    errors: String,
}

/// The printed form of an event that is judged in two ways: by two policies, or by this build and an earlier one.
#[derive(Serialize)]
pub(crate) struct ChangeLine<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<&'e str>,
    pub(crate) line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<&'e str>,
    pub(crate) from: Option<&'e Printed>,
    pub(crate) to: Option<&'e Printed>,
}

/// The sums of the comparison.
#[derive(Default)]
struct Total {
    events: u64,
    bad_lines: u64,
    engines: BTreeSet<String>,
    moves: BTreeMap<(String, String), u64>,
}

/// Judges the events, and prints those that the earlier replay judged otherwise.
///
/// # Errors
/// A file that cannot be read, or an earlier replay of other events.
pub(crate) fn compare(arguments: &ReplayArguments, earlier: &Path) -> Result<Outcome, Failure> {
    let input = &arguments.input;
    let curator = Curator::new(policy::read(input.policy.as_deref())?, None);
    let mut earlier = EarlierLines::open(earlier)?;
    let names_files = input.files.len() > 1;
    let (mut total, mut progress) = (Total::default(), Progress::new(total_bytes(&input.files), input.quiet));
    let mut output = stdout().lock();
    in_order(
        &input.files,
        input.threads,
        |chunk| judge_chunk(&curator, chunk, names_files),
        |chunk: Judged| {
            for present in &chunk.lines {
                let before = earlier.of(chunk.file.as_deref(), present)?;
                if let Some(change) = total.add(chunk.file.as_deref(), present, &before) {
                    serde_json::to_writer(&mut output, &change)?;
                    output.write_all(b"\n")?;
                }
            }
            progress.interrupt(&chunk.errors);
            total.bad_lines += chunk.bad_lines;
            progress.advance(chunk.bytes_read, total.events);
            Ok(())
        },
    )?;
    earlier.end()?;
    output.flush()?;
    progress.finish();
    if !input.quiet {
        stderr().write_all(visible(&total.report()).as_bytes())?;
    }
    Ok(if total.bad_lines == 0 { Outcome::AllGood } else { Outcome::SomeBad })
}

fn judge_chunk(curator: &Curator, chunk: &Chunk, names_files: bool) -> Judged {
    let file = names_files.then(|| chunk.file.to_string_lossy().into_owned());
    let mut judged =
        Judged { file, lines: Vec::new(), bytes_read: chunk.bytes_read, bad_lines: 0, errors: String::new() };
    for line in chunk.lines() {
        let verdict = judge(curator, &line);
        if let Err(error) = &verdict {
            judged.bad_lines += 1;
            judged.errors.push_str(&format!("{}:{}: {error}\n", chunk.file.to_string_lossy(), line.number));
        }
        let verdict = match verdict {
            Ok(worker::Judged::Event(event)) => Some((event.event_id, Printed::of(&event.verdict))),
            Ok(worker::Judged::Read) | Err(_) => None,
        };
        judged.lines.push(Present { line: line.number, judged: verdict });
    }
    judged
}

impl EarlierLines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::Unusable(format!("{}: {error}", path.display())))?;
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), text: String::new(), number: 0 })
    }

    /// Returns the earlier line of a line of the input. A replay prints one line for each event, in the order of the input, so it
    /// has to be the next one. A replay of one file does not name it.
    fn of(&mut self, file: Option<&str>, present: &Present) -> Result<EarlierLine, Failure> {
        let line = present.line;
        self.read()?;
        let Ok(earlier) = serde_json::from_str::<EarlierLine>(&self.text) else {
            return self.refuse(&format!("expected the verdict on line {line}, as `flywheel replay` prints it"));
        };
        let is_of_file = file.is_none() || earlier.file.is_none() || earlier.file.as_deref() == file;
        let event_id = present.judged.as_ref().map(|(event_id, _)| event_id);
        if event_id.is_some_and(|event_id| earlier.event_id.as_ref().is_some_and(|earlier| earlier != event_id)) {
            return self.refuse("this verdict is on another event: replay the same files in the same order");
        }
        if earlier.line == line && is_of_file {
            return Ok(earlier);
        }
        let next = format!("this verdict is on line {}, and the next event is on line {line}", earlier.line);
        self.refuse(&format!("{next}: replay the same files in the same order"))
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.read()?;
        if self.text.trim().is_empty() {
            Ok(())
        } else {
            self.refuse("there are no more events: replay the same files")
        }
    }

    fn read(&mut self) -> Result<(), Failure> {
        self.text.clear();
        self.number += 1;
        match self.reader.read_line(&mut self.text) {
            Ok(_) => Ok(()),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn refuse<T>(&self, why: &str) -> Result<T, Failure> {
        Err(Failure::Unusable(format!("{}:{}: {why}", self.path.display(), self.number)))
    }
}

impl Total {
    /// Counts a line of both; returns it if the verdicts differ.
    fn add<'e>(
        &mut self,
        file: Option<&'e str>,
        present: &'e Present,
        before: &'e EarlierLine,
    ) -> Option<ChangeLine<'e>> {
        let (event_id, to) = present.judged.as_ref().map(|(id, verdict)| (id.as_str(), verdict)).unzip();
        let from = before.verdict.as_ref();
        self.events += u64::from(to.is_some());
        self.engines.extend(before.engine.clone());
        let is_same = match (from, to) {
            (Some(from), Some(to)) => from.is_like(to),
            (None, None) => true,
            _ => false,
        };
        if is_same {
            return None;
        }
        let route = |verdict: Option<&Printed>| verdict.map_or(NO_VERDICT, |verdict| &verdict.route).to_owned();
        *self.moves.entry((route(from), route(to))).or_default() += 1;
        Some(ChangeLine { file, line: present.line, event_id, from, to })
    }

    fn report(&self) -> String {
        let engines = self.engines.iter().cloned().collect::<Vec<_>>().join(", ");
        let earlier = if engines.is_empty() { "an engine without a name".to_owned() } else { engines };
        let changed: u64 = self.moves.values().sum();
        let mut report = format!("{} events by engine {ENGINE}, before by {earlier}\n", self.events);
        report.push_str(&format!("{changed} are judged otherwise now:\n"));
        for ((from, to), count) in &self.moves {
            report.push_str(&format!("  {:<24} {count:>10}\n", format!("{from} → {to}")));
        }
        report
    }
}
