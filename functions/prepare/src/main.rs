//! The `prepare` function: a task of the fine-tuning workflow.

use flywheel_lake::S3Lake;
use flywheel_prepare::{Preparer, RunRequest};
use flywheel_runtime::{Settings, StartError, aws_config, init_logs, now};
use flywheel_table::DeltaDataset;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let bucket = settings.required("FLYWHEEL_LAKE_BUCKET")?;
    // The data files are a copy of the dataset version, and expire after `RunInputDays`. The description is no file: it is kept.
    let lake = S3Lake::new(&aws_config().await, bucket).with_file_tag("expires", "run-input");
    let preparer = Preparer::new(lake, DeltaDataset::in_bucket(bucket)?, now);
    let preparer = &preparer;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<RunRequest>| preparer.prepare(event.payload))).await
}
