//! The `flywheel-worker` program: trains the fine-tuning workflow's jobs until it is stopped.

use std::process::ExitCode;

use clap::Parser as _;
use flywheel_lake::S3Lake;
use flywheel_runtime::{Settings, aws_config, init_logs};
use flywheel_worker::{Arguments, Pulse, RunFiles, SqsJobs, StepFunctionsCallbacks, Worker};

#[tokio::main]
async fn main() -> ExitCode {
    init_logs(&Settings::from_env());
    let arguments = Arguments::parse();
    let config = aws_config().await;
    let files = RunFiles::new(S3Lake::new(&config, &arguments.bucket), &arguments.bucket, &arguments.work);
    let jobs = SqsJobs::new(&config, &arguments.queue);
    let worker =
        Worker::new(jobs, StepFunctionsCallbacks::new(&config), files, Pulse::default(), flywheel_trainer::run);
    worker.work_until_stopped(arguments.once).await
}
