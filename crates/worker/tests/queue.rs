//! The queue answers as SQS does: late, if there is no job for a while.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use flywheel_worker::{Jobs as _, Received, SqsJobs};

/// The time limit of any other call in this test.
const OTHER_CALLS: Duration = Duration::from_millis(300);
const ANSWERED_AFTER: Duration = Duration::from_millis(1_500);

/// Starts a queue that answers one request late, with one job, and returns its address.
fn late_queue() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        reader.read_exact(&mut vec![0; length]).unwrap();
        thread::sleep(ANSWERED_AFTER);
        let body = r#"{"Messages":[{"MessageId":"m","Body":"job","ReceiptHandle":"receipt"}]}"#;
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}", body.len());
        write!(connection, "{head}\r\n\r\n{body}").unwrap();
    });
    endpoint
}

#[tokio::test]
async fn a_job_that_comes_late_is_waited_for_longer_than_any_other_answer() {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(OTHER_CALLS).operation_timeout(OTHER_CALLS).build(),
        )
        .endpoint_url(late_queue())
        .build();
    let jobs = SqsJobs::new(&config, "https://sqs.us-east-1.amazonaws.com/000000000000/jobs");
    let received = jobs.receive().await.unwrap();
    assert_eq!(received, Some(Received { body: "job".to_owned(), receipt: "receipt".to_owned() }));
}
