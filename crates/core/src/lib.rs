//! The domain of Flywheel: everything that decides anything, and nothing that reads or writes.
//!
//! Its modules are rooms, in the order in which an edit passes through them; a room uses those before it.
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

mod base;
mod curation;
pub mod dataset;
mod event;
pub mod gate;
mod log;
mod policy;
mod text;
pub mod training;

pub use base::instant::{Micros, Millis, day, rfc3339, until};
pub use base::reason::Reason;
pub use base::refusal::{Refusal, RefusalCode};
pub use base::route::Route;
pub use base::rule_file::PolicyError;
pub use curation::audit::{AuditRules, Finding, Scores, Span, TextName};
#[cfg(feature = "toxicity-training")]
pub use curation::audit::{SentenceFeatures, toxicity_features};
pub use curation::curator::{AuditedEvent, CuratedEvent, Curator};
pub use curation::judge::{
    Assessment, CONTROL, Case, CheckedFor, GuardrailPolicy, JudgeLimits, Opinion, Question, Severity, caught_control,
    opinions_of_assessment, opinions_of_severities,
};
pub use curation::reasoning::Think;
pub use curation::rules::CurationRules;
pub use curation::verdict::Verdict;
pub use dataset::erasing::{ErasedIds, LinesLeft, part_left};
pub use dataset::reviewing::{
    DECISIONS_PREFIX, Decision as HeldDecision, Decisions, HeldLine, HeldSelection, NotReleasable, reviewed_part,
};
pub use event::contributor::ContributorKey;
pub use event::edit_event::{ContextEntry, EditEvent, Model, OccurredAt};
pub use event::feedback::{Feedback, FeedbackKind};
pub use event::prompt::{ChatMessage, Prompt};
pub use event::revision::Revision;
pub use event::sampling::Sampling;
pub use event::submission::{Endpoint, MAX_EVENT_BYTES, QueuedEvent, Submission, Submitted};
pub use log::batch::{Batch, Part};
pub use log::breadth::{Breadth, Goal};
pub use log::breaker::{
    AlreadyThere, BREAKER_KEY, Breaker, BreakerChange, BreakerState, Cause, Exceeded, Signal, WindowStatistics,
};
pub use log::breaker_bounds::BreakerBounds;
pub use log::crossing::{Attempt, Decision, KnownRuns, Sight, Trigger, decide};
pub use log::part::{InvalidPartName, PartName, part_keys_from, route_prefix};
pub use log::pointer::{Amended, FreezeReport, Frozen, POINTER_KEY, Pointer, Trainings};
pub use log::watermark::{ListedPart, Pending, Watermark};
pub use policy::Policy;
pub use text::normal_form::Respelled;
pub use training::columns::{Column, ColumnType, LINE_COLUMNS};
pub use training::training_format::{LeftOut, TrainingFormat, UnpairedLine};
