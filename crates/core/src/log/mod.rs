//! The append-only log of lines, as immutable parts, and how far it is consumed.

pub(crate) mod batch;
pub(crate) mod breadth;
pub(crate) mod breaker;
pub(crate) mod breaker_bounds;
pub(crate) mod crossing;
pub(crate) mod part;
pub(crate) mod pointer;
pub(crate) mod watermark;
