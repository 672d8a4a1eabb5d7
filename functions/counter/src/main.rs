//! The `counter` function: EventBridge schedule → Step Functions.

use flywheel_counter::{Counter, StepFunctionsRuns, trigger_of};
use flywheel_lake::S3Lake;
use flywheel_policy::Policy;
use flywheel_runtime::{Metrics, Settings, StartError, aws_config, init_logs, now, packaged_policy};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let aws = aws_config().await;
    let lake = S3Lake::new(&aws, settings.required("FLYWHEEL_LAKE_BUCKET")?);
    let runs = StepFunctionsRuns::new(&aws, settings.required("FLYWHEEL_STATE_MACHINE_ARN")?)?;
    let policy: Policy = packaged_policy(&settings)?;
    let counter = Counter::new(lake, runs, trigger_of(&settings, &policy.training)?, now)
        .with_metrics(Metrics::from_settings(&settings)?);
    let counter = &counter;
    // The event is ignored, from the schedule, a rule or an operator: the lake decides.
    lambda_runtime::run(service_fn(move |_: LambdaEvent<IgnoredAny>| {
        // Boxed: the compiler cannot lay out the runtime's futures around one that is nested this deep.
        Box::pin(async move { Ok::<_, StartError>(counter.count().await?) })
    }))
    .await
}
