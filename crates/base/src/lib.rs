//! The base of every other crate: digests, instants, shares, codes of reasons and routes, reading JSON and policy files.

pub mod digest;
pub mod fields;
pub mod instant;
pub mod json;
mod json_object;
mod reason;
mod refusal;
mod route;
mod rule_file;
mod share;
mod visible;

pub use json_object::JsonObject;
pub use reason::Reason;
pub use refusal::{Refusal, RefusalCode, printable};
pub use route::Route;
pub use rule_file::{PolicyError, RuleFile, given_or};
pub use share::{Decimal, Share};
pub use visible::{require_visible, require_visible_value};
