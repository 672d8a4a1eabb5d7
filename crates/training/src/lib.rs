//! The contract between the workflow and a trainer: the files of a run, and the pointer to the live adapter.
//!
//! | file of `runs/<run>/` | content | type |
//! |---|---|---|
//! | `input/run.json` | the training job: its data, base and settings, with their hashes | [`RunDescription`] |
//! | `input/train.jsonl` | pairs to train on | [`PairRow`] |
//! | `input/heldout.jsonl` | pairs to evaluate on | [`HeldOutRow`] |
//! | `input/replay_train.jsonl`, `input/replay_heldout.jsonl` | liked outputs that their users left unchanged | [`ReplayRow`] |
//! | `output/adapter_model.safetensors`, `output/adapter_config.json` | the adapter, as PEFT lays it out | |
//! | `output/rows.jsonl` | the scores of incumbent and candidate on each held-out row | [`ScoredRow`] |
//! | `output/run.json` | the trainer's report, with the hashes of its files; written last | [`RunReport`] |
//! | `verdict.json` | the gate's ruling and reasons | `GateVerdict` of `flywheel-gate` |
//! | `review.json` | the question to an operator, if the gate asks one | [`Review`] |
//!
//! A trainer's files are parsed strictly: an unknown key, a missing key or an invalid number is an error. In this project's own
//! files unknown keys are ignored, because a later version may have added them.
//!
//! `models/live.json` ([`LiveModel`]) names the served adapter, and `models/base.json` ([`BaseModel`]) the base to train from.

mod base;
mod chat;
mod columns;
mod description;
mod left_out;
mod live;
mod recipe;
mod report;
mod review;
mod rolled_back;
mod rows;
mod run;
mod sample;
mod scored;
mod sha256;
mod sides;
mod training_format;
mod unusable;

pub use base::{BASE_KEY, BaseModel, ModelFiles};
pub use chat::has_media;
pub use columns::{Column, ColumnType, LINE_COLUMNS};
pub use description::{DatasetVersion, Incumbent, InputDigest, RunDescription};
pub use left_out::LeftOut;
pub use live::{LIVE_KEY, LiveAdapter, LiveCause, LiveChange, LiveModel, NotMoved};
pub use recipe::{Generation, Lora, Objective, Recipe, Training};
pub use report::{RunReport, Trainer};
pub use review::{Review, ReviewAnswer, ReviewDecision};
pub use rolled_back::RolledBack;
pub use rows::{HeldOutRow, Message, PairRow, ReplayRow};
pub use run::{InputFile, InvalidRunName, OutputFile, RunName};
pub use sample::HeldOutSample;
pub use scored::{ScoredPair, ScoredPairSide, ScoredReplay, ScoredReplaySide, ScoredRow};
pub use sha256::{InvalidSha256, Sha256Hex};
pub use sides::{PromptSides, prompt_key};
pub use training_format::{Omitted, TrainingFormat, UnpairedLine};
pub use unusable::Unusable;
