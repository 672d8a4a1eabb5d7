//! The exports of `events/import`: the right events, the right reasons, and the same ids at every import.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use flywheel_event::{EditEvent, Endpoint};
use flywheel_import::{Event, Importer, Options, Place, Skipped, Tool, parse};
use proptest::prelude::*;
use serde_json::Value;

/// The records of a fixture, each with its place. A fixture is JSON lines, a list, or a page.
fn records(tool: Tool, file: usize, text: &str) -> Vec<(Value, Place)> {
    let rows = match serde_json::from_str(text) {
        Ok(Value::Array(rows)) => rows,
        Ok(page) => vec![page],
        Err(_) => text.lines().map(|line| parse(line.as_bytes()).unwrap()).collect(),
    };
    let placed = (1..).zip(rows);
    placed
        .flat_map(|(row, value)| tool.records(value).into_iter().map(move |record| (record, Place { file, row })))
        .collect()
}

/// Imports texts of files, and returns the events and what is skipped.
fn imported(tool: Tool, options: &Options, files: &[&str]) -> (Vec<Event>, Vec<Skipped>) {
    let mut importer = Importer::new(tool, options.clone());
    let records: Vec<_> = files.iter().enumerate().flat_map(|(file, text)| records(tool, file, text)).collect();
    let mut skipped = Vec::new();
    for (record, place) in &records {
        skipped.extend(importer.note(record, *place));
    }
    let mut events = Vec::new();
    for (record, place) in &records {
        for (_, outcome) in importer.read(record, *place) {
            match outcome {
                Ok(event) => events.push(event),
                Err(reason) => skipped.push(reason),
            }
        }
    }
    skipped.extend(importer.rest().into_iter().map(|(_, skipped)| skipped));
    (events, skipped)
}

/// The events by their texts: the user's, or else the kind of feedback.
fn by_text(events: &[Event]) -> BTreeMap<String, Value> {
    let key = |event: &Value| event.get("final_user_edit").or(event.get("kind")).unwrap().as_str().unwrap().to_owned();
    events
        .iter()
        .map(|event| serde_json::from_str(&event.json).unwrap())
        .map(|event: Value| (key(&event), event))
        .collect()
}

/// The codes of what is skipped, in order of their names, with the records.
fn reasons(skipped: &[Skipped]) -> Vec<(&str, &str)> {
    let mut reasons: Vec<_> =
        skipped.iter().map(|skipped| (skipped.reason.as_str(), skipped.record.as_deref().unwrap_or(""))).collect();
    reasons.sort_unstable();
    reasons
}

const LANGFUSE: [&str; 2] = [
    include_str!("../../../events/import/langfuse-scores.json"),
    include_str!("../../../events/import/langfuse-observations.jsonl"),
];
const OPENWEBUI: [&str; 2] = [
    include_str!("../../../events/import/openwebui-chats.json"),
    include_str!("../../../events/import/openwebui-feedback.json"),
];
const LABELSTUDIO: [&str; 1] = [include_str!("../../../events/import/labelstudio.json")];
const ARGILLA: [&str; 1] = [include_str!("../../../events/import/argilla.json")];
const LANGSMITH: [&str; 2] = [
    include_str!("../../../events/import/langsmith-runs.jsonl"),
    include_str!("../../../events/import/langsmith-feedback.jsonl"),
];
const PHOENIX: [&str; 2] = [
    include_str!("../../../events/import/phoenix-spans.json"),
    include_str!("../../../events/import/phoenix-annotations.json"),
];
const OTLP: &str = include_str!("../../../events/import/otlp-traces.jsonl");
const EDITS: &str = include_str!("../../../events/import/otlp-edits.jsonl");

fn scaled(scales: &[(&str, &str)], edits: &[&str]) -> Options {
    Options {
        scales: scales.iter().map(|(name, scale)| ((*name).to_owned(), scale.parse().unwrap())).collect(),
        edits: edits.iter().map(|name| (*name).to_owned()).collect(),
        ..Options::default()
    }
}

#[test]
fn corrections_and_scores_of_langfuse_meet_their_observations() {
    let (events, skipped) = imported(Tool::Langfuse, &scaled(&[("quality", "1..5")], &[]), &LANGFUSE);
    let events = by_text(&events);
    let edit = &events["The blue one is there in S and L; M comes on Friday."];
    assert_eq!(edit["original_llm_output"], "We have it in all sizes.");
    assert_eq!(edit["prompt"][1]["content"], "Is the blue one in size M there?");
    assert_eq!((&edit["response_id"], &edit["thread_id"]), (&"obs-edit".into(), &"session-1".into()));
    assert_eq!((&edit["contributor_id"], &edit["model"]["id"]), (&"langfuse:annotator-1".into(), &"writer-8b".into()));
    assert_eq!(
        (&edit["context"]["project"], &edit["occurred_at"]),
        (&"shop".into(), &"2026-05-05T08:00:00.000Z".into())
    );
    let thumb = &events["thumbs_down"];
    assert_eq!(
        (&thumb["original_llm_output"], &thumb["comment"]),
        (&"チェーン ⛓️".into(), &"wrong word for a bicycle’s chain".into())
    );
    assert_eq!(thumb["contributor_id"], "langfuse:customer-8", "a score without an author is the trace's user's");
    assert_eq!((&events["stars"]["rating"], &events["stars"]["response_id"]), (&4.into(), &"trace-1".into()));
    let seen = events.values().find(|event| event["prompt"][0]["content"][1]["type"] == "image_url").unwrap();
    assert_eq!((events.len(), &seen["original_llm_output"]), (4, &"The derailleur.".into()));
    let expected = [
        ("no_target", "score-lost"),
        ("not_a_user", "score-judge"),
        ("unknown_label", "score-topic"),
        ("unsupported_kind", "score-session"),
    ];
    assert_eq!(reasons(&skipped), expected);
}

#[test]
fn a_trace_of_langfuse_with_its_observations_and_scores_is_one_row() {
    let trace = r#"{"id":"t","timestamp":"2026-05-04T09:00:00Z","userId":"u","sessionId":"s","input":"Hi","output":"Hello",
        "observations":[{"id":"o","traceId":"t","type":"GENERATION","input":"Hi","output":"Hello","model":"m"}],
        "scores":[{"id":"1","name":"output","source":"API","dataType":"CORRECTION","value":0,"stringValue":"Hello!","observationId":"o","traceId":"t"},
                  {"id":"2","name":"like","source":"API","dataType":"BOOLEAN","value":1,"stringValue":"True","traceId":"t","observationId":null},
                  {"id":"3","name":"note","source":"API","dataType":"TEXT","stringValue":"fine","traceId":"t"},
                  {"id":"4","name":"n","source":"API","dataType":"NUMERIC","value":1,"traceId":"t"}]}"#;
    let (events, skipped) = imported(Tool::Langfuse, &Options::default(), &[trace]);
    let events = by_text(&events);
    assert_eq!(events.keys().collect::<Vec<_>>(), ["Hello!", "comment", "thumbs_up"]);
    assert!(events.values().all(|event| event["contributor_id"] == "langfuse:u"));
    assert_eq!(reasons(&skipped), [("unknown_scale", "4")]);
}

#[test]
fn edited_and_rated_answers_of_open_webui_have_the_path_of_their_chat() {
    let (events, skipped) = imported(Tool::OpenWebUi, &Options::default(), &OPENWEBUI);
    let texts = by_text(&events);
    let edit = &texts["Dear Zoë, thanks for everything you did. 🌷"];
    assert_eq!(
        edit["original_llm_output"], "Dear Zoë, thank you for everything.",
        "reasoning is no part of the answer"
    );
    assert_eq!((&edit["response_id"], &edit["thread_id"]), (&"m2".into(), &"chat-1".into()));
    assert_eq!(edit["occurred_at"], "2026-01-05T08:05:00.000Z");
    let liked = &texts["thumbs_up"];
    let roles: Vec<_> = liked["prompt"].as_array().unwrap().iter().map(|turn| turn["role"].as_str().unwrap()).collect();
    assert_eq!((roles, &liked["comment"]), (vec!["user", "assistant", "user"], &"accurate_information".into()));
    assert_eq!(texts["thumbs_down"]["comment"], "minuscule is better");
    let ids: Vec<_> = events.iter().filter(|event| event.json.contains("thumbs_up")).map(|event| &event.id).collect();
    assert_eq!((ids.len(), ids[0]), (2, ids[1]), "chat and feedback have the same rating: one event");
    assert_eq!(reasons(&skipped), [("no_target", "fb-3"), ("unsupported_content", "p2")]);
}

#[test]
fn text_areas_ratings_choices_and_pairs_of_label_studio_become_events() {
    let (events, skipped) = imported(Tool::LabelStudio, &Options::default(), &LABELSTUDIO);
    let events = by_text(&events);
    let edit = &events["The gears slip under load, mostly uphill."];
    assert_eq!((&edit["original_llm_output"], &edit["model"]["id"]), (&"The gears slip.".into(), &"writer-8b".into()));
    assert_eq!(edit["prompt"], "Summarise: the gears slip under load – especially uphill.");
    assert_eq!(
        (&edit["response_id"], &edit["contributor_id"]),
        (&"labelstudio:83:1:summary".into(), &"labelstudio:10".into())
    );
    let pair = &events["Send it back; we pay the postage ✓"];
    assert_eq!(pair["original_llm_output"], "Send it back.");
    assert_eq!(
        (&events["stars"]["rating"], &events["stars"]["original_llm_output"]),
        (&2.into(), &"The gears slip.".into())
    );
    assert_eq!(events["thumbs_up"]["original_llm_output"], "Hello.");
    assert_eq!(events.len(), 4);
    assert_eq!(reasons(&skipped), [("cancelled", "annotation 1003"), ("unsupported_kind", "annotation 1004")]);
}

#[test]
fn fields_that_are_not_found_are_named_and_controls_may_be_ignored() {
    let task = r#"[{"id":9,"project":1,"data":{"in":{"frage":"Wie?"},"antwort":"So."},"predictions":[7],"annotations":[{"id":5,"completed_by":{"id":3},
        "result":[{"type":"textarea","from_name":"besser","value":{"text":"So nicht."}},{"type":"choices","from_name":"note","value":{"choices":["bad"]}}]}]}]"#;
    let (events, skipped) = imported(Tool::LabelStudio, &Options::default(), &[task]);
    assert_eq!(
        (events.len(), reasons(&skipped)),
        (0, vec![("no_original", "annotation 5"), ("no_output", "annotation 5")])
    );
    let options = Options {
        prompt: Some("in.frage".to_owned()),
        output: Some("antwort".to_owned()),
        ignored: ["note".to_owned()].into(),
        project: Some("two".to_owned()),
        ..Options::default()
    };
    let (events, skipped) = imported(Tool::LabelStudio, &options, &[task]);
    let edit = &by_text(&events)["So nicht."];
    assert_eq!((&edit["prompt"], &edit["original_llm_output"]), (&"Wie?".into(), &"So.".into()));
    assert_eq!((&edit["contributor_id"], &edit["context"]["project"]), (&"labelstudio:3".into(), &"two".into()));
    assert_eq!(reasons(&skipped), [("ignored", "annotation 5")]);
    let other = imported(Tool::LabelStudio, &Options { project: None, ..options }, &[task]).0;
    assert_ne!(events[0].id, other[0].id, "equal ids of two projects are two events");
}

#[test]
fn a_later_version_of_a_score_wins_and_an_output_that_is_not_there_yet_takes_no_score() {
    let score = |value: &str, month: u32| {
        format!(
            r#"{{"id":"s","dataType":"CORRECTION","source":"ANNOTATION","name":"output","stringValue":"{value}","observationId":"o","traceId":"t","timestamp":"2026-0{month}-01T00:00:00Z"}}"#
        )
    };
    let output = |text: &str| {
        format!(
            r#"{{"id":"o","traceId":"t","type":"GENERATION","parentObservationId":"p","input":"Hi","output":{text}}}"#
        )
    };
    let files = [score("NEW text", 2), score("OLD text", 1), output("null"), output("\"Hello\"")];
    let (events, skipped) = imported(Tool::Langfuse, &Options::default(), &files.each_ref().map(String::as_str));
    let events = by_text(&events);
    assert_eq!((events.len(), &events["NEW text"]["original_llm_output"], skipped.len()), (1, &"Hello".into(), 0));
    let (events, skipped) = imported(Tool::Langfuse, &Options::default(), &[&score("x", 1), &output("null")]);
    assert_eq!((events.len(), reasons(&skipped)), (0, vec![("no_output", "s")]));
}

#[test]
fn a_score_of_a_trace_meets_no_part_of_several() {
    let score = r#"{"id":"s","dataType":"CORRECTION","source":"ANNOTATION","name":"output","stringValue":"Wait 14 days.","traceId":"t","observationId":null}"#;
    let part = |id: &str, output: &str| {
        format!(
            r#"{{"id":"{id}","traceId":"t","type":"SPAN","parentObservationId":null,"input":"Hi","output":"{output}"}}"#
        )
    };
    let (one, other) = (part("a", "A document"), part("b", "Hello"));
    let (events, _) = imported(Tool::Langfuse, &Options::default(), &[score, &one]);
    assert_eq!(events.len(), 1);
    let (events, skipped) = imported(Tool::Langfuse, &Options::default(), &[score, &one, &other]);
    assert_eq!((events.len(), reasons(&skipped)), (0, vec![("no_target", "s")]));
    let whole = r#"{"id":"t","timestamp":"2026-05-04T09:00:00Z","input":"Hi","output":"Hello"}"#;
    let (events, _) = imported(Tool::Langfuse, &Options::default(), &[score, &one, &other, whole]);
    assert_eq!(by_text(&events)["Wait 14 days."]["original_llm_output"], "Hello");
}

#[test]
fn responses_of_argilla_become_edits_and_ratings() {
    let (events, skipped) = imported(Tool::Argilla, &scaled(&[("stars", "1..5")], &["better"]), &ARGILLA);
    let events = by_text(&events);
    let edit = &events["The Neckar."];
    assert_eq!((&edit["original_llm_output"], &edit["model"]["id"]), (&"The Rhine.".into(), &"writer-8b".into()));
    assert_eq!(edit["prompt"], "Name a river in Württemberg.");
    assert_eq!(events["2 + 2 = 4"]["original_llm_output"], "4");
    assert_eq!(events["2 + 2 = 4"]["prompt"][0]["content"], "2 + 2?");
    assert_eq!((&events["stars"]["rating"], events.contains_key("thumbs_up")), (&5.into(), true));
    assert_eq!(reasons(&skipped), [("unknown_label", "server-3 topic"), ("unsupported_kind", "server-3 ranking")]);
    let (events, skipped) = imported(Tool::Argilla, &Options::default(), &ARGILLA);
    assert_eq!((events.len(), skipped.len()), (2, 4), "what the file does not say is not guessed");
}

#[test]
fn corrections_and_scores_of_langsmith_meet_their_runs() {
    let (events, skipped) = imported(Tool::LangSmith, &Options::default(), &LANGSMITH);
    let events = by_text(&events);
    let edit = &events["The cassette: the set of sprockets at the rear wheel."];
    assert_eq!((&edit["original_llm_output"], &edit["kind"]), (&"A wheel.".into(), &"comment".into()));
    assert_eq!((&edit["prompt"][0]["role"], &edit["prompt"][1]["role"]), (&"system".into(), &"user".into()));
    assert_eq!((&edit["response_id"], &edit["thread_id"]), (&"run-edit".into(), &"thread-1".into()));
    assert_eq!(edit["occurred_at"], "2026-02-02T08:05:00.000000Z");
    assert_eq!((&events["stars"]["rating"], &events["thumbs_up"]["prompt"]), (&2.into(), &"How wide is it?".into()));
    let called =
        events.values().find(|event| event["prompt"][1]["tool_calls"][0]["function"]["name"] == "order").unwrap();
    assert_eq!((events.len(), &called["original_llm_output"]), (4, &"Done.".into()));
    let expected = [
        ("not_a_user", "feedback-judge"),
        ("unknown_scale", "feedback-number"),
        ("unsupported_kind", "feedback-score"),
    ];
    assert_eq!(reasons(&skipped), expected);
}

#[test]
fn annotations_of_phoenix_meet_their_spans() {
    let (events, skipped) = imported(Tool::Phoenix, &scaled(&[], &["correction"]), &PHOENIX);
    let events = by_text(&events);
    let edit = &events["kühn 🌿"];
    assert_eq!(
        (&edit["original_llm_output"], &edit["prompt"][0]["content"]),
        (&"schön".into(), &"Rhyme on “grün”".into())
    );
    assert_eq!((&edit["thread_id"], &edit["model"]["id"]), (&"session-1".into(), &"writer-8b".into()));
    assert_eq!(events["thumbs_down"]["comment"], "no rhyme");
    assert_eq!(reasons(&skipped), [("not_a_user", "annotation-judge"), ("unsupported_content", "annotation-tools")]);
}

#[test]
fn edits_that_name_a_response_meet_the_spans_of_open_telemetry() {
    let mut importer = Importer::new(Tool::Otlp, Options::default());
    for (line, row) in EDITS.lines().zip(1..) {
        importer.note_edit(&parse(line.as_bytes()).unwrap(), Place { file: 1, row }).unwrap();
    }
    let mut events = Vec::new();
    let mut skipped = Vec::new();
    for (record, place) in records(Tool::Otlp, 0, OTLP) {
        for (_, outcome) in importer.read(&record, place) {
            outcome.map_or_else(|reason| skipped.push(reason), |event| events.push(event));
        }
    }
    skipped.extend(importer.rest().into_iter().map(|(_, skipped)| skipped));
    let events = by_text(&events);
    let edit = &events["With a few drops of oil on the inner side; wipe off the rest."];
    assert_eq!((&edit["original_llm_output"], &edit["prompt"][0]["role"]), (&"With oil.".into(), &"system".into()));
    assert_eq!((&edit["thread_id"], &edit["model"]["id"]), (&"conversation-1".into(), &"writer-8b".into()));
    assert_eq!(edit["event_id"].as_str().unwrap().len(), 64);
    assert_eq!(events["thumbs_up"]["original_llm_output"], "Terveisiä ✓");
    assert_eq!(reasons(&skipped), [("no_target", "resp-gone"), ("refused", "resp-3")]);
}

#[test]
fn the_events_own_parser_takes_every_event_and_keeps_its_id() {
    for (tool, files) in [
        (Tool::Langfuse, &LANGFUSE[..]),
        (Tool::OpenWebUi, &OPENWEBUI[..]),
        (Tool::LabelStudio, &LABELSTUDIO[..]),
        (Tool::Argilla, &ARGILLA[..]),
        (Tool::LangSmith, &LANGSMITH[..]),
        (Tool::Phoenix, &PHOENIX[..]),
    ] {
        let (events, _) = imported(tool, &scaled(&[("quality", "1..5")], &["correction"]), files);
        assert!(events.len() > 1, "{tool:?}");
        for event in events {
            let read = EditEvent::parse(&event.json, None).unwrap();
            assert_eq!(
                (read.event_id.as_ref(), read.is_edit()),
                (&event.id[..], event.endpoint == Endpoint::Edits),
                "{tool:?}"
            );
        }
    }
}

#[test]
fn a_file_of_another_tool_is_recognised() {
    let first = |tool: Tool, files: &[&str]| records(tool, 0, files[0]).remove(0).0;
    for (tool, record) in [
        (Tool::Langfuse, first(Tool::Langfuse, &LANGFUSE)),
        (Tool::OpenWebUi, first(Tool::OpenWebUi, &OPENWEBUI)),
        (Tool::LabelStudio, first(Tool::LabelStudio, &LABELSTUDIO)),
        (Tool::Argilla, first(Tool::Argilla, &ARGILLA)),
        (Tool::LangSmith, first(Tool::LangSmith, &LANGSMITH)),
        (Tool::Phoenix, first(Tool::Phoenix, &PHOENIX)),
        (Tool::Otlp, first(Tool::Otlp, &[OTLP])),
    ] {
        for asked in Tool::ALL {
            assert_eq!(asked.guess(&record), Some(tool), "{record}");
        }
        assert!(tool.knows(&record) && tool.name().parse() == Ok(tool));
    }
    assert_eq!(Tool::Langfuse.guess(&serde_json::json!({"prompt": "p"})), None);
}

proptest! {
    #[test]
    fn importing_twice_gives_the_same_ids_in_any_order_of_rows(seed in any::<u64>(), edited in "\\PC{1,20}") {
        let order = |mut lines: Vec<String>| {
            let length = lines.len();
            lines.rotate_left(seed as usize % length);
            lines.join("\n")
        };
        let text = |json: &str| serde_json::to_string(json).unwrap();
        let scores = LANGFUSE[0].replace("\"The blue one is there in S and L; M comes on Friday.\"", &text(&edited));
        let ids = |files: &[&str]| {
            let options = scaled(&[("quality", "1..5")], &[]);
            let mut ids: Vec<_> = imported(Tool::Langfuse, &options, files).0.into_iter().map(|event| event.id).collect();
            ids.sort();
            ids
        };
        let turned = order(LANGFUSE[1].lines().map(str::to_owned).collect());
        prop_assert_eq!(ids(&LANGFUSE), ids(&[&turned, &scores, &scores]));
    }
}

proptest! {
    // A case imports all fixtures four times.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_json_is_read_without_a_fault(numbers in prop::collection::vec(any::<i64>(), 0..3), words in prop::collection::vec("\\PC{0,9}", 0..3), place in 0..14_usize) {
        let odd = [serde_json::json!(numbers), serde_json::json!(words), serde_json::json!({"a": numbers}), Value::Null];
        for (tool, files) in [(Tool::Langfuse, &LANGFUSE[..]), (Tool::OpenWebUi, &OPENWEBUI[..]), (Tool::LabelStudio, &LABELSTUDIO[..]),
            (Tool::Argilla, &ARGILLA[..]), (Tool::LangSmith, &LANGSMITH[..]), (Tool::Phoenix, &PHOENIX[..])] {
            for value in &odd {
                let mut rows: Vec<_> = files.iter().flat_map(|text| records(tool, 0, text)).map(|(record, _)| record).collect();
                for row in &mut rows {
                    let keys: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
                    row[&keys[place % keys.len()]] = value.clone();
                }
                let text = serde_json::to_string(&rows).unwrap();
                let (events, _) = imported(tool, &Options::default(), &[&text]);
                prop_assert!(events.iter().all(|event| EditEvent::parse(&event.json, None).is_ok()));
            }
        }
    }
}
