//! Counts the pairs that are in no dataset version yet, and starts the fine-tuning workflow once there are enough.

mod counter;
mod runs;
mod step_functions_runs;
mod trigger;

pub use counter::{CountError, CountReport, Counter};
pub use runs::{DescribeRun, RunInput, RunsError, StartRun, Started};
pub use step_functions_runs::{InvalidStateMachineArn, StepFunctionsRuns};
pub use trigger::trigger_of;
