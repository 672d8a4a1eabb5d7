use proptest::prelude::*;

use super::*;

fn settled(rejected: &str, chosen: &str) -> String {
    respell(rejected, chosen).map_or_else(|| chosen.to_owned(), |(text, _)| text)
}

fn names(rejected: &str, chosen: &str) -> Vec<&'static str> {
    respell(rejected, chosen).map(|(_, respelled)| respelled.names().collect()).unwrap_or_default()
}

#[test]
fn differences_that_people_do_not_type_are_none() {
    for (rejected, chosen, what) in [
        ("a\nb\nc", "a\r\nb\r\nc", "line_ends"),
        ("a\r\nb\r\nc", "a\nb\nc", "line_ends"),
        ("a\nb\nc", "a\rb\rc", "line_ends"),
        ("a\nb", "a\u{2028}b", "line_ends"),
        ("a\n\nb", "a\u{2029}\u{85}b", "line_ends"),
        ("caf\u{e9} na\u{ef}ve", "cafe\u{301} nai\u{308}ve", "composition"),
        ("cafe\u{301}", "caf\u{e9}", "composition"),
        ("\u{1100}\u{1161}", "\u{ac00}", "composition"),
        ("5 kg of it", "5\u{a0}kg of\u{202f}it", "spaces"),
        ("10\u{2007}000\u{a0}\u{20ac}", "10 000 \u{20ac}", "spaces"),
        ("a b", "a\u{2009}b", "spaces"),
        ("It's \"fine\".", "It\u{2019}s \u{201c}fine\u{201d}.", "quotes"),
        ("It\u{2019}s \u{201c}fine\u{201d}.", "It's \"fine\".", "quotes"),
        ("\u{201e}Gut\u{201c}, sagt er", "\"Gut\", sagt er", "quotes"),
        ("a\nb", "a  \nb", "white_space_at_ends"),
        ("a  \nb\t\nc", "a\nb\nc", "white_space_at_ends"),
        ("a\nb\n", "a\nb", "white_space_at_ends"),
        ("a", "a\n", "white_space_at_ends"),
        (" a", "a", "white_space_at_ends"),
        ("\n\na\nb", "a\nb", "white_space_at_ends"),
        ("    return 4", "return 4", "white_space_at_ends"),
        ("a", "\u{feff}a", "white_space_at_ends"),
        (" ", "\n", "white_space_at_ends"),
    ] {
        assert_eq!(settled(rejected, chosen), rejected, "{chosen:?}");
        assert_eq!(names(rejected, chosen), [what], "{chosen:?}");
    }
}

#[test]
fn differences_that_people_type_stay() {
    for (rejected, chosen) in [
        ("a = 'b'", "a = \"b\""),
        ("if a:\n    b", "if a:\n  b"),
        ("    a = 1\n    b = 2", "a = 1\nb = 2"),
        ("a  b", "a b"),
        ("a\tb", "a b"),
        ("a \u{2014} b", "a - b"),
        ("and so on...", "and so on\u{2026}"),
        ("\u{ab}a\u{bb}", "\"a\""),
        ("a\nb", "a b"),
        ("a\n\nb", "a\nb"),
        ("\u{3000}a\nb", "a\nb"),
        ("a\u{200b}b", "ab"),
        ("A", "a"),
        ("a", " "),
        ("", "a"),
    ] {
        assert_eq!(settled(rejected, chosen), chosen, "{rejected:?}");
    }
}

#[test]
fn beside_a_change_the_rest_keeps_the_models_spelling() {
    for (rejected, chosen, expected) in [
        ("one\ntwo\nthree\n", "one\r\n2\r\nthree\r\n", "one\n2\nthree\n"),
        ("one\r\ntwo\r\nthree", "one\n2\n\nthree", "one\r\n2\r\n\r\nthree"),
        ("one two", "uno\r\ndos", "uno\ndos"),
        ("caf\u{e9} ol\u{e9} x", "cafe\u{301} ole\u{301} nai\u{308}ve", "caf\u{e9} ol\u{e9} na\u{ef}ve"),
        ("cafe\u{301} x", "caf\u{e9} na\u{ef}ve", "cafe\u{301} nai\u{308}ve"),
        ("It's his dog.", "It\u{2019}s \u{201c}her\u{201d} cat.", "It's \"her\" cat."),
        ("It\u{2019}s his dog.", "It's \"her\" 'cat'.", "It\u{2019}s \u{201c}her\u{201d} \u{2018}cat\u{2019}."),
        (
            "\u{201e}Gut\u{201c}, sagt er.",
            "\"Gut\", sagt sie: \"Ja\".",
            "\u{201e}Gut\u{201c}, sagt sie: \u{201e}Ja\u{201c}.",
        ),
        ("It\u{2019}s the year.", "It's the '90s.", "It\u{2019}s the \u{2019}90s."),
        ("5 kg of it", "6\u{a0}kg of\u{a0}it", "6 kg of it"),
        ("5 kg of it\n", "6 kg of it", "6 kg of it\n"),
        ("a  \nb  \nc", "a\nx\nc", "a  \nx  \nc"),
        ("a\nb", "a\nb\nnew line  \nand more", "a\nb\nnew line  \nand more"),
    ] {
        assert_eq!(settled(rejected, chosen), expected, "{chosen:?}");
    }
}

#[test]
fn where_the_models_text_is_mixed_what_is_the_same_takes_its_characters() {
    for (rejected, chosen, expected) in [
        ("one\r\ntwo\nthree\r\nfour\nfive six", "one\ntwo\nthree\nfour\n5 six", "one\r\ntwo\nthree\r\nfour\n5 six"),
        ("10\u{a0}kg are 10 kg, and more", "10 kg are 10 kg, and less", "10\u{a0}kg are 10 kg, and less"),
        (
            "It's \u{201c}his\u{201d} dog, it\u{2019}s",
            "It\u{2019}s \"his\" cat, it's",
            "It's \u{201c}his\u{201d} cat, it\u{2019}s",
        ),
        ("caf\u{e9} cafe\u{301} x", "cafe\u{301} cafe\u{301} y", "caf\u{e9} cafe\u{301} y"),
        ("a\r\nb\nc", "a\nb\nc\nd e", "a\r\nb\nc\nd e"),
    ] {
        assert_eq!(settled(rejected, chosen), expected, "{chosen:?}");
    }
}

#[test]
fn what_is_added_in_the_middle_does_not_lose_the_rest() {
    let paragraph = |number: u32| format!("It\u{2019}s line {number}.\r\nIt's number {number}, and it stays.\n");
    let text: String = (0..40).map(paragraph).collect();
    let typed = (0..40).map(|number| format!("Here is what number {number} lacks. "));
    let added: String = typed.clone().collect();
    let straightened = |text: &str| text.replace('\u{2019}', "'").replace("\r\n", "\n");
    let at = text.len() / 2;
    let at = at + text[at..].find('\n').unwrap() + 1;
    let chosen = format!("So: {}{added}{} Done.", straightened(&text[..at]), straightened(&text[at..]));
    assert_eq!(
        settled(&text, &chosen),
        format!("So: {}{added}{} Done.", &text[..at], &text[at..]).trim_end().to_owned() + "\n"
    );
}

#[test]
fn in_code_a_straight_quote_is_a_correction_and_a_curly_one_the_editors() {
    let (curly, straight) = ("print(\u{201c}hi\u{201d})", "print(\"hi\")");
    assert_eq!(settled(curly, straight), straight);
    assert_eq!(settled(straight, curly), straight);
    let prose = |code: &str, quote: &str| format!("It{quote}s so:\n```py\nx = {code}\n```\nor `{code}`.");
    let of_model = prose("\u{201c}a\u{201d}", "\u{2019}");
    assert_eq!(settled(&of_model, &prose("\"a\"", "'")), prose("\"a\"", "\u{2019}"));
    let of_model = prose("\"a\"", "\u{2019}");
    assert_eq!(settled(&of_model, &prose("\u{201c}a\u{201d}", "'")), of_model);
    assert_eq!(settled(&of_model, &prose("\"b\"", "'")), prose("\"b\"", "\u{2019}"));
    let json = "{\u{201c}a\u{201d}: 1}";
    assert_eq!(settled(json, "{\"a\": 1}"), "{\"a\": 1}");
}

/// Generates texts in which everything may be spelled in several ways.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "it's",
        "it\u{2019}s",
        "\u{201c}c\u{201d}",
        "\"c\"",
        "caf\u{e9}",
        "cafe\u{301}",
        " ",
        " ",
        "\u{a0}",
        "\n",
        "\r\n",
        "\u{2028}",
        "\t",
        "  \n",
        "`",
        "```\n",
        "(",
        "=",
        "f('x')",
        "\u{ac00}",
        "\u{1100}\u{1161}",
        "\u{3000}",
        "\u{feff}",
        "'",
        "5",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

/// Returns another spelling of a text, as an editor might make it. It leaves code alone.
fn respelled_by_editor(text: &str, editor: u8) -> String {
    match editor {
        0 => text.replace("\r\n", "\n").replace('\n', "\r\n"),
        1 => text.replace(' ', "\u{a0}"),
        2 => text.replace("\u{e9}", "e\u{301}"),
        3 => text.replace('\'', "\u{2019}").replace('"', "\u{201c}"),
        4 => format!("{text} \n"),
        _ => text.replace("\r\n", "\n").replace('\n', " \n"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn whatever_an_editor_does_alone_is_unchanged(text in text(), editors in prop::collection::vec(0..6_u8, 1..4)) {
        let chosen = editors.iter().fold(text.clone(), |text, editor| respelled_by_editor(&text, *editor));
        prop_assert_eq!(settled(&text, &chosen), text);
    }

    #[test]
    fn settling_again_changes_nothing(rejected in text(), chosen in text()) {
        let once = settled(&rejected, &chosen);
        prop_assert_eq!(settled(&rejected, &once), once);
    }

    #[test]
    fn what_has_no_other_spelling_is_left_alone(rejected in "([a-z'\"-]{1,5}[ \n]{1,2}){0,6}[a-z]", chosen in "([a-z'\"-]{1,5}[ \n]{1,2}){0,6}[a-z]") {
        let (rejected, chosen) = (rejected.replace(" \n", "\n"), chosen.replace(" \n", "\n"));
        prop_assert_eq!(settled(&rejected, &chosen), chosen);
    }
}
