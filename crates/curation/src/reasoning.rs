//! Reasoning that a model writes before its answer, such as `<think>…</think>`.
//!
//! Chat interfaces hide it, so that a user edits only the answer and sends it without the reasoning. A missing part
//! that was not shown is no preference, and behind long reasoning a changed answer would look hardly changed. So
//! reasoning is set aside before texts are compared, and a pair is made of answers.
//!
//! Only leading text is reasoning: blocks at the very start, one after another. A template may have written the opening
//! tag into the prompt; then the reasoning ends with a closing tag that nothing opened. Tags within code, or within a
//! sentence, are a subject of the text. A block that never ends was cut off before the answer: there is no answer, and
//! no pair.

use std::borrow::Cow;

use flywheel_audit::Findings;
use flywheel_base::Reason;
use flywheel_event::EditEvent;
use flywheel_text::code::{is_within, marked_code};
use serde::Deserialize;

/// The treatment of reasoning before an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Think {
    /// It is set aside: the answers are compared, and the pair is made of them.
    #[default]
    Strip,
    /// It is a part of the text.
    Keep,
}

impl Think {
    /// Returns its name in a policy file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strip => "strip",
            Self::Keep => "keep",
        }
    }

    /// Returns the answer within a text: without leading reasoning, if that is set aside. It is empty if the reasoning
    /// never ends.
    pub fn answer(self, text: &str) -> &str {
        match self {
            Self::Strip => without_reasoning(text),
            Self::Keep => text,
        }
    }
}

/// Tags around reasoning, in lower case. They match in any case.
const TAGS: [(&str, &str); 6] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[think]", "[/think]"),
];

/// Sets the reasoning of both texts aside, where the policy says so. Adds [`Reason::ReasoningSetAside`], or
/// [`Reason::NoAnswer`] if nothing is left of a text. The score is the number of characters that both texts lost.
pub(crate) fn set_aside(event: &mut EditEvent<'_>, think: Think, findings: &mut Findings) {
    let [rejected, chosen] = [&event.rejected, &event.chosen].map(|text| think.answer(text));
    let length = |text: &str| text.chars().count();
    if rejected.len() + chosen.len() == event.rejected.len() + event.chosen.len() {
        return;
    }
    let lost = length(&event.rejected) + length(&event.chosen) - length(rejected) - length(chosen);
    let has_answers = !rejected.trim().is_empty() && !chosen.trim().is_empty();
    let reason = if has_answers { Reason::ReasoningSetAside } else { Reason::NoAnswer };
    findings.add(reason, lost as f32, None);
    let (rejected, chosen) = (Cow::Owned(rejected.to_owned()), Cow::Owned(chosen.to_owned()));
    event.set_texts(rejected, chosen);
}

fn without_reasoning(text: &str) -> &str {
    let answer = without_blocks(text);
    match end_of_prefilled(answer) {
        Some(end) => without_blocks(without_blank_start(&answer[end..])),
        None => answer,
    }
}

fn without_blocks(mut text: &str) -> &str {
    while let Some(end) = end_of_block(text) {
        text = without_blank_start(&text[end..]);
    }
    text
}

/// Returns the end of the block at the start of a text: behind its closing tag, or the end of the text if it has none.
fn end_of_block(text: &str) -> Option<usize> {
    let start = text.trim_start_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    let (opening, closing) = TAGS.into_iter().find(|(opening, _)| begins_with(start, opening))?;
    let inside = text.len() - start.len() + opening.len();
    let mut ends = places_of(&text[inside..], closing).filter(|at| !is_quoted(text, inside + at, closing.len()));
    Some(ends.next().map_or(text.len(), |at| inside + at + closing.len()))
}

/// Returns the end of reasoning whose opening tag is not in the text. It is behind the first closing tag, if that
/// stands on a line of its own, or at the end of a paragraph. A template opens one block, so one such tag is looked
/// for.
fn end_of_prefilled(text: &str) -> Option<usize> {
    let closed_at = |at: usize| {
        let is_closing = text.as_bytes().get(at + 1) == Some(&b'/');
        let tags = TAGS.into_iter().find(|(_, closing)| is_closing && begins_with(&text[at..], closing));
        tags.map(|tags| (at, tags))
    };
    let (at, (opening, closing)) = memchr::memchr2_iter(b'<', b'[', text.as_bytes()).find_map(closed_at)?;
    let (before, after) = (&text[..at], &text[at + closing.len()..]);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let rest = after.split('\n').next().unwrap_or_default();
    let ends_paragraph = || {
        let next = after.split('\n').nth(1);
        line.ends_with(|last: char| !last.is_whitespace()) && next.is_none_or(|next| next.trim().is_empty())
    };
    let stands_apart = rest.trim().is_empty() && (line.trim().is_empty() || ends_paragraph());
    let is_of_text = || places_of(before, opening).next().is_some() || is_within(&marked_code(text), at);
    (stands_apart && !is_of_text()).then_some(at + closing.len())
}

/// Returns the places of a tag, in any case.
fn places_of<'t>(text: &'t str, tag: &'static str) -> impl Iterator<Item = usize> + use<'t> {
    let first = tag.as_bytes()[0];
    memchr::memchr_iter(first, text.as_bytes()).filter(move |at| begins_with(&text[*at..], tag))
}

fn begins_with(text: &str, tag: &str) -> bool {
    text.as_bytes().get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
}

/// Returns `true` if the tag at a place is quoted: between backticks or quotation marks.
fn is_quoted(text: &str, at: usize, length: usize) -> bool {
    let is_mark = |character: char| matches!(character, '`' | '"' | '\'' | '“' | '”' | '‘' | '’');
    text[..at].ends_with(is_mark) && text[at + length..].starts_with(is_mark)
}

/// Returns a text without leading blank lines. The indentation of its first line stays, unless a tag stood before it.
fn without_blank_start(text: &str) -> &str {
    let start = text.trim_start();
    let blank = text.len() - start.len();
    text[..blank].rfind('\n').map_or(start, |end_of_line| &text[end_of_line + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reasoning_that_leads_is_set_aside() {
        for (text, answer) in [
            ("<think>Let me see.</think>It is 4.", "It is 4."),
            ("<think>\nLet me see.\n</think>\n\nIt is 4.\n", "It is 4.\n"),
            ("\n <THINK>a</Think> It is 4.", "It is 4."),
            ("<thinking>a</thinking>\nIt is 4.", "It is 4."),
            ("<reasoning>a</reasoning>\nIt is 4.", "It is 4."),
            ("<thought>a</thought>\nIt is 4.", "It is 4."),
            ("[THINK]a[/THINK]It is 4.", "It is 4."),
            ("<think>\n\n</think>\n\nIt is 4.", "It is 4."),
            ("<think>a</think>\n<think>b</think>\nIt is 4.", "It is 4."),
            ("<think>a</think>\n\n    return 4", "    return 4"),
            ("<think>I end with `</think>`, then answer.</think>\nIt is 4.", "It is 4."),
            ("<think>a </thinking> b</think>It is 4.", "It is 4."),
        ] {
            assert_eq!(Think::Strip.answer(text), answer, "{text}");
            assert_eq!(Think::Keep.answer(text), text);
        }
    }

    #[test]
    fn reasoning_whose_opening_tag_is_in_the_prompt_is_set_aside() {
        for (text, answer) in [
            ("Let me see.\n</think>\n\nIt is 4.", "It is 4."),
            ("Let me see.</think>\n\nIt is 4.", "It is 4."),
            ("Let me see.\n</THINKING>\nIt is 4.", "It is 4."),
            ("</think>\n\nIt is 4.", "It is 4."),
            ("Let me see.\n\n</think>", ""),
            ("a\r\n</think>\r\n\r\nIt is 4.", "It is 4."),
            ("<think>first</think> and so on\n</think>\n\nIt is 4.", "It is 4."),
        ] {
            assert_eq!(Think::Strip.answer(text), answer, "{text}");
        }
    }

    #[test]
    fn reasoning_that_never_ends_leaves_no_answer() {
        assert_eq!(Think::Strip.answer("<think>Let me see. If"), "");
        assert_eq!(Think::Strip.answer("<think>a</think>\n<think>b"), "");
        assert_eq!(Think::Strip.answer("<think>"), "");
    }

    #[test]
    fn tags_that_a_text_is_about_stay() {
        for text in [
            "Wrap it in <think> and </think>, like this: <think>a</think>.",
            "```\n<think>\na\n</think>\n```\nThat is the form.",
            "Close the block so:\n```\n</think>\n```\nand answer.",
            "The tag `</think>`\nends it.",
            "It ends with </think>\nand then comes the answer.",
            "It ends with </think>\n\nThen comes the answer.",
            "The answer is 4.\n<think>\nWas that right?\n</think>\nYes.",
            "`<think>` begins it.",
            "<thinker>a</thinker> is no tag.",
            "I think it is 4.",
            "</think is no tag",
            "<",
        ] {
            assert_eq!(Think::Strip.answer(text), text);
        }
    }

    proptest! {
        #[test]
        fn an_answer_is_the_end_of_its_text_and_begins_with_no_block(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<think>", "</think>", "<Thinking>", "</thinking>", "[THINK]", "[/THINK]", "\n", "\r\n", " ", "`", "```\n", "é", "so", "\u{feff}",
            ]), 0..24),
        ) {
            let text = parts.concat();
            let answer = Think::Strip.answer(&text);
            prop_assert!(text.ends_with(answer));
            prop_assert_eq!(without_blocks(answer), answer);
        }
    }
}
