use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// One attempt of a call. The largest object that is written, 6 MB, takes a fraction of it.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// A call with all its attempts: it must end, and be reported, before the time of any function that waits for it does.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// The configuration of every AWS client: from the environment, with bounds on how long a call may take.
///
/// The behaviour version is pinned: an update of the SDK must not change time-outs or retries behind our back.
pub async fn aws_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}
