//! Every reason has an example in `events/reasons` and a section in `docs/REASONS.md`, and both agree with curation.
//!
//! A new reason needs one file, `events/reasons/<code>.json`, and one section, `### \`<code>\` → <route>`. An example that needs
//! another policy than the default has it beside it, as `<code>.toml`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use flywheel_base::{Reason, Route};
use flywheel_curation::{CuratedEvent, Curator, Opinion};
use flywheel_policy::Policy;

const DOCUMENTATION: &str = include_str!("../../../docs/REASONS.md");

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Curates the example of a reason. A finding that only a judge can make comes from a stub judge.
fn example(reason: Reason) -> (CuratedEvent, Policy) {
    let code = reason.as_str();
    let read = |ending: &str| std::fs::read_to_string(repository().join(format!("events/reasons/{code}.{ending}")));
    let event = read("json").unwrap_or_else(|error| panic!("events/reasons/{code}.json: {error}"));
    assert_eq!(event.lines().count(), 1, "{code}: one line, so that `flywheel` and `curl -d @` take it");
    let policy = read("toml").map_or_else(|_| Policy::default(), |text| Policy::parse(&text).unwrap());
    let curator = Curator::new(policy.clone(), None);
    let audited = curator.audit(&event).unwrap();
    assert_eq!(audited.event().event_id, format!("example-{code}"));
    let opinion = Opinion::ALL.into_iter().find(|opinion| opinion.reason() == Some(reason));
    if opinion.is_some() {
        assert!(audited.case().is_some() && audited.verdict().findings.is_empty(), "{code}: only a judge objects");
    }
    (curator.finish(audited, opinion.as_slice(), 0).unwrap(), policy)
}

#[test]
fn each_example_is_found_for_its_reason_and_no_other() {
    for reason in Reason::ALL {
        let (CuratedEvent { verdict, .. }, policy) = example(reason);
        let found = [&verdict.reasons[..], &verdict.tags].concat();
        let route = policy.curation.route_of(reason).unwrap();
        assert_eq!((found, verdict.route), (vec![reason], route), "events/reasons/{}.json", reason.as_str());
        assert_eq!(verdict.tags.is_empty(), route != Route::Gold, "what goes to gold is a tag");
    }
}

#[test]
fn each_reason_has_a_section_that_says_where_it_goes_how_to_tune_it_and_which_example_it_has() {
    for reason in Reason::ALL {
        let code = reason.as_str();
        let destination = match Policy::default().curation.route_of(reason).unwrap() {
            Route::Gold => "a tag",
            route => route.as_str(),
        };
        let heading = format!("### `{code}` → {destination}\n");
        let Some((_, section)) = DOCUMENTATION.split_once(&heading) else {
            panic!("docs/REASONS.md has no section {heading}")
        };
        let section = section.split("\n#").next().unwrap();
        assert!(section.contains(&format!("(../events/reasons/{code}.json)")), "{code}: its example");
        let Some((_, tuning)) = section.split_once("**Tune:**") else { panic!("{code}: how to tune it") };
        assert!(!reason.is_policy() || !tuning.contains("no policy has a say"), "{code}: a policy has a say");
    }
    let sections = DOCUMENTATION.lines().filter(|line| line.starts_with("### `")).count();
    assert_eq!(sections, Reason::ALL.len(), "a section for something that is no reason");
}

#[test]
fn every_file_is_the_example_of_a_reason() {
    for entry in std::fs::read_dir(repository().join("events/reasons")).unwrap() {
        let path = entry.unwrap().path();
        let code = path.file_stem().unwrap().to_str().unwrap();
        assert!(Reason::ALL.iter().any(|reason| reason.as_str() == code), "{}", path.display());
    }
}
