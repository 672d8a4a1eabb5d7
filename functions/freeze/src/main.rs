//! The `freeze` function: a task of the fine-tuning workflow.

use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::S3Lake;
use flywheel_policy::Policy;
use flywheel_runtime::{Settings, StartError, aws_config, init_logs, now, packaged_policy};
use flywheel_table::DeltaDataset;
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let bucket = settings.required("FLYWHEEL_LAKE_BUCKET")?;
    let lake = S3Lake::new(&aws_config().await, bucket);
    let policy: Policy = packaged_policy(&settings)?;
    let freezer = Freezer::new(lake, DeltaDataset::in_bucket(bucket)?, policy.dataset, policy.breaker, now);
    let freezer = &freezer;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<FreezeRequest>| freezer.freeze(event.payload))).await
}
