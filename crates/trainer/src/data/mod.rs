//! Turns rows of text into sequences of tokens.

mod chat;
mod rows;
mod sequence;
mod template;
mod tokenizer;

pub(crate) use chat::ChatTokenizer;
pub(crate) use rows::{PairSequences, Prepared, Rows};
pub(crate) use sequence::{Fit, Sequence};
pub(crate) use template::Today;
pub(crate) use tokenizer::TokenizerFiles;
