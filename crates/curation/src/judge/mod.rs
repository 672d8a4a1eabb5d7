//! Judges: external second opinions on would-be gold. This module holds their questions and the effect of their
//! answers.
//!
//! Rules find forms. A reader has to decide if a text quotes hatred or utters it, if it takes sides, if a summary is
//! true. But the very text that a reader reads can talk it into something. So a judge has only one power: it can lower
//! the verdict on an edit that the audit would let into gold. An edit without a clear answer ([`Opinion::Unsure`]) is
//! not gold either. And in every batch a judge has to find the faults of [`CONTROL`], which has all of them. A judge
//! that lets it pass is broken or manipulated, and is not believed about the rest.
//!
//! There are three kinds, each behind a port of its own in the function that asks them:
//!
//! - a language model ([`Question`]);
//! - a guardrail that the operator has configured ([`Assessment`]);
//! - guardrail checks that need no configuration ([`Severity`]).

mod case;
mod guardrail;
mod limits;
mod opinion;
mod question;

pub use case::{CONTROL, Case, caught_control};
pub use guardrail::{
    Assessment, CheckedFor, GuardrailPolicy, Severity, opinions_of_assessment, opinions_of_severities,
};
pub use limits::{JudgeLimits, JudgesSection};
pub use opinion::Opinion;
pub use question::Question;
