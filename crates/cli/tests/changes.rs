//! Commands that change a lake: their reports, their effects, and that running one twice has the effect of once. The lake is a
//! folder with versions by real freezes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use flywheel_base::{
    Route,
    instant::{Millis, rfc3339},
};
use flywheel_curation::{Batch, Curator};
use flywheel_dataset::{DatasetRules, GoldLine};
use flywheel_event::ContributorKey;
use flywheel_freeze::{FreezeRequest, Freezer};
use flywheel_lake::{FolderLake, LoadLive as _, MoveLive as _, Moved, WritePart as _};
use flywheel_log::{BreakerBounds, FreezeReport, Goal};
use flywheel_operator::{Amender, Request, Wish};
use flywheel_policy::Policy;
use flywheel_runtime::now;
use flywheel_table::{Amendable as _, DeltaDataset};
use flywheel_training::{DatasetVersion, LIVE_KEY, LiveAdapter, LiveCause, LiveModel, NotMoved, Sha256Hex};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Built once: its patterns take a while to compile.
static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), ContributorKey::new("key")));

/// The lake's parts are written after `start`: in a folder of now, a part of an earlier time would have been frozen long ago.
struct World {
    folder: TempDir,
    start: Millis,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir_all(folder.path().join("datasets/dpo_gold_v1")).unwrap();
        Self { folder, start: now() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn curate(&self, after: Millis, contributor: &str, numbers: std::ops::Range<u32>) {
        let event = |n: u32| {
            json!({"event_id": format!("e{n}"), "prompt": format!("question {n}"), "contributor_id": contributor,
                   "original_llm_output": "an answer of two words", "final_user_edit": format!("answer{n} of x{n} y{n}")})
        };
        self.curate_all(after, numbers.map(event)).await;
    }

    async fn curate_all(&self, after: Millis, events: impl Iterator<Item = Value>) {
        let written_at = self.start + after;
        let mut batch = Batch::default();
        events.for_each(|event| batch.add(CURATOR.curate(&event.to_string(), written_at).unwrap(), ()));
        for part in batch.into_parts(written_at) {
            FolderLake::new(self.path()).write_part(&part.name.key(part.route), part.body).await.unwrap();
        }
    }

    async fn freeze(&self, crossing: u64) -> FreezeReport {
        let dataset = DeltaDataset::in_folder(self.path()).unwrap();
        let rules =
            DatasetRules { max_pairs_per_contributor: 4, max_waiting_per_contributor: 0, ..DatasetRules::default() };
        let freezer = Freezer::new(FolderLake::new(self.path()), dataset, rules, BreakerBounds::default(), now);
        freezer.freeze(FreezeRequest { crossing, goal: Goal { threshold: 100, ..Goal::default() } }).await.unwrap()
    }

    /// A lake with two versions. Two of mallory's six pairs in the second are quarantined.
    async fn two_versions() -> Self {
        let world = Self::new();
        world.curate(0, "alice", 0..3).await;
        world.freeze(1).await;
        world.curate(1, "mallory", 10..16).await;
        assert_eq!(world.freeze(2).await.held, 2);
        world
    }

    async fn events(&self) -> Vec<String> {
        let dataset = DeltaDataset::in_folder(self.path()).unwrap();
        let snapshot = dataset.open_version(None).await.unwrap().unwrap();
        let mut events = Vec::new();
        let see = |row: &str| events.push(GoldLine::parse(row).unwrap().event_id.into_owned());
        dataset.each_row(&snapshot, see).await.unwrap();
        events.sort_unstable();
        events
    }

    /// A lake with two versions, each with a run whose adapter became live in turn.
    async fn two_adapters() -> Self {
        let world = Self::two_versions().await;
        for version in [1, 2] {
            let run = run_on(version);
            let input =
                json!({"run": run.adapter, "dataset": {"version": version, "digest": "0"}, "base": {}}).to_string();
            let key = run.adapter.description_key();
            FolderLake::new(world.path()).write_part(&key, input).await.unwrap();
            world.promote(version).await.unwrap();
        }
        world
    }

    /// Moves the live adapter as the workflow does at the end of a run that was evaluated against the present live adapter.
    async fn promote(&self, version: u64) -> Result<(), NotMoved> {
        let lake = FolderLake::new(self.path());
        let loaded = lake.load_live().await.unwrap();
        let next = loaded.live.promoted(run_on(version), loaded.live.incumbent().as_ref(), LiveCause::Gate, now())?;
        assert_eq!(lake.move_live(&loaded, &next).await.unwrap(), Moved::Moved);
        Ok(())
    }

    /// Runs the first half of `flywheel rollback`, as if it crashed after it.
    async fn roll_back_and_die(&self, to: u64) {
        let (lake, dataset) = (FolderLake::new(self.path()), DeltaDataset::in_folder(self.path()).unwrap());
        let request = Request { wish: Wish::RollBackTo(to), by: "kim".to_owned(), why: "a test".to_owned() };
        assert!(Amender::new(&lake, &dataset, now).amend(&request).await.unwrap().is_some());
    }

    async fn live(&self) -> LiveModel {
        FolderLake::new(self.path()).load_live().await.unwrap().live
    }

    async fn live_version(&self) -> Option<u64> {
        self.live().await.adapter.map(|adapter| adapter.dataset.version)
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flywheel"));
        command.args(arguments).args(["--lake", self.path().to_str().unwrap(), "--by", "kim", "--why", "a test"]);
        command.env("FLYWHEEL_CONTRIBUTOR_KEY", "key").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn run_plain(&self, arguments: &[&str]) -> Output {
        let lake = ["--lake", self.path().to_str().unwrap()];
        Command::new(env!("CARGO_BIN_EXE_flywheel")).args(arguments).args(lake).output().unwrap()
    }

    fn says(&self, arguments: &[&str]) -> Value {
        printed(&self.run(&[arguments, &["--json"]].concat(), ""))
    }

    fn refuses(&self, arguments: &[&str], expected: &str) {
        let output = self.run(arguments, "");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(expected), "{arguments:?}: {error}");
    }

    /// Returns the lines of a route, in the order of their parts.
    fn lines(&self, route: Route) -> Vec<Value> {
        let mut parts = Vec::new();
        let below = self.path().join(format!("dpo_gold_v1/route={}", route.as_str()));
        for day in std::fs::read_dir(below).into_iter().flatten() {
            for hour in std::fs::read_dir(day.unwrap().path()).unwrap() {
                parts.extend(std::fs::read_dir(hour.unwrap().path()).unwrap().map(|part| part.unwrap().path()));
            }
        }
        parts.sort();
        let text: String = parts.iter().map(|part| std::fs::read_to_string(part).unwrap()).collect();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn run_on(version: u64) -> LiveAdapter {
    LiveAdapter {
        adapter: format!("crossing-{version:06}-attempt-1").parse().unwrap(),
        prefix: format!("runs/crossing-{version:06}-attempt-1/output/"),
        sha256: Sha256Hex::of(&version.to_le_bytes()),
        config_sha256: Sha256Hex::of(b"configuration"),
        base: "tiny".to_owned(),
        dataset: DatasetVersion { version, digest: None },
    }
}

fn printed(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_rollback_says_what_goes_and_which_runs_had_it() {
    let world = World::two_versions().await;
    let lake = FolderLake::new(world.path());
    for (run, version) in [("crossing-000001-attempt-1", 1), ("crossing-000002-attempt-1", 2)] {
        let input = json!({"run": run, "dataset": {"version": version, "digest": "0"}, "base": {}}).to_string();
        lake.write_part(&format!("runs/{run}/input/run.json"), input).await.unwrap();
    }
    let to_first = ["rollback", "--to", "1"];
    world.refuses(&to_first, "pass --yes");
    let planned = world.says(&[&to_first[..], &["--dry-run"]].concat());
    assert_eq!((&planned["changed"], &planned["version"], &planned["removed"]), (&json!(false), &json!(3), &json!(4)));
    let runs = json!([{"run": "crossing-000002-attempt-1", "version": 2, "pairs": 4}]);
    assert_eq!((&planned["runs"], &planned["digest"]), (&runs, &Value::Null));
    assert_eq!(world.events().await.len(), 7, "a dry run changes nothing");

    let made = world.says(&[&to_first[..], &["--yes"]].concat());
    assert_eq!((&made["changed"], &made["operation"], &made["to"]), (&json!(true), &json!("rollback"), &json!(1)));
    assert_eq!((&made["runs"], &made["by"], &made["net_new"]), (&runs, &json!("kim"), &json!(3)));
    assert_eq!(world.events().await, ["e0", "e1", "e2"]);
    let again = world.says(&[&to_first[..], &["--yes"]].concat());
    assert_eq!((&again["changed"], &again["version"]), (&json!(false), &Value::Null));
    let text = String::from_utf8(world.run(&["rollback", "--to", "2100-01-01", "--dry-run"], "").stdout).unwrap();
    assert!(
        text.starts_with("nothing to change"),
        "the newest one by then is that with the rows that there are: {text}"
    );
    world.refuses(&["rollback", "--to", "9"], "there is no version 9: the newest one is 4");
    world.refuses(&["rollback", "--to", "2000-01-01"], "there was no version by then");
    world.refuses(&["rollback", "--to", "monday"], "expected a version's number");
}

const FIRST: &str = "crossing-000001-attempt-1";
const SECOND: &str = "crossing-000002-attempt-1";

#[tokio::test]
async fn what_was_trained_on_what_is_rolled_back_is_live_no_more_and_a_run_under_way_does_not_become_so() {
    let world = World::two_adapters().await;
    // A third run is under way on the newest version when the rollback comes.
    world.curate(2, "bob", 20..23).await;
    assert_eq!(world.freeze(3).await.version, 3);
    let before = world.live().await;
    let to_first = ["rollback", "--to", "1"];
    let planned = world.says(&[&to_first[..], &["--dry-run"]].concat());
    let live = |below: u64| json!({"from": SECOND, "to": FIRST, "taken_back": [{"above": 1, "below": below}]});
    assert_eq!((&planned["changed"], &planned["live"]), (&json!(false), &live(4)));
    let text = String::from_utf8(world.run(&[&to_first[..], &["--dry-run"]].concat(), "").stdout).unwrap();
    assert!(text.contains(&format!("{FIRST} would be live instead of {SECOND}, which was trained on")), "{text}");
    assert!(text.contains("no run on dataset versions 2 to 3 becomes live"), "{text}");
    world.refuses(&to_first, "pass --yes");
    assert_eq!((world.live().await, world.events().await.len()), (before, 10), "nothing has changed");

    let made = world.says(&[&to_first[..], &["--yes"]].concat());
    assert_eq!((&made["changed"], &made["version"], &made["live"]), (&json!(true), &json!(5), &live(5)));
    assert_eq!(made["runs"].as_array().unwrap().len(), 1, "it is still named");
    let moved = world.live().await;
    assert_eq!(moved.adapter, Some(run_on(1)));
    let cause = LiveCause::ByHand { who: "kim".to_owned(), why: "a test".to_owned() };
    assert_eq!(moved.changes.last().map(|change| &change.cause), Some(&cause));
    assert!(matches!(world.promote(3).await, Err(NotMoved::RolledBack { version: 3, .. })));

    let again = world.says(&[&to_first[..], &["--yes"]].concat());
    assert_eq!((&again["changed"], &again["live"]), (&json!(false), &Value::Null));
    assert_eq!(world.live().await, moved, "twice is once");
    let listed = String::from_utf8(world.run_plain(&["adapters"]).stdout).unwrap();
    assert!(listed.contains("rolled back: dataset versions 2 to 4; no run on them becomes live"), "{listed}");
    world.promote(5).await.unwrap();
}

#[tokio::test]
async fn a_rollback_that_died_in_between_is_finished_by_the_same_command() {
    let to_first = ["rollback", "--to", "1", "--yes"];
    let finishes = async |world: &World, from: &str| {
        let planned = world.says(&["rollback", "--to", "1", "--dry-run"]);
        let made = world.says(&to_first);
        let live = json!({"from": from, "to": FIRST, "taken_back": [{"above": 1, "below": 4}]});
        assert_eq!([&planned["live"], &made["live"]], [&live, &live]);
        assert_eq!(
            (&made["changed"], &made["version"]),
            (&json!(true), &Value::Null),
            "the dataset is as it should be"
        );
        assert_eq!((world.live_version().await, world.events().await.len()), (Some(1), 3));
        let after = world.live().await;
        assert_eq!((&world.says(&to_first)["changed"], world.live().await), (&json!(false), after));
        assert!(matches!(world.promote(2).await, Err(NotMoved::RolledBack { version: 2, .. })));
    };
    let world = World::two_adapters().await;
    world.roll_back_and_die(1).await;
    assert_eq!(world.live_version().await, Some(2));
    world.refuses(&["rollback", "--to", "1"], "pass --yes");
    finishes(&world, SECOND).await;

    // Another run on a rolled-back version becomes live before the rollback is finished.
    let world = World::two_adapters().await;
    world.roll_back_and_die(1).await;
    world.promote(3).await.unwrap();
    finishes(&world, "crossing-000003-attempt-1").await;

    // A freeze comes before the rollback is finished: its version is rolled back as well.
    let world = World::two_adapters().await;
    world.roll_back_and_die(1).await;
    world.curate(2, "bob", 20..23).await;
    assert_eq!(world.freeze(3).await.version, 5);
    let made = world.says(&to_first);
    assert_eq!(made["live"]["taken_back"], json!([{"above": 1, "below": 6}]));
    assert_eq!(world.live_version().await, Some(1));

    // The rollback is undone instead: the dataset has the rolled-back rows again, and their adapter stays live.
    let world = World::two_adapters().await;
    world.roll_back_and_die(1).await;
    let undone = world.says(&["rollback", "--to", "2", "--yes"]);
    assert_eq!(undone["live"], json!({"from": SECOND, "to": SECOND, "taken_back": [{"above": 2, "below": 5}]}));
    assert_eq!((world.live_version().await, world.events().await.len()), (Some(2), 7));
}

#[tokio::test]
async fn an_undone_rollback_leaves_it_to_a_person_what_is_live() {
    let world = World::two_adapters().await;
    world.says(&["rollback", "--to", "1", "--yes"]);
    let undone = world.says(&["rollback", "--to", "2", "--yes"]);
    assert_eq!(undone["live"]["to"], FIRST);
    assert!(matches!(world.promote(2).await, Err(NotMoved::RolledBack { version: 2, .. })));
    world.says(&["demote", "--to", SECOND, "--yes"]);
    for to in ["2", "4"] {
        let again = world.says(&["rollback", "--to", to, "--dry-run"]);
        assert_eq!(again["live"]["to"].as_str().unwrap_or(SECOND), SECOND, "{again}");
    }
    assert_eq!(world.says(&["rollback", "--to", "2", "--yes"])["changed"], false);
    assert_eq!(world.live_version().await, Some(2));
    // Another rollback to version 1 rolls it back again.
    assert_eq!(world.says(&["rollback", "--to", "1", "--yes"])["live"]["to"], FIRST);
}

#[tokio::test]
async fn by_policy_a_rollback_only_names_the_runs() {
    let world = World::two_adapters().await;
    let file = world.path().join("policy.toml");
    std::fs::write(&file, "[rollback]\ndemotes = false\n").unwrap();
    let before = world.live().await;
    let by_policy = ["rollback", "--to", "1", "--yes", "--policy", file.to_str().unwrap()];
    let made = world.says(&by_policy);
    assert_eq!((&made["changed"], &made["live"]), (&json!(true), &Value::Null));
    assert_eq!((&made["runs"][0]["run"], world.live().await), (&json!(SECOND), before.clone()));
    assert_eq!(world.says(&by_policy)["changed"], false);
    // An exclusion never moves the live adapter.
    let excluded = world.says(&["exclude", "--contributor-id", "alice", "--yes"]);
    assert_eq!((excluded["runs"].as_array().unwrap().len(), &excluded["live"]), (2, &Value::Null));
    assert_eq!(world.live().await, before);
    std::fs::write(&file, "[rollback]\ndemote = false\n").unwrap();
    world.refuses(&by_policy, "policy.toml:2: unknown field `demote`");
}

#[tokio::test]
async fn where_nothing_was_live_before_the_bare_base_is_and_what_cannot_be_read_changes_nothing() {
    let world = World::two_adapters().await;
    let live = world.path().join(LIVE_KEY);
    let whole = std::fs::read(&live).unwrap();
    std::fs::write(&live, "{").unwrap();
    world.refuses(&["rollback", "--to", "0", "--yes"], "understand models/live.json");
    assert_eq!(world.events().await.len(), 7);
    std::fs::write(&live, whole).unwrap();
    let made = world.says(&["rollback", "--to", "0", "--yes"]);
    assert_eq!((&made["live"]["from"], &made["live"]["to"]), (&json!(SECOND), &Value::Null));
    assert_eq!((world.live_version().await, world.events().await.len()), (None, 0));
    // Without a live adapter, runs on rolled-back versions are kept from becoming the first one.
    let world = World::two_versions().await;
    world.says(&["rollback", "--to", "1", "--yes"]);
    assert!(matches!(world.promote(2).await, Err(NotMoved::RolledBack { version: 2, .. })));
}

#[tokio::test]
async fn an_exclusion_takes_a_contributor_by_id_or_pseudonym() {
    let world = World::two_versions().await;
    world.refuses(&["exclude", "--yes"], "say which rows");
    world.refuses(&["exclude", "--contributor", "mallory"], "--contributor-id");
    world.refuses(&["exclude", "--window", "2026-11-22"], "FROM..TO");
    let nobody = world.says(&["exclude", "--contributor-id", "nobody", "--yes"]);
    assert_eq!(nobody["changed"], false);
    let pseudonym = ContributorKey::new("key").unwrap().pseudonym("mallory");
    let planned = world.says(&["exclude", "--contributor", &pseudonym, "--dry-run"]);
    let made = world.says(&["exclude", "--contributor-id", "mallory", "--yes"]);
    assert_eq!((&planned["removed"], &made["removed"]), (&json!(4), &json!(4)));
    assert_eq!((&made["operation"], &made["contributor"]), (&json!("exclusion"), &json!(pseudonym)));
    assert_eq!(world.events().await, ["e0", "e1", "e2"]);
    let window = format!("{0}..{0}", rfc3339(world.start));
    let rest = world.says(&["exclude", "--window", &window, "--yes"]);
    assert_eq!((&rest["removed"], &rest["rows"]), (&json!(3), &json!(0)));
}

#[tokio::test]
async fn a_released_pair_enters_with_the_next_freeze_and_a_rejected_one_is_dropped() {
    let world = World::two_versions().await;
    world.refuses(&["release", "--yes"], "say which");
    world.refuses(&["release", "--event", "e0", "--yes"], "e0 is neither in review nor in quarantine");
    world.refuses(&["release", "--event", "e14"], "pass --yes");
    let planned = world.says(&["release", "--reason", "contributor_cap", "--dry-run"]);
    assert_eq!((&planned["changed"], &planned["events"]), (&json!(false), &json!(["e14", "e15"])));
    let released = world.says(&["release", "--event", "e14", "--yes"]);
    assert_eq!((&released["changed"], &released["parts"][0].is_string()), (&json!(true), &true));
    let again = world.says(&["release", "--event", "e14", "--yes"]);
    assert_eq!((&again["changed"], &again["events"]), (&json!(false), &json!([])));
    let window = format!("{}..", rfc3339(world.start + 1));
    let rejected = world.says(&["reject", "--reason", "contributor_cap", "--window", &window, "--yes"]);
    assert_eq!(rejected["events"], json!(["e15"]), "what is decided is not asked again");

    // The cap quarantined it, and does not quarantine it again.
    world.curate(2, "mallory", 20..24).await;
    let report = world.freeze(3).await;
    assert_eq!((report.rows, report.held, report.duplicates), (5, 0, 0));
    assert!(world.events().await.contains(&"e14".to_owned()));
    let gold = world.lines(Route::Gold).pop().unwrap();
    assert_eq!((&gold["event_id"], &gold["tags"]), (&json!("e14"), &json!(["contributor_cap", "released"])));
    let reviewer = ContributorKey::new("key").unwrap().pseudonym("kim");
    assert_eq!(gold["context"], json!([{"key": "reviewer", "value": reviewer}]));
    let dropped = world.lines(Route::Dropped);
    assert_eq!((dropped.len(), &dropped[0]["event_id"], &dropped[0]["chosen"]), (1, &json!("e15"), &Value::Null));
    assert_eq!(dropped[0]["reasons"], json!(["rejected_by_reviewer"]));
    let released = world.says(&["exclude", "--reason", "released", "--dry-run"]);
    assert_eq!(released["removed"], 1, "it is found by what it was held for");
}

#[tokio::test]
async fn a_corrected_text_is_an_edit_of_the_reviewers_that_has_to_pass() {
    let world = World::new();
    let text = |days: &str| format!("Please wait for {days}, and then write to us again, by letter.");
    let event = |id: &str| {
        json!({"event_id": id, "prompt": format!("{id}: how long?"), "contributor_id": "alice",
               "original_llm_output": text("30 days"), "final_user_edit": text("14 days")})
    };
    world.curate_all(0, ["c1", "c2"].map(event).into_iter()).await;
    assert_eq!(world.lines(Route::Review).len(), 2);
    let correct =
        |event: &str, text: &str| world.run(&["release", "--event", event, "--correct", "-", "--yes", "--json"], text);
    let refused = correct("c1", &text("21 days"));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("would be in review itself, for critical"), "{error}");
    assert!(String::from_utf8(correct("c1", "").stderr).unwrap().contains("the corrected text is no edit"));
    let two = world.run(&["release", "--reason", "critical", "--correct", "-", "--yes"], "a text");
    assert!(String::from_utf8(two.stderr).unwrap().contains("one text corrects one event"));
    assert!(world.lines(Route::Gold).is_empty() && world.lines(Route::Dropped).is_empty(), "nothing has changed");

    let mended = "Please wait two weeks. If nothing has happened by then, call us or write to us.";
    let corrected = printed(&correct("c1", mended));
    assert_eq!((&corrected["decision"], &corrected["events"]), (&json!("corrected"), &json!(["c1"])));
    assert_eq!(printed(&correct("c1", mended))["changed"], false);
    let (gold, dropped) = (world.lines(Route::Gold), world.lines(Route::Dropped));
    assert_eq!((gold.len(), dropped.len()), (1, 1));
    let reviewer = ContributorKey::new("key").unwrap().pseudonym("kim");
    assert_eq!((&gold[0]["chosen"], &gold[0]["contributor"]), (&json!(mended), &json!(reviewer)));
    assert_eq!(gold[0]["event_id"], corrected["correction"]);
    assert_eq!(dropped[0]["reasons"], json!(["corrected_by_reviewer"]));
    assert_eq!(world.freeze(1).await.rows, 1);
}
