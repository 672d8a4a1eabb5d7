//! What becomes of a trained adapter: the gate's verdict, a person's, and the move of what is live.
//!
//! One function with three steps of the workflow, which share the run's files:
//!
//! | step | does | file |
//! |---|---|---|
//! | `evaluate` | shows the run's files to the gate, and stores its verdict | `evaluate` |
//! | `ask` | leaves the question for a person in the run's folder | `ask` |
//! | `promote` | moves what is live to the adapter, if verdict or person say so | `promote` |

mod ask;
mod evaluate;
mod failure;
mod promote;
mod promoter;

pub use ask::Asked;
pub use evaluate::Evaluated;
pub use promote::{Outcome, Promoted};
pub use promoter::{Answer, PromoteError, Promoter, Step};
