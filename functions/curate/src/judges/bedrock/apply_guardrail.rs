use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::types::{
    GuardrailAction, GuardrailAssessment, GuardrailContentBlock, GuardrailContentFilterType,
    GuardrailContentPolicyAction, GuardrailContentQualifier, GuardrailContentSource,
    GuardrailContextualGroundingPolicyAction, GuardrailSensitiveInformationPolicyAction, GuardrailTextBlock,
    GuardrailTopicPolicyAction, GuardrailWordPolicyAction,
};
use flywheel_curation::{Assessment, GuardrailPolicy};

use super::client::no_answer;
use crate::judges::no_answer::NoAnswer;
use crate::judges::ports::{ApplyGuardrail, GuardedText};

/// A guardrail on Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockGuardrail {
    client: Client,
    guardrail: String,
    version: String,
}

impl BedrockGuardrail {
    /// Uses the guardrail of this id and version.
    #[must_use]
    pub fn new(client: Client, guardrail: &str, version: &str) -> Self {
        Self { client, guardrail: guardrail.to_owned(), version: version.to_owned() }
    }
}

impl ApplyGuardrail for BedrockGuardrail {
    async fn apply_guardrail(&self, text: &GuardedText<'_>) -> Result<Assessment, NoAnswer> {
        let answer = self
            .client
            .apply_guardrail()
            .guardrail_identifier(&self.guardrail)
            .guardrail_version(&self.version)
            // Bedrock checks grounding for outputs only.
            .source(GuardrailContentSource::Output)
            .set_content(Some(content(text).map_err(|_| NoAnswer::NotAsked)?))
            .send()
            .await
            .map_err(|error| no_answer(&error))?;
        let intervened = match answer.action {
            GuardrailAction::None => false,
            GuardrailAction::GuardrailIntervened => true,
            _ => return Err(NoAnswer::Unreadable),
        };
        Ok(Assessment { intervened, policies: answer.assessments.iter().flat_map(policies).collect() })
    }
}

fn content(text: &GuardedText<'_>) -> Result<Vec<GuardrailContentBlock>, BuildError> {
    let block = |text: &str, qualifier| {
        let block = GuardrailTextBlock::builder().text(text).qualifiers(qualifier).build();
        block.map(GuardrailContentBlock::Text)
    };
    let mut blocks = Vec::with_capacity(3);
    if let Some(source) = text.source {
        blocks.push(block(source.text, GuardrailContentQualifier::GroundingSource)?);
        blocks.push(block(source.query, GuardrailContentQualifier::Query)?);
    }
    blocks.push(block(text.text, GuardrailContentQualifier::GuardContent)?);
    Ok(blocks)
}

/// Returns the policies that acted on the text, without those that only detected something.
fn policies(assessment: &GuardrailAssessment) -> Vec<GuardrailPolicy> {
    let mut policies = Vec::new();
    let mut add_if = |acted: bool, policy| {
        if acted {
            policies.push(policy);
        }
    };
    if let Some(content) = &assessment.content_policy {
        let acts = |attack: bool| {
            content.filters.iter().any(|filter| {
                filter.action == GuardrailContentPolicyAction::Blocked
                    && (filter.r#type == GuardrailContentFilterType::PromptAttack) == attack
            })
        };
        add_if(acts(false), GuardrailPolicy::Content);
        add_if(acts(true), GuardrailPolicy::PromptAttack);
    }
    if let Some(topics) = &assessment.topic_policy {
        let acts = topics.topics.iter().any(|topic| topic.action == GuardrailTopicPolicyAction::Blocked);
        add_if(acts, GuardrailPolicy::Topic);
    }
    if let Some(words) = &assessment.word_policy {
        let blocked = GuardrailWordPolicyAction::Blocked;
        let acts = words.custom_words.iter().any(|word| word.action == blocked)
            || words.managed_word_lists.iter().any(|word| word.action == blocked);
        add_if(acts, GuardrailPolicy::Word);
    }
    if let Some(private) = &assessment.sensitive_information_policy {
        let none = GuardrailSensitiveInformationPolicyAction::None;
        let acts = private.pii_entities.iter().any(|entity| entity.action != none)
            || private.regexes.iter().any(|regex| regex.action != none);
        add_if(acts, GuardrailPolicy::Private);
    }
    if let Some(grounding) = &assessment.contextual_grounding_policy {
        let blocked = GuardrailContextualGroundingPolicyAction::Blocked;
        add_if(grounding.filters().iter().any(|filter| filter.action == blocked), GuardrailPolicy::Grounding);
    }
    policies
}
