use super::*;
use proptest::prelude::*;

#[test]
fn a_slip_in_a_long_word_is_a_slip_and_in_a_short_one_another_word() {
    for (from, to) in
        [("recieve", "receive"), ("house", "hause"), ("teh", "the"), ("wether", "whether"), ("Naive", "naïve")]
    {
        assert!(is_misspelling(from, to) && is_same_word(to, from), "{from} {to}");
    }
    for (from, to) in
        [("cat", "car"), ("hire", "fire"), ("light", "night"), ("low", "slow"), ("he", "she"), ("import", "export")]
    {
        assert!(!is_same_word(from, to) && !is_same_word(to, from), "{from} {to}");
    }
}

#[test]
fn forms_of_a_word_are_the_word_and_not_its_misspelling() {
    for (from, to) in
        [("order", "orders"), ("stop", "stopping"), ("go", "went"), ("taking", "took"), ("schöne", "schönes")]
    {
        assert!(is_same_word(from, to) && is_same_word(to, from), "{from} {to}");
        assert!(!is_misspelling(from, to) || from == "schöne", "{from} {to}");
    }
    for (from, to) in [("car", "cart"), ("host", "hot"), ("state", "status")] {
        assert!(!is_same_word(from, to), "{from} {to}");
    }
}

#[test]
fn a_digit_is_no_slip() {
    assert!(!is_misspelling("release15000", "release15001"));
    assert!(is_misspelling("v2", "V2"));
}

#[test]
fn a_run_of_letters_is_no_word() {
    let long = "a".repeat(1 << 20);
    assert!(!is_same_word(&long, &long.replacen('a', "b", 1)));
}

proptest! {
    #[test]
    fn the_order_does_not_matter_but_for_common_words(from in "[a-eé]{1,9}", to in "[a-eé]{1,9}") {
        if !is_of_grammar(&from) && !is_of_grammar(&to) {
            prop_assert_eq!(is_same_word(&from, &to), is_same_word(&to, &from));
            prop_assert_eq!(is_misspelling(&from, &to), is_misspelling(&to, &from));
        }
    }

    #[test]
    fn the_distance_is_zero_for_equal_words_only(from in "[ab]{0,6}", to in "[ab]{0,6}") {
        let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
        prop_assert_eq!(distance(&from, &to) == 0, from == to);
        prop_assert!(distance(&from, &to) >= from.len().abs_diff(to.len()));
    }
}
