//! Tests of the most changed place: the counted differences, and the cost.

use super::super::changed::Changed;
use super::super::finding::Findings;
use super::super::subject::Texts;
use super::*;
use proptest::prelude::*;

/// Returns a function of forty lines, in which `line` is the twentieth.
fn program(line: &str) -> String {
    let rest = |from: usize| (from..from + 20).map(|number| format!("    step_{number}(state, buffer[{number}]);\n"));
    format!(
        "fn run(state: &mut State, buffer: &[u8]) {{\n{}    {line}\n{}}}\n",
        rest(0).collect::<String>(),
        rest(20).collect::<String>()
    )
}

fn page(sentence: &str) -> String {
    let before =
        "The parcel leaves the house on the day after the order. A message says when it is about to come. ".repeat(6);
    let after = " It can be left with a neighbour. The driver rings twice, and leaves a card behind. ".repeat(6);
    format!("{before}{sentence}{after}")
}

fn found(rejected: &str, chosen: &str) -> Findings {
    let mut findings = Findings::default();
    findings.add(Reason::Trivial, 1.0, None);
    inspect(&Changed::new(Texts { prompt: "", chosen, rejected }), &AuditRules::default(), &mut findings);
    findings
}

fn is_local(rejected: &str, chosen: &str) -> bool {
    found(rejected, chosen).has(Reason::LocalCorrection)
}

#[test]
fn a_correction_of_a_statement_counts() {
    for (rejected, chosen) in [
        ("let user = client.get_user(id);", "let user = client.users().find(id)?;"),
        ("let owned = data.load(Ordering::Acquire);", "let owned = data.load(Ordering::Relaxed);"),
        ("let rows = text.split('\\n').collect();", "let rows = text.lines().collect();"),
        ("total += price * count;", "if count == 0 {\n        return None;\n    }\n    total += price * count;"),
        ("state.flush();\n    state.close();", "state.close();"),
        ("send(message, host, port);", "send(host, port, message);"),
    ] {
        let findings = found(&program(rejected), &program(chosen));
        assert!(findings.has(Reason::LocalCorrection), "{rejected} -> {chosen}: {:?}", findings.scores);
    }
}

#[test]
fn a_flipped_operator_a_number_and_a_short_name_do_not() {
    for (rejected, chosen) in [
        ("if count > limit {", "if count >= limit {"),
        ("let last = length;", "let last = length - 1;"),
        ("let timeout = 30;", "let timeout = 14;"),
        ("let flag = true;", "let flag = false;"),
        ("let grid = make(rows, rows);", "let grid = make(rows, cols);"),
    ] {
        let findings = found(&program(rejected), &program(chosen));
        assert!(!findings.has(Reason::LocalCorrection), "{rejected} -> {chosen}: {:?}", findings.scores);
        assert!(findings.scores.region_similarity.is_some_and(|similarity| (0.94..1.0).contains(&similarity)));
    }
}

#[test]
fn slips_do_not_however_many_and_however_short_the_line() {
    for (rejected, chosen) in [
        ("// teh", "// the"),
        ("// Recieve teh mesage form thier freind.", "// Receive the message from their friend."),
        ("// alot of it, and and more", "// a lot of it, and more"),
        ("// it affect the others", "// it affects others"),
        ("let a = b;", "let  a  =  b ;"),
        ("let a = b;", "let a =\n        b;"),
    ] {
        let findings = found(&program(rejected), &program(chosen));
        assert!(!findings.has(Reason::LocalCorrection), "{rejected} -> {chosen}: {:?}", findings.scores);
    }
    assert_eq!(found(&program("// teh"), &program("// the")).scores.region_similarity, Some(1.0));
}

#[test]
fn of_prose_the_sentence_counts() {
    let sentence = "Goods can be returned within two weeks, but the buyer pays for that.";
    assert!(is_local(&page(sentence), &page("Goods can be returned at any time, and we pay for that.")));
    assert!(is_local(&page(sentence), &page("")));
    assert!(!is_local(&page(sentence), &page("Goods can be returned within six weeks, but the buyer pays for that.")));
    assert!(!is_local(&page(sentence), &page("Goods can be retruned within two weaks, but the buyer pay for that.")));
}

#[test]
fn of_a_line_without_end_what_is_near_counts() {
    let line =
        |value: &str| format!("{}\"state\":\"{value}\",{}", "\"key\":17,".repeat(200), "\"other\":18,".repeat(200));
    assert!(!is_local(&line("open"), &line("shut")));
    let similarity = found(&line("waiting for the customer to call"), &line("done")).scores.region_similarity;
    assert!(similarity.is_some_and(|similarity| similarity < 0.95), "{similarity:?}");
}

#[test]
fn the_most_changed_of_several_places_counts_and_is_named() {
    let rejected = program("a(b);\n    // teh end").replace("step_3(", "stop_3(");
    let chosen = program("let a = all_of_them(b)?;\n    // the end");
    let findings = found(&rejected, &chosen);
    let finding = findings.list.iter().find(|finding| finding.reason == Reason::LocalCorrection).unwrap();
    assert_eq!(&chosen[finding.span.clone().unwrap().bytes], "let a = all_of_them(b)?;\n    // the end");
    assert_eq!(findings.scores.region_similarity, Some(finding.score));
}

#[test]
fn only_a_trivial_edit_is_measured() {
    let mut findings = Findings::default();
    let changed = Changed::new(Texts { prompt: "", chosen: "a c", rejected: "a b" });
    inspect(&changed, &AuditRules::default(), &mut findings);
    assert!(findings.list.is_empty() && findings.scores.region_similarity.is_none());
}

#[test]
fn what_takes_too_long_is_not_measured() {
    let (old, new) = ("ab cd ".repeat(10_000), "xyz.".repeat(10_000));
    let changed = Changed::new(Texts { prompt: "", chosen: &new, rejected: &old });
    let mut findings = Findings::default();
    findings.add(Reason::Trivial, 1.0, None);
    let mut rules = AuditRules::default();
    rules.max_similarity_steps = 0;
    inspect(&changed, &rules, &mut findings);
    assert!(findings.scores.region_similarity.is_none() && !findings.has(Reason::LocalCorrection));
}

/// As in `tests/linear_time.rs`: of several tries the fastest counts, and twice the growth is allowed.
#[test]
fn four_times_as_many_places_take_four_times_as_long() {
    let text = |lines: usize, changed: &str| -> String {
        let line = |line: usize| if line.is_multiple_of(9) { changed } else { "step(7);" };
        (0..lines).map(|number| format!("{} // {number}\n", line(number))).collect()
    };
    let texts = |lines: usize| (text(lines, "let a = b;"), text(lines, "let them = all_of(b)?;"));
    let time = |(rejected, chosen): &(String, String)| {
        let start = std::time::Instant::now();
        assert!(is_local(rejected, chosen));
        start.elapsed()
    };
    let (little, much) = (texts(500), texts(2_000));
    let mut times = (time(&little), time(&much));
    for _ in 0..200 {
        if times.1 < 8 * times.0 {
            return;
        }
        times = (times.0.min(time(&little)), times.1.min(time(&much)));
    }
    panic!("{times:?}");
}

proptest! {
    #[test]
    fn no_text_is_too_odd(left in "(\\PC|not |5|\\. |。|\n){0,40}", right in "(\\PC|no |7|\\. |！|\n){0,40}") {
        let findings = found(&left, &right);
        prop_assert!(findings.scores.region_similarity.is_some_and(|share| (0.0..=1.0).contains(&share)));
    }
}
