use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use flywheel_runtime::causes;

use crate::ports::{Jobs, PortError, Received};

/// The longest that SQS waits for a message before it answers that there is none.
const WAIT_SECONDS: i32 = 20;

/// The time limit of its answer. If the call is given up before SQS has answered, its job is lost until the visibility timeout:
/// hidden, and with no worker. So this call may take longer than any other.
const ANSWER_WITHIN: Duration = Duration::from_secs(WAIT_SECONDS as u64 + 20);

/// Training jobs in SQS.
#[derive(Debug)]
pub struct SqsJobs {
    client: Client,
    queue_url: String,
}

impl SqsJobs {
    /// Jobs in the queue under the given URL.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, queue_url: &str) -> Self {
        Self { client: Client::new(config), queue_url: queue_url.to_owned() }
    }
}

impl Jobs for SqsJobs {
    async fn receive(&self) -> Result<Option<Received>, PortError> {
        let call = self.client.receive_message().queue_url(&self.queue_url).max_number_of_messages(1);
        let patient =
            TimeoutConfig::builder().operation_attempt_timeout(ANSWER_WITHIN).operation_timeout(ANSWER_WITHIN);
        let patient = aws_sdk_sqs::config::Builder::new().timeout_config(patient.build());
        let call = call.wait_time_seconds(WAIT_SECONDS).customize().config_override(patient);
        let answer = call.send().await.map_err(|error| failed("receive a job", &error))?;
        let message = answer.messages.into_iter().flatten().next();
        Ok(message.and_then(|message| Some(Received { body: message.body?, receipt: message.receipt_handle? })))
    }

    async fn hide(&self, receipt: &str, seconds: u16) -> Result<(), PortError> {
        let call = self.client.change_message_visibility().queue_url(&self.queue_url).receipt_handle(receipt);
        let answer = call.visibility_timeout(seconds.into()).send().await;
        answer.map(|_| ()).map_err(|error| failed("hide a job", &error))
    }

    async fn delete(&self, receipt: &str) -> Result<(), PortError> {
        let call = self.client.delete_message().queue_url(&self.queue_url).receipt_handle(receipt);
        call.send().await.map(|_| ()).map_err(|error| failed("delete a job", &error))
    }
}

fn failed(action: &'static str, error: &dyn std::error::Error) -> PortError {
    PortError { action, cause: causes(error) }
}
