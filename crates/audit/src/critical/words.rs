//! Tables of replaced words and values, and of typos.

use flywheel_base::Reason;

use super::super::changed::Changed;
use super::super::finding::Findings;
use super::super::subject::Texts;
use super::inspect;

fn is_critical(rejected: &str, chosen: &str) -> bool {
    let mut findings = Findings::default();
    findings.add(Reason::Trivial, 1.0, None);
    inspect(&Changed::new(Texts { prompt: "", chosen, rejected }), &mut findings);
    findings.has(Reason::Critical)
}

/// Checks both directions, because a correction can be undone.
fn assert_critical(rejected: &str, chosen: &str) {
    assert!(is_critical(rejected, chosen), "{rejected} -> {chosen}");
    assert!(is_critical(chosen, rejected), "{chosen} -> {rejected}");
}

/// Labels, states and other words that a program or a reader acts on.
const PAIRS: [(&str, &str); 52] = [
    ("spam", "ham"),
    ("open", "closed"),
    ("low", "high"),
    ("positive", "negative"),
    ("pass", "fail"),
    ("hot", "cold"),
    ("buy", "sell"),
    ("hire", "fire"),
    ("male", "female"),
    ("cat", "car"),
    ("cat", "dog"),
    ("red", "green"),
    ("black", "white"),
    ("admin", "guest"),
    ("draft", "published"),
    ("pending", "shipped"),
    ("approved", "rejected"),
    ("enabled", "disabled"),
    ("on", "off"),
    ("yes", "maybe"),
    ("win", "loss"),
    ("left", "right"),
    ("east", "west"),
    ("north", "south"),
    ("up", "down"),
    ("in", "out"),
    ("new", "old"),
    ("first", "last"),
    ("asc", "desc"),
    ("import", "export"),
    ("input", "output"),
    ("include", "exclude"),
    ("internal", "external"),
    ("encode", "decode"),
    ("encrypt", "decrypt"),
    ("upload", "download"),
    ("public", "private"),
    ("debit", "credit"),
    ("push", "pull"),
    ("minor", "major"),
    ("minimal", "maximal"),
    ("lessor", "lessee"),
    ("employer", "employee"),
    ("careful", "careless"),
    ("typical", "atypical"),
    ("hypotension", "hypertension"),
    ("intranet", "internet"),
    ("benign", "malignant"),
    ("bug", "feature"),
    ("invoice", "receipt"),
    ("staging", "production"),
    ("synchronous", "asynchronous"),
];

#[test]
fn a_label_of_json_is_critical() {
    for (one, other) in PAIRS {
        let json = |label: &str| format!(r#"{{"id": "a-17", "label": "{label}", "source": "mail"}}"#);
        assert_critical(&json(one), &json(other));
    }
}

#[test]
fn a_literal_of_a_program_is_critical() {
    for (one, other) in PAIRS {
        let sql = |label: &str| format!("SELECT id, total FROM orders WHERE status = '{label}' ORDER BY id");
        assert_critical(&sql(one), &sql(other));
        let python = |label: &str| format!("rows = [row for row in rows if row.state == '{label}']");
        assert_critical(&python(one), &python(other));
        let argument = |label: &str| format!("report = render(rows, mode={label})");
        assert_critical(&argument(one), &argument(other));
    }
}

#[test]
fn a_value_behind_a_key_is_critical() {
    for (one, other) in PAIRS {
        let yaml = |label: &str| format!("name: nightly\nstate: {label}\nowner: ops\n");
        assert_critical(&yaml(one), &yaml(other));
        let toml = |label: &str| format!("[job]\nstate = \"{label}\"\n");
        assert_critical(&toml(one), &toml(other));
        let capitals = |label: &str| format!("Set the flag to {} and wait.", label.to_uppercase());
        assert_critical(&capitals(one), &capitals(other));
    }
}

#[test]
fn a_word_for_another_is_critical_in_a_sentence() {
    for (one, other) in PAIRS {
        let sentence =
            |word: &str| format!("In all, the reviewers called the case {word} without any further comment.");
        assert_critical(&sentence(one), &sentence(other));
        let quoted = |word: &str| format!("The field must hold the word “{word}” and nothing else.");
        assert_critical(&quoted(one), &quoted(other));
    }
}

#[test]
fn values_of_several_words_and_sibling_forms_are_critical() {
    for (rejected, chosen) in [
        (r#"{"state": "in progress"}"#, r#"{"state": "done"}"#),
        (r#"{"state": "on hold"}"#, r#"{"state": "sold out"}"#),
        (r#"{"risk": "very low"}"#, r#"{"risk": "low"}"#),
        (r#"["red", "blue"]"#, r#"["red", "green", "blue"]"#),
        (r#"{"table": "order"}"#, r#"{"table": "orders"}"#),
        ("kind: bug report\n", "kind: question\n"),
        ("The risk of it is low, they say.", "The risk of it is high, they say."),
        ("Deliver the parcel to the customer.", "Deliver the parcel to the neighbour."),
        ("The shop is sold out at present.", "The shop is well stocked at present."),
        ("Send the parcel from Berlin.", "Send the parcel to Berlin."),
        ("Das Fenster ist auf dem Bild offen.", "Das Fenster ist auf dem Bild geschlossen."),
        ("Окно сейчас открыто для всех.", "Окно сейчас закрыто для всех."),
        ("今天的温度很高。", "今天的温度很低。"),
        ("Marked as GET in the log.", "Marked as PUT in the log."),
        ("Her grade is an A this year.", "Her grade is an F this year."),
        ("Call us before the upload.", "Call us during the upload."),
        ("Take most of the money.", "Take half of the money."),
        ("Ask whether he signed it.", "Ask whether she signed it."),
        ("You can sign the form.", "You must sign the form."),
    ] {
        assert_critical(rejected, chosen);
    }
}

const TYPOS: [(&str, &str); 76] = [
    ("teh", "the"),
    ("adn", "and"),
    ("thsi", "this"),
    ("wiht", "with"),
    ("fro", "for"),
    ("form", "from"),
    ("tje", "the"),
    ("whem", "when"),
    ("thay", "they"),
    ("wich", "which"),
    ("recieve", "receive"),
    ("recieved", "received"),
    ("beleive", "believe"),
    ("wierd", "weird"),
    ("freind", "friend"),
    ("thier", "their"),
    ("seperate", "separate"),
    ("definately", "definitely"),
    ("definatly", "definitely"),
    ("occured", "occurred"),
    ("occurence", "occurrence"),
    ("accomodate", "accommodate"),
    ("acommodate", "accommodate"),
    ("neccessary", "necessary"),
    ("neccesary", "necessary"),
    ("untill", "until"),
    ("goverment", "government"),
    ("enviroment", "environment"),
    ("calender", "calendar"),
    ("existance", "existence"),
    ("independant", "independent"),
    ("maintainance", "maintenance"),
    ("publically", "publicly"),
    ("pronounciation", "pronunciation"),
    ("priviledge", "privilege"),
    ("succesful", "successful"),
    ("tommorow", "tomorrow"),
    ("wensday", "wednesday"),
    ("febuary", "february"),
    ("fourty", "forty"),
    ("minuets", "minutes"),
    ("whitout", "without"),
    ("dont", "don't"),
    ("wont", "won't"),
    ("its", "it's"),
    ("your", "you're"),
    ("then", "than"),
    ("is", "it"),
    ("of", "if"),
    ("at", "as"),
    ("of", "off"),
    ("loose", "lose"),
    ("affect", "effect"),
    ("accross", "across"),
    ("arives", "arrives"),
    ("begining", "beginning"),
    ("buisness", "business"),
    ("colour", "color"),
    ("organise", "organize"),
    ("centre", "center"),
    ("cancelled", "canceled"),
    ("behaviour", "behavior"),
    ("licence", "license"),
    ("has", "have"),
    ("is", "are"),
    ("a", "an"),
    ("a", "the"),
    ("which", "that"),
    ("in", "on"),
    ("run", "runs"),
    ("stop", "stopped"),
    ("use", "using"),
    ("party", "parties"),
    ("write", "wrote"),
    ("take", "taken"),
    ("goes", "went"),
];

#[test]
fn a_typo_and_a_form_of_a_word_are_trivial() {
    for (typo, word) in TYPOS {
        for sentence in [
            |word: &str| format!("As far as we know {word} old letters of theirs lay around."),
            |word: &str| format!("// as far as we know {word} old letters lie around"),
            |word: &str| format!("print(\"as far as we know {word} old letters lie around\")"),
        ] {
            let (rejected, chosen) = (sentence(typo), sentence(word));
            assert!(!is_critical(&rejected, &chosen), "{rejected} -> {chosen}");
        }
    }
}

#[test]
fn a_semicolon_far_behind_makes_no_line_of_code() {
    // About as far as the search for the line's end reaches.
    for far in 150..250 {
        let prose = |verb: &str| format!("Rinse it and {verb} {}; the rest is prose, too.", "y".repeat(far));
        let (rejected, chosen) = (prose("go"), prose("go well"));
        assert!(!is_critical(&rejected, &chosen), "{far} characters from it");
    }
}

#[test]
fn typos_in_values_and_two_at_once_are_trivial() {
    for (rejected, chosen) in [
        (r#"{"title": "Recieve a parcel"}"#, r#"{"title": "Receive a parcel"}"#),
        (r#"{"state": "recieved"}"#, r#"{"state": "received"}"#),
        ("state: aproved\n", "state: approved\n"),
        ("The “wierd” one is mine.", "The “weird” one is mine."),
        ("He recieved teh letter.", "He received the letter."),
        ("They think alot of it.", "They think a lot of it."),
        ("It is an every day affair.", "It is an everyday affair."),
        ("Salt and pepper are in the box.", "Pepper and salt are in the box."),
        ("Он пишет красивую книга.", "Он пишет красивую книгу."),
        ("他高兴地的笑。", "他高兴的地笑。"),
        ("It is the the best of all.", "It is the best of all."),
        ("Ein schönes Haus mit großen Garten.", "Ein schönes Haus mit großem Garten."),
    ] {
        assert!(!is_critical(rejected, chosen), "{rejected} -> {chosen}");
    }
}
