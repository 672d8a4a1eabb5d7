use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::refusal::{Refusal, RefusalCode};

fn text(value: &str, is_mended: bool) -> Json<'_> {
    Json::Text(Text { value: Cow::Borrowed(value), is_mended })
}

fn refused(text: &str) -> (RefusalCode, Option<String>) {
    let refusal = read(text).unwrap_err();
    (refusal.code, refusal.field)
}

/// Reads a batch with the item between two good ones, and returns its items.
fn batch(item: &[u8]) -> Result<Vec<Result<Json<'static>, Refusal>>, Refusal> {
    let body = [&br#"{"events":[{"n":1},"#[..], item, br#" , {"n":2}]}"#].concat().leak();
    read_body(body, 500).map(|body| body.batch.unwrap())
}

#[test]
fn borrows_text_without_escapes_and_copies_the_rest() {
    let parsed = read(r#" {"plain":"as is","escaped":"a\nb","list":[1,-1,0.5,true,null] } "#).unwrap();
    let Json::Object(entries) = parsed else { panic!("an object was parsed") };
    assert!(
        matches!(&entries[0], (key, Json::Text(Text { value: Cow::Borrowed("as is"), .. })) if key.value == "plain")
    );
    assert!(matches!(&entries[1], (_, Json::Text(Text { value: Cow::Owned(text), .. })) if text == "a\nb"));
    let list = vec![number("1"), number("-1"), number("0.5"), Json::Bool(true), Json::Null];
    assert_eq!(entries[2].1, Json::List(list));
}

fn number(spelled: &'static str) -> Json<'static> {
    Json::Number(Cow::Borrowed(spelled))
}

fn is_near(left: f64, right: f64) -> bool {
    (left - right).abs() <= f64::EPSILON * 4.0 * left.abs().max(right.abs())
}

#[test]
fn a_whole_number_may_have_a_fraction_of_zeros() {
    for (json, expected) in [("4.0", 4), ("100.00", 100), ("0.0", 0)] {
        assert_eq!(read(json).unwrap().whole_number(), Some(expected), "{json}");
    }
    for json in ["4.5", "4.01", "-4.0", "-0.0", "4.0e1", "4e1", "18446744073709551616.0"] {
        assert_eq!(read(json).unwrap(), number(json), "{json}");
        assert_eq!(read(json).unwrap().whole_number(), None, "{json}");
    }
    assert_eq!(refused("4.").0, RefusalCode::MalformedJson);
}

#[test]
fn half_a_surrogate_pair_becomes_the_replacement_character_wherever_it_is() {
    for (json, expected) in [
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\udE00""#, "\u{fffd}"),
        (r#""a\ud83d""#, "a\u{fffd}"),
        (r#""\ud83db""#, "\u{fffd}b"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\ud83d\n""#, "\u{fffd}\n"),
        (r#""\ud83d\u0041""#, "\u{fffd}A"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
        (r#""\ud83d\ude00\ude00""#, "\u{1f600}\u{fffd}"),
    ] {
        assert_eq!(read(json).unwrap(), text(expected, true), "{json}");
    }
    assert_eq!(read(r#""\uD83D\uDE00\u00e9""#).unwrap(), text("\u{1f600}\u{e9}", false));
    assert_eq!(read("\"\u{fffd}\\ufffd\"").unwrap(), text("\u{fffd}\u{fffd}", false), "typed by a user");
    let Json::Object(entries) = read(r#"{"\ud83d":1}"#).unwrap() else { panic!("an object was parsed") };
    assert_eq!(entries[0].0, Text { value: Cow::Borrowed("\u{fffd}"), is_mended: true });
}

#[test]
fn a_fault_has_the_path_of_its_field_and_its_place() {
    let field = |name: &str| Some(name.to_owned());
    assert_eq!(refused(r#"{"a":{"b":[0,{"c":NaN}]}}"#), (RefusalCode::MalformedJson, field("a.b[1].c")));
    assert_eq!(refused(r#"{"a":"\q"}"#), (RefusalCode::MalformedJson, field("a")));
    assert_eq!(refused(r#"[[1,]]"#), (RefusalCode::MalformedJson, field("[0][1]")));
    assert_eq!(refused(r#"{"a":1,}"#), (RefusalCode::MalformedJson, None));
    assert_eq!(refused(r#"{"a":[1"#), (RefusalCode::MalformedJson, None));
    assert_eq!(read("{\"a\":\n [1,\n tru]}").unwrap_err().message, "is not valid JSON at line 3 column 2");
    assert_eq!(read("{\"a\":\n").unwrap_err().message, "the JSON ends too early, at line 2 column 1");
    let long = format!(r#"{{"{}":{}"#, "k\\n".repeat(50), r#"{"k":"#.repeat(100));
    let path = refused(&format!("{long}?")).1.unwrap();
    assert!(path.chars().count() < 120 && !path.contains('\n'), "{path}");
}

#[test]
fn nesting_is_bounded_and_within_a_batch_counted_from_the_event() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(&nested(128)).is_ok());
    assert_eq!(refused(&nested(129)).0, RefusalCode::InvalidValue);
    assert_eq!(refused(&"[".repeat(100_000)).0, RefusalCode::InvalidValue);
    assert!(batch(nested(128).as_bytes()).unwrap()[1].is_ok());
    let deep = batch(nested(100_000).as_bytes()).unwrap();
    assert_eq!(deep[1].as_ref().unwrap_err().code, RefusalCode::InvalidValue);
    assert!(deep[0].is_ok() && deep[2].is_ok());
}

#[test]
fn a_broken_event_is_passed_over_if_its_end_is_certain() {
    for broken in [
        "NaN",
        "-",
        "01",
        "'a'",
        r#""\q""#,
        r#"{"a":-Infinity}"#,
        r#"{"a":None,"b":"} \" ]"}"#,
        r#"{"a":"\ud83d\u12","b":[[]]}"#,
        r#"{"\q":1}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1,,2]}"#,
        r#"{"a":}"#,
        r#"{"a"}"#,
        r#"{"a" "b"}"#,
        r#"{a:1}"#,
        "{\"a\":\"\n\"}",
    ] {
        let items = batch(broken.as_bytes()).unwrap_or_else(|refusal| panic!("{broken}: {refusal}"));
        assert_eq!(items.len(), 3, "{broken}");
        assert_eq!(items[1].as_ref().unwrap_err().code, RefusalCode::MalformedJson, "{broken}");
        assert!(items[0].is_ok() && items[2].is_ok(), "{broken}");
    }
    for bytes in [&b"\"\xff\""[..], b"\xff", b"{\"a\":\xe9}", b"{\"a\":\"\xed\xa0\xbd\"}", b"{\"\xff\":[]}"] {
        let items = batch(bytes).unwrap();
        assert_eq!(items[1].as_ref().unwrap_err().code, RefusalCode::NotUtf8);
        assert!(items[0].is_ok() && items[2].is_ok());
    }
}

#[test]
fn a_broken_event_whose_end_is_not_certain_refuses_the_batch() {
    for broken in [
        r#"{"a":1"#,
        r#"{"a":[1}"#,
        r#"{"a":1}}"#,
        r#"{"a":1} {"b":2}"#,
        r#"{"a":NaN} {"b":2}"#,
        r#"NaN {"b":2}"#,
        r#"{"a":"1}"#,
        "",
        // Read as one event, these would refuse a good one.
        r#"{"a":"1}, {"prompt":"p"}, {"a":"2}"#,
        r#"{"a":"1}, {"prompt":"p"}, {"a":2"}"#,
        r#"{"a":1"}, {"prompt":"p"}, {"a":"2}"#,
        r#"{"a":'"'}, {"prompt":"p"}, {"a":'"'}"#,
        r#"{"a":1, {"prompt":"p"}, {"b":2}}"#,
    ] {
        assert_eq!(batch(broken.as_bytes()).unwrap_err().code, RefusalCode::MalformedJson, "{broken}");
    }
}

#[test]
fn only_the_first_list_under_events_is_a_batch() {
    let body = read_body(br#"{"other":{"events":[1]},"events":[2],"events":[3]}"#, 500).unwrap();
    assert_eq!(body.batch, Some(vec![Ok(number("2"))]));
    assert_eq!(body.value.field("events"), Some(&Json::List(vec![number("3")])));
    let body = read_body(br#"{"events":{}}"#, 500).unwrap();
    assert_eq!((body.batch, body.value.field("events")), (None, Some(&Json::Object(Vec::new()))));
    assert_eq!(read_body(br#"{"events":[NaN],"sent":NaN}"#, 500).err().unwrap().field.unwrap(), "sent");
    assert_eq!(read_body(br#"{"events":[1,NaN]}"#, 1).err().unwrap().field.unwrap(), "events[1]");
}

/// Compares with serde_json's result. Of a duplicate key serde_json keeps the last value.
fn is_same(json: &Json<'_>, value: &Value) -> bool {
    match (json, value) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(left), Value::Bool(right)) => left == right,
        (Json::Number(spelled), Value::Number(right)) => {
            let value = spelled.parse::<f64>().ok();
            match json.whole_number() {
                Some(left) => right.as_u64() == Some(left) || right.as_f64() == Some(left as f64),
                // serde_json reads a fraction and an exponent to the nearest number or the one beside it.
                None => right.as_u64().is_none() && right.as_f64().zip(value).is_some_and(|(l, r)| is_near(l, r)),
            }
        }
        (Json::Text(left), Value::String(right)) => left.value == *right && !left.is_mended,
        (Json::List(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Json::Object(left), Value::Object(right)) => {
            let last = |key: &str| left.iter().rev().find(|(name, _)| name.value == key).map(|(_, value)| value);
            left.iter().all(|(key, _)| right.contains_key(key.value.as_ref()))
                && right.iter().all(|(key, right)| last(key).is_some_and(|left| is_same(left, right)))
        }
        _ => false,
    }
}

/// Generates texts, most of them JSON.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"(\\PC|\\\\[\"\\\\/bfnrtuq]|\\\\u[0-9a-fA-F]{4}|\\\\u[dD][89a-fA-F][0-9a-f]{2}|\u{1}|\n){0,6}\"",
        "null|true|false|NaN|nul|\\+1|01|1\\.|-",
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let joined = |values: Vec<(String, String)>| {
            values.into_iter().map(|(before, value)| before + &value).collect::<Vec<_>>().join(",")
        };
        let items = prop::collection::vec(("[ \t\r\n]{0,2}", inner.clone()), 0..4).prop_map(joined);
        let members = prop::collection::vec(("\"[a-c]{0,2}\" ?: ?", inner), 0..4).prop_map(joined);
        prop_oneof![items.prop_map(|items| format!("[{items}]")), members.prop_map(|members| format!("{{{members}}}"))]
    })
}

/// Generates the same texts, half of them damaged in one place.
fn damaged(json: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let damage = prop::option::weighted(0.5, (any::<prop::sample::Index>(), 0..3_usize, "[\\[\\]{},:\"\\\\ 0a]"));
    (json, damage).prop_map(|(json, damage)| {
        let Some((place, removed, inserted)) = damage else { return json };
        let mut characters: Vec<_> = json.chars().collect();
        let place = place.index(characters.len() + 1);
        characters.splice(place..(place + removed).min(characters.len()), inserted.chars());
        characters.into_iter().collect()
    })
}

fn damaged_event() -> impl Strategy<Value = String> {
    damaged(json().prop_map(|json| format!(r#"{{"k":{json}}}"#)))
}

proptest! {
    #[test]
    fn reads_what_serde_json_reads_and_refuses_what_it_refuses(json in damaged(json())) {
        match (read(&json), serde_json::from_str::<Value>(&json)) {
            (Ok(ours), Ok(theirs)) => prop_assert!(is_same(&ours, &theirs), "{json}"),
            (Err(refusal), Ok(_)) => prop_assert!(false, "{json}: {refusal}"),
            (Ok(ours), Err(_)) => prop_assert!(ours.has_mended(), "{json}"),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn a_broken_event_never_takes_another_with_it(before in damaged_event(), after in damaged_event()) {
        // Other texts could close a list that lies around the good one.
        prop_assume!(before.starts_with('{') && after.starts_with('{'));
        let body = format!(r#"{{"events":[{before},{{"prompt":"the good one"}},{after}]}}"#);
        let Ok(Body { batch: Some(items), .. }) = read_body(body.as_bytes(), 500) else { return Ok(()) };
        let good = read(r#"{"prompt":"the good one"}"#).unwrap();
        prop_assert!(items.contains(&Ok(good)), "{body}");
    }
}

#[test]
fn the_compact_form_keeps_the_order_and_each_spelling_and_leaves_out_white_space() {
    let sent = r#" { "b" : [ 1.50 , -0, 1e400 ] , "a\u00e9\n" : { "\"" : null , "t" : true } , "" : [ ] } "#;
    let compact = r#"{"b":[1.50,-0,1e400],"aé\n":{"\"":null,"t":true},"":[]}"#;
    assert_eq!(read(sent).unwrap().compact(), compact);
    assert_eq!(read(compact).unwrap().compact(), compact);
    assert_eq!(read(sent).unwrap().into_owned(), read(compact).unwrap());
}

#[test]
fn the_plain_form_shows_texts_without_escapes() {
    let json = read(r#"{"note":"one\ntwo \"three\"","list":[1,"x"]}"#).unwrap();
    assert_eq!(json.plain(), "{\"note\":\"one\ntwo \"three\"\",\"list\":[1,\"x\"]}");
}

#[test]
fn texts_are_keys_strings_and_numbers_and_a_rewritten_number_is_a_string() {
    let mut json = read(r#"{"card":4111,"to":["bob",true,null]}"#).unwrap();
    assert_eq!(json.texts(), ["card", "4111", "to", "bob"]);
    json.rewrite(&|text| (text == "4111").then(|| "<CARD_1>".to_owned()));
    assert_eq!(json.compact(), r#"{"card":"<CARD_1>","to":["bob",true,null]}"#);
}

#[test]
fn depth_counts_lists_and_objects_within_one_another() {
    for (json, depth) in [("1", 0), ("[]", 1), (r#"{"a":[{}],"b":1}"#, 3)] {
        assert_eq!(read(json).unwrap().depth(), depth, "{json}");
    }
}

proptest! {
    #[test]
    fn the_compact_form_reads_back_as_the_same_value(json in json()) {
        if let Ok(value) = read(&json) {
            let compact = value.compact();
            let again = read(&compact).unwrap();
            prop_assert_eq!(again.compact(), compact.clone());
            prop_assert_eq!(again.texts(), value.texts());
            prop_assert!(serde_json::from_str::<Value>(&compact).is_ok() || compact.contains(['e', 'E']));
        }
    }
}
