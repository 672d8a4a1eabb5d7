use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::ExecutionStatus;
use flywheel_base::instant::Millis;
use flywheel_log::Attempt;
use flywheel_runtime::causes;

use crate::runs::{DescribeRun, RunInput, RunsError, StartRun, Started};

/// The beginning of a failed run's error, by which the workflow says that it failed before anything was trained.
const UNTRAINED: &str = "NotTrained.";

/// The runs of a state machine.
#[derive(Debug)]
pub struct StepFunctionsRuns {
    client: Client,
    state_machine_arn: String,
    execution_arn_prefix: String,
}

/// The text is not a state machine's ARN.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "environment variable FLYWHEEL_STATE_MACHINE_ARN: expected arn:<partition>:states:<region>:<account>:stateMachine:<name>"
)]
pub struct InvalidStateMachineArn;

impl StepFunctionsRuns {
    /// Uses the state machine with the given ARN.
    ///
    /// # Errors
    /// If the text is not such an ARN.
    pub fn new(config: &aws_config::SdkConfig, state_machine_arn: &str) -> Result<Self, InvalidStateMachineArn> {
        Ok(Self {
            client: Client::new(config),
            execution_arn_prefix: execution_arn_prefix(state_machine_arn).ok_or(InvalidStateMachineArn)?,
            state_machine_arn: state_machine_arn.to_owned(),
        })
    }
}

/// Returns the prefix of executions' ARNs: the state machine's ARN as an execution's, up to the name.
fn execution_arn_prefix(state_machine_arn: &str) -> Option<String> {
    let (head, name) = state_machine_arn.split_once(":stateMachine:")?;
    (head.starts_with("arn:") && !name.is_empty()).then(|| format!("{head}:execution:{name}:"))
}

impl DescribeRun for StepFunctionsRuns {
    async fn describe_run(&self, run: &str) -> Result<Attempt, RunsError> {
        let arn = format!("{}{run}", self.execution_arn_prefix);
        let execution = match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(execution) => execution,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_execution_does_not_exist()) => {
                return Ok(Attempt::NotStarted);
            }
            Err(error) => {
                let cause = causes(&error);
                return Err(RunsError { action: "describe", run: run.to_owned(), cause });
            }
        };
        let stopped_at = execution.stop_date().and_then(|date| date.to_millis().ok());
        let stopped_at = stopped_at.and_then(|millis| Millis::try_from(millis).ok()).unwrap_or_default();
        Ok(match execution.status() {
            ExecutionStatus::Succeeded => Attempt::Succeeded,
            ExecutionStatus::Failed if execution.error().is_some_and(|error| error.starts_with(UNTRAINED)) => {
                Attempt::Untrained { stopped_at }
            }
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
                Attempt::Failed { stopped_at }
            }
            // A pending redrive is under way, too. Treating a status unknown to this version as running is the safe choice.
            _ => Attempt::Running,
        })
    }
}

impl StartRun for StepFunctionsRuns {
    async fn start_run(&self, run: &str, input: RunInput) -> Result<Started, RunsError> {
        let failed = |cause| RunsError { action: "start", run: run.to_owned(), cause };
        let input = serde_json::to_string(&input).map_err(|error| failed(error.to_string()))?;
        let call = self.client.start_execution().state_machine_arn(&self.state_machine_arn).name(run).input(input);
        match call.send().await {
            Ok(_) => Ok(Started::Started),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_execution_already_exists()) => {
                Ok(Started::NameIsTaken)
            }
            Err(error) => Err(failed(causes(&error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn execution_arns_follow_from_the_state_machines() {
        assert_eq!(
            execution_arn_prefix("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:FineTune").as_deref(),
            Some("arn:aws-cn:states:cn-north-1:123456789012:execution:FineTune:")
        );
        assert_eq!(execution_arn_prefix("FineTune"), None);
        assert_eq!(execution_arn_prefix("arn:aws:states:us-east-1:1:stateMachine:"), None);
    }
}
