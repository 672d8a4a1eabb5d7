//! Texts that are too short or too long to train on.

use flywheel_base::Reason;

use super::finding::Findings;
use super::subject::Texts;
use crate::AuditRules;

/// Adds [`Reason::TooShort`] or [`Reason::TooLong`] by the characters of the user's text, without surrounding white
/// space. The score is their number.
pub(super) fn inspect(texts: Texts<'_>, rules: &AuditRules, findings: &mut Findings) {
    let text = texts.chosen.trim();
    // A character has one to four bytes, so the number of bytes mostly decides.
    let is_surely_within = text.len() / 4 >= rules.min_chars && text.len() <= rules.max_chars;
    if is_surely_within {
        return;
    }
    let chars = text.chars().count();
    if chars < rules.min_chars {
        findings.add(Reason::TooShort, chars as f32, None);
    }
    if chars > rules.max_chars {
        findings.add(Reason::TooLong, chars as f32, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(chosen: &str, limits: &str) -> Vec<(Reason, f32)> {
        let rules = AuditRules::parse(&format!("[limits]\n{limits}")).unwrap();
        let mut findings = Findings::default();
        inspect(Texts { prompt: "", chosen, rejected: "" }, &rules, &mut findings);
        findings.list.into_iter().map(|finding| (finding.reason, finding.score)).collect()
    }

    #[test]
    fn characters_count_and_not_bytes() {
        assert_eq!(found("ééé", "max_chars = 3"), []);
        assert_eq!(found("éééé", "max_chars = 3"), [(Reason::TooLong, 4.0)]);
        assert_eq!(found("漢字", "min_chars = 3"), [(Reason::TooShort, 2.0)]);
        assert_eq!(found("漢字だ", "min_chars = 3"), []);
    }

    #[test]
    fn blanks_are_no_text() {
        assert_eq!(found(" \n\t", ""), [(Reason::TooShort, 0.0)]);
        assert_eq!(found(" 7 ", ""), []);
    }
}
