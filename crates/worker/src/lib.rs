//! The `worker` back end of the fine-tuning workflow: a machine that takes training jobs from a queue one by one.
//!
//! | subject | module |
//! |---|---|
//! | takes a job, trains, answers; in this order, so that a crash loses nothing | `worker` |
//! | sends heartbeats, and hears when the workflow no longer waits | `heartbeat` |
//! | copies a run's files from the lake to a folder and back | `run_files` |
//! | the needed calls of the queue and the workflow | `ports`, `sqs_jobs`, `step_functions_callbacks` |

mod arguments;
mod heartbeat;
mod message;
mod ports;
mod run_files;
mod sqs_jobs;
mod step_functions_callbacks;
mod worker;

pub use arguments::Arguments;
pub use heartbeat::Pulse;
pub use message::{JobMessage, Request};
pub use ports::{Callback, Callbacks, Jobs, PortError, Received};
pub use run_files::RunFiles;
pub use sqs_jobs::SqsJobs;
pub use step_functions_callbacks::StepFunctionsCallbacks;
pub use worker::{Done, Worker};
