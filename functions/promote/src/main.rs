//! The `promote` function: three tasks of the fine-tuning workflow.

use flywheel_lake::S3Lake;
use flywheel_promote::{Promoter, Step};
use flywheel_runtime::{Metrics, Settings, StartError, aws_config, init_logs, now, packaged_policy};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let lake = S3Lake::new(&aws_config().await, settings.required("FLYWHEEL_LAKE_BUCKET")?);
    let promoter =
        Promoter::new(lake, packaged_policy(&settings)?, now).with_metrics(Metrics::from_settings(&settings)?);
    let promoter = &promoter;
    // Boxed: the compiler cannot lay out the runtime's futures around one that is nested this deep.
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Step>| Box::pin(promoter.take(event.payload)))).await
}
