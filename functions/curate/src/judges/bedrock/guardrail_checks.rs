use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::types::{
    GuardrailChecksConfig, GuardrailChecksContentBlock, GuardrailChecksContentFilterCategory as Harm,
    GuardrailChecksContentFilterCategoryConfig, GuardrailChecksContentFilterConfig, GuardrailChecksMessage,
    GuardrailChecksPromptAttackCategory as Attack, GuardrailChecksPromptAttackCategoryConfig,
    GuardrailChecksPromptAttackConfig, GuardrailChecksResults, GuardrailChecksRole,
};
use flywheel_curation::{CheckedFor, Severity};

use super::client::no_answer;
use crate::judges::no_answer::NoAnswer;
use crate::judges::ports::CheckText;

const HARMS: [Harm; 5] = [Harm::Hate, Harm::Insults, Harm::Misconduct, Harm::Sexual, Harm::Violence];
const ATTACKS: [Attack; 3] = [Attack::Jailbreak, Attack::PromptInjection, Attack::PromptLeakage];

/// Bedrock's guardrail checks: no guardrail to configure, and numbers instead of an action.
///
/// Checks for personal data are left out: they flag every name, and patterned data is replaced already.
#[derive(Debug, Clone)]
pub struct BedrockChecks {
    client: Client,
}

impl BedrockChecks {
    /// Creates checks with this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl CheckText for BedrockChecks {
    const CATEGORIES: usize = HARMS.len() + ATTACKS.len();

    async fn check_text(&self, text: &str) -> Result<Vec<Severity>, NoAnswer> {
        let answer = self
            .client
            .invoke_guardrail_checks()
            .messages(message(text).map_err(|_| NoAnswer::NotAsked)?)
            .checks(checks().map_err(|_| NoAnswer::NotAsked)?)
            .send()
            .await
            .map_err(|error| no_answer(&error))?;
        answer.results.as_ref().map(severities).ok_or(NoAnswer::Unreadable)
    }
}

/// Returns the text as a user's message: it is one, and the checks look for attacks in users' messages.
fn message(text: &str) -> Result<GuardrailChecksMessage, BuildError> {
    GuardrailChecksMessage::builder()
        .role(GuardrailChecksRole::User)
        .content(GuardrailChecksContentBlock::Text(text.to_owned()))
        .build()
}

fn checks() -> Result<GuardrailChecksConfig, BuildError> {
    let mut harms = GuardrailChecksContentFilterConfig::builder();
    for harm in HARMS {
        harms = harms.categories(GuardrailChecksContentFilterCategoryConfig::builder().category(harm).build()?);
    }
    let mut attacks = GuardrailChecksPromptAttackConfig::builder();
    for attack in ATTACKS {
        attacks = attacks.categories(GuardrailChecksPromptAttackCategoryConfig::builder().category(attack).build()?);
    }
    Ok(GuardrailChecksConfig::builder().content_filter(harms.build()?).prompt_attack(attacks.build()?).build())
}

fn severities(results: &GuardrailChecksResults) -> Vec<Severity> {
    let harms = results.content_filter.iter().flat_map(|found| &found.results).map(|found| found.severity_score);
    let attacks = results.prompt_attack.iter().flat_map(|found| &found.results).map(|found| found.severity_score);
    let severity = |checked_for| move |severity| Severity { checked_for, severity };
    harms.map(severity(CheckedFor::Harm)).chain(attacks.map(severity(CheckedFor::Attack))).collect()
}
