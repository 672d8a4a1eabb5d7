//! Texts of others on the operator's terminal: nothing in them acts on it, or hides on it.

#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(dead_code, reason = "shared by tests that use parts of it")]
mod lake;

use lake::Lake;

/// An escape sequence, a change of direction, and characters without width.
const ACTING: &str = "a\u{1b}[31mb\u{202e}c\u{200b}d\u{9b}e\u{feff}f\u{2066}g\u{ad}h\u{e0041}i";

fn acts(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).unwrap();
    ACTING
        .chars()
        .filter(|character| !character.is_ascii_alphanumeric() && *character != '[')
        .any(|character| text.contains(character))
}

#[test]
fn no_stored_text_and_no_argument_acts_on_the_terminal() {
    let lake = Lake::new();
    std::fs::write(lake.folder().join("policy.toml"), format!("[audit]\n\"{ACTING}\" = 1\n")).unwrap();
    let policy = lake.folder().join("policy.toml");
    let by_hand = ["--by", ACTING, "--why", ACTING];
    let opened = lake.flywheel(&[&["breaker", "open", "--yes"][..], &by_hand].concat());
    assert!(opened.status.success(), "{}", lake::stderr(&opened));
    let policy = policy.to_str().unwrap();
    let commands: [&[&str]; 8] = [
        &["breaker", "status"],
        &["breaker", "status", "--json"],
        &["breaker", "open", "--why", ACTING, "--by", ACTING],
        &["rollback", "--to", "1", "--why", ACTING, "--by", ACTING, "--policy", policy],
        &["rollback", "--to", ACTING, "--why", "x"],
        &["release", "--event", ACTING, "--why", "x", "--by", "kim", "--yes"],
        &["exclude", "--reason", ACTING, "--why", "x", "--by", "kim", "--yes"],
        &["demote", "--to", ACTING, "--why", "x"],
    ];
    for arguments in commands {
        let output = lake.flywheel(arguments);
        assert!(!acts(&output.stdout) && !acts(&output.stderr), "{arguments:?}: {output:?}");
        assert!(output.stdout.len() + output.stderr.len() > 10);
    }
    let told = lake.json(&["breaker", "status"]);
    assert_eq!(told["changes"][0]["cause"]["why"], ACTING, "as JSON it is the same text: {told}");
}
