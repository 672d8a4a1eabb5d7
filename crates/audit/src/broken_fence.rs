//! Code that does not end: a fence that the user's text opens and does not close.

use flywheel_base::Reason;
use flywheel_text::code::Fenced;

use super::finding::Findings;
use super::subject::Texts;

/// Adds [`Reason::BrokenFence`] at the open fence, if the model's text has none.
pub(super) fn inspect(texts: Texts<'_>, findings: &mut Findings) {
    let Some(open) = Fenced::new(texts.chosen).open else { return };
    if Fenced::new(texts.rejected).open.is_none() {
        findings.in_chosen(Reason::BrokenFence, 1.0, open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rejected: &str, chosen: &str) -> Vec<(usize, usize)> {
        let mut findings = Findings::default();
        inspect(Texts { prompt: "", chosen, rejected }, &mut findings);
        assert!(findings.list.iter().all(|finding| finding.reason == Reason::BrokenFence));
        let places = findings.list.into_iter().map(|finding| finding.span.unwrap().bytes);
        places.map(|bytes| (bytes.start, bytes.end)).collect()
    }

    #[test]
    fn a_fence_that_lost_its_end_is_found() {
        let whole = "Run this:\n```sh\nmake\n```\n";
        assert_eq!(found(whole, "Run this:\n```sh\nmake\n"), [(10, 13)]);
        assert_eq!(found(whole, "~~~\nmake\n```\n"), [(0, 3)]);
        assert_eq!(found(whole, "````\nmake\n```\n"), [(0, 4)]);
        assert_eq!(found(whole, "1. é\n    ```\n    make\n"), [(10, 13)]);
        assert_eq!(found(whole, "- ```\n  make\n  ```\n  ```\n"), [(21, 24)]);
    }

    #[test]
    fn a_fence_that_ends_is_not() {
        for chosen in [
            "```\nmake\n```",
            "> ```\n> make\n> ```",
            "````md\n```\n````",
            "1. ```sh\n   make\n   ```\n2) ~~~\n   run\n   ~~~\n+ ```\n  ```",
            "```not a block``` but code",
            "a `tick`, ```three``` within a line",
            "~~~\n```\n~~~",
            "~struck~ ~~through~~",
        ] {
            assert!(found("whole", chosen).is_empty(), "{chosen}");
        }
    }

    #[test]
    fn what_the_model_left_open_is_not_the_users() {
        assert!(found("```\nmake", "```\nmake all").is_empty());
    }
}
