//! `flywheel pairs`: events in, preference pairs out, as trainers read them.

use std::borrow::Cow;
use std::io::{Write as _, stderr, stdout};

use flywheel_core::{Curator, Route};
use serde::{Deserialize, Serialize};

use crate::arguments::{Format, PairsArguments};
use crate::input::{Chunk, total_bytes};
use crate::ordered::in_order;
use crate::progress::Progress;
use crate::summary::Summary;
use crate::worker::{Judged, judge};
use crate::{Failure, Outcome, policy};

/// What a pair takes from a line of the lake.
#[derive(Deserialize)]
struct GoldLine<'l> {
    #[serde(borrow)]
    prompt: Cow<'l, str>,
    #[serde(borrow)]
    chosen: Cow<'l, str>,
    #[serde(borrow)]
    rejected: Cow<'l, str>,
    #[serde(borrow)]
    prompt_messages: Option<Vec<Message<'l>>>,
}

#[derive(Deserialize, Serialize)]
struct Message<'l> {
    #[serde(borrow)]
    role: Cow<'l, str>,
    #[serde(borrow)]
    content: Cow<'l, str>,
}

/// A pair of texts.
#[derive(Serialize)]
struct Plain<'l> {
    prompt: &'l str,
    chosen: &'l str,
    rejected: &'l str,
}

/// A pair of conversations.
#[derive(Serialize)]
struct Conversational<'l> {
    prompt: Vec<Message<'l>>,
    chosen: [Message<'l>; 1],
    rejected: [Message<'l>; 1],
}

#[derive(Default)]
struct Pairs {
    output: Vec<u8>,
    errors: String,
    summary: Summary,
    bytes_read: u64,
}

pub(crate) fn run(arguments: &PairsArguments) -> Result<Outcome, Failure> {
    let input = &arguments.input;
    let curator = Curator::new(policy::read(input.policy.as_deref())?, None);
    let mut total = Summary::default();
    let mut progress = Progress::new(total_bytes(&input.files), input.quiet);
    let mut output = stdout().lock();
    in_order(
        &input.files,
        input.threads,
        |chunk| pairs(&curator, arguments.format, chunk),
        |pairs| {
            let pairs = pairs?;
            output.write_all(&pairs.output)?;
            progress.interrupt(&pairs.errors);
            total.add(&pairs.summary);
            progress.advance(pairs.bytes_read, total.events());
            Ok(())
        },
    )?;
    output.flush()?;
    progress.finish();
    if !input.quiet {
        stderr().write_all(format!("{} events\n{total}", total.events()).as_bytes())?;
    }
    Ok(if total.bad_lines() == 0 { Outcome::AllGood } else { Outcome::SomeBad })
}

fn pairs(curator: &Curator, format: Format, chunk: &Chunk) -> Result<Pairs, Failure> {
    let mut pairs = Pairs { bytes_read: chunk.bytes_read, ..Pairs::default() };
    for line in chunk.lines() {
        match judge(curator, &line) {
            Ok(Judged::Read) => pairs.summary.read(),
            Ok(Judged::Event(event)) => {
                pairs.summary.event(&event.verdict);
                if event.verdict.route == Route::Gold {
                    pairs.write(format, &event.line)?;
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

impl Pairs {
    /// Writes a gold line as a pair.
    fn write(&mut self, format: Format, line: &str) -> Result<(), Failure> {
        let line: GoldLine<'_> = serde_json::from_str(line)?;
        match format {
            Format::Trl => {
                let GoldLine { prompt, chosen, rejected, .. } = &line;
                serde_json::to_writer(&mut self.output, &Plain { prompt, chosen, rejected })?;
            }
            Format::TrlMessages => serde_json::to_writer(&mut self.output, &conversational(line))?,
        }
        self.output.push(b'\n');
        Ok(())
    }
}

fn conversational(line: GoldLine<'_>) -> Conversational<'_> {
    let message = |role, content| Message { role: Cow::Borrowed(role), content };
    let prompt = line.prompt_messages.unwrap_or_else(|| vec![message("user", line.prompt)]);
    Conversational {
        prompt,
        chosen: [message("assistant", line.chosen)],
        rejected: [message("assistant", line.rejected)],
    }
}
