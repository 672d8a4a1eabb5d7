use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Vec<(Kind, &str)> {
    find(text).into_iter().map(|found| (found.kind, &text[found.bytes])).collect()
}

fn is_found(kind: Kind, text: &str, value: &str) {
    assert_eq!(found(text), [(kind, value)], "{text}");
}

fn is_clean(texts: &[&str]) {
    for text in texts {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn email_addresses() {
    for (text, value) in [
        ("Write to ann.lee+work@mail.acme.co.uk.", "ann.lee+work@mail.acme.co.uk"),
        ("<bob@acme.io>", "bob@acme.io"),
        ("mailto:bob@acme.io?subject=x", "bob@acme.io"),
        ("(o'hara@acme.ie)", "o'hara@acme.ie"),
        ("'bob@acme.io'", "bob@acme.io"),
        ("jürgen.müller@bücher.de", "jürgen.müller@bücher.de"),
        ("邮箱bob@acme.io。", "bob@acme.io"),
        ("bob@acme.io...", "bob@acme.io"),
        ("bob@acme.xn--p1ai", "bob@acme.xn--p1ai"),
        ("psql://app:pw@db.acme.io/x", "pw@db.acme.io"),
    ] {
        is_found(Kind::Email, text, value);
    }
    assert_eq!(found("a@b.co,c@d.co;e@f.co").len(), 3);
    is_clean(&[
        "@property",
        "user@host",
        "icon@2x.png",
        "react@18.2.0",
        "git@github.com:acme/app",
        "a @ b.c",
        "me@",
        "@acme.io",
        "x@y.z",
        "mod@v1.2.3",
        "name@-.io",
    ]);
}

#[test]
fn cards() {
    for (text, value) in [
        ("Pay with 4111 1111 1111 1111 please", "4111 1111 1111 1111"),
        ("4111-1111-1111-1111", "4111-1111-1111-1111"),
        ("5555555555554444", "5555555555554444"),
        ("2223003122003222", "2223003122003222"),
        ("3782 822463 10005", "3782 822463 10005"),
        ("6011111111111117.", "6011111111111117"),
        ("3530111333300000", "3530111333300000"),
        ("my card 30569309025904", "30569309025904"),
        ("card: 6304000000000000", "6304000000000000"),
    ] {
        is_found(Kind::Card, text, value);
    }
    is_clean(&[
        "4111 1111 1111 1112",     // Luhn
        "4111-1111 1111-1111",     // joined in two ways
        "30569309025904",          // no word
        "1732442400123",           // a time in milliseconds
        "0.4111111111111111",      // a decimal
        "id-4111111111111111",     // an identifier
        "41111111111111111111111", // too long
        "0000000000000000 1111111111111111",
        "9784111111111111",
    ]);
}

#[test]
fn account_numbers() {
    for value in [
        "GB82WEST12345698765432",
        "GB82 WEST 1234 5698 7654 32",
        "gb82west12345698765432",
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "CH93 0076 2011 6238 5295 7",
        "NL91ABNA0417164300",
    ] {
        is_found(Kind::Iban, &format!("IBAN: {value}, thanks"), value);
        is_found(Kind::Iban, value, value);
    }
    is_clean(&[
        "GB82WEST12345698765433", // check digits
        "GB82WEST123456987654",   // length
        "ZZ82WEST12345698765432", // country
        "xGB82WEST12345698765432",
        "GB82WEST12345698765432x",
    ]);
}

#[test]
fn social_security_numbers() {
    is_found(Kind::Ssn, "His is 856-45-6789.", "856-45-6789");
    is_found(Kind::Ssn, "SSN 856 45 6789", "856 45 6789");
    is_found(Kind::Ssn, "social security number: 856456789", "856456789");
    is_clean(&[
        "856 45 6789",
        "856456789",
        "SSN 000-45-6789",
        "SSN 666-45-6789",
        "SSN 956-45-6789",
        "SSN 856-00-6789",
        "SSN 856-45-0000",
        "078-05-1120",
        "part 1-856-45-6789",
        "856-45-6789-2",
        "A856-45-6789",
    ]);
}

#[test]
fn internet_addresses() {
    for (text, value) in [
        ("from 84.17.203.9", "84.17.203.9"),
        ("https://84.17.203.9/x", ""),
        ("84.17.203.9:8080", "84.17.203.9"),
        ("IP 23.45.67.89", "23.45.67.89"),
        ("[2a00:1450:4001:81b::200e]:443", "2a00:1450:4001:81b::200e"),
        ("6e40:4041:c617:e898:c11:40d2:c669:2eb4.", "6e40:4041:c617:e898:c11:40d2:c669:2eb4"),
    ] {
        if value.is_empty() {
            is_found(Kind::Ip, text, "84.17.203.9");
        } else {
            is_found(Kind::Ip, text, value);
        }
    }
    is_clean(&[
        "127.0.0.1",
        "10.1.2.3",
        "192.168.178.20",
        "172.16.254.1",
        "169.254.169.254",
        "192.0.2.17",
        "198.51.100.7",
        "203.0.113.9",
        "8.8.8.8",
        "1.2.3.4",
        "23.45.67.89",
        "version 84.17.203.9",
        "v84.17.203.9",
        "lib-84.17.203.9",
        "84.17.203.9.1",
        "256.17.203.9",
        "84.17.203.09",
        "1.3.101.113",
        "255.255.255.0",
        "::1",
        "fe80::1ff:fe23:4567:890a",
        "2001:db8::8a2e:370:7334",
        "fd12:3456:789a::1",
        "std::fs::File",
        "12:34:56",
        "00:1b:44:11:3a:b7",
        "00:11:22:33:44:55:66:77",
        "a::b",
        "x = dead::beef",
    ]);
}

#[test]
fn telephone_numbers() {
    for (text, value) in [
        ("+14155550132", "+14155550132"),
        ("+44 7700 900 123", "+44 7700 900 123"),
        ("+46 (0)8 928 571 38 fax", "+46 (0)8 928 571 38"),
        ("at 415-555-0132.", "415-555-0132"),
        ("(415) 555-0132", "(415) 555-0132"),
        ("415.555.0132x459", "415.555.0132x459"),
        ("001-518-640-0854", "001-518-640-0854"),
        ("03.93.92.16.85", "03.93.92.16.85"),
        ("078 8098 1119", "078 8098 1119"),
        ("(08) 8747 6301", "(08) 8747 6301"),
        ("Phone: 5403926876", "5403926876"),
        ("please call me on 9472 7916", "9472 7916"),
        ("467 3395 office", "467 3395"),
    ] {
        is_found(Kind::Phone, text, value);
    }
    is_clean(&[
        "9472 7916",
        "5403926876",
        "467 3395",
        "2024-11-24 13:51:22",
        "call on 2024-11-24",
        "24.11.2024",
        "+1000000",
        "+0 123 456 789",
        "200 300 4000",
        "0300 0315 0062",
        "+999999-12-31 23",
        "1-415-555-0132-9",
        "0.123 0.456 0.789",
        "call f(1234567, x)0",
        "ISBN 978-3-16-148410-0",
        "123e4567-e89b-12d3-a456-426614174000",
        "I could tell 1234567 stories",
        "12345-6789",
        "100 000 000",
        "desktop 1234567",
        "SET_VRING_CALL: u32 = 1074048887",
        "+1.23499999",
        "01 02 03 04 05 06 07 08",
    ]);
}

#[test]
fn matches_come_in_order_without_overlaps() {
    assert_eq!(
        found("DE89 3704 0044 0532 0130 00, 415-555-0132@acme.io, +44 7700 900 123 and 84.17.203.9"),
        [
            (Kind::Iban, "DE89 3704 0044 0532 0130 00"),
            (Kind::Email, "415-555-0132@acme.io"),
            (Kind::Phone, "+44 7700 900 123"),
            (Kind::Ip, "84.17.203.9"),
        ]
    );
}

#[test]
fn a_number_is_found_wherever_in_long_text_it_stands() {
    for offset in 0..200 {
        let text = format!("{}+44 7700 900 123{}", "x ".repeat(offset), " y".repeat(100));
        is_found(Kind::Phone, &text, "+44 7700 900 123");
        let text = format!("{}+46 (0)8 928 571 38{}", "7 more words ".repeat(offset), " y".repeat(offset));
        is_found(Kind::Phone, &text, "+46 (0)8 928 571 38");
    }
}

#[test]
fn spellings_of_a_value_have_one_identity() {
    assert_eq!(Kind::Email.identity("Bob@ACME.io"), Kind::Email.identity("bob@acme.io"));
    assert_eq!(Kind::Phone.identity("(415) 555-0132"), Kind::Phone.identity("415.555.0132"));
    assert_eq!(Kind::Card.identity("4111-1111-1111-1111"), Kind::Card.identity("4111 1111 1111 1111"));
    assert_eq!(Kind::Iban.identity("gb82west12345698765432"), Kind::Iban.identity("GB82 WEST 1234 5698 7654 32"));
    assert_eq!(Kind::Ip.identity("2A00:1450:4001:081b:0:0:0:200e"), Kind::Ip.identity("2a00:1450:4001:81b::200e"));
}

/// Texts that keep a careless search busy; the bound is that of secrets.
#[test]
fn the_work_is_linear_in_any_text() {
    for seed in [
        "1",
        "@",
        "a@",
        "a@b.co ",
        "@a.",
        "1 ",
        "12 34 ",
        "555-1234 ",
        ":",
        "1:",
        "::",
        "1::",
        "1.2.3.4 ",
        "100.2.3.4.",
        "GB82",
        "DE89 ",
        "+1 ",
        "(1",
        "call 1234567 ",
        "4111 ",
        "4111111111111111 ",
        "é@é.é",
        "-1-",
        ". . . 1",
    ] {
        let text = seed.repeat(100_000 / seed.len());
        let start = Instant::now();
        find(&text);
        assert!(start.elapsed() < Duration::from_millis(200), "{seed:?}: {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn any_text_is_searched_without_a_panic_and_places_are_on_boundaries(parts in prop::collection::vec(
        prop_oneof![
            "\\PC{0,6}",
            "[0-9 .()+-]{0,12}",
            prop::sample::select(vec!["bob@acme.io", "é", "🦀", "@", "::", "2a00:", "DE89", "call ", "x", "84.17.203.9", "\u{a0}"])
                .prop_map(str::to_owned),
        ],
        0..12,
    )) {
        let text = parts.concat();
        let found = find(&text);
        prop_assert!(found.is_sorted_by(|left, right| left.bytes.end <= right.bytes.start));
        for found in found {
            prop_assert!(text.get(found.bytes).is_some_and(|value| !value.is_empty()));
        }
    }
}
