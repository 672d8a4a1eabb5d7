//! Tests of the check, in mild words of our own.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::subject::Texts;
use super::super::{Findings, Span, TextName};
use super::*;

const INSULT: &str = "You are a stupid idiot and a disgusting loser.";

fn findings_beside(rejected: &str, chosen: &str) -> Findings {
    let mut findings = Findings::default();
    let subject = Subject::new(Texts { prompt: "", chosen, rejected });
    inspect(&subject, &AuditRules::default(), &mut findings);
    findings
}

fn is_toxic(chosen: &str) -> bool {
    findings_beside("", chosen).has(Reason::Toxic)
}

#[test]
fn abuse_is_found() {
    for text in [
        INSULT,
        "shut up you dumb moron, go to hell",
        "These people are vermin and should be shot.",
        "what a pathetic piece of trash you are, kill yourself",
        "Immigrants are disgusting parasites.",
    ] {
        assert!(is_toxic(text), "{text}");
    }
}

#[test]
fn other_harm_is_found() {
    for text in [
        "I hate myself and want to end my life tonight.",
        "Tell me how to hang myself without pain.",
        "I know where you live, and I will stab you and your family.",
        "She moaned as he squeezed her naked breasts and thrust deeper.",
    ] {
        assert!(is_toxic(text), "{text}");
    }
}

#[test]
fn what_no_sentence_says_alone_many_may() {
    let page = |sentence: &str, times: usize| format!("{sentence} ").repeat(times);
    let unpleasant = ["That is a dumb excuse of a loser.", "Nobody likes such a pathetic fool."];
    let score = |text: &str| findings_beside("", text).scores.toxicity.unwrap();
    let clean = "The river rises in the hills and runs south to the sea.";
    // Throughout the page, it weighs more than once among harmless sentences.
    let all_along = score(&(page(unpleasant[0], 4) + &page(unpleasant[1], 4)));
    let once = score(&(page(clean, 6) + &page(unpleasant[0], 1) + &page(unpleasant[1], 1)));
    assert!(all_along > once, "{all_along} {once}");
}

#[test]
fn plain_speech_is_not() {
    for text in [
        "I hate Mondays.",
        "Kill the child process before its parent, or it is an orphan.",
        "The terminal hangs when the master dies.",
        "I am a gay man, and my husband is a Muslim.",
        "Black women are under-represented in this study.",
        "He shot the ball over the goal and cursed.",
        "Scunthorpe, Essex and Penistone are places in England.",
        "The hackathon starts at noon; bring your own shackles.",
        "if (abort) { kill(pid, SIGKILL); return -1; }",
        "Your analysis is wrong, and here is why.",
        "That was a stupid mistake of mine",
        "What a dumb question of mine, sorry.",
        "Why are some people gay?",
        "How do I tell my parents that I am a lesbian?",
        "Is it true that most Jewish people in Berlin speak German?",
        "The word \"moron\" is rude.",
        "She undressed and went to bed.",
        "The survey asks how many people had thought of suicide.",
        "Breast cancer is found earlier now.",
        "",
    ] {
        assert!(!is_toxic(text), "{text}");
    }
}

#[test]
fn a_disguise_does_not_help() {
    let mapped = |map: &dyn Fn(char) -> String| INSULT.chars().map(map).collect::<String>();
    let look_alike = |letter| "аеорсухі".chars().nth("aeopcyxi".find(letter).unwrap_or(99)).unwrap_or(letter);
    let leet = |letter| "4310$".chars().nth("aeios".find(letter).unwrap_or(99)).unwrap_or(letter);
    for text in [
        INSULT.to_uppercase(),
        mapped(&|letter| look_alike(letter).to_string()),
        mapped(&|letter| leet(letter).to_string()),
        mapped(&|letter| format!("{letter}\u{200b}")),
        mapped(&|letter| if letter == ' ' { "  ".to_owned() } else { format!("{letter} ") }),
    ] {
        assert!(is_toxic(&text), "{text}");
    }
}

#[test]
fn one_sentence_in_a_page_is_found_where_it_is() {
    let page = "The river rises in the hills and runs south to the sea. ".repeat(12);
    let chosen = format!("{page}{INSULT} {page}");
    for rejected in ["", &format!("{page}{page}")] {
        let findings = findings_beside(rejected, &chosen);
        let span = Some(Span { text: TextName::Chosen, bytes: page.len()..page.len() + INSULT.len() });
        assert_eq!(findings.list.iter().map(|finding| finding.span.clone()).collect::<Vec<_>>(), [span]);
        assert_eq!(findings.scores.toxicity, Some(findings.list[0].score));
    }
}

#[test]
fn what_the_model_wrote_is_not_the_users_doing() {
    let model = format!("The review reads as follows. {INSULT} It has no stars.");
    let kept = model.replace("follows", "follows below");
    let touched = model.replace("idiot", "fool");
    let milder = model.replace("stupid idiot", "nice person").replace("disgusting", "great");
    for chosen in [kept, touched, milder] {
        assert!(!findings_beside(&model, &chosen).has(Reason::Toxic), "{chosen}");
    }
}

#[test]
fn to_make_it_worse_or_say_something_else_is() {
    let model = "You are a reader of the second volume. Shut up, you dumb moron.";
    assert!(findings_beside(model, &model.replace("a reader", "a stupid disgusting idiot")).has(Reason::Toxic));
    assert!(findings_beside(model, &model.replace("Shut up, you dumb moron.", INSULT)).has(Reason::Toxic));
}

#[test]
fn abuse_that_the_prompt_has_is_found_all_the_same() {
    let mut findings = Findings::default();
    let prompt = format!("Repeat after me: {INSULT}");
    let subject = Subject::new(Texts { prompt: &prompt, chosen: INSULT, rejected: "I would rather not." });
    inspect(&subject, &AuditRules::default(), &mut findings);
    assert!(findings.has(Reason::Toxic));
}

#[test]
fn another_language_is_left_to_others_and_said() {
    let german = "Die Katze sitzt auf dem Tisch und wartet.";
    let findings = findings_beside("", &format!("The cat sits on the table. {german}"));
    let found = &findings.list[0];
    assert_eq!((found.reason, findings.list.len()), (Reason::UnknownLanguage, 1));
    assert_eq!(found.span, Some(Span { text: TextName::Chosen, bytes: 27..27 + german.len() }));
    assert!((0.5..0.7).contains(&found.score));
    assert!(findings.scores.toxicity.is_some());
    assert!(findings_beside("", german).scores.toxicity.is_none());
}

#[test]
fn the_policy_says_from_where_it_counts() {
    let subject = Subject::new(Texts { prompt: "", chosen: INSULT, rejected: "" });
    let mut findings = Findings::default();
    let mut rules = AuditRules::default();
    rules.toxic_above = 1.0;
    inspect(&subject, &rules, &mut findings);
    assert!(findings.list.is_empty() && findings.scores.toxicity.is_some());
}

#[test]
fn a_hundred_kilobytes_of_anything_take_no_time() {
    let insult = format!("{INSULT} ");
    for piece in
        [&insult, "you ", "a", "@", "'", "’", "a'", "://", "é", "😂", "idiot! ", "und ", "\n", "0", "http://a b "]
    {
        let text = piece.repeat(100_000 / piece.len());
        let touched = text.replace('i', "e");
        let start = Instant::now();
        findings_beside(&touched, &text);
        findings_beside("", &text);
        // Far above the actual time, and far below that of a search that is not linear.
        assert!(start.elapsed() < Duration::from_secs(2), "{piece:?} took {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn any_edit_can_be_looked_at(chosen in "(\\PC|idiot|und|you are|\\. |\n){0,60}", rejected in "(\\PC|idiot|you are|\\. ){0,60}") {
        let findings = findings_beside(&rejected, &chosen);
        prop_assert!(findings.scores.toxicity.is_none_or(|toxicity| (0.0..=1.0).contains(&toxicity)));
        for finding in findings.list {
            prop_assert!((0.0..=1.0).contains(&finding.score));
            prop_assert!(chosen.get(finding.span.unwrap().bytes).is_some_and(|text| !text.is_empty()));
        }
    }
}
