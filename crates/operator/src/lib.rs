//! The operations of an operator on a lake: each one's effect, in one place for every front end.
//!
//! An operation is planned first, and the plan changes nothing. A front end shows it, asks, and has it carried out; `flywheel` does so on
//! a terminal. All operations are idempotent, and each says in its documentation why it is, wherever it dies.
//!
//! | operation | plan | carry out |
//! |---|---|---|
//! | roll back, exclude | [`plan_amendment`] | [`carry_out_amendment`] |
//! | erase a contributor | [`Eraser::plan`] | [`Eraser::erase`] |
//! | decide about quarantined and reviewed events | [`open_events`], [`QuarantinePlan`] | [`QuarantinePlan::carry_out`] |
//! | open or close the breaker, demote an adapter | [`PlannedMove::plan`] | [`PlannedMove::carry_out`] |
//! | answer a run that waits for review | [`open_review`] | [`answer_review`] |

mod amender;
mod amendment;
mod demotion;
mod eraser;
mod held;
mod lake;
mod planned_move;
mod review;
mod trained_on;

pub use amender::{AmendError, Amender, NewVersion, Request, Wish};
pub use amendment::{Adapters, Changes, carry_out_amendment, plan_amendment};
pub use demotion::LiveMove;
pub use eraser::{Eraser, Erasure};
pub use held::{OpenEvents, QuarantineError, QuarantinePlan, open_events};
pub use lake::{LakeLocation, NoLocation, OpenError, OperatorLake};
pub use planned_move::{MoveError, PlannedMove, State};
pub use review::{ReviewError, answer_review, open_review};
pub use trained_on::{TrainedRun, runs_with};
