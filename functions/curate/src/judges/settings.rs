use aws_config::SdkConfig;
use flywheel_curation::Question;
use flywheel_policy::Policy;
use flywheel_runtime::{SettingError, Settings};

use super::bedrock::{BedrockChecks, BedrockGuardrail, BedrockModel, bedrock_client};
use super::judge::{ChecksJudge, GuardrailJudge, ModelJudge};
use super::panel::Panel;

/// Returns the panel of the environment's judges, and their names, which change with all that changes their opinions.
///
/// | variable | judge |
/// |---|---|
/// | `FLYWHEEL_JUDGE_MODEL` | a language model, by its id, its inference profile's id, or an ARN |
/// | `FLYWHEEL_JUDGE_GUARDRAIL`, `FLYWHEEL_JUDGE_GUARDRAIL_VERSION` | a guardrail, by its id and version |
/// | `FLYWHEEL_JUDGE_CHECKS` | guardrail checks, if it is `on` |
///
/// # Errors
/// If a guardrail has no version, or checks are neither `on` nor `off`.
pub fn panel_of(settings: &Settings, aws: &SdkConfig, policy: &Policy) -> Result<(Panel, Vec<String>), SettingError> {
    let mut panel = Panel::new(policy.curation.judges);
    let mut names = Vec::new();
    let checks = checks_are_on(settings)?;
    let model = settings.optional("FLYWHEEL_JUDGE_MODEL");
    let guardrail = settings.optional("FLYWHEEL_JUDGE_GUARDRAIL");
    if model.is_none() && guardrail.is_none() && !checks {
        return Ok((panel, names));
    }
    let client = bedrock_client(aws);
    if let Some(model) = model {
        panel = panel.with(ModelJudge { port: BedrockModel::new(client.clone(), model) });
        names.push(format!("model {model}, told: {}", Question::SYSTEM));
    }
    if let Some(guardrail) = guardrail {
        let version = settings.required("FLYWHEEL_JUDGE_GUARDRAIL_VERSION")?;
        let port = BedrockGuardrail::new(client.clone(), guardrail, version);
        panel = panel.with(GuardrailJudge { port, grounded_above_chars: policy.curation.audit.grounded_above_chars });
        names.push(format!("guardrail {guardrail} {version}"));
    }
    if checks {
        panel = panel.with(ChecksJudge {
            port: BedrockChecks::new(client),
            severity_from: policy.curation.judges.severity_from,
        });
        names.push("guardrail checks".to_owned());
    }
    Ok((panel, names))
}

fn checks_are_on(settings: &Settings) -> Result<bool, SettingError> {
    const NAME: &str = "FLYWHEEL_JUDGE_CHECKS";
    match settings.optional(NAME) {
        None | Some("off") => Ok(false),
        Some("on") => Ok(true),
        Some(_) => Err(SettingError::Invalid { name: NAME, reason: "expected on or off".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(settings: &Settings) -> Result<Vec<String>, SettingError> {
        let aws = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::v2026_01_12()).build();
        let (panel, names) = panel_of(settings, &aws, &Policy::default())?;
        assert_eq!(panel.is_empty(), names.is_empty());
        Ok(names)
    }

    #[test]
    fn nobody_is_asked_unless_the_environment_says_so() {
        assert_eq!(names_in(&Settings::of([])), Ok(Vec::new()));
        let empty = [
            ("FLYWHEEL_JUDGE_MODEL", ""),
            ("FLYWHEEL_JUDGE_GUARDRAIL", ""),
            ("FLYWHEEL_JUDGE_GUARDRAIL_VERSION", ""),
            ("FLYWHEEL_JUDGE_CHECKS", "off"),
        ];
        assert_eq!(names_in(&Settings::of(empty)), Ok(Vec::new()));
    }

    #[test]
    fn a_judge_is_named_by_what_decides_its_opinions() {
        let all = [
            ("FLYWHEEL_JUDGE_MODEL", "m-1"),
            ("FLYWHEEL_JUDGE_GUARDRAIL", "g1"),
            ("FLYWHEEL_JUDGE_GUARDRAIL_VERSION", "2"),
            ("FLYWHEEL_JUDGE_CHECKS", "on"),
        ];
        let names = names_in(&Settings::of(all)).unwrap();
        assert!(names[0].contains("m-1") && names[0].contains(Question::SYSTEM));
        assert_eq!(names[1..], ["guardrail g1 2", "guardrail checks"]);
    }

    #[test]
    fn half_a_setting_is_refused() {
        let versionless = Settings::of([("FLYWHEEL_JUDGE_GUARDRAIL", "g1")]);
        assert_eq!(names_in(&versionless), Err(SettingError::Missing("FLYWHEEL_JUDGE_GUARDRAIL_VERSION")));
        assert!(names_in(&Settings::of([("FLYWHEEL_JUDGE_CHECKS", "true")])).is_err());
    }
}
