use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// The time limit of one attempt of a call. The largest object that is written, 6 MB, takes a fraction of it.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time limit of a call with all its attempts. It must be reported before the time of any waiting function is up.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);

/// Returns the configuration of every AWS client: from the environment, with a limit on the time of each call.
///
/// The behaviour version is pinned: an update of the SDK must not change time-outs or retries unnoticed.
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
