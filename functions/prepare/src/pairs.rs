use flywheel_core::dataset::Split;
use flywheel_core::training::{HeldOutSample, PairRow, PromptSides};
use flywheel_dataset::TableVersion;
use futures::{StreamExt as _, pin_mut};
use serde::Deserialize;

use crate::preparer::PrepareError;
use crate::spool::Spool;

const COLUMNS: [&str; 6] = ["pair_id", "prompt", "prompt_messages", "chosen", "rejected", "split"];

/// A version's pairs, split.
pub(crate) struct Pairs {
    pub(crate) train: Spool,
    pub(crate) held_out: Spool,
    /// Where their prompts are.
    pub(crate) sides: PromptSides,
}

#[derive(Deserialize)]
struct Side {
    split: Option<Split>,
}

#[derive(Deserialize)]
struct Id {
    pair_id: String,
}

impl Pairs {
    /// Reads a version's pairs. In memory there are eight bytes for each prompt, and the ids of the sample.
    pub(crate) async fn of(version: &TableVersion) -> Result<Self, PrepareError> {
        let (mut train, mut all_held_out) = (Spool::new()?, Spool::new()?);
        let (mut sides, mut sample) = (PromptSides::default(), HeldOutSample::default());
        let rows = version.rows(&COLUMNS);
        pin_mut!(rows);
        let mut number = 0_u64;
        while let Some(row) = rows.next().await {
            let line = row?;
            number += 1;
            let parsed =
                serde_json::from_str::<PairRow>(&line).and_then(|row| Ok((row, serde_json::from_str::<Side>(&line)?)));
            let Ok((row, Side { split })) = parsed else { return Err(PrepareError::CorruptRow(number)) };
            let side = version.side_of(split, &row.prompt);
            sides.add(&row.prompt, side);
            match side {
                Split::Train => train.add(&row)?,
                Split::HeldOut => {
                    sample.add(&row.pair_id, line.len() as u64);
                    all_held_out.add(&row)?;
                }
            }
        }
        let is_scored = |line: &str| serde_json::from_str::<Id>(line).is_ok_and(|row| sample.has(&row.pair_id));
        Ok(Self { train, held_out: all_held_out.filtered(is_scored)?, sides })
    }
}
