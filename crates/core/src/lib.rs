//! The domain of Flywheel: everything that decides anything, and nothing that reads or writes.
//!
//! | from | to | decided in |
//! |---|---|---|
//! | a request's body | events ready for the queue | [`Submission`], [`EditEvent`], [`Feedback`], [`Refusal`] |
//! | a queue message | a line in a route | [`Curator`], [`Policy`] |
//! | an edit, and a judge's answer | an opinion that can lower its route | [`Question`], [`Opinion`] |
//! | lines | immutable parts | [`Batch`], [`PartName`] |
//! | a listing of parts | what is pending | [`Watermark`] |
//! | a held event, and a person's word | a line in another route | [`HeldLine`], [`Decisions`] |
//! | what is pending | start a run, or not | [`decide`] |
//! | pending lines, and the dataset | what a version adds, holds back, and says of itself | [`dataset`], [`Pointer`] |
//! | a line of the lake, or a row | a line that a trainer reads | [`TrainingFormat`] |
//! | what a freeze is about to take | let it through, or hold it back | [`Breaker`] |
//! | a dataset version | what a trainer is to do, and what came of it | [`training`] |
//! | what a trainer made | promote it, reject it, or leave it to a person | [`gate`] |

mod audit;
mod batch;
mod breadth;
mod breaker;
mod code;
mod columns;
mod common_ends;
mod common_runs;
mod contributor;
mod crossing;
mod curator;
pub mod dataset;
mod digest;
mod edit_event;
mod erasing;
mod feedback;
mod fields;
pub mod gate;
mod instant;
mod json;
mod json_object;
mod judge;
mod line;
mod net_new;
mod normal_form;
mod part;
mod pointer;
mod policy;
mod prompt;
mod reason;
mod reasoning;
mod redaction;
mod refusal;
mod reviewing;
mod revision;
mod route;
mod sampling;
mod share;
mod similarity;
mod submission;
pub mod training;
mod training_format;
mod verdict;
mod watermark;

pub use audit::{Finding, Scores, Span, TextName};
#[cfg(feature = "toxicity-training")]
pub use audit::{SentenceFeatures, toxicity_features};
pub use batch::{Batch, Part};
pub use breadth::{Breadth, Goal};
pub use breaker::{
    AlreadyThere, BREAKER_KEY, Breaker, BreakerBounds, BreakerChange, BreakerState, Cause, Exceeded, Signal,
    WindowStatistics,
};
pub use columns::{Column, ColumnType, LINE_COLUMNS};
pub use contributor::ContributorKey;
pub use crossing::{Attempt, Decision, KnownRuns, Sight, Trigger, decide};
pub use curator::{AuditedEvent, CuratedEvent, Curator};
pub use edit_event::{ContextEntry, EditEvent, Model, OccurredAt};
pub use erasing::{ErasedIds, LinesLeft, part_left};
pub use feedback::{Feedback, FeedbackKind};
pub use instant::{Millis, day, rfc3339, until};
pub use judge::{
    Assessment, CONTROL, Case, CheckedFor, GuardrailPolicy, JudgeLimits, Opinion, Question, Severity, caught_control,
    opinions_of_assessment, opinions_of_severities,
};
pub use normal_form::Respelled;
pub use part::{InvalidPartName, PartName, part_keys_from, route_prefix};
pub use pointer::{Amended, FreezeReport, Frozen, POINTER_KEY, Pointer, Trainings};
pub use policy::{Policy, PolicyError};
pub use prompt::{ChatMessage, Prompt};
pub use reason::Reason;
pub use reasoning::Think;
pub use refusal::{Refusal, RefusalCode};
pub use reviewing::{
    DECISIONS_PREFIX, Decision as HeldDecision, Decisions, HeldLine, HeldSelection, NotReleasable, reviewed_part,
};
pub use revision::{Micros, Revision};
pub use route::Route;
pub use sampling::Sampling;
pub use submission::{Endpoint, MAX_EVENT_BYTES, QueuedEvent, Submission, Submitted};
pub use training_format::{LeftOut, TrainingFormat, UnpairedLine};
pub use verdict::Verdict;
pub use watermark::{ListedPart, Pending, Watermark};
