//! Bedrock behind the judges' ports.

mod apply_guardrail;
mod client;
mod converse;
mod guardrail_checks;

pub use apply_guardrail::BedrockGuardrail;
pub use client::bedrock_client;
pub use converse::BedrockModel;
pub use guardrail_checks::BedrockChecks;
