//! The limits of a chat prompt. They are far above what products send, and bound what one event costs.

/// The maximum number of parts in one message's content.
pub(crate) const MAX_PARTS: usize = 256;

/// The maximum number of tool calls in one message. OpenAI's API takes as many tools.
pub(crate) const MAX_TOOL_CALLS: usize = 128;

/// The maximum size of one call's arguments, in bytes of canonical JSON.
pub(crate) const MAX_ARGUMENTS_BYTES: usize = 65_536;

/// The maximum number of tools beside a prompt, as in OpenAI's API.
pub(crate) const MAX_TOOLS: usize = 128;

/// The maximum size of all tools of an event, in bytes of canonical JSON.
pub(crate) const MAX_TOOLS_BYTES: usize = 131_072;

/// The maximum depth of lists and objects in arguments and schemas. Every reader of JSON takes as much.
pub(crate) const MAX_JSON_DEPTH: usize = 64;
