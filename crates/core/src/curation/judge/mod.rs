//! Judges: second opinions on what would be gold, from outside. What they are asked, and what their answers may do.
//!
//! Rules find forms; whether a text quotes hatred or utters it, whether it takes sides, whether a summary is true, takes a
//! reader. A reader can be talked to, however, by the very text that it reads. So a judge has no power but one: it can lower
//! the verdict on an edit that the audit would let into gold. What it cannot be got to answer in so many words
//! ([`Opinion::Unsure`]) is not gold either. And in every batch it has to find what is wrong with [`CONTROL`], in which
//! everything is: who lets that pass is broken, or has been talked to, and is not believed about the rest.
//!
//! There are three kinds, each behind a port of its own in the function that asks them: a language model ([`Question`]), a
//! guardrail that the operator has configured ([`Assessment`]), and guardrail checks that need no configuration
//! ([`Severity`]).

mod case;
mod guardrail;
mod limits;
mod opinion;
mod question;

pub use case::{CONTROL, Case, caught_control};
pub use guardrail::{
    Assessment, CheckedFor, GuardrailPolicy, Severity, opinions_of_assessment, opinions_of_severities,
};
pub use limits::JudgeLimits;
pub(crate) use limits::JudgesSection;
pub use opinion::Opinion;
pub use question::Question;
