//! The `curate` function: SQS → S3.

use aws_lambda_events::sqs::SqsEvent;
use flywheel_core::{ContributorKey, Curator};
use flywheel_curate::{Curate, packaged_policy};
use flywheel_lake::S3Lake;
use flywheel_runtime::{Settings, StartError, aws_config, init_logs, now};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let policy = packaged_policy()?;
    let lake = S3Lake::new(&aws_config().await, settings.required("FLYWHEEL_LAKE_BUCKET")?);
    let contributor_key = settings.optional("FLYWHEEL_CONTRIBUTOR_KEY").and_then(ContributorKey::new);
    let curate = Curate::new(Curator::new(policy, contributor_key), lake, now);
    let curate = &curate;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        Ok::<_, StartError>(curate.handle(event.payload.records).await?)
    }))
    .await
}
