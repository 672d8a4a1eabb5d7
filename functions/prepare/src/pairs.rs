use flywheel_dataset::Split;
use flywheel_table::TableVersion;
use flywheel_training::{HeldOutRow, HeldOutSample, PairRow, PromptSides, has_media};
use futures::{StreamExt as _, pin_mut};
use serde::Deserialize;

use crate::preparer::PrepareError;
use crate::spool::Spool;

const COLUMNS: [&str; 7] = ["pair_id", "prompt", "prompt_messages", "chosen", "rejected", "split", "prompt_chat"];

/// A version's pairs, split.
pub(crate) struct Pairs {
    pub(crate) train: Spool,
    pub(crate) held_out: Spool,
    /// The sides of the split, by prompt.
    pub(crate) sides: PromptSides,
    /// The number of pairs left out because their prompt has an image, audio or a file.
    pub(crate) with_media: u64,
}

#[derive(Deserialize)]
struct Side {
    split: Option<Split>,
    #[serde(default)]
    prompt_chat: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    pair_id: String,
    is_new: bool,
}

impl Pairs {
    /// Reads a version's pairs. It leaves out those whose prompt has an image, audio or a file: the lake has the digest only, and
    /// without it the pair would teach an answer to another question. A pair is new if the live adapter's version, `before`, lacks it. Memory holds eight bytes for
    /// each prompt and the samples' ids.
    pub(crate) async fn of(version: &TableVersion, before: Option<&TableVersion>) -> Result<Self, PrepareError> {
        let (mut train, mut all_held_out) = (Spool::new()?, Spool::new()?);
        let mut sides = PromptSides::default();
        // In one sample, the new pairs would be lost among all known ones.
        let (mut new, mut known) = (HeldOutSample::default(), HeldOutSample::default());
        let rows = version.rows_since(before, &COLUMNS);
        pin_mut!(rows);
        let (mut number, mut with_media) = (0_u64, 0_u64);
        while let Some(row) = rows.next().await {
            let (is_new, line) = row?;
            number += 1;
            let parsed =
                serde_json::from_str::<PairRow>(&line).and_then(|row| Ok((row, serde_json::from_str::<Side>(&line)?)));
            let Ok((pair, Side { split, prompt_chat })) = parsed else {
                return Err(PrepareError::CorruptRow(number));
            };
            let side = version.side_of(split, &pair.prompt);
            sides.add(&pair.prompt, side);
            if has_media(prompt_chat.as_deref()) {
                with_media += 1;
                continue;
            }
            match side {
                Split::Train => train.add(&pair)?,
                Split::HeldOut => {
                    let sample = if is_new { &mut new } else { &mut known };
                    sample.add(&pair.pair_id, line.len() as u64);
                    all_held_out.add(&HeldOutRow { pair, is_new })?;
                }
            }
        }
        let is_scored = |line: &str| {
            let id = serde_json::from_str::<Id>(line);
            id.is_ok_and(|Id { pair_id, is_new }| if is_new { &new } else { &known }.has(&pair_id))
        };
        Ok(Self { train, held_out: all_held_out.filtered(is_scored)?, sides, with_media })
    }
}
