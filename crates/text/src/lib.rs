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

pub mod code;
pub mod common_ends;
pub mod common_runs;
pub mod normal;
pub mod normal_form;
pub mod numbers;
pub mod plain;
pub mod sentences;
pub mod similarity;
pub mod sketch;
pub mod spelling;
pub mod tokens;
