//! Curation of one edit on its own: redacted, audited, and sent to a route as a line.

pub(crate) mod audit;
pub(crate) mod curator;
pub(crate) mod judge;
pub(crate) mod line;
pub(crate) mod reasoning;
pub(crate) mod redaction;
pub(crate) mod rules;
pub(crate) mod verdict;
