//! The `ingest` function: API Gateway → SQS.

use flywheel_event::ContributorKey;
use flywheel_ingest::{Authentication, Ingest, SqsEditQueue};
use flywheel_runtime::{Settings, StartError, aws_config, init_logs, now};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let queue = SqsEditQueue::new(&aws_config().await, settings.required("FLYWHEEL_EDITS_QUEUE_URL")?);
    let contributor_key = settings.optional("FLYWHEEL_CONTRIBUTOR_KEY").and_then(ContributorKey::new);
    let ingest = Ingest::new(Authentication::from_settings(&settings)?, contributor_key, queue, now);
    let ingest = &ingest;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<_>| async move {
        Ok::<_, StartError>(ingest.handle(event.payload).await)
    }))
    .await
}
