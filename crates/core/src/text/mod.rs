//! Texts, and comparisons of two of them. Nothing here knows of edits.
//!
//! | file | decides |
//! |---|---|
//! | `normal_form` | which differences of two texts are only of spelling, and which spelling is kept |
//! | `normal`, `plain` | the form in which texts are compared for equality, and the one that checks read |
//! | `tokens`, `sentences`, `numbers`, `spelling` | the parts of a text |
//! | `similarity` | how similar two texts are, exactly |
//! | `sketch` | when two texts are nearly the same, estimated from 128 bytes of each |
//! | `common_ends`, `common_runs` | which parts two texts share, cheaply |
//! | `code` | which parts of a text are code |

pub(crate) mod code;
pub(crate) mod common_ends;
pub(crate) mod common_runs;
pub(crate) mod normal;
pub(crate) mod normal_form;
pub(crate) mod numbers;
pub(crate) mod plain;
pub(crate) mod sentences;
pub(crate) mod similarity;
pub(crate) mod sketch;
pub(crate) mod spelling;
pub(crate) mod tokens;
