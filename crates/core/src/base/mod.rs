//! The base of every other folder: digests, instants, shares, codes of reasons and routes, and reading JSON.

pub(crate) mod digest;
pub(crate) mod fields;
pub(crate) mod instant;
pub(crate) mod json;
pub(crate) mod json_object;
pub(crate) mod reason;
pub(crate) mod refusal;
pub(crate) mod route;
pub(crate) mod rule_file;
pub(crate) mod share;
