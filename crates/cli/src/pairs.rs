//! `flywheel pairs`: reads events and writes preference pairs as trainers read them.

use std::io::{Write as _, stderr, stdout};
use std::ops::Range;

use flywheel_base::Route;
use flywheel_curation::Curator;
use flywheel_training::TrainingFormat;

use crate::arguments::PairsArguments;
use crate::input::{Chunk, total_bytes};
use crate::last_texts::{Event, LastTexts};
use crate::marked::visible;
use crate::ordered::in_order;
use crate::progress::Progress;
use crate::summary::Summary;
use crate::worker::{Judged, judge};
use crate::{Failure, Outcome, policy};

#[derive(Default)]
struct Pairs {
    output: Vec<u8>,
    /// Each edit, with the range of its output bytes.
    edits: Vec<(Event, Range<usize>)>,
    errors: String,
    summary: Summary,
    left_out: u64,
    bytes_read: u64,
}

pub(crate) fn run(arguments: &PairsArguments) -> Result<Outcome, Failure> {
    let input = &arguments.input;
    let curator = Curator::new(policy::read(input.policy.as_deref())?, None);
    let (mut total, mut left_out) = (Summary::default(), 0);
    let mut progress = Progress::new(total_bytes(&input.files), input.quiet);
    let mut last_texts = LastTexts::new()?;
    in_order(
        &input.files,
        input.threads,
        |chunk| pairs(&curator, arguments.format.into(), chunk),
        |pairs| {
            let pairs = pairs?;
            for (event, lines) in pairs.edits {
                last_texts.add(event, &pairs.output[lines])?;
            }
            progress.interrupt(&pairs.errors);
            total.add(&pairs.summary);
            left_out += pairs.left_out;
            progress.advance(pairs.bytes_read, total.events());
            Ok(())
        },
    )?;
    let mut output = stdout().lock();
    let superseded = last_texts.write_to(&mut output)?;
    output.flush()?;
    progress.finish();
    if !input.quiet {
        let counted = |name: &str, count: u64| match count {
            0 => String::new(),
            count => format!("  {name:<24} {count:>10}\n"),
        };
        let left_out = counted("left out, named above", left_out);
        let superseded = counted("gold, superseded", superseded);
        let report = format!("{} events\n{total}{left_out}{superseded}", total.events());
        stderr().write_all(visible(&report).as_bytes())?;
    }
    Ok(if total.bad_lines() == 0 { Outcome::AllGood } else { Outcome::SomeBad })
}

fn pairs(curator: &Curator, format: TrainingFormat, chunk: &Chunk) -> Result<Pairs, Failure> {
    let mut pairs = Pairs { bytes_read: chunk.bytes_read, ..Pairs::default() };
    for line in chunk.lines() {
        match judge(curator, &line) {
            Ok(Judged::Read) => pairs.summary.read(),
            Ok(Judged::Event(event)) => {
                pairs.summary.event(&event.verdict);
                let start = pairs.output.len();
                if event.verdict.route != Route::Gold {
                    pairs.edits.push((Event::of(&event), start..start));
                    continue;
                }
                match format.of_pair(&event.line)? {
                    Ok(lines) => {
                        pairs.output.extend(lines.into_bytes());
                        pairs.edits.push((Event::of(&event), start..pairs.output.len()));
                    }
                    Err(why) => {
                        pairs.left_out += 1;
                        pairs.errors.push_str(&format!("{}:{}: left out: {why}\n", chunk.file.display(), line.number));
                    }
                }
            }
            Err(error) => {
                pairs.summary.bad_line();
                pairs.errors.push_str(&format!("{}:{}: {error}\n", chunk.file.display(), line.number));
            }
        }
    }
    Ok(pairs)
}
