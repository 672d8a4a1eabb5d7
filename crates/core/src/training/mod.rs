//! The contract between the workflow and whoever trains: the files of a run, and the pointer to the adapter that is live.
//!
//! | file of `runs/<run>/` | what | type |
//! |---|---|---|
//! | `input/run.json` | what to train, on what, and the hashes of it all | [`RunDescription`] |
//! | `input/train.jsonl` | pairs to train on | [`PairRow`] |
//! | `input/heldout.jsonl` | pairs to measure on | [`HeldOutRow`] |
//! | `input/replay_train.jsonl`, `input/replay_heldout.jsonl` | outputs that users liked as they were | [`ReplayRow`] |
//! | `output/adapter_model.safetensors`, `output/adapter_config.json` | the adapter, as PEFT lays it out | |
//! | `output/rows.jsonl` | what incumbent and candidate make of each held-out row | [`ScoredRow`] |
//! | `output/run.json` | what was trained, with the hashes of it; written last | [`RunReport`] |
//! | `verdict.json` | what the gate decided, and why | [`GateVerdict`](crate::gate::GateVerdict) |
//! | `review.json` | what a person is asked, if the gate leaves it to one | [`Review`] |
//!
//! What a trainer wrote is read to the letter: an unknown key, a missing one or a number that is none is an error. Of what this
//! project wrote, unknown keys are passed over, because a later version may have added them.
//!
//! Which adapter is served is said by `models/live.json` ([`LiveModel`]), and which base is trained from by `models/base.json`
//! ([`BaseModel`]).

mod base;
pub(crate) mod columns;
mod description;
mod left_out;
mod live;
mod recipe;
mod report;
mod review;
mod rows;
mod run;
mod sample;
mod scored;
mod sha256;
mod sides;
mod taken_back;
pub(crate) mod training_format;
mod unusable;

pub use base::{BASE_KEY, BaseModel, ModelFiles};
pub use description::{DatasetVersion, Incumbent, InputDigest, RunDescription};
pub use left_out::LeftOut;
pub use live::{LIVE_KEY, LiveAdapter, LiveCause, LiveChange, LiveModel, NotMoved};
pub use recipe::{Generation, Lora, Objective, Recipe, Training};
pub use report::{RunReport, Trainer};
pub use review::{Review, ReviewAnswer, ReviewDecision};
pub use rows::{HeldOutRow, Message, PairRow, ReplayRow};
pub use run::{InputFile, InvalidRunName, OutputFile, RunName};
pub use sample::HeldOutSample;
pub use scored::{ScoredPair, ScoredPairSide, ScoredReplay, ScoredReplaySide, ScoredRow};
pub use sha256::{InvalidSha256, Sha256Hex};
pub use sides::{PromptSides, prompt_key};
pub use taken_back::TakenBack;
pub use unusable::Unusable;
