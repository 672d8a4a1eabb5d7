//! An edit is a state: of one output by one contributor the last text counts, in any order of its revisions.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use flywheel_base::{Route, instant::Millis};
use flywheel_curation::Curator;
use flywheel_dataset::{
    Audited, Background, BatchReason, Change, DatasetRules, Entry, Fingerprint, GoldLine, Newcomers, Pair,
    RowInDataset, RowRevision, SplitSalt, audit,
};
use flywheel_event::{ContributorKey, Endpoint, Received, Submission, Submitted};
use flywheel_policy::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: Millis = 1_795_342_830_007;
const OUTPUT: &str = "Dear customer, we have received your letter of last week and will come back to you when we can.";

/// Shared, because its patterns take a while to compile.
static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), ContributorKey::new("key")));

/// The log, the dataset, and the freezes between them.
struct World {
    rows: Vec<Entry>,
    background: Background,
    rules: DatasetRules,
}

/// A curated line.
#[derive(Debug, Clone)]
struct Line {
    route: Route,
    json: String,
}

impl World {
    fn new() -> Self {
        let rules = DatasetRules { max_pairs_per_contributor: 1_000, ..DatasetRules::default() };
        Self { rows: Vec::new(), background: Background::default(), rules }
    }

    fn freeze(&mut self, lines: &[Line]) -> Audited {
        let mut newcomers = Newcomers::new(&self.rules).remembering(&self.background);
        for line in lines {
            if line.route == Route::Gold {
                newcomers.add(Pair::read(&line.json).unwrap());
            } else {
                assert!(newcomers.add_state(&line.json), "{}", line.json);
            }
        }
        for row in &self.rows {
            let line = row.line.gold();
            newcomers.deduplicate_against(&RowInDataset {
                pair_id: &line.pair_id,
                event_id: &line.event_id,
                event_key: line.event_key(),
                split: row.split,
                fingerprint: Fingerprint::from_bytes(&row.fingerprint).unwrap(),
                revision: Some(RowRevision::of_line(line)),
            });
        }
        let audited = audit(newcomers, self.background.clone(), &self.rules, &SplitSalt::new([3; 16]));
        let is_revised = |row: &Entry| audited.revised.contains(row.line.gold().pair_id.as_ref());
        let (revised, rows): (Vec<_>, Vec<_>) = std::mem::take(&mut self.rows).into_iter().partition(is_revised);
        self.rows = rows;
        self.rows.extend(audited.entries.iter().cloned());
        let revised: Vec<_> = revised.into_iter().map(|row| row.line.text().to_owned()).collect();
        let stored = audited.learnt(&revised).to_bytes();
        self.background = Background::from_bytes(&stored).unwrap();
        audited
    }

    fn chosen(&self) -> Vec<String> {
        let mut chosen: Vec<_> = self.rows.iter().map(|row| row.line.gold().chosen.to_string()).collect();
        chosen.sort();
        chosen
    }
}

fn curated(fields: &Value) -> Line {
    let mut event = json!({"prompt": "Answer the letter of Mr Okoro", "original_llm_output": OUTPUT,
                           "thread_id": "t-1", "contributor_id": "kim"});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let curated = CURATOR.curate(&event.to_string(), NOW).unwrap();
    Line { route: curated.verdict.route, json: curated.line }
}

/// Returns the lines of an editor that saves as a person types, once a second.
fn autosaves() -> Vec<Line> {
    const LETTER: &str = "Dear Mr Okoro, we sent the replacement this morning and your refund follows on Friday.";
    let save = |(second, end): (usize, usize)| {
        curated(&json!({"final_user_edit": &LETTER[..end], "received_at": format!("2026-11-22T10:00:0{second}Z")}))
    };
    [21, 30, 42, 55, 61, 74, LETTER.len()].into_iter().enumerate().map(save).collect()
}

const WHOLE: &str = "Dear Mr Okoro, we sent the replacement this morning and your refund follows on Friday.";

#[test]
fn of_seven_autosaves_the_last_enters_and_none_is_quarantined() {
    let mut world = World::new();
    let audited = world.freeze(&autosaves());
    assert_eq!((world.chosen(), audited.held.len()), (vec![WHOLE.to_owned()], 0));
    assert!(audited.superseded > 0);
}

#[test]
fn an_event_that_is_finished_later_under_its_id_keeps_the_finished_text() {
    let save = |text: &str, second: u8| {
        curated(
            &json!({"event_id": "e-1", "final_user_edit": text, "received_at": format!("2026-11-22T10:00:0{second}Z")}),
        )
    };
    let (half, whole) = (save("Dear Mr Okoro, we sent the rep", 1), save(WHOLE, 2));
    let mut together = World::new();
    together.freeze(&[half.clone(), whole.clone()]);
    let mut apart = World::new();
    apart.freeze(&[half]);
    apart.freeze(&[whole]);
    assert_eq!((together.chosen(), apart.chosen()), (vec![WHOLE.to_owned()], vec![WHOLE.to_owned()]));
}

#[test]
fn after_a_freeze_a_later_text_takes_the_rows_place_and_an_earlier_one_does_not() {
    let saves = autosaves();
    let mut world = World::new();
    world.freeze(&saves[3..4]);
    let before = world.rows[0].split;
    let audited = world.freeze(&saves[6..]);
    assert_eq!((audited.revised.len(), audited.entries.len()), (1, 1));
    assert_eq!((world.chosen(), world.rows[0].split), (vec![WHOLE.to_owned()], before), "and stays on its side");
    let audited = world.freeze(&saves[..6]);
    assert_eq!(
        (audited.revised.len(), audited.superseded, audited.entries.len()),
        (0, saves[..6].iter().filter(|save| save.route == Route::Gold).count() as u64, 0)
    );
    assert_eq!(world.chosen(), [WHOLE]);
}

#[test]
fn a_user_who_puts_the_models_text_back_leaves_no_pair() {
    let edit = |text: &str, second: u8| {
        curated(&json!({"final_user_edit": text, "received_at": format!("2026-11-22T10:00:0{second}Z")}))
    };
    let back = edit(OUTPUT, 2);
    assert_eq!(back.route, Route::Dropped);
    let mut before = World::new();
    before.freeze(&[edit(WHOLE, 1), back.clone()]);
    let mut after = World::new();
    after.freeze(&[edit(WHOLE, 1)]);
    let audited = after.freeze(std::slice::from_ref(&back));
    assert_eq!(audited.revised.len(), 1);
    assert!(before.rows.is_empty() && after.rows.is_empty());
    after.freeze(&[edit(WHOLE, 1)]);
    assert!(after.rows.is_empty(), "delivered late, the older text does not come back");
    after.freeze(&[back, edit("Dear Mr Okoro, the parcel is on its way and the refund comes on Friday.", 3)]);
    assert_eq!(after.rows.len(), 1, "a newer one does");
}

#[test]
fn a_last_text_that_waits_for_a_person_takes_the_older_one_out_and_enters_once_released() {
    let edit = |text: &str, second: u8| {
        curated(&json!({"final_user_edit": text, "received_at": format!("2026-11-22T10:00:0{second}Z")}))
    };
    let critical = edit(&OUTPUT.replace("will come", "will not come"), 2);
    assert_eq!(critical.route, Route::Review);
    let mut world = World::new();
    world.freeze(&[edit(WHOLE, 1)]);
    world.freeze(std::slice::from_ref(&critical));
    assert!(world.rows.is_empty());
    let released = critical.json.replace("\"tags\":[]", "\"tags\":[\"released\"]");
    world.freeze(&[Line { route: Route::Gold, json: released }]);
    assert_eq!(world.chosen(), [OUTPUT.replace("will come", "will not come")]);
}

#[test]
fn two_people_who_edit_one_output_are_two_voices() {
    let by = |contributor: &str, text: &str| curated(&json!({"contributor_id": contributor, "final_user_edit": text}));
    let mut world = World::new();
    world.freeze(&[by("kim", WHOLE), by("lee", "Dear Mr Okoro, thank you, the parcel left today.")]);
    assert_eq!(world.rows.len(), 2);
}

#[test]
fn a_response_id_names_the_output_whatever_the_thread_and_the_prompt_are() {
    let save = |thread: &str, prompt: &str, text: &str, second: u8| {
        curated(&json!({"response_id": "resp-7", "thread_id": thread, "prompt": prompt, "final_user_edit": text,
                        "received_at": format!("2026-11-22T10:00:0{second}Z")}))
    };
    let mut world = World::new();
    world.freeze(&[save("t-1", "p", "Dear Mr Okoro, we sent the rep", 1), save("t-2", "p, rendered anew", WHOLE, 2)]);
    assert_eq!(world.chosen(), [WHOLE]);
}

#[test]
fn consent_that_is_withdrawn_wins_whenever_it_comes() {
    let edit = curated(&json!({"event_id": "e-1", "final_user_edit": WHOLE, "received_at": "2026-11-22T10:00:02Z"}));
    let no = curated(
        &json!({"event_id": "e-1", "final_user_edit": WHOLE, "consent": false, "received_at": "2026-11-22T10:00:01Z"}),
    );
    for order in [vec![vec![&edit, &no]], vec![vec![&edit], vec![&no]], vec![vec![&no], vec![&edit]]] {
        let mut world = World::new();
        for batch in order {
            world.freeze(&batch.into_iter().cloned().collect::<Vec<_>>());
        }
        assert!(world.rows.is_empty());
        world.freeze(std::slice::from_ref(&edit));
        assert!(world.rows.is_empty(), "nor when it is delivered again");
    }
}

/// Returns the line of an event that a key's holder posted at the front door, so many microseconds `after` the others.
fn posted(ingest_key: &str, fields: &Value) -> Line {
    let mut event =
        json!({"prompt": "Answer the letter of Mr Okoro", "original_llm_output": OUTPUT, "thread_id": "t-1"});
    event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let after = fields["after"].as_u64().unwrap_or_default();
    let received = Received { at: NOW * 1_000 + after, ingest_key: Some(ingest_key) };
    let key = ContributorKey::new("key");
    let body = event.to_string();
    let Ok(Submission::One(Submitted::Event(queued))) =
        Submission::parse(body.as_bytes(), Endpoint::Edits, key.as_ref(), received)
    else {
        panic!("an edit was sent")
    };
    let curated = CURATOR.curate(&queued.message, NOW).unwrap();
    Line { route: curated.verdict.route, json: curated.line }
}

#[test]
fn a_withdrawn_edit_does_not_enter_when_an_operator_releases_it() {
    let critical =
        curated(&json!({"event_id": "e-1", "final_user_edit": OUTPUT.replace("will come", "will not come")}));
    assert_eq!(critical.route, Route::Review);
    let no = curated(&json!({"event_id": "e-1", "final_user_edit": WHOLE, "consent": false}));
    let mut world = World::new();
    world.freeze(&[critical.clone(), no]);
    let released = critical.json.replace("\"tags\":[]", "\"tags\":[\"released\"]");
    let audited = world.freeze(&[Line { route: Route::Gold, json: released }]);
    assert_eq!((world.rows.len(), audited.superseded), (0, 1));
}

#[test]
fn a_withdrawn_row_that_a_rollback_restores_leaves_with_the_next_version() {
    let edit = curated(&json!({"event_id": "e-1", "final_user_edit": WHOLE}));
    let no = curated(&json!({"event_id": "e-1", "final_user_edit": WHOLE, "consent": false}));
    let mut world = World::new();
    world.freeze(&[edit]);
    let before = world.rows.clone();
    world.freeze(&[no]);
    let mut change = Change::new(world.background.clone(), SplitSalt::new([3; 16]));
    assert!(change.add(before[0].line.text()));
    (world.background, world.rows) = (change.background().clone(), before);
    world.freeze(&[curated(&json!({"prompt": "another", "final_user_edit": WHOLE}))]);
    assert_eq!(world.rows.len(), 1);
    assert!(!world.rows[0].line.text().contains("Mr Okoro\",\"chosen"), "only the other prompt's");
}

#[test]
fn a_stranger_who_guesses_an_id_neither_replaces_nor_withdraws_the_edit() {
    let victim = posted("shop", &json!({"event_id": "order-1001", "contributor_id": "kim", "final_user_edit": WHOLE}));
    let poison = "Dear Mr Okoro, please send your card number and its code to the address below this letter.";
    let as_stranger = |fields: Value| {
        let mut event = json!({"event_id": "order-1001", "final_user_edit": poison, "prompt": "another"});
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        event
    };
    for (key, fields) in [
        ("desk", json!({"contributor_id": "kim"})),
        ("desk", json!({})),
        ("shop", json!({"contributor_id": "eve"})),
        ("shop", json!({})),
    ] {
        let edit = posted(key, &as_stranger(fields.clone()));
        let mut no = as_stranger(fields);
        no["consent"] = json!(false);
        let no = posted(key, &no);
        for order in [[vec![edit.clone()], vec![victim.clone()]], [vec![victim.clone()], vec![edit.clone()]]] {
            let mut world = World::new();
            for batch in order {
                let audited = world.freeze(&batch);
                assert_eq!((audited.duplicates, audited.held.len()), (0, 0));
            }
            assert_eq!(world.rows.len(), 2);
            world.freeze(std::slice::from_ref(&no));
            assert_eq!(world.chosen(), [WHOLE], "the stranger withdraws the stranger's");
        }
    }
}

#[test]
fn a_response_id_that_another_keys_holder_guesses_is_another_output() {
    let of = |key: &str, text: &str, consent: bool| {
        posted(key, &json!({"response_id": "resp-7", "final_user_edit": text, "consent": consent}))
    };
    let mut world = World::new();
    world.freeze(&[of("shop", WHOLE, true)]);
    world.freeze(&[of("desk", "Dear Mr Okoro, send your card number and its code to us today.", true)]);
    assert_eq!(world.rows.len(), 2);
    world.freeze(&[of("desk", WHOLE, false)]);
    assert_eq!(world.chosen(), [WHOLE]);
    world.freeze(&[of("shop", WHOLE, false)]);
    assert!(world.rows.is_empty());
}

#[test]
fn two_contents_under_one_id_of_one_sender_are_a_row_and_a_quarantined_conflict() {
    let of = |prompt: &str, text: &str| {
        posted("shop", &json!({"event_id": "e-1", "contributor_id": "kim", "prompt": prompt, "final_user_edit": text}))
    };
    let (first, other) = (of("one", WHOLE), of("another", "Dear Mr Okoro, the parcel left this morning, as we said."));
    let mut together = World::new();
    let audited = together.freeze(&[first.clone(), other.clone()]);
    assert_eq!((audited.entries.len(), audited.held.len(), audited.duplicates), (1, 1, 0));
    assert_eq!(audited.held[0].holds, [BatchReason::IdConflict]);
    let mut apart = World::new();
    apart.freeze(std::slice::from_ref(&first));
    assert_eq!(apart.freeze(std::slice::from_ref(&other)).held[0].holds, [BatchReason::IdConflict]);
    let audited = apart.freeze(&[first, other.clone()]);
    assert_eq!((audited.duplicates, audited.held.len()), (2, 0), "delivered again, both are known");
    let released = other.json.replace("\"tags\":[]", "\"tags\":[\"id_conflict\",\"released\"]");
    apart.freeze(&[Line { route: Route::Gold, json: released }]);
    assert_eq!(apart.rows.len(), 2, "an operator may overrule that");
}

#[test]
fn rows_from_before_scopes_are_still_known_by_their_ids() {
    let old = curated(&json!({"event_id": "e-1", "final_user_edit": WHOLE, "received_at": "2026-11-20T10:00:00Z"}));
    let again = posted("shop", &json!({"event_id": "e-1", "contributor_id": "kim", "final_user_edit": WHOLE}));
    let later = posted(
        "shop",
        &json!({"event_id": "e-2", "contributor_id": "kim", "after": 1, "final_user_edit": "Dear Mr Okoro, the parcel left today, and the refund follows."}),
    );
    let mut world = World::new();
    world.freeze(&[old]);
    let audited = world.freeze(&[again]);
    assert_eq!((audited.duplicates, world.rows.len()), (1, 1));
    let audited = world.freeze(&[later]);
    assert_eq!((audited.revised.len(), world.rows.len()), (1, 1), "a later text takes the old row's place");
    let no = posted(
        "shop",
        &json!({"event_id": "e-2", "contributor_id": "kim", "final_user_edit": WHOLE, "consent": false}),
    );
    world.freeze(&[no]);
    assert!(world.rows.is_empty());
}

#[test]
fn a_withdrawal_takes_out_a_row_from_before_scopes() {
    let old = curated(&json!({"event_id": "e-1", "final_user_edit": WHOLE}));
    let no = posted(
        "shop",
        &json!({"event_id": "e-1", "contributor_id": "kim", "final_user_edit": WHOLE, "consent": false}),
    );
    for order in [vec![vec![&old], vec![&no]], vec![vec![&old, &no]]] {
        let mut world = World::new();
        for batch in order {
            world.freeze(&batch.into_iter().cloned().collect::<Vec<_>>());
        }
        assert!(world.rows.is_empty());
    }
}

#[test]
fn edits_per_output_count_people_and_not_keystrokes() {
    let mut world = World::new();
    let save = |n: usize| {
        let text =
            format!("Dear Mr Okoro, draft number {n} of this letter says something quite different, as drafts do.");
        curated(&json!({"final_user_edit": text, "received_at": format!("2026-11-22T10:00:{n:02}Z")}))
    };
    for n in 0..20 {
        let audited = world.freeze(&[save(n)]);
        assert_eq!((audited.entries.len(), audited.held.len()), (1, 0), "save {n}");
    }
    assert_eq!(world.rows.len(), 1);
}

#[test]
fn once_a_person_took_the_last_text_out_an_older_one_does_not_come_instead() {
    let saves = autosaves();
    let mut world = World::new();
    world.freeze(&saves[3..4]);
    world.freeze(&saves[6..]);
    let mut change = Change::new(world.background.clone(), SplitSalt::new([3; 16]));
    assert!(change.remove(world.rows[0].line.text()));
    (world.background, world.rows) = (change.background().clone(), Vec::new());
    world.freeze(&saves);
    assert!(world.rows.is_empty());
}

/// One revision: its output, the second of its edit, and `true` if curation lets it into gold.
#[derive(Debug, Clone, Copy)]
struct Save {
    output: u8,
    second: u8,
    is_gold: bool,
}

impl Save {
    fn line(self) -> Line {
        let Self { output, second, is_gold } = self;
        let text = format!("answer {output} as it was written at second {second}, which is another text each time");
        let text = if is_gold { text } else { OUTPUT.to_owned() };
        let line = curated(&json!({"prompt": format!("question {output}"), "final_user_edit": text,
                                   "occurred_at": format!("2026-11-22T10:00:{second:02}Z")}));
        assert_eq!(line.route == Route::Gold, is_gold);
        line
    }
}

fn saves() -> impl Strategy<Value = Vec<Save>> {
    let save =
        (0..3_u8, 0..20_u8, any::<bool>()).prop_map(|(output, second, is_gold)| Save { output, second, is_gold });
    prop::collection::vec(save, 1..12).prop_map(|saves| {
        // One text for each instant: two clients that write at once have an order too, but none that a test could name.
        let by_time: BTreeMap<_, _> = saves.into_iter().map(|save| ((save.output, save.second), save)).collect();
        by_time.into_values().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn late_reordered_and_redelivered_revisions_end_in_the_same_state(
        saves in saves(), order in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..30),
    ) {
        // Some come several times and in any order; then all the rest.
        let mut deliveries: Vec<_> = order.iter().map(|(index, ends)| (*index.get(&saves), *ends)).collect();
        deliveries.extend(saves.iter().rev().map(|save| (*save, false)));
        let mut world = World::new();
        let mut batch = Vec::new();
        for (save, ends_batch) in deliveries {
            batch.push(save.line());
            if ends_batch {
                world.freeze(&std::mem::take(&mut batch));
            }
        }
        world.freeze(&batch);
        let mut last = BTreeMap::new();
        last.extend(saves.iter().map(|save| (save.output, *save)));
        let gold = last.into_values().filter(|save| save.is_gold);
        let mut expected: Vec<_> = gold.map(|save| GoldLine::parse(&save.line().json).unwrap().chosen.into_owned()).collect();
        expected.sort();
        prop_assert_eq!(world.chosen(), expected);
        // A redelivery of everything changes nothing.
        let audited = world.freeze(&saves.iter().map(|save| save.line()).collect::<Vec<_>>());
        prop_assert_eq!((audited.entries.len(), audited.revised.len()), (0, 0));
    }
}
