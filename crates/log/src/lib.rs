//! The append-only log of lines, as immutable parts: how far it is consumed, and when it starts a run.
//!
//! | from | to | decided in |
//! |---|---|---|
//! | a listing of parts | the pending lines | [`Watermark`] |
//! | the pending lines | a training run, or none | [`decide`] |
//! | a window of the log | a closed or an open breaker | [`Breaker`] |
//! | a commit | the pointer to the newest version | [`Pointer`] |

mod breadth;
mod breaker;
mod breaker_bounds;
mod crossing;
mod held_sender;
mod part;
mod pointer;
mod training_rules;
mod watermark;

pub use breadth::{Breadth, Goal};
pub use breaker::{
    AlreadyThere, BREAKER_KEY, Breaker, BreakerChange, BreakerState, Cause, Exceeded, Signal, WindowStatistics,
};
pub use breaker_bounds::{BreakerBounds, BreakerSection};
pub use crossing::{Attempt, Decision, KnownRuns, Sight, Trigger, decide};
pub use held_sender::{QuarantinedSender, Sender};
pub use part::{DIGEST_DIGITS, InvalidPartName, PartName, part_keys_from, route_prefix};
pub use pointer::{Amended, FreezeReport, Frozen, POINTER_KEY, Pointer, Trainings};
pub use training_rules::{TrainingRules, TrainingSection};
pub use watermark::{ListedPart, Pending, Watermark};
