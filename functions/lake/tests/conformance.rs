//! Both lakes are held to one suite. S3's turn needs a bucket: the deployed-stack tests name one of the local cloud.

use flywheel_lake::{MemoryLake, S3Lake, conformance};
use flywheel_runtime::{Settings, aws_config};

#[tokio::test]
async fn the_lake_in_memory_conforms() {
    conformance::check(&MemoryLake::default()).await;
}

#[tokio::test]
async fn the_lake_in_s3_conforms() {
    let settings = Settings::from_env();
    let Some(bucket) = settings.optional("FLYWHEEL_TEST_BUCKET") else {
        println!("skipped: FLYWHEEL_TEST_BUCKET names no bucket to try S3 on");
        return;
    };
    conformance::check(&S3Lake::new(&aws_config().await, bucket)).await;
}
