//! Tokens at random of each form in the table are found wherever they stand; what only looks like one is not.

use super::checksum::Checksum;
use super::forms::{FORMS, Form, Part};
use super::letters::Letters;
use super::*;

/// Tokens of each form. The same number at every run: the seed is fixed.
const TOKENS: usize = 1000;

/// The places in which each token is searched for.
const SURROUNDINGS: [&str; 15] = [
    "{}",
    "I used {} and it worked.",
    "The value is {}.",
    "\"{}\"",
    "call('{}');",
    "{\"value\":\"{}\",\"next\":null}",
    "curl 'https://api.acme.test/v1/items?k={}&limit=5'",
    "export VALUE={}\nmake deploy",
    "X-Acme-Auth: {}\r\nAccept: */*",
    "```yaml\nvalue: {}\n```",
    "{\"log\": \"started\\n{}\\nstopped\"}",
    "https://acme.test/#v%3D{}%26w",
    "{\\u0022value\\u0022: \\u0022{}\\u0022}",
    "It is _{} now",
    "It is ...{} at last",
];

/// A generator of numbers (xorshift) with a fixed seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn run(&mut self, letters: Letters, length: usize) -> String {
        let all: Vec<u8> = (b'!'..=b'~').filter(|byte| letters.has(*byte)).collect();
        let mut run: Vec<u8> = (0..length).map(|_| all[self.below(all.len())]).collect();
        if letters == Letters::Dotted {
            // Dots join parts, which do not end or begin with them.
            for at in 0..length {
                if run[at] == b'.' && (at == 0 || at + 1 == length || run[at - 1] == b'.' || self.below(2) > 0) {
                    run[at] = b'a';
                }
            }
            for at in 1..length {
                if run[at] == b'.' && run[at - 1] == b'.' {
                    run[at] = b'b';
                }
            }
        }
        String::from_utf8(run).unwrap()
    }

    /// Draws a length; long ones add nothing.
    fn between(&mut self, min: usize, max: usize) -> usize {
        min + self.below((max - min).min(200) + 1)
    }

    /// Draws a token of a form.
    fn token(&mut self, form: &Form) -> String {
        let mut token = String::new();
        if let Some((letters, min, max)) = form.before {
            let length = self.between(min, max);
            token += &self.run(letters, length);
        }
        token += form.mark;
        for part in form.after {
            match *part {
                Part::Text(fixed) => token += fixed,
                Part::Exactly(letters, length) => token += &self.run(letters, length),
                Part::Between(letters, min, max) => {
                    let length = self.between(min, max);
                    token += &self.run(letters, length);
                }
            }
        }
        token
    }
}

/// Returns a token with a right checksum, made of one without.
fn summed(form: &Form, token: &str) -> String {
    match form.checksum.unwrap() {
        Checksum::Base62 => {
            let body: String = token[form.mark.len()..].chars().filter(char::is_ascii_alphanumeric).take(30).collect();
            format!("{}{body}{}", form.mark, Checksum::Base62.of(&body))
        }
        Checksum::Grafana => {
            let (covered, _) = token.rsplit_once('_').unwrap();
            format!("{covered}_{}", Checksum::Grafana.of(covered))
        }
        Checksum::GitLab => {
            let covered = format!("{}.01.0k", token[..form.mark.len() + 20].replace('.', "x"));
            format!("{covered}{}", Checksum::GitLab.of(&covered))
        }
    }
}

fn in_place(surrounding: &str, token: &str, form: &Form) -> String {
    let text = surrounding.replacen("{}", token, 1);
    form.near.first().map_or(text.clone(), |word| format!("# {word}\n{text}"))
}

#[test]
fn the_table_has_the_forms_of_many_issuers_and_each_form_once() {
    assert!(FORMS.len() >= 150, "{}", FORMS.len());
    let mut rules: Vec<_> = FORMS.iter().map(|form| form.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    assert!(rules.len() >= 80, "{}", rules.len());
    for (at, form) in FORMS.iter().enumerate() {
        let is_same = |other: &&Form| {
            other.mark == form.mark
                && format!("{:?}{:?}", other.after, other.near) == format!("{:?}{:?}", form.after, form.near)
        };
        assert!(!FORMS[..at].iter().any(|other| is_same(&other)), "{form:?}");
    }
}

#[test]
fn a_thousand_tokens_of_each_form_are_found_in_any_surroundings() {
    let secrets = Secrets::new();
    let mut draw = Draw(0x2545_f491_4f6c_dd1d);
    for form in FORMS {
        let mut missed = vec![];
        for at in 0..TOKENS {
            let token = draw.token(form);
            let surrounding = SURROUNDINGS[at % SURROUNDINGS.len()];
            let text = in_place(surrounding, &token, form);
            let is_found = secrets.find(&text).iter().any(|secret| {
                let value = &text[secret.bytes.clone()];
                secret.score == 1.0 && token.contains(value) && token.len() - value.len() <= 1
            });
            if !is_found {
                missed.push((surrounding, token.len()));
            }
        }
        // At most one in a thousand: a random token may hold `secret`, or what reads as words.
        assert!(
            missed.len() <= TOKENS / 1000,
            "{} {}: {} missed, such as {:?}",
            form.rule,
            form.mark,
            missed.len(),
            missed[0]
        );
    }
}

#[test]
fn a_token_with_a_right_checksum_is_found_even_if_it_looks_made_up() {
    let secrets = Secrets::new();
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    for form in FORMS.iter().filter(|form| form.checksum.is_some()) {
        for token in [draw.token(form), format!("{}{}", form.mark, "abcdefgh".repeat(9))] {
            let token = match form.checksum {
                Some(Checksum::Grafana) => format!("{}_00000000", &token[..form.mark.len() + 32]),
                _ => token,
            };
            let text = format!("It is {}.", summed(form, &token));
            assert_eq!(secrets.find(&text).len(), 1, "{} {}", form.rule, text.len());
        }
    }
}

#[test]
fn a_wrong_checksum_is_found_too_unless_the_letters_are_a_hash() {
    let mut draw = Draw(0x1234_5678_9abc_def1);
    let letters = format!("ghp_{}", draw.run(Letters::Base62, 36));
    assert_eq!(Secrets::new().find(&letters).len(), 1);
    let hash = format!("ghp_{}", draw.run(Letters::Hex, 36).to_lowercase());
    assert_eq!(Secrets::new().find(&hash), []);
}

#[test]
fn a_form_that_others_use_needs_its_issuers_name_near() {
    let secrets = Secrets::new();
    let mut draw = Draw(0xdead_beef_cafe_f00d);
    for form in FORMS.iter().filter(|form| !form.near.is_empty()) {
        let token = draw.token(form);
        assert_eq!(secrets.find(&format!("see {token} there")), [], "{}", form.rule);
        let far = format!("{}{} see {token} there", form.near[0], " word".repeat(40));
        assert_eq!(secrets.find(&far), [], "{}", form.rule);
        assert_eq!(secrets.find(&format!("{} = {token}", form.near[0].to_uppercase())).len(), 1, "{}", form.rule);
    }
}

#[test]
fn a_token_in_italics_is_found() {
    let token = format!("AIza{}", Draw(0x1357_9bdf_0246_8ace).run(Letters::Base62, 35));
    let text = format!("It is _{token}_ now");
    let found = Secrets::new().find(&text);
    assert_eq!((found.len(), &text[found[0].bytes.clone()]), (1, &token[..]));
}

#[test]
fn a_webhook_of_a_subdomain_is_found() {
    let mut draw = Draw(0x7654_3210_fedc_ba98);
    let hook = format!("discord.com/api/webhooks/{}/{}", draw.run(Letters::Digit, 18), draw.run(Letters::UrlSafe, 68));
    let text = format!("POST https://canary.{hook}?wait=true");
    let found = Secrets::new().find(&text);
    assert_eq!((found.len(), &text[found[0].bytes.clone()]), (1, &hook[..]));
}

#[test]
fn stand_ins_of_every_form_are_no_tokens() {
    let secrets = Secrets::new();
    for form in FORMS {
        for filler in
            ["x", "0", "A", "1234567890", "abcdefghijklmnopqrstuvwxyz", "your-key-here-", "EXAMPLE", "*", "<token>"]
        {
            let mut token = String::new();
            let fill = |length: usize| filler.chars().cycle().take(length).collect::<String>();
            if let Some((_, min, _)) = form.before {
                token += &fill(min);
            }
            token += form.mark;
            for part in form.after {
                token += &match *part {
                    Part::Text(fixed) => fixed.to_owned(),
                    Part::Exactly(_, length) | Part::Between(_, length, _) => fill(length),
                };
            }
            let text = in_place("It is {} in the docs.", &token, form);
            assert_eq!(secrets.find(&text), [], "{text}");
        }
        for template in ["${TOKEN}", "<token>", "{{ token }}", "$TOKEN", "...", "%s", "YOUR_TOKEN_HERE"] {
            let text = in_place("It is {} in the docs.", &format!("{}{template}", form.mark), form);
            assert_eq!(secrets.find(&text), [], "{text}");
        }
    }
}

#[test]
fn a_bearer_token_is_found_at_any_length_that_servers_take() {
    let secrets = Secrets::new();
    let mut draw = Draw(0x0f0f_1234_aaaa_5555);
    for length in [20, 40, 500, 2047, 2048, 2049, 4096, 8000, 16_000] {
        for letters in [Letters::Base62, Letters::UrlSafe, Letters::Base64, Letters::Hex] {
            for _ in 0..50 {
                let token = draw.run(letters, length);
                let text = format!("curl -H 'Authorization: Bearer {token}' https://api.acme.test");
                let found = secrets.find(&text);
                assert_eq!(found.len(), 1, "{letters:?} {length}");
                assert_eq!(&text[found[0].bytes.clone()], token);
            }
        }
    }
    let jwt = format!(
        "eyJ{}.eyJ{}.{}",
        draw.run(Letters::Base62, 33),
        draw.run(Letters::Base62, 9000),
        draw.run(Letters::UrlSafe, 43)
    );
    assert_eq!(secrets.find(&format!("Authorization: Bearer {jwt}"))[0].bytes.len(), jwt.len());
}

#[test]
#[ignore = "needs ../shared/data: make test-data"]
fn clean_texts_hold_no_credentials() {
    // 64,746 texts of edits, posts, documentation and code, 11 MB: none when last measured.
    let secrets = Secrets::new();
    let (mut texts, mut found) = (0, vec![]);
    for file in [
        "dev/benign_mixed.jsonl",
        "dev/pii_presidio_synth.jsonl",
        "dev/prompt_injection_pos.jsonl",
        "dev/refusal_xstest_gpt4_llama.jsonl",
        "dev/tox_davidson_8k.jsonl",
        "dev/tox_toxic_spans_pos.jsonl",
        "dev/tox_toxigen_safenlp.jsonl",
        "dev/tox_wiki_talk.jsonl",
        "edits/defacto_trainval.jsonl",
        "edits/ilf_code.jsonl",
        "edits/lamp_partial.jsonl",
        "edits/mlqe_pe_sample.jsonl",
    ] {
        for record in crate::measured::records(file) {
            for text in record.as_object().unwrap().values().filter_map(|value| value.as_str()) {
                texts += 1;
                found.extend(secrets.find(text).into_iter().map(|secret| (file, secret.rule)));
            }
        }
    }
    println!("{texts} texts: {found:?}");
    assert_eq!(found, []);
}

/// Lines of honest text: placeholders, links, hashes, ids, code.
const LOOK_ALIKES: &str = include_str!("look_alikes.txt");

#[test]
fn honest_look_alikes_are_no_credentials() {
    let secrets = Secrets::new();
    let lines: Vec<_> = LOOK_ALIKES.lines().filter(|line| !line.is_empty() && !line.starts_with("## ")).collect();
    assert!(lines.len() >= 100, "{}", lines.len());
    let found: Vec<_> =
        lines.iter().flat_map(|line| secrets.find(line).into_iter().map(move |secret| (secret.rule, line))).collect();
    assert_eq!(found, []);
    assert_eq!(secrets.find(LOOK_ALIKES), []);
}
