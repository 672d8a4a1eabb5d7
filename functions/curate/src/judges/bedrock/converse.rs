use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput as Answer;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseOutput, InferenceConfiguration, Message, SpecificToolChoice,
    SystemContentBlock, Tool, ToolChoice, ToolConfiguration, ToolInputSchema, ToolSpecification, ToolUseBlock,
};
use aws_smithy_types::Document;
use flywheel_curation::Question;
use serde_json::{Map, Value};

use super::client::no_answer;
use crate::judges::no_answer::NoAnswer;
use crate::judges::ports::AskModel;

/// The token limit: enough for a call of the tool, with a nonce of sixteen digits and one word, by any tokenizer.
const MAX_TOKENS: i32 = 200;

/// A language model on Bedrock, asked by `Converse`.
#[derive(Debug, Clone)]
pub struct BedrockModel {
    client: Client,
    model: String,
}

impl BedrockModel {
    /// Uses the model of this id; an inference profile's id or an ARN is accepted, too.
    #[must_use]
    pub fn new(client: Client, model: &str) -> Self {
        Self { client, model: model.to_owned() }
    }
}

impl AskModel for BedrockModel {
    async fn ask_model(&self, question: &Question) -> Result<String, NoAnswer> {
        let inference = InferenceConfiguration::builder().temperature(0.0).max_tokens(MAX_TOKENS).build();
        let answer = self
            .client
            .converse()
            .model_id(&self.model)
            .system(SystemContentBlock::Text(Question::SYSTEM.to_owned()))
            .messages(turn(question).map_err(|_| NoAnswer::NotAsked)?)
            .tool_config(the_one_tool().map_err(|_| NoAnswer::NotAsked)?)
            .inference_config(inference)
            .send()
            .await
            .map_err(|error| no_answer(&error))?;
        tool_input(&answer).ok_or(NoAnswer::Unreadable)
    }
}

fn turn(question: &Question) -> Result<Message, BuildError> {
    let content = ContentBlock::Text(question.text.clone());
    Message::builder().role(ConversationRole::User).content(content).build()
}

/// Returns the configuration that forces the model to call this tool.
fn the_one_tool() -> Result<ToolConfiguration, BuildError> {
    let tool = ToolSpecification::builder()
        .name(Question::TOOL)
        .description("Reports your opinion on the edited answer.")
        .input_schema(ToolInputSchema::Json(document(Question::answer_schema())))
        .build()?;
    let choice = SpecificToolChoice::builder().name(Question::TOOL).build()?;
    ToolConfiguration::builder().tools(Tool::ToolSpec(tool)).tool_choice(ToolChoice::Tool(choice)).build()
}

/// Returns the tool's input as JSON; `None` unless the tool was called exactly once and with strings only. Text beside the call
/// is ignored.
fn tool_input(answer: &Answer) -> Option<String> {
    let Some(ConverseOutput::Message(message)) = &answer.output else { return None };
    let mut calls = message.content.iter().filter_map(|block| block.as_tool_use().ok());
    let (Some(call), None) = (calls.next(), calls.next()) else { return None };
    fields(call).filter(|_| call.name == Question::TOOL).map(|fields| Value::Object(fields).to_string())
}

fn fields(call: &ToolUseBlock) -> Option<Map<String, Value>> {
    let fields = call.input.as_object()?.iter();
    fields.map(|(name, value)| Some((name.clone(), value.as_string()?.into()))).collect()
}

/// Converts JSON into the SDK's document type.
fn document(json: Value) -> Document {
    match json {
        Value::Object(fields) => {
            Document::Object(fields.into_iter().map(|(name, value)| (name, document(value))).collect())
        }
        Value::Array(items) => Document::Array(items.into_iter().map(document).collect()),
        Value::String(text) => Document::String(text),
        Value::Bool(flag) => Document::Bool(flag),
        Value::Number(_) | Value::Null => Document::Null,
    }
}
