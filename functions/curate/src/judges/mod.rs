//! Judges: second opinions on what would be gold, asked for over the network. None unless the deployment names one.
//!
//! What they are asked, and what their answers may do, is the core's ([`flywheel_core::Opinion`]). Here is how they are asked:
//! each judge through a port of its own, which is one IAM action.
//!
//! | port | IAM action | judge |
//! |---|---|---|
//! | [`AskModel`] | `bedrock:InvokeModel` on the model | [`ModelJudge`] |
//! | [`ApplyGuardrail`] | `bedrock:ApplyGuardrail` on the guardrail | [`GuardrailJudge`] |
//! | [`CheckText`] | `bedrock:InvokeGuardrailChecks` | [`ChecksJudge`] |
//!
//! # Why nothing is lost by a judge that fails
//! A judge has no say in whether there is a line, only in which route it goes to. The [`Panel`] has an opinion on every
//! event before it asks for one, [`flywheel_core::Opinion::Unsure`], and an answer replaces it. Whatever happens, a time-out,
//! throttling, an answer that is none, a panic, the budget's end, a control that passed, leaves it at that, and the policy
//! says where `unjudged` goes (quarantine, unless told otherwise). The panel ends early enough for the parts to be written.
//!
//! # Why an event may be in two routes
//! A message that is delivered again is judged again, and a judge, unlike the core, may say something else the second time.
//! (Temperature 0 makes that rare; throttling does not.) Then an event has a line in each of two routes, gold and one
//! other. For training nothing changes: an event or a pair enters the dataset once, however many lines it has
//! ([`flywheel_core::dataset`]), and it enters because a judge did pass it. The count of what is pending stays an upper
//! bound: two parts of one batch have one digest only if they hold the same events ([`flywheel_core::PartName`]). Who reports
//! on routes counts distinct `event_id`s, and one that is in gold as gold.

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
