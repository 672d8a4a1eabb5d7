use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use flywheel_base::instant::Millis;
use serde_json::{Value, json};

use crate::clock::now;
use crate::settings::{SettingError, Settings};

/// A metric that an alarm of the template reads. All are counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The circuit breaker's state with each count of pending pairs: 1 for open, else 0.
    BreakerOpen,
    /// The attempts at a training with each count of pending pairs: 1 if they are spent, else 0.
    AttemptsSpent,
    /// One for each question to an operator about an adapter.
    ReviewsAsked,
    /// The number of events of a batch on which a judge had no opinion.
    Unjudged,
}

/// The recorder of a function's metrics. The default one ignores them.
#[derive(Clone, Default)]
pub struct Metrics(Option<Recorder>);

type Recorder = Arc<dyn Fn(Metric, u64) + Send + Sync>;

impl Metric {
    /// Returns the metric's name in CloudWatch. Names do not change: alarms and dashboards go by them.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BreakerOpen => "BreakerOpen",
            Self::AttemptsSpent => "AttemptsSpent",
            Self::ReviewsAsked => "ReviewsAsked",
            Self::Unjudged => "Unjudged",
        }
    }
}

impl Metrics {
    /// Creates a recorder that writes each value to the standard output, in CloudWatch's embedded metric format. It needs no call
    /// and no permission: CloudWatch Logs reads the metric off the line.
    ///
    /// The lines are no log lines: no log level silences them, so an alarm does not depend on `RUST_LOG`. They hold a name and a
    /// number, and no text of a user.
    ///
    /// # Errors
    /// If `FLYWHEEL_METRICS_NAMESPACE` is missing: an alarm without its metric would stay silent.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let namespace = settings.required("FLYWHEEL_METRICS_NAMESPACE")?.to_owned();
        Ok(Self::recorded_by(move |metric, value| write(&embedded(&namespace, metric, value, now()))))
    }

    /// Creates a recorder that passes each value on.
    pub fn recorded_by(record: impl Fn(Metric, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(record)))
    }

    /// Records a value.
    pub fn record(&self, metric: Metric, value: u64) {
        if let Some(record) = &self.0 {
            record(metric, value);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics(..)")
    }
}

/// Returns a value in the embedded metric format. The one dimension set is empty: the alarms name no dimensions.
fn embedded(namespace: &str, metric: Metric, value: u64, at: Millis) -> Value {
    let name = metric.as_str();
    json!({
        "_aws": {
            "Timestamp": at,
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": "Count"}]}
            ],
        },
        (name): value,
    })
}

/// Writes a line at once: CloudWatch reads a metric only off a line that is JSON as a whole.
fn write(line: &Value) {
    // A standard output that is closed takes no logs either. Counting and curation go on.
    let _ = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_in_the_embedded_metric_format() {
        let line = embedded("flywheel/shop", Metric::BreakerOpen, 1, 1_795_000_000_000).to_string();
        let expected = concat!(
            r#"{"BreakerOpen":1,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[]],"#,
            r#""Metrics":[{"Name":"BreakerOpen","Unit":"Count"}],"Namespace":"flywheel/shop"}],"Timestamp":1795000000000}}"#
        );
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), serde_json::from_str::<Value>(expected).unwrap());
        assert!(!line.contains('\n'));
    }

    #[test]
    fn a_function_whose_alarms_would_stay_silent_does_not_start() {
        assert!(Metrics::from_settings(&Settings::of([("FLYWHEEL_METRICS_NAMESPACE", "flywheel/shop")])).is_ok());
        let error = Metrics::from_settings(&Settings::default()).unwrap_err();
        assert_eq!(error.to_string(), "environment variable FLYWHEEL_METRICS_NAMESPACE is not set");
    }

    #[test]
    fn the_default_ignores_values() {
        Metrics::default().record(Metric::Unjudged, 7);
    }
}
