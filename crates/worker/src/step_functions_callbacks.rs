use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::ProvideErrorMetadata;
use flywheel_runtime::causes;

use crate::ports::{Callback, Callbacks, PortError};

/// The most characters that Step Functions takes of an error and of its cause.
const MOST_ERROR: usize = 256;
const MOST_CAUSE: usize = 32_768;

/// Callbacks to Step Functions.
#[derive(Debug)]
pub struct StepFunctionsCallbacks {
    client: Client,
}

impl StepFunctionsCallbacks {
    /// Creates callbacks for this account and region.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl Callbacks for StepFunctionsCallbacks {
    async fn heartbeat(&self, token: &str) -> Result<Callback, PortError> {
        let sent = self.client.send_task_heartbeat().task_token(token).send().await;
        sent.map(|_| Callback::Accepted).or_else(|error| task_gone_or("send a heartbeat", &error))
    }

    async fn succeed(&self, token: &str, output: &str) -> Result<Callback, PortError> {
        let sent = self.client.send_task_success().task_token(token).output(output).send().await;
        sent.map(|_| Callback::Accepted).or_else(|error| task_gone_or("answer a job", &error))
    }

    async fn fail(&self, token: &str, error: &str, cause: &str) -> Result<Callback, PortError> {
        let call = self.client.send_task_failure().task_token(token).error(first(error, MOST_ERROR));
        let sent = call.cause(first(cause, MOST_CAUSE)).send().await;
        sent.map(|_| Callback::Accepted).or_else(|error| task_gone_or("refuse a job", &error))
    }
}

/// Recognises the errors by which Step Functions says that no task waits for the token.
fn task_gone_or<E: ProvideErrorMetadata + std::error::Error>(
    action: &'static str,
    error: &E,
) -> Result<Callback, PortError> {
    match error.code() {
        Some("TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken") => Ok(Callback::TaskGone),
        _ => Err(PortError { action, cause: causes(error) }),
    }
}

fn first(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
