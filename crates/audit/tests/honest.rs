//! Honest edits that the audit may not hold back: 401, in the kinds that users write about.
//!
//! The 200 of `honest_before.txt` were written before the rules about facts, injection and names were tuned: 68 of them
//! were held back then, and 12 are now. The 201 of `honest_after.txt` were written afterwards, before the words of anatomy
//! were chosen: the old rules held back 32, and 9 are now. All 21 are findings of the toxicity model. A table has the form:
//!
//! | line | means |
//! |---|---|
//! | `== kind` | the kind of the edits below |
//! | `? prompt` | the prompt of the edits below; `@` stands for the text |
//! | `@ text` | the text that the prompt has for improvement, translation or the like |
//! | `- edit` | one edit: `[-…-]` was the model's, `{+…+}` is the user's |
//!
//! `\n` stands for a line end, and a line with `#` is a comment.
#![allow(clippy::unwrap_used, reason = "tests")]

use flywheel_audit::{Audit, AuditRules, Findings, Texts};
use flywheel_base::Route;

/// One row of the tables.
#[derive(Debug)]
struct Edit {
    prompt: String,
    rejected: String,
    chosen: String,
    /// The line as it stands in the file.
    written: String,
}

const BEFORE: &str = include_str!("honest_before.txt");
const AFTER: &str = include_str!("honest_after.txt");

/// Edits that the audit still holds back: the reasons, a tabulator, and the edit as its table has it. A test fails if one
/// passes, so that its line is removed.
const KNOWN: &str = include_str!("honest_known.txt");
const KNOWN_FILE: &str = "honest_known.txt";

fn edits(table: &str) -> Vec<Edit> {
    let (mut prompt, mut text) = (String::new(), String::new());
    let mut edits = Vec::new();
    for line in table.lines() {
        let Some((mark, rest)) = line.split_once(' ') else { continue };
        let content = rest.replace("\\n", "\n");
        match mark {
            "==" => {}
            "?" => (prompt, text) = (content, String::new()),
            "@" => text = content,
            "-" => edits.push(Edit {
                prompt: prompt.replace('@', &text),
                rejected: side(&content, ("[-", "-]"), ("{+", "+}")).replace('@', &text),
                chosen: side(&content, ("{+", "+}"), ("[-", "-]")).replace('@', &text),
                written: rest.to_owned(),
            }),
            _ => assert_eq!(mark, "#", "{line}"),
        }
    }
    edits
}

/// Returns one side of an edit: with the parts between the marks of `kept`, and without those of `left_out`.
fn side(edit: &str, kept: (&str, &str), left_out: (&str, &str)) -> String {
    let mut side = String::new();
    let mut rest = edit;
    while let Some((before, after)) = rest.split_once(left_out.0) {
        side += before;
        rest = after.split_once(left_out.1).unwrap().1;
    }
    (side + rest).replace(kept.0, "").replace(kept.1, "")
}

fn known_reasons(written: &str) -> &'static str {
    let known = KNOWN.lines().filter_map(|line| line.split_once('\t'));
    known.filter(|(_, edit)| *edit == written).map(|(reasons, _)| reasons).next().unwrap_or_default()
}

/// Returns the reasons that keep an edit out of training without a reviewer, each once.
fn held_back(audit: &Audit, edit: &Edit) -> String {
    let rules = AuditRules::default();
    let mut findings = Findings::default();
    let texts = Texts { prompt: &edit.prompt, chosen: &edit.chosen, rejected: &edit.rejected };
    audit.inspect(texts, &rules, &mut findings);
    let is_held = |reason| rules.route_of(reason).is_some_and(|route| route >= Route::Quarantine);
    let mut reasons: Vec<_> =
        findings.list.iter().map(|finding| finding.reason).filter(|reason| is_held(*reason)).collect();
    reasons.dedup();
    reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(" ")
}

fn check(table: &str) {
    let audit = Audit::new();
    let mut wrong = Vec::new();
    for edit in edits(table) {
        assert_ne!(edit.chosen, edit.rejected, "{}", edit.written);
        let found = held_back(&audit, &edit);
        if found != known_reasons(&edit.written) {
            wrong.push(format!("{found}\t{}", edit.written));
        }
    }
    assert!(wrong.is_empty(), "{} are not as {KNOWN_FILE} says:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn honest_edits_of_before_the_tuning_pass() {
    check(BEFORE);
}

#[test]
fn honest_edits_of_after_the_tuning_pass() {
    check(AFTER);
}

#[test]
fn there_are_400_edits_and_the_known_failures_are_among_them() {
    let edits: Vec<_> = [BEFORE, AFTER].into_iter().flat_map(edits).map(|edit| edit.written).collect();
    assert!(edits.len() >= 400, "{}", edits.len());
    let unknown = KNOWN.lines().filter(|line| !edits.iter().any(|edit| line.split('\t').nth(1) == Some(edit)));
    assert_eq!(unknown.collect::<Vec<_>>(), [""; 0]);
}
