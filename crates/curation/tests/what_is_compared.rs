//! Texts are compared and stored in a normal form: without reasoning, and in the model's spelling of characters that people do
//! not type.

#![allow(clippy::unwrap_used, reason = "tests")]

use flywheel_base::{Reason, Route};
use flywheel_curation::{CuratedEvent, Curator};
use flywheel_event::{ContributorKey, EditEvent};
use flywheel_policy::Policy;
use serde_json::{Value, json};

fn curated_under(policy: &str, event: &Value) -> (CuratedEvent, Value) {
    let curator = Curator::new(Policy::parse(policy).unwrap(), ContributorKey::new("key"));
    let curated = curator.curate(&event.to_string(), 0).unwrap();
    let line = serde_json::from_str(&curated.line).unwrap();
    (curated, line)
}

fn curated(event: &Value) -> (CuratedEvent, Value) {
    curated_under("", event)
}

fn edit(rejected: &str, chosen: &str) -> Value {
    json!({"prompt": "Write a python function", "original_llm_output": rejected, "final_user_edit": chosen})
}

const OUTPUT: &str = "It's \"one\".\n\nThe caf\u{e9} opens at nine.\nIt closes at five.";

/// Returns the same text as editors, browsers and clients spell it.
fn respelled() -> Vec<String> {
    vec![
        OUTPUT.replace('\n', "\r\n"),
        OUTPUT.replace('\n', "\r"),
        OUTPUT.replace('\n', "\u{2028}"),
        OUTPUT.replace('\u{e9}', "e\u{301}"),
        OUTPUT.replace(" at", "\u{a0}at"),
        OUTPUT.replace('\n', " \n"),
        OUTPUT.replace('\'', "\u{2019}").replace(" \"", " \u{201c}").replace('"', "\u{201d}"),
        format!("{OUTPUT}\n"),
        format!("\n{OUTPUT} "),
        format!("\u{feff}{}\r\n", OUTPUT.replace('\n', "\r\n")),
    ]
}

#[test]
fn what_differs_in_what_people_do_not_type_is_unchanged() {
    for chosen in respelled() {
        for (rejected, chosen) in [(OUTPUT, chosen.as_str()), (chosen.as_str(), OUTPUT)] {
            let (curated, _) = curated(&edit(rejected, chosen));
            assert_eq!(curated.verdict.reasons, [Reason::Unchanged], "{chosen:?}");
            assert_eq!((curated.verdict.route, curated.verdict.similarity), (Route::Dropped, Some(1.0)));
        }
    }
}

#[test]
fn feedback_on_such_a_text_is_feedback_on_the_output() {
    for chosen in respelled() {
        let mut event = edit(OUTPUT, &chosen);
        event["kind"] = "thumbs_down".into();
        let (curated, line) = curated(&event);
        assert_eq!(curated.verdict.reasons, [Reason::Disliked], "{chosen:?}");
        assert_eq!((&line["rejected"], &line["chosen"]), (&json!(OUTPUT), &Value::Null));
        event["kind"] = "accept".into();
        let (curated, line) = curated_under("[sampling]\naccept = 1.0", &event);
        assert_eq!(curated.verdict.reasons, [Reason::Liked]);
        assert_eq!((&line["chosen"], &line["rejected"]), (&json!(OUTPUT), &Value::Null));
    }
}

#[test]
fn beside_a_change_nothing_but_the_change_is_in_the_pair() {
    let (_, expected) = curated(&edit(OUTPUT, &OUTPUT.replace("at nine", "at ten, or later,")));
    assert_eq!(expected["rejected"], OUTPUT);
    for chosen in respelled() {
        let chosen = chosen.replace("nine", "ten, or later,");
        let (curated, line) = curated(&edit(OUTPUT, &chosen));
        assert_eq!(curated.verdict.route, Route::Gold, "{chosen:?}");
        for column in ["chosen", "rejected", "similarity", "pair_id"] {
            assert_eq!(line[column], expected[column], "{column} of {chosen:?}");
        }
    }
}

#[test]
fn the_event_keeps_the_id_of_what_was_sent_and_the_pair_has_that_of_what_is_stored() {
    let sent = edit("a\nb", "a\r\nc d");
    let message = sent.to_string();
    let as_sent = EditEvent::parse(&message, None).unwrap();
    let (curated, line) = curated(&sent);
    assert_eq!(curated.event_id, as_sent.event_id);
    let stored = edit(line["rejected"].as_str().unwrap(), line["chosen"].as_str().unwrap()).to_string();
    let stored = EditEvent::parse(&stored, None).unwrap();
    assert_eq!(curated.pair_id, stored.pair_id);
    assert_ne!((&curated.pair_id, curated.event_id), (&as_sent.pair_id, stored.event_id.into_owned()));
}

#[test]
fn pairs_without_such_differences_keep_their_ids() {
    let pair_id = |rejected: &str, chosen: &str| {
        let event = edit(rejected, chosen);
        let message = event.to_string();
        let as_sent = EditEvent::parse(&message, None).unwrap();
        let (curated, _) = curated(&event);
        assert_eq!(curated.pair_id, as_sent.pair_id, "{chosen:?}");
        curated.pair_id
    };
    let pinned = "cc2ebd7ee361b72e950e2946f4b696c55718e6298fa9dce8c60ac429bc517018";
    assert_eq!(pair_id("def foo(): pass", "def calculate_tax(): return 0.2"), pinned);
    for (rejected, chosen) in [
        ("It\u{2019}s one\r\n\r\nline", "It\u{2019}s two\r\n\r\nlines"),
        ("na\u{ef}ve \u{a0}a \nb ", "na\u{ef}f \u{a0}a \nc "),
        ("    a = 'b'\n", "    a = \"b\"\n"),
        (
            "\u{3053}\u{3093}\u{306b}\u{3061}\u{306f}",
            "\u{3084}\u{3042}\u{3001}\u{3053}\u{3093}\u{306b}\u{3061}\u{306f}",
        ),
        ("So it goes \u{2014} on", "So it goes - off"),
    ] {
        pair_id(rejected, chosen);
    }
}

#[test]
fn reasoning_is_no_part_of_the_pair() {
    let thought =
        "<think>\nThey close at five, I believe, or was that on Sundays? Let me go through the week.\n</think>\n\n";
    let with = |answer: &str| format!("{thought}{answer}");
    let (rejected, chosen) = ("It closes at five.", "It closes at five on Sundays.");
    let (plain, expected) = curated(&edit(rejected, chosen));
    assert_eq!((plain.verdict.route, plain.verdict.tags.len()), (Route::Gold, 0));
    for (rejected, chosen) in [
        (with(rejected), chosen.to_owned()),
        (with(rejected), with(chosen)),
        (rejected.to_owned(), with(chosen)),
        (with(rejected).replace("<think>\n", ""), chosen.to_owned()),
        (with(rejected).replace("think>", "Thinking>"), chosen.to_owned()),
        (with(rejected).replace('\n', "\r\n"), with(chosen)),
    ] {
        let (curated, line) = curated(&edit(&rejected, &chosen));
        assert_eq!((curated.verdict.route, curated.verdict.tags), (Route::Gold, vec![Reason::ReasoningSetAside]));
        for column in ["chosen", "rejected", "similarity", "pair_id"] {
            assert_eq!(line[column], expected[column], "{column} of {rejected:?}");
        }
    }
    let (curated, _) = curated(&edit(&with(rejected), rejected));
    assert_eq!(curated.verdict.reasons, [Reason::Unchanged]);
}

#[test]
fn a_policy_can_keep_reasoning() {
    let (rejected, chosen) = ("<think>a</think>It closes at five.", "<think>a</think>It closes at six, or later.");
    let (curated, line) = curated_under("[reasoning]\nthink = \"keep\"", &edit(rejected, chosen));
    assert_eq!((curated.verdict.route, curated.verdict.tags), (Route::Gold, vec![]));
    assert_eq!((&line["chosen"], &line["rejected"]), (&json!(chosen), &json!(rejected)));
}

#[test]
fn reasoning_before_a_liked_output_is_not_replayed_and_that_of_the_prompt_stays() {
    let prompt = json!([{"role": "user", "content": "When?"}, {"role": "assistant", "content": "<think>a</think>At five."}, {"role": "user", "content": "Sure?"}]);
    let event = json!({"kind": "accept", "prompt": prompt, "original_llm_output": "<think>b</think>\nYes, at five."});
    let (curated, line) = curated_under("[sampling]\naccept = 1.0", &event);
    assert_eq!((curated.verdict.route, &line["chosen"]), (Route::Replay, &json!("Yes, at five.")));
    assert_eq!(curated.verdict.tags, [Reason::ReasoningSetAside]);
    assert_eq!(line["prompt_messages"], prompt);
}

#[test]
fn an_output_that_was_cut_off_within_its_reasoning_is_no_pair() {
    for event in [
        edit("<think>Let me see. If", "It closes at five."),
        edit("It closes at five.", "<think>Let me see. If"),
        edit("Let me see. If\n</think>\n", "It closes at five."),
    ] {
        for policy in ["", "[routes]\nreasoning_set_aside = \"review\"\nrewrite = \"gold\"\n"] {
            let (curated, _) = curated_under(policy, &event);
            assert_eq!((curated.verdict.route, curated.verdict.reasons), (Route::Dropped, vec![Reason::NoAnswer]));
        }
    }
    let event = json!({"kind": "thumbs_up", "prompt": "p", "original_llm_output": "<think>Let me see. If"});
    let (curated, _) = curated_under("[sampling]\nthumbs_up = 1.0", &event);
    assert_eq!(
        (curated.verdict.route, curated.verdict.reasons),
        (Route::Dropped, vec![Reason::NoAnswer, Reason::Liked])
    );
}

#[test]
fn without_consent_nothing_of_the_texts_is_computed() {
    let mut event = edit("<think>a</think>b\nc", "b\r\nc");
    event["consent"] = json!(false);
    let (curated, _) = curated(&event);
    assert_eq!((curated.verdict.reasons, curated.verdict.tags), (vec![Reason::NoConsent], vec![]));
}

#[test]
fn what_is_found_is_found_in_the_text_that_is_stored() {
    let event = edit(
        "Pay in 30 days.\nUse the form that we sent you.",
        "Pay in 30 days.\r\nUse the form that we sent you. \u{202e}now",
    );
    let curator = Curator::new(Policy::default(), None);
    let message = event.to_string();
    let audited = curator.audit(&message).unwrap();
    let finding = audited.verdict().findings.iter().find(|finding| finding.reason == Reason::HiddenText).unwrap();
    let span = finding.span.clone().unwrap();
    assert!(audited.event().chosen[span.bytes].contains('\u{202e}'));
}
