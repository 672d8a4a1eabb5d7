//! The `curate` function: SQS → S3.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use flywheel_curate::{Curate, judges::panel_of};
use flywheel_curation::Curator;
use flywheel_event::ContributorKey;
use flywheel_lake::S3Lake;
use flywheel_policy::Policy;
use flywheel_runtime::{Metrics, Settings, StartError, aws_config, init_logs, now, packaged_policy};
use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let settings = Settings::from_env();
    init_logs(&settings);
    let policy: Policy = packaged_policy(&settings)?;
    let aws = aws_config().await;
    let lake = S3Lake::new(&aws, settings.required("FLYWHEEL_LAKE_BUCKET")?);
    let (panel, judges) = panel_of(&settings, &aws, &policy)?;
    let contributor_key = settings.optional("FLYWHEEL_CONTRIBUTOR_KEY").and_then(ContributorKey::new);
    let curator = Curator::new(policy, contributor_key).judged_by(&judges);
    let panel = panel.with_metrics(Metrics::from_settings(&settings)?);
    let curate = Curate::new(curator, lake, now).with_judges(panel);
    let curate = &curate;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        let time_left = Duration::from_millis(event.context.deadline.saturating_sub(now()));
        Ok::<_, StartError>(curate.handle_within(time_left, event.payload.records).await?)
    }))
    .await
}
