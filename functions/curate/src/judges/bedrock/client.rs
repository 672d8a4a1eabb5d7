use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Builder;
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};

use crate::judges::no_answer::NoAnswer;

/// The number of attempts. A call that is throttled twice would probably be throttled again, and others wait.
const ATTEMPTS: u32 = 2;

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(6);

/// The time limit of a call with both attempts. It is below the panel's own limit, so that the cause is known.
const CALL_TIMEOUT: Duration = Duration::from_secs(9);

/// Creates a client for calls that are short and many, and each of them optional.
#[must_use]
pub fn bedrock_client(aws: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(Duration::from_millis(500));
    Client::from_conf(Builder::from(aws).timeout_config(timeouts).retry_config(retries).build())
}

/// Returns the reason as the service's error code, which is sufficient and quotes no text.
pub(super) fn no_answer<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> NoAnswer {
    match error {
        SdkError::TimeoutError(_) => NoAnswer::TimedOut,
        SdkError::ServiceError(error) => code(error.err()).map_or(NoAnswer::Unreadable, NoAnswer::Refused),
        SdkError::ResponseError(_) => NoAnswer::Unreadable,
        SdkError::ConstructionFailure(_) => NoAnswer::NotAsked,
        _ => NoAnswer::NotReached,
    }
}

/// Returns the error code if it has the form of one, for it goes into logs.
fn code(error: &impl ProvideErrorMetadata) -> Option<String> {
    let is_code = |code: &&str| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    error.code().filter(is_code).map(str::to_owned)
}
