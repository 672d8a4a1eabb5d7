//! From rows of text to sequences of tokens.

mod chat;
mod rows;
mod sequence;

pub(crate) use chat::ChatTokenizer;
pub(crate) use rows::{PairSequences, Prepared, Rows};
pub(crate) use sequence::{Fit, Sequence};
