//! Decides about a trained adapter: by the gate's verdict or an operator's, and moves the live adapter.
//!
//! One function has three steps of the workflow, which share the run's files:
//!
//! | step | action | file |
//! |---|---|---|
//! | `evaluate` | evaluates the run's files by the gate and stores its verdict | `evaluate` |
//! | `ask` | writes the question for an operator into the run's folder | `ask` |
//! | `promote` | makes the adapter live, if verdict or operator say so | `promote` |

mod ask;
mod evaluate;
mod failure;
mod promote;
mod promoter;

pub use ask::Asked;
pub use evaluate::Evaluated;
pub use promote::{Outcome, Promoted};
pub use promoter::{Answer, PromoteError, Promoter, Step};
