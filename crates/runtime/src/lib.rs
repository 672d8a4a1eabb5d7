//! The edge of every function: settings, the policy, logs, metrics, a clock and the configuration of AWS clients.

mod aws;
mod causes;
mod clock;
mod logs;
mod metrics;
mod policy_file;
mod settings;

pub use aws::aws_config;
pub use causes::causes;
pub use clock::{millis_since, now};
pub use logs::init_logs;
pub use metrics::{Metric, Metrics};
pub use policy_file::{UnusablePolicy, packaged_policy};
pub use settings::{SettingError, Settings};

/// The error of a function's `main`. The runtime prints it, and the start of the sandbox fails.
pub type StartError = lambda_runtime::Error;
