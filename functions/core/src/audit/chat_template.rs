//! Control tokens of chat templates in the user's text.
//!
//! A trainer that renders the pair into its model's template writes the same tokens. Out of a user's text they end a turn, or
//! begin one with a role of the user's choosing.

use super::finding::Findings;
use super::subject::Texts;
use crate::reason::Reason;

/// Adds [`Reason::ChatTemplate`] for the first control token that the user put in: one that is neither in the model's text nor
/// in the prompt, for an answer about templates has to name them.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let chosen = texts.chosen;
    if let Some((at, token)) = tokens(chosen).find(|(_, token)| !texts.rejected.contains(token) && !texts.prompt.contains(token)) {
        findings.in_chosen(Reason::ChatTemplate, 1.0, at..at + token.len());
    }
}

/// Tokens by the character that they begin with: those of ChatML, Llama 2 and 3, Mistral, Gemma and DeepSeek.
const ANGLED: [&str; 13] = [
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
    "<unused0>",
    "<pad>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "</s>",
];

const BRACKETED: [&str; 6] =
    ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]"];

/// Alpaca's headings are a template in that they stand at the beginning of a line.
const HEADINGS: [&str; 2] = ["### Response:", "### Instruction:"];

/// The longest name between `<|` and `|>` that is taken for a token.
const LONGEST_NAME: usize = 32;

/// The control tokens of a text, and where they are.
fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    memchr::memchr3_iter(b'<', b'[', b'#', text.as_bytes()).filter_map(move |at| Some((at, token_at(text, at)?)))
}

fn token_at(text: &str, at: usize) -> Option<&str> {
    let rest = &text[at..];
    match rest.as_bytes()[0] {
        b'<' if rest.starts_with("<|") => piped(rest),
        b'<' => ANGLED.into_iter().find(|token| rest.starts_with(token)).filter(|token| *token != "</s>" || !is_struck(text)),
        b'[' => BRACKETED.into_iter().find(|token| rest.starts_with(token)),
        _ => HEADINGS.into_iter().find(|heading| rest.starts_with(heading) && (at == 0 || text[..at].ends_with('\n'))),
    }
}

/// `<|name|>`, with nothing but letters, digits and `_` for a name.
fn piped(rest: &str) -> Option<&str> {
    let name_length = rest.bytes().skip(2).take(LONGEST_NAME).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let token = rest.get(..name_length + 4)?;
    (name_length > 0 && token.ends_with("|>")).then_some(token)
}

/// Whether `</s>` closes what HTML strikes through, rather than a turn.
fn is_struck(text: &str) -> bool {
    text.matches("<s>").count() == text.matches("</s>").count() && !text.starts_with("<s>")
}
