//! Curation of one edit on its own: redacted, audited, and sent to a route as a line.
//!
//! | from | to | decided in |
//! |---|---|---|
//! | a queue message | a line in a route | [`Curator`], [`Verdict`] |
//! | an edit, and a judge's answer | an opinion that can lower its route | [`Question`], [`Opinion`] |
//! | the lines of one invocation | immutable parts | [`Batch`] |

mod batch;
mod curator;
mod judge;
mod line;
mod reasoning;
mod redaction;
mod rules;
mod verdict;

pub use batch::{Batch, Part};
pub use curator::{AuditedEvent, CuratedEvent, Curator};
pub use judge::{
    Assessment, CONTROL, Case, CheckedFor, GuardrailPolicy, JudgeLimits, JudgesSection, Opinion, Question, Severity,
    caught_control, opinions_of_assessment, opinions_of_severities,
};
pub use line::ENGINE;
pub use reasoning::Think;
pub use rules::{CurationRules, CurationSections, ReasoningSection};
pub use verdict::Verdict;
