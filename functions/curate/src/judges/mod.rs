//! Judges: second opinions over the network on events that would be gold. Without a setting there are none.
//!
//! The core defines their question and the effect of their answers ([`flywheel_curation::Opinion`]). This module asks them: each
//! judge through a port of its own, which is one IAM action.
//!
//! | port | IAM action | judge |
//! |---|---|---|
//! | [`AskModel`] | `bedrock:InvokeModel` on the model | [`ModelJudge`] |
//! | [`ApplyGuardrail`] | `bedrock:ApplyGuardrail` on the guardrail | [`GuardrailJudge`] |
//! | [`CheckText`] | `bedrock:InvokeGuardrailChecks` | [`ChecksJudge`] |
//!
//! # Why nothing is lost by a judge that fails
//! A judge decides only the route of a line, and not its existence. The [`Panel`] starts with the opinion
//! [`flywheel_curation::Opinion::Unsure`] on every event, and an answer replaces it. After a time-out, throttling, an invalid answer,
//! a panic, the budget's end or a control that passed, that opinion stays, and the policy decides the route of `unjudged` (by
//! default quarantine). The panel ends early enough for the parts to be written.
//!
//! # Why an event may be in two routes
//! A redelivered message is judged again, and a judge, unlike the core, may decide differently the second time. (Temperature 0
//! makes that rare; throttling does not.) Then an event has lines in two routes, gold and one other. For training nothing
//! changes: an event or a pair enters the dataset once, with any number of lines ([`flywheel_dataset`]), and it enters
//! because a judge did pass it. The count of pending pairs stays an upper bound: two parts of one batch have one digest only if
//! they hold the same events ([`flywheel_log::PartName`]). Reports on routes count distinct `event_id`s, and an event that is in
//! gold as gold.

mod bedrock;
mod judge;
mod no_answer;
mod panel;
mod ports;
mod settings;

pub use bedrock::{BedrockChecks, BedrockGuardrail, BedrockModel, bedrock_client};
pub use judge::{ChecksJudge, GuardrailJudge, Judge, ModelJudge};
pub use no_answer::NoAnswer;
pub use panel::Panel;
pub use ports::{ApplyGuardrail, AskModel, CheckText, GuardedText, Source};
pub use settings::panel_of;
