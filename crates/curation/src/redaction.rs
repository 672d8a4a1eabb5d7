//! Redaction: personal data becomes placeholders before anything is judged or written.
//!
//! The same value becomes the same placeholder in the prompt, in both texts, in the comment and in the context. So the
//! pair still shows the user's change: redacted in one text only, an address would read as an edit. A value found in
//! one text is therefore searched for in all of them, in any grouping. Redaction repeats until it finds nothing more.
//!
//! Three things are not redacted: `event_id`, which is the client's idempotency key and must come back as it was sent,
//! the context's keys, and the names of models. Clients are told not to put personal data there.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use flywheel_audit::{
    Findings, Span, TextName,
    personal_data::{Kind, Match, find, find_known, without_overlaps},
};
use flywheel_base::Reason;
use flywheel_event::{ContributorKey, EditEvent};
use memchr::{memchr, memchr_iter};

use crate::rules::CurationRules;
use crate::verdict::is_dropped_unread;

/// The maximum number of rounds. A placeholder may turn its neighbour into a value of its own, which takes another
/// round. Text that goes on for longer is not natural.
const MAX_ROUNDS: usize = 8;

/// Replaces the personal data of an event and records the replacements: for each value its rule, its first placeholder,
/// and the number of values. Without personal data it costs one search of the texts.
///
/// An event with a credential is dropped with its texts. There is nothing to redact, and the finding's span stays
/// valid.
pub(crate) fn redact(
    event: &mut EditEvent<'_>,
    rules: &CurationRules,
    key: Option<&ContributorKey>,
    findings: &mut Findings,
) {
    if rules.route_of(Reason::PersonalData).is_none() {
        return;
    }
    pseudonymise(&mut event.thread_id, key);
    pseudonymise(&mut event.response_id, key);
    let is_dropped =
        is_dropped_unread(event, rules) || findings.list.iter().any(|finding| finding.reason == Reason::Secret);
    if is_dropped || event.texts().all(|text| find(text).is_empty()) {
        return;
    }
    let mut placeholders = Placeholders::avoiding(event.texts());
    for _ in 0..MAX_ROUNDS {
        if !placeholders.learn(event.texts()) {
            break;
        }
        event.rewrite(|text| placeholders.replaced(text));
    }
    placeholders.report(event, findings);
}

/// Replaces an id that is a person's address or number by a keyed hash, or removes it, as for contributors' ids. A
/// thread's id joins the lines of a conversation. A placeholder has a meaning within one event only, and would join
/// strangers.
///
/// Ids of digits alone are ids, not cards. A `response_id` joins the revisions of one output in the same way.
fn pseudonymise(id: &mut Option<Cow<'_, str>>, key: Option<&ContributorKey>) {
    let Some(text) = id.as_deref() else { return };
    if find(text).iter().any(|found| found.kind != Kind::Card) {
        *id = key.map(|key| Cow::Owned(key.pseudonym(text)));
    }
}

/// The values of one event, and their placeholders.
struct Placeholders {
    /// The number of each value: by kind, then by identity.
    numbers: [HashMap<String, usize>; Kind::ALL.len()],
    /// Placeholders in the event's own texts, which would be confused with ours.
    taken: HashSet<(Kind, usize)>,
    /// The last number of each kind.
    last: [usize; Kind::ALL.len()],
}

impl Placeholders {
    fn avoiding<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let taken = texts.flat_map(placeholders_in).map(|(placeholder, _)| placeholder).collect();
        Self { numbers: Kind::ALL.map(|_| HashMap::new()), taken, last: [0; Kind::ALL.len()] }
    }

    /// Numbers the values in order of their first appearance. Returns `true` if there is anything to replace.
    fn learn<'t>(&mut self, texts: impl Iterator<Item = &'t str>) -> bool {
        let mut is_any = false;
        for text in texts {
            for Match { kind, bytes } in find(text) {
                is_any = true;
                let identity = kind.identity(&text[bytes]);
                if self.numbers[kind as usize].contains_key(&identity) {
                    continue;
                }
                let last = &mut self.last[kind as usize];
                *last += 1;
                while self.taken.contains(&(kind, *last)) {
                    *last += 1;
                }
                self.numbers[kind as usize].insert(identity, *last);
            }
        }
        is_any
    }

    /// Returns the text with placeholders, if it holds any value.
    fn replaced(&self, text: &str) -> Option<String> {
        let mut found = find(text);
        find_known(text, |value| self.kind_of_number(value), &mut found);
        let found = without_overlaps(found);
        let mut replaced = String::with_capacity(text.len());
        let mut end = 0;
        for Match { kind, bytes } in &found {
            let Some(number) = self.numbers[*kind as usize].get(&kind.identity(&text[bytes.clone()])) else { continue };
            replaced.push_str(&text[end..bytes.start]);
            // Writing to a string cannot fail.
            let _ = write!(replaced, "<{}_{number}>", kind.as_str());
            end = bytes.end;
        }
        replaced.push_str(&text[end..]);
        (end > 0).then_some(replaced)
    }

    /// Returns the kind of a number, if one of the texts has it.
    fn kind_of_number(&self, value: &str) -> Option<Kind> {
        let is_known = |kind: &Kind| self.numbers[*kind as usize].contains_key(value);
        [Kind::Phone, Kind::Card, Kind::Ssn, Kind::Ip].into_iter().find(is_known)
    }

    fn report(&self, event: &EditEvent<'_>, findings: &mut Findings) {
        let mut places: HashMap<(Kind, usize), Span> = HashMap::new();
        let texts = [
            (TextName::Prompt, event.prompt.text()),
            (TextName::Rejected, event.rejected.as_ref()),
            (TextName::Chosen, event.chosen.as_ref()),
        ];
        for (name, text) in texts {
            for (placeholder, bytes) in placeholders_in(text) {
                places.entry(placeholder).or_insert(Span { text: name, bytes });
            }
        }
        let numbers_of = |kind: Kind| self.numbers[kind as usize].values().map(move |number| (kind, *number));
        let mut values: Vec<_> = Kind::ALL.into_iter().flat_map(numbers_of).collect();
        values.sort_unstable();
        for value in &values {
            let score = values.len() as f32;
            findings.by_rule(Reason::PersonalData, value.0.rule(), score, places.remove(value));
        }
    }
}

/// Returns the placeholders in a text, of any author, and their places.
fn placeholders_in(text: &str) -> impl Iterator<Item = ((Kind, usize), Range<usize>)> {
    /// The length of `<EMAIL_` with as many digits as a number of values can have.
    const MAX: usize = 24;
    memchr_iter(b'<', text.as_bytes()).filter_map(|start| {
        let inner = &text.as_bytes()[start + 1..text.len().min(start + MAX)];
        let inner = str::from_utf8(&inner[..memchr(b'>', inner)?]).ok()?;
        let (name, number) = inner.split_once('_')?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name)?;
        Some(((kind, number.parse().ok()?), start..start + inner.len() + 2))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use flywheel_base::Route;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::curator::{CuratedEvent, Curator};

    fn redacted(event: &Value) -> (EditEvent<'static>, Findings) {
        let message: &'static str = Box::leak(event.to_string().into_boxed_str());
        let mut event = EditEvent::parse(message, None).unwrap();
        let mut findings = Findings::default();
        redact(&mut event, &CurationRules::default(), ContributorKey::new("key").as_ref(), &mut findings);
        (event, findings)
    }

    fn event(prompt: &str, rejected: &str, chosen: &str) -> Value {
        json!({"prompt": prompt, "original_llm_output": rejected, "final_user_edit": chosen})
    }

    fn curated(event: &Value, policy: &str) -> (CuratedEvent, Value) {
        let curator = Curator::new(CurationRules::parse(policy).unwrap(), ContributorKey::new("key"));
        let curated = curator.curate(&event.to_string(), 0).unwrap();
        let line = serde_json::from_str(&curated.line).unwrap();
        (curated, line)
    }

    #[test]
    fn a_value_has_one_placeholder_in_every_text_however_it_is_spelled() {
        let (curated, line) = curated(
            &json!({
                "prompt": [
                    {"role": "system", "content": "Answer Bob@acme.io, card 4111-1111-1111-1111."},
                    {"role": "user", "content": "My number is (415) 555-0132, from 84.17.203.9"},
                ],
                "original_llm_output": "Dear bob@acme.io, we call 415.555.0132. Or eve@acme.io.",
                "final_user_edit": "Dear BOB@ACME.IO, we will not call 4155550132 but charge 4111 1111 1111 1111.",
                "context": {"account": "DE89370400440532013000", "customer": "bob@acme.io", "tenant": "acme"},
            }),
            "",
        );
        assert_eq!(
            line["prompt_messages"],
            json!([
                {"role": "system", "content": "Answer <EMAIL_1>, card <CARD_1>."},
                {"role": "user", "content": "My number is <PHONE_1>, from <IP_1>"},
            ])
        );
        assert_eq!(
            line["prompt"],
            "system: Answer <EMAIL_1>, card <CARD_1>.\n\nuser: My number is <PHONE_1>, from <IP_1>"
        );
        assert_eq!(line["rejected"], "Dear <EMAIL_1>, we call <PHONE_1>. Or <EMAIL_2>.");
        assert_eq!(line["chosen"], "Dear <EMAIL_1>, we will not call <PHONE_1> but charge <CARD_1>.");
        assert_eq!(
            line["context"],
            json!([
                {"key": "account", "value": "<IBAN_1>"},
                {"key": "customer", "value": "<EMAIL_1>"},
                {"key": "tenant", "value": "acme"},
            ])
        );
        assert_eq!(line["tags"], json!(["personal_data"]));
        assert_eq!(curated.verdict.route, Route::Gold);
    }

    #[test]
    fn a_finding_for_each_value_names_its_rule_and_its_first_placeholder() {
        let (event, findings) =
            redacted(&event("Hi bob@acme.io", "Call 415-555-0132!", "SSN 856-45-6789, bob@acme.io"));
        let texts = [event.prompt.text(), &event.chosen, &event.rejected];
        let found: Vec<_> = findings
            .list
            .iter()
            .map(|finding| {
                let Span { text, bytes } = finding.span.clone().unwrap();
                (finding.rule.unwrap(), finding.score, text, &texts[text as usize][bytes])
            })
            .collect();
        assert_eq!(
            found,
            [
                ("email", 3.0, TextName::Prompt, "<EMAIL_1>"),
                ("phone", 3.0, TextName::Rejected, "<PHONE_1>"),
                ("ssn", 3.0, TextName::Chosen, "<SSN_1>"),
            ]
        );
        assert!(findings.list.iter().all(|finding| finding.reason == Reason::PersonalData));
    }

    #[test]
    fn the_pair_is_that_of_the_redacted_texts_and_the_event_keeps_its_id() {
        let sent = event("Write to bob@acme.io", "Dear Bob,", "Dear Mr Bob, bob@acme.io,");
        let (redacted, _) = redacted(&sent);
        let original = sent.to_string();
        let original = EditEvent::parse(&original, None).unwrap();
        assert_eq!(redacted.event_id, original.event_id);
        let same = event("Write to <EMAIL_1>", "Dear Bob,", "Dear Mr Bob, <EMAIL_1>,").to_string();
        assert_eq!(redacted.pair_id, EditEvent::parse(&same, None).unwrap().pair_id);
        assert_ne!(redacted.pair_id, original.pair_id);
    }

    #[test]
    fn what_is_the_same_once_redacted_is_unchanged() {
        let (curated, line) = curated(&event("p", "Ask Bob@acme.io about it", "Ask bob@ACME.io about it"), "");
        assert_eq!((curated.verdict.route, curated.verdict.reasons), (Route::Dropped, vec![Reason::Unchanged]));
        assert_eq!(line["chosen"], Value::Null);
    }

    #[test]
    fn placeholders_that_a_text_has_of_its_own_are_nobodys() {
        let (event, findings) =
            redacted(&event("Keep <EMAIL_1> and <EMAIL_3>", "a@acme.io b@acme.io", "c@acme.io <PHONE_1>"));
        assert_eq!(event.prompt.text(), "Keep <EMAIL_1> and <EMAIL_3>");
        assert_eq!((&*event.rejected, &*event.chosen), ("<EMAIL_2> <EMAIL_4>", "<EMAIL_5> <PHONE_1>"));
        assert!(findings.list.iter().all(|finding| finding.rule == Some("email")));
    }

    #[test]
    fn text_without_personal_data_stays_as_it_is() {
        let sent = event("a", "b", "c <EMAIL_1>").to_string();
        let original = EditEvent::parse(&sent, None).unwrap();
        let mut event = original.clone();
        let mut findings = Findings::default();
        redact(&mut event, &CurationRules::default(), None, &mut findings);
        assert_eq!(event, original);
        assert!(findings.list.is_empty());
    }

    #[test]
    fn a_policy_can_switch_it_off() {
        let mut event = event("bob@acme.io", "Dear Bob", "Dear bob@acme.io");
        event["thread_id"] = "bob@acme.io".into();
        let (curated, line) = curated(&event, "[routes]\npersonal_data = \"off\"");
        assert_eq!((line["prompt"].as_str(), line["thread_id"].as_str()), (Some("bob@acme.io"), Some("bob@acme.io")));
        assert!(!curated.verdict.tags.contains(&Reason::PersonalData));
    }

    #[test]
    fn a_policy_can_send_it_elsewhere_and_it_is_still_redacted() {
        let sent = event("bob@acme.io", "Dear Bob, hello", "Dear bob@acme.io");
        let (curated, line) = curated(&sent, "[routes]\npersonal_data = \"review\"");
        assert_eq!((curated.verdict.route, &line["prompt"]), (Route::Review, &json!("<EMAIL_1>")));
    }

    #[test]
    fn a_thread_that_is_somebodys_address_is_kept_as_a_keyed_hash_or_not_at_all() {
        let mut sent = event("p", "The quick brown fox", "The slow brown fox");
        let thread_of = |sent: &Value, key: Option<ContributorKey>| {
            let curator = Curator::new(CurationRules::default(), key);
            serde_json::from_str::<Value>(&curator.curate(&sent.to_string(), 0).unwrap().line).unwrap()["thread_id"]
                .clone()
        };
        for thread in ["bob@acme.io", "whatsapp:+14155550132"] {
            sent["thread_id"] = thread.into();
            let pseudonym = ContributorKey::new("key").unwrap().pseudonym(thread);
            assert_eq!(thread_of(&sent, ContributorKey::new("key")), json!(pseudonym));
            assert_eq!(thread_of(&sent, None), Value::Null);
        }
        for thread in ["t-1", "4111111111111111", "6f1c2d3e-1111-2222-3333-444455556666", "2024-11-24 13:51:22.123"] {
            sent["thread_id"] = thread.into();
            assert_eq!(thread_of(&sent, None), json!(thread));
        }
    }

    #[test]
    fn an_event_with_a_secret_is_dropped_without_its_texts_and_context() {
        let secret = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        for field in ["prompt", "original_llm_output", "final_user_edit", "context"] {
            let mut sent = event("Write to bob@acme.io", "The quick brown fox", "The slow brown fox");
            sent["context"] = json!({"tenant": "acme"});
            match field {
                "context" => sent["context"]["key"] = secret.clone().into(),
                _ => sent[field] = format!("{} {secret}", sent[field].as_str().unwrap()).into(),
            }
            let (curated, line) = curated(&sent, "");
            assert_eq!((curated.verdict.route, &curated.verdict.reasons[..]), (Route::Dropped, &[Reason::Secret][..]));
            assert!(!curated.line.contains("ghp_") && !curated.line.contains("bob@"), "{}", curated.line);
            assert_eq!((&line["prompt"], &line["context"]), (&Value::Null, &json!([])));
            let finding = &curated.verdict.findings[0];
            assert_eq!((finding.rule, finding.score), (Some("github_token"), 1.0));
            if let Some(Span { text, bytes }) = &finding.span {
                let text = sent[["prompt", "final_user_edit", "original_llm_output"][*text as usize]].as_str().unwrap();
                assert_eq!(text[bytes.clone()], secret);
            }
        }
    }

    #[test]
    fn secrets_are_not_looked_for_where_a_policy_says_so_and_passwords_in_urls_are_found_as_such() {
        let sent = event("p", "Connect to the database", "Connect to postgres://app:s3crQx9z@db.acme.io/x now");
        assert_eq!(curated(&sent, "").0.verdict.reasons, [Reason::Secret]);
        let (curated, line) = curated(&sent, "[routes]\nsecret = \"off\"");
        assert_eq!(curated.verdict.tags, [Reason::PersonalData]);
        assert_eq!(line["chosen"], "Connect to postgres://app:<EMAIL_1>/x now");
    }

    /// As for the searches: far above the actual time (2 to 60 ms), far below that of a quadratic algorithm.
    #[test]
    fn the_work_is_linear_in_any_text() {
        let numbered = |text: &dyn Fn(usize) -> String| (0..5000).map(text).collect::<String>();
        for prompt in [
            numbered(&|index| format!("a{index}@acme.io ")),
            numbered(&|index| format!("+44 7700 {index:06} ")),
            numbered(&|index| format!("<EMAIL_{index}>")) + "bob@acme.io",
            "1 2 3 ".repeat(15_000) + "bob@acme.io, call 1231231",
            "bob@acme.io".repeat(9000),
            "84.17.203.9.".repeat(8000),
        ] {
            let start = std::time::Instant::now();
            redacted(&event(&prompt, "a", "b"));
            assert!(
                start.elapsed() < std::time::Duration::from_millis(800),
                "{}: {:?}",
                &prompt[..20],
                start.elapsed()
            );
        }
    }

    const VALUES: [&str; 18] = [
        "bob@acme.io",
        "Bob@Acme.IO",
        "eve.lee@mail.acme.co.uk",
        "(415) 555-0132",
        "415-555-0132",
        "4155550132",
        "+14155550132",
        "+44 7700 900 123",
        "4111 1111 1111 1111",
        "4111111111111111",
        "856-45-6789",
        "SSN 856456789",
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "84.17.203.9",
        "version 84.17.203.9",
        "2a00:1450:4001:81b::200e",
        "call 9472 7916",
    ];

    fn text() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            3 => prop::sample::select(VALUES.to_vec()).prop_map(str::to_owned),
            1 => prop::sample::select(vec!["<EMAIL_1>", "<PHONE_2>", "<", ">", "@", "é", "9472 7916", "x", "-", ":"])
                .prop_map(str::to_owned),
            1 => "[0-9 .()+-]{1,9}",
            1 => "[a-z@.]{1,9}",
        ];
        let joint = prop::sample::select(vec![" ", ", ", "\n", "", "-", ".", "/"]);
        prop::collection::vec((part, joint), 1..9)
            .prop_map(|parts| parts.into_iter().map(|(part, joint)| part + joint).collect())
    }

    proptest! {
        #[test]
        fn no_value_is_left_anywhere_and_redacting_again_changes_nothing(
            prompt in text(), rejected in text(), chosen in text(), context in text(),
        ) {
            prop_assume!(rejected != chosen);
            let mut sent = event(&prompt, &rejected, &chosen);
            sent["context"] = json!({"a": context.chars().take(200).collect::<String>()});
            let (event, findings) = redacted(&sent);
            for text in event.texts() {
                prop_assert!(find(text).is_empty(), "{:?}", text);
            }
            // No spelling of a value found in one text is left in another.
            let original = sent.to_string();
            let original = EditEvent::parse(&original, None).unwrap();
            let values: BTreeSet<_> = original
                .texts()
                .flat_map(|text| find(text).into_iter().map(|found| (found.kind, found.kind.identity(&text[found.bytes]))))
                .collect();
            for text in event.texts() {
                let mut left = Vec::new();
                let kind_of = |value: &str| Kind::ALL.into_iter().find(|kind| values.contains(&(*kind, value.to_owned())));
                find_known(text, kind_of, &mut left);
                prop_assert!(left.is_empty(), "{:?} in {:?}", left, text);
                for (_, value) in values.iter().filter(|(kind, _)| *kind == Kind::Email) {
                    prop_assert!(!text.to_ascii_lowercase().contains(value), "{} in {}", value, text);
                }
            }
            prop_assert!(findings.list.len() >= values.len());
            let mut again = event.clone();
            let mut none = Findings::default();
            redact(&mut again, &CurationRules::default(), None, &mut none);
            prop_assert_eq!(&again, &event);
            prop_assert!(none.list.is_empty());
        }
    }
}
