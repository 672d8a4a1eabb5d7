//! `flywheel replay`: reads events and writes verdicts.

use std::collections::BTreeMap;
use std::io::{Write as _, stderr, stdout};

use flywheel_audit::Scores;
use flywheel_base::{Reason, Route};
use flywheel_curation::{CuratedEvent, Curator, ENGINE};
use serde::Serialize;

use crate::arguments::ReplayArguments;
use crate::earlier::{ChangeLine, Printed};
use crate::input::{Chunk, total_bytes};
use crate::marked::visible;
use crate::ordered::in_order;
use crate::progress::Progress;
use crate::summary::Summary;
use crate::worker::{self, BadLine, judge};
use crate::{Failure, Outcome, earlier, policy};

/// The printed verdict on one line.
#[derive(Serialize)]
struct VerdictLine<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'e str>,
    line: u64,
    event_id: &'e str,
    route: Route,
    reasons: &'e [Reason],
    tags: &'e [Reason],
    scores: &'e Scores,
    similarity: Option<f64>,
    pair: &'e str,
    engine: &'static str,
}

/// The printed form of a read: it has no verdict.
#[derive(Serialize)]
struct ReadLine<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'e str>,
    line: u64,
    kind: &'static str,
}

/// The printed form of an invalid event.
#[derive(Serialize)]
struct ErrorLine<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'e str>,
    line: u64,
    error: &'e BadLine,
}

/// The result of a chunk.
#[derive(Default)]
struct Judgement {
    output: Vec<u8>,
    errors: String,
    summary: Summary,
    against: Summary,
    /// The number of events that change route, or stay in it for other reasons.
    moves: BTreeMap<(Route, Route), u64>,
    bytes_read: u64,
}

pub(crate) fn run(arguments: &ReplayArguments) -> Result<Outcome, Failure> {
    if let Some(verdicts) = arguments.against.as_deref().filter(|path| path.extension().is_some_and(|is| is == "jsonl"))
    {
        return earlier::compare(arguments, verdicts);
    }
    let input = &arguments.input;
    let curator = Curator::new(policy::read(input.policy.as_deref())?, None);
    let against = match &arguments.against {
        Some(path) => Some(Curator::new(policy::read(Some(path))?, None)),
        None => None,
    };
    let replay = Replay { curator, against, names_files: input.files.len() > 1 };
    let mut total = Judgement::default();
    let mut progress = Progress::new(total_bytes(&input.files), input.quiet);
    let mut output = stdout().lock();
    in_order(
        &input.files,
        input.threads,
        |chunk| replay.chunk(chunk),
        |judged: Result<Judgement, Failure>| {
            let judged = judged?;
            output.write_all(&judged.output)?;
            progress.interrupt(&judged.errors);
            total.summary.add(&judged.summary);
            total.against.add(&judged.against);
            for (places, count) in judged.moves {
                *total.moves.entry(places).or_default() += count;
            }
            progress.advance(judged.bytes_read, total.summary.events());
            Ok(())
        },
    )?;
    output.flush()?;
    let seconds = progress.finish().as_secs_f64();
    if !input.quiet {
        stderr().write_all(visible(&replay.report(&total, seconds)).as_bytes())?;
    }
    Ok(if total.summary.bad_lines() == 0 { Outcome::AllGood } else { Outcome::SomeBad })
}

struct Replay {
    curator: Curator,
    against: Option<Curator>,
    names_files: bool,
}

impl Replay {
    fn chunk(&self, chunk: &Chunk) -> Result<Judgement, Failure> {
        let mut judged = Judgement { bytes_read: chunk.bytes_read, ..Judgement::default() };
        let name = chunk.file.to_string_lossy();
        let file = self.names_files.then_some(name.as_ref());
        for line in chunk.lines() {
            let event = match judge(&self.curator, &line) {
                Ok(worker::Judged::Event(event)) => event,
                Ok(worker::Judged::Read) => {
                    judged.summary.read();
                    if self.against.is_none() {
                        judged.print(&ReadLine { file, line: line.number, kind: "read" })?;
                    }
                    continue;
                }
                Err(error) => {
                    judged.summary.bad_line();
                    judged.errors.push_str(&format!("{name}:{}: {error}\n", line.number));
                    judged.print(&ErrorLine { file, line: line.number, error: &error })?;
                    continue;
                }
            };
            judged.summary.event(&event.verdict);
            match &self.against {
                None => judged.print(&VerdictLine::new(file, line.number, &event))?,
                // A line that is an event under one policy is one under any policy.
                Some(against) => {
                    if let Ok(worker::Judged::Event(other)) = judge(against, &line) {
                        judged.compare(file, line.number, &event, &other)?;
                    }
                }
            }
        }
        Ok(judged)
    }

    fn report(&self, total: &Judgement, seconds: f64) -> String {
        let events = total.summary.events();
        let rate = events as f64 / seconds.max(1e-9);
        let mut report = format!("{events} events in {seconds:.1} s ({rate:.0}/s)\n{}", total.summary);
        if self.against.is_some() {
            let changed: u64 = total.moves.values().sum();
            report.push_str(&format!("the other policy judges {changed} of them otherwise:\n"));
            for ((from, to), count) in &total.moves {
                report.push_str(&format!("  {:<24} {count:>10}\n", format!("{} → {}", from.as_str(), to.as_str())));
            }
            report.push_str(&format!("with it:\n{}", total.against));
        }
        report
    }
}

impl Judgement {
    fn print(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.output, line)?;
        self.output.push(b'\n');
        Ok(())
    }

    fn compare(
        &mut self,
        file: Option<&str>,
        line: u64,
        from: &CuratedEvent,
        to: &CuratedEvent,
    ) -> Result<(), Failure> {
        self.against.event(&to.verdict);
        let (before, after) = (&from.verdict, &to.verdict);
        if (before.route, &before.reasons, &before.tags) == (after.route, &after.reasons, &after.tags) {
            return Ok(());
        }
        *self.moves.entry((before.route, after.route)).or_default() += 1;
        let (before, after) = (Printed::of(before), Printed::of(after));
        self.print(&ChangeLine { file, line, event_id: Some(&from.event_id), from: Some(&before), to: Some(&after) })
    }
}

impl<'e> VerdictLine<'e> {
    fn new(file: Option<&'e str>, line: u64, event: &'e CuratedEvent) -> Self {
        let verdict = &event.verdict;
        Self {
            file,
            line,
            event_id: &event.event_id,
            route: verdict.route,
            reasons: &verdict.reasons,
            tags: &verdict.tags,
            scores: &verdict.scores,
            similarity: verdict.similarity,
            pair: &event.pair_id,
            engine: ENGINE,
        }
    }
}
