//! Reads a run's four data files and selects the rows for training and evaluation.

use std::collections::BTreeMap;
use std::path::Path;

use flywheel_training::{InputFile, LeftOut, Message, PairRow, ReplayRow, RunDescription, Unusable};

use super::chat::ChatTokenizer;
use super::sequence::Sequence;
use crate::failure::{Result, TrainerError};
use crate::files;

/// The rows of a run, as in its files.
pub(crate) struct Rows {
    train: Vec<PairRow>,
    held_out: Vec<PairRow>,
    replay_train: Vec<ReplayRow>,
    replay_held_out: Vec<ReplayRow>,
}

/// A pair for training.
pub(crate) struct PairSequences {
    pub(crate) chosen: Sequence,
    pub(crate) rejected: Sequence,
}

/// A held-out pair for evaluation.
pub(crate) struct HeldOutPair {
    pub(crate) pair_id: String,
    pub(crate) sequences: PairSequences,
}

/// A held-out liked output for evaluation.
pub(crate) struct HeldOutReplay {
    pub(crate) event_id: String,
    pub(crate) sequence: Sequence,
}

/// The rows as sequences of tokens.
pub(crate) struct Prepared {
    pub(crate) pairs: Vec<PairSequences>,
    pub(crate) replay: Vec<Sequence>,
    pub(crate) held_out: Vec<HeldOutPair>,
    pub(crate) replay_held_out: Vec<HeldOutReplay>,
    /// The number of training rows with an answer that was cut off.
    pub(crate) truncated: u64,
    /// The number of training rows left out, by reason.
    pub(crate) left_out: BTreeMap<LeftOut, u64>,
    /// The number of evaluation rows that were cut.
    pub(crate) held_out_truncated: u64,
}

impl PairSequences {
    /// Returns `true` if both answers have the same tokens: such a pair shows no preference.
    pub(crate) fn is_equal(&self) -> bool {
        self.chosen == self.rejected
    }
}

impl Prepared {
    fn leave_out(&mut self, reason: LeftOut) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    /// Returns the number of evaluation pairs whose answers have the same tokens.
    pub(crate) fn held_out_equal(&self) -> u64 {
        self.held_out.iter().filter(|pair| pair.sequences.is_equal()).count() as u64
    }
}

impl Rows {
    /// Reads the data files of `folder`. Their digests must be the description's.
    pub(crate) fn read(folder: &Path, description: &RunDescription) -> Result<Self> {
        let pairs = |file| rows(folder, description, file, PairRow::parse);
        let replay = |file| rows(folder, description, file, ReplayRow::parse);
        Ok(Self {
            train: pairs(InputFile::Train)?,
            held_out: pairs(InputFile::HeldOut)?,
            replay_train: replay(InputFile::ReplayTrain)?,
            replay_held_out: replay(InputFile::ReplayHeldOut)?,
        })
    }

    /// Tokenizes all rows. A training row that does not fit into `max_length` tokens is cut or left out, and counted. An
    /// evaluation row is never left out: every model must answer every row.
    pub(crate) fn prepare(&self, tokenizer: &ChatTokenizer, max_length: usize) -> Result<Prepared> {
        let mut prepared = Prepared {
            pairs: Vec::new(),
            replay: Vec::new(),
            held_out: Vec::new(),
            replay_held_out: Vec::new(),
            truncated: 0,
            left_out: BTreeMap::new(),
            held_out_truncated: 0,
        };
        for row in &self.train {
            let prompt = prompt_tokens(tokenizer, &row.prompt, row.prompt_messages.as_deref())?;
            let [chosen, rejected] = [&row.chosen, &row.rejected].map(|text| tokenizer.completion(text));
            let (chosen, rejected) =
                (Sequence::fit(&prompt, &chosen?, max_length), Sequence::fit(&prompt, &rejected?, max_length));
            let is_truncated = chosen.is_truncated() || rejected.is_truncated();
            let (Some(chosen), Some(rejected)) = (chosen.into_sequence(), rejected.into_sequence()) else {
                prepared.leave_out(LeftOut::NoRoom);
                continue;
            };
            let pair = PairSequences { chosen, rejected };
            // DPO learns nothing from them: their loss is ln 2 for every model.
            if pair.is_equal() {
                prepared.leave_out(LeftOut::Equal);
                continue;
            }
            prepared.truncated += u64::from(is_truncated);
            prepared.pairs.push(pair);
        }
        for row in &self.replay_train {
            let prompt = prompt_tokens(tokenizer, &row.prompt, row.prompt_messages.as_deref())?;
            let fit = Sequence::fit(&prompt, &tokenizer.completion(&row.completion)?, max_length);
            prepared.truncated += u64::from(fit.is_truncated());
            match fit.into_sequence() {
                Some(sequence) => prepared.replay.push(sequence),
                None => prepared.leave_out(LeftOut::NoRoom),
            }
        }
        for row in &self.held_out {
            let prompt = prompt_tokens(tokenizer, &row.prompt, row.prompt_messages.as_deref())?;
            let [chosen, rejected] = [&row.chosen, &row.rejected].map(|text| tokenizer.completion(text));
            let (chosen, is_cut) = Sequence::squeeze(&prompt, &chosen?, max_length);
            let (rejected, is_cut_too) = Sequence::squeeze(&prompt, &rejected?, max_length);
            prepared.held_out_truncated += u64::from(is_cut || is_cut_too);
            prepared
                .held_out
                .push(HeldOutPair { pair_id: row.pair_id.clone(), sequences: PairSequences { chosen, rejected } });
        }
        for row in &self.replay_held_out {
            let prompt = prompt_tokens(tokenizer, &row.prompt, row.prompt_messages.as_deref())?;
            let (sequence, is_cut) = Sequence::squeeze(&prompt, &tokenizer.completion(&row.completion)?, max_length);
            prepared.held_out_truncated += u64::from(is_cut);
            prepared.replay_held_out.push(HeldOutReplay { event_id: row.event_id.clone(), sequence });
        }
        Ok(prepared)
    }
}

fn rows<R>(
    folder: &Path,
    description: &RunDescription,
    file: InputFile,
    parse: impl Fn(InputFile, u64, &str) -> std::result::Result<R, Unusable>,
) -> Result<Vec<R>> {
    let path = folder.join(file.as_str());
    let expected =
        description.file(file).ok_or_else(|| TrainerError::Other(format!("run.json names no {}", file.as_str())))?;
    let content = files::read(&path)?;
    content.verify(&expected.sha256, &path)?;
    let lines = content.text(&path)?.lines().zip(1..).map(|(line, number)| parse(file, number, line));
    let rows =
        lines.collect::<std::result::Result<Vec<R>, _>>().map_err(|error| TrainerError::Other(error.to_string()))?;
    if rows.len() as u64 != expected.rows {
        return Err(TrainerError::unusable(
            &path,
            format!("has {} rows, and by run.json {}", rows.len(), expected.rows),
        ));
    }
    Ok(rows)
}

fn prompt_tokens(tokenizer: &ChatTokenizer, prompt: &str, messages: Option<&[Message]>) -> Result<Vec<u32>> {
    match messages {
        Some(messages) if !messages.is_empty() => tokenizer.prompt(messages),
        _ => tokenizer.user_prompt(prompt),
    }
}
