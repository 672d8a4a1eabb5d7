//! The promises of a dataset, tested on a local folder and, if one is named, on S3.

#![allow(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use deltalake::arrow::json::writer::LineDelimited;
use deltalake::arrow::json::{ReaderBuilder, WriterBuilder};
use deltalake::datafile::reader::ParquetTableReader;
use deltalake::datafile::{DeltaDataReader as _, ReadOptions};
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::logstore::object_store::ObjectStoreExt as _;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableBuilder};
use flywheel_curation::Curator;
use flywheel_dataset::{
    Background, Changed, DatasetRules, Difference, Entry, Fingerprint, GoldLine, Newcomers, ObjectDigest, Pair, Split,
    SplitSalt, Statistics, audit,
};
use flywheel_event::ContributorKey;
use flywheel_log::{Breadth, Frozen, Goal, Pointer, Watermark};
use flywheel_policy::Policy;
use flywheel_runtime::Settings;
use flywheel_table::{Dataset as _, DatasetError, DeltaDataset, Loaded, Records, compare};
use futures::{Stream, TryStreamExt as _, future::join_all};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

/// Shared, because its patterns take a while to compile.
static CURATOR: LazyLock<Curator> = LazyLock::new(|| Curator::new(Policy::default(), ContributorKey::new("key")));

/// Returns a gold line as curation writes it, of an event with every field.
fn gold_line(event_id: &str, chosen: &str) -> String {
    let event = json!({
        "event_id": event_id, "thread_id": "t-1", "contributor_id": "alice", "model": {"id": "m", "adapter": null},
        "occurred_at": "2026-11-22T11:00:00.5+01:00", "context": {"tenant": "acme"},
        "prompt": [{"role": "user", "content": "Hi"}],
        "original_llm_output": format!("{chosen} SECRET"), "final_user_edit": chosen,
    });
    CURATOR.curate(&event.to_string(), 1_795_342_830_007).unwrap().line
}

fn lines(ids: std::ops::Range<u32>) -> Vec<String> {
    ids.map(|id| gold_line(&format!("question-{id}"), &format!("the answer to question number {id}"))).collect()
}

/// Returns a gold line with one column changed, or, without a value, removed.
fn with(column: &str, value: Option<Value>) -> String {
    let mut line: serde_json::Map<String, Value> = serde_json::from_str(&gold_line("e-1", "an answer")).unwrap();
    line.remove(column);
    line.extend(value.map(|value| (column.to_owned(), value)));
    Value::Object(line).to_string()
}

fn record(version: u64, rows: u64) -> Records {
    let breadth = Breadth::default();
    let frozen = Frozen {
        version,
        rows,
        duplicates: 2,
        near_duplicates: 0,
        superseded: 0,
        revised: 0,
        held: 0,
        waiting: 0,
        parts: 3,
        breadth,
        may_train: true,
    };
    let goal = Goal { threshold: 100, ..Goal::default() };
    let pointer = Pointer { crossing: version, ..Pointer::default() };
    Records { pointer: pointer.after_freeze(frozen, &goal, Watermark::default(), 0), version: None }
}

fn entries(lines: Vec<String>) -> Vec<Entry> {
    let entry = |line: &String| {
        let line = Pair::read(line).unwrap();
        let gold = line.gold();
        let fingerprint = Fingerprint::of(&gold.prompt, &gold.chosen, &gold.rejected).to_bytes();
        Entry { line, split: Split::HeldOut, fingerprint }
    };
    lines.iter().map(entry).collect()
}

/// Returns the number of these lines that the dataset has already.
async fn known(dataset: &DeltaDataset, lines: &[String]) -> u64 {
    let mut newcomers = Newcomers::new(&DatasetRules::default());
    lines.iter().for_each(|line| newcomers.add(Pair::read(line).unwrap()));
    let loaded = dataset.load().await.unwrap();
    dataset.deduplicate(&loaded.snapshot, &mut newcomers).await.unwrap();
    audit(newcomers, Background::default(), &DatasetRules::default(), &SplitSalt::new([0; 16])).duplicates
}

/// Returns a row without the columns that the audit adds, which are checked on their own.
fn without_added(mut row: Value) -> Value {
    let columns = row.as_object_mut().unwrap();
    assert_eq!(columns.remove("split"), Some(json!("heldout")));
    assert!(columns.remove("fingerprint").is_some_and(|fingerprint| fingerprint.is_string()));
    row
}

async fn freeze(dataset: &DeltaDataset, lines: Vec<String>) -> Result<u64, DatasetError> {
    let Loaded { snapshot, version, .. } = dataset.load().await?;
    let record = record(version + 1, lines.len() as u64);
    dataset.commit(snapshot, entries(lines), &HashSet::new(), |_| record).await.map(|_| version + 1)
}

async fn open(location: &Url) -> DeltaTable {
    let options = [("AWS_ALLOW_HTTP".to_owned(), "true".to_owned())];
    let builder = DeltaTableBuilder::from_url(location.clone()).unwrap().with_storage_options(options.into());
    builder.load().await.unwrap()
}

/// Returns all rows of a version, as JSON objects.
async fn rows(location: &Url, version: u64) -> Vec<Value> {
    let mut table = open(location).await;
    table.load_version(version).await.unwrap();
    let reader = ParquetTableReader::try_new(&table).await.unwrap();
    let batches: Vec<_> = reader.read(ReadOptions::default()).await.unwrap().try_collect().await.unwrap();
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    let written = String::from_utf8(writer.into_inner()).unwrap();
    written.split_terminator('\n').map(|row| serde_json::from_str(row).unwrap()).collect()
}

async fn a_new_dataset_is_empty(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    let Loaded { version, last_freeze, salt, .. } = dataset.load().await.unwrap();
    assert_eq!((version, last_freeze), (0, None));
    assert_eq!(dataset.load().await.unwrap().salt, salt, "drawn once");
    assert_eq!(known(&dataset, &lines(0..1)).await, 0);
    assert!(rows(&at, 0).await.is_empty());
}

async fn what_is_committed_is_loaded(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    assert_eq!(freeze(&dataset, lines(0..3)).await.unwrap(), 1);
    assert_eq!(freeze(&dataset, lines(3..5)).await.unwrap(), 2);
    let Loaded { version, last_freeze, .. } = dataset.load().await.unwrap();
    assert_eq!((version, last_freeze), (2, Some(record(2, 2))));
    assert_eq!(known(&dataset, &lines(0..7)).await, 5);
    assert_eq!((rows(&at, 1).await.len(), rows(&at, 2).await.len()), (3, 5));
    assert_eq!(open(&at).await.snapshot().unwrap().snapshot().version(), 2);
}

async fn a_version_without_lines_has_a_record_and_no_file(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    freeze(&dataset, lines(0..3)).await.unwrap();
    assert_eq!(freeze(&dataset, Vec::new()).await.unwrap(), 2);
    assert_eq!(dataset.load().await.unwrap().last_freeze, Some(record(2, 0)));
    assert_eq!(rows(&at, 2).await.len(), 3);
    assert_eq!(open(&at).await.get_file_uris().unwrap().count(), 1);
}

async fn every_column_and_every_text_comes_back(at: Url) {
    let texts = [
        "NUL \0, controls \u{1} \u{7f}, and a line\r\nfeed",
        "emoji 🦀👩‍👩‍👧, combining e\u{301}, right to left \u{202e}אב, \u{feff}",
        "U+2028 \u{2028} and U+2029 \u{2029}, \u{fffe} \u{ffff} \u{10ffff}",
        r#"quotes " ' \ \" \u0000 {"a": [1, 2]}"#,
        &"long ✓ ".repeat(70_000),
    ];
    let with_text = |text: &&str| {
        let mut line: Value = serde_json::from_str(&gold_line("e-1", "an answer")).unwrap();
        ["event_id", "prompt", "chosen", "rejected"].iter().for_each(|column| line[column] = json!(text));
        line["prompt_messages"][0]["content"] = json!(text);
        line
    };
    let committed: Vec<Value> = texts.iter().map(with_text).collect();
    let lines = committed.iter().map(Value::to_string).collect();
    freeze(&DeltaDataset::at(at.clone()), lines).await.unwrap();
    let found: Vec<_> = rows(&at, 1).await.into_iter().map(without_added).collect();
    assert_eq!(found, committed);
}

async fn a_null_is_kept_where_it_may_be(at: Url) {
    let curator = Curator::new(Policy::default(), None);
    let event = json!({"prompt": "Hi", "original_llm_output": "Hello you there", "final_user_edit": "Hello there"});
    let line = curator.curate(&event.to_string(), 1_795_342_830_007).unwrap().line;
    let mut line: Value = serde_json::from_str(&line).unwrap();
    line["scores"] = json!({"toxicity": 0.25, "unknown": null});
    freeze(&DeltaDataset::at(at.clone()), vec![line.to_string()]).await.unwrap();
    let found: Vec<_> = rows(&at, 1).await.into_iter().map(without_added).collect();
    assert_eq!(found, [line]);
}

async fn of_two_commits_on_one_version_one_fails(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    let (first, second) = (dataset.load().await.unwrap(), dataset.load().await.unwrap());
    dataset.commit(first.snapshot, entries(lines(0..2)), &HashSet::new(), |_| record(1, 2)).await.unwrap();
    let conflict = dataset.commit(second.snapshot, entries(lines(2..5)), &HashSet::new(), |_| record(1, 3)).await;
    assert!(matches!(conflict, Err(DatasetError::Conflict)), "{conflict:?}");
    let loaded = dataset.load().await.unwrap();
    assert_eq!((loaded.version, loaded.last_freeze), (1, Some(record(1, 2))));
    assert_eq!(rows(&at, 1).await.len(), 2);
}

/// This includes the creation of the table, where all freezes compete first.
async fn of_many_freezes_at_once_one_commits(at: Url) {
    let freezes = (0..8_u32).map(|index| {
        let dataset = DeltaDataset::at(at.clone());
        tokio::spawn(async move {
            let loaded = dataset.load().await.unwrap();
            // A slow one may find the version of another; it would start over, as after a conflict.
            if loaded.version > 0 {
                return Err(DatasetError::Conflict);
            }
            dataset.commit(loaded.snapshot, entries(lines(index..index + 1)), &HashSet::new(), |_| record(1, 1)).await
        })
    });
    let ends: Vec<_> = join_all(freezes).await.into_iter().map(Result::unwrap).collect();
    let committed = ends.iter().filter(|end| end.is_ok()).count();
    let conflicts = ends.iter().filter(|end| matches!(end, Err(DatasetError::Conflict))).count();
    assert_eq!((committed, conflicts), (1, 7), "{ends:?}");
    assert_eq!(DeltaDataset::at(at.clone()).load().await.unwrap().version, 1);
    assert_eq!(rows(&at, 1).await.len(), 1);
}

async fn a_line_that_does_not_fit_is_named_and_nothing_is_committed(at: Url) {
    let misfits = [
        (with("scores", Some(json!({"SECRET": "0.5"}))), "mistyped"),
        (with("scores", Some(json!([]))), "column scores"),
        (with("curated_at", Some(json!("SECRET"))), "column curated_at"),
        (with("model", Some(json!({"adapter": "a"}))), "column model"),
        (with("model", Some(json!({"id": "m", "SECRET": 1}))), "column model"),
        (with("feedback", Some(json!({"kind": "copy", "SECRET": 1}))), "column feedback"),
        (with("SECRET", Some(json!(1))), "columns"),
    ];
    let dataset = DeltaDataset::at(at.clone());
    for (misfit, expected) in misfits {
        // The misfit is in the second batch, so that the first is written already.
        let mut batch = lines(0..1_500);
        batch[1_300] = misfit;
        let Err(DatasetError::InvalidLine { index: 1_300, reason }) = freeze(&dataset, batch).await else {
            panic!("expected: {expected}")
        };
        assert!(reason.contains(expected) && !reason.contains("SECRET"), "{reason} instead of {expected}");
    }
    assert_eq!(dataset.load().await.unwrap().version, 0);
}

async fn every_version_stays_readable_past_a_checkpoint(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    for version in 1..=12 {
        assert_eq!(freeze(&dataset, lines(version..version + 1)).await.unwrap(), u64::from(version));
    }
    let log = open(&at).await.log_store().object_store(None);
    log.head(&"_delta_log/00000000000000000009.checkpoint.parquet".into()).await.unwrap();
    assert_eq!(dataset.load().await.unwrap().last_freeze, Some(record(12, 1)));
    for version in [1, 9, 10, 12] {
        let events: BTreeSet<_> = rows(&at, version).await.iter().map(|row| row["event_id"].to_string()).collect();
        assert_eq!(events.len() as u64, version);
    }
}

async fn the_record_is_found_below_commits_of_others(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    freeze(&dataset, lines(0..1)).await.unwrap();
    let table = open(&at).await;
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    CommitBuilder::default().build(Some(table.snapshot().unwrap()), table.log_store(), operation).await.unwrap();
    let loaded = dataset.load().await.unwrap();
    assert_eq!((loaded.version, loaded.last_freeze), (2, Some(record(1, 1))));
}

/// Makes a table from before there was a column for feedback.
async fn an_older_table_gets_the_columns_that_it_lacks(at: Url) {
    DeltaDataset::at(at.clone()).load().await.unwrap();
    let columns: Vec<_> = open(&at).await.snapshot().unwrap().schema().fields().cloned().collect();
    let older = at.join("older").unwrap();
    if let Ok(folder) = older.to_file_path() {
        std::fs::create_dir_all(folder).unwrap();
    }
    let table = DeltaTableBuilder::from_url(older.clone()).unwrap();
    let table = table.with_storage_options([("AWS_ALLOW_HTTP".to_owned(), "true".to_owned())].into()).build().unwrap();
    let kept = columns.into_iter().filter(|column| column.name() != "feedback");
    table.create().with_columns(kept).await.unwrap();
    let dataset = DeltaDataset::at(older.clone());
    let loads = join_all((0..4).map(|_| dataset.load())).await;
    assert!(loads.iter().all(|load| load.as_ref().is_ok_and(|loaded| loaded.version == 1)), "added once");
    assert_eq!(freeze(&dataset, vec![gold_line("e-1", "an answer")]).await.unwrap(), 2);
    let feedback = json!({"kind": "stars", "rating": 4, "comment": "good", "label": true});
    assert_eq!(freeze(&dataset, vec![with("feedback", Some(feedback.clone()))]).await.unwrap(), 3);
    let rows = rows(&older, 3).await;
    let found: BTreeSet<_> = rows.iter().map(|row| row["feedback"].to_string()).collect();
    assert_eq!(found, BTreeSet::from([feedback.to_string(), "null".to_owned()]));
}

async fn the_log_has_no_texts_and_the_crossing(at: Url) {
    freeze(&DeltaDataset::at(at.clone()), lines(0..3)).await.unwrap();
    let table = open(&at).await;
    let commit = table.log_store().read_commit_entry(1).await.unwrap().unwrap();
    let commit = std::str::from_utf8(&commit).unwrap();
    assert!(!commit.contains("SECRET") && !commit.contains("answer") && !commit.contains("question-"), "{commit}");
    assert!(commit.contains(r#""txn":{"appId":"flywheel.freeze","version":1}"#), "{commit}");
    assert!(commit.contains(r#"\"numRecords\":3"#), "{commit}");
}

async fn an_object_is_read_as_it_was_written_or_not_at_all(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    let snapshot = dataset.load().await.unwrap().snapshot;
    let object = ObjectDigest::of("held", "jsonl", b"a line\n");
    assert!(dataset.get_object(&snapshot, &object).await.is_err());
    for _ in 0..2 {
        dataset.put_object(&snapshot, &object, b"a line\n".to_vec()).await.unwrap();
        assert_eq!(dataset.get_object(&snapshot, &object).await.unwrap(), b"a line\n");
    }
    let other = ObjectDigest { sha256: "0".repeat(64), ..object };
    assert!(dataset.get_object(&snapshot, &other).await.unwrap_err().to_string().contains("was changed"));
}

/// Makes a table from before the audit: without the two columns, the salt and records of versions.
async fn a_table_from_before_the_audit(at: &Url, lines: &[String]) {
    let folder = TempDir::new().unwrap();
    let model = Url::from_directory_path(folder.path()).unwrap();
    DeltaDataset::at(model.clone()).load().await.unwrap();
    let schema = open(&model).await.snapshot().unwrap().schema();
    let columns = schema.fields().filter(|field| !["split", "fingerprint"].contains(&field.name().as_str()));
    let options = [("AWS_ALLOW_HTTP".to_owned(), "true".to_owned())];
    let table = DeltaTableBuilder::from_url(at.clone()).unwrap().with_storage_options(options.into()).build().unwrap();
    let mut table = table.create().with_columns(columns.cloned()).await.unwrap();
    let mut writer = RecordBatchWriter::for_table(&table).unwrap();
    let mut decoder = ReaderBuilder::new(writer.arrow_schema()).build_decoder().unwrap();
    decoder.decode(lines.join("\n").as_bytes()).unwrap();
    writer.write(decoder.flush().unwrap().unwrap()).await.unwrap();
    writer.flush_and_commit(&mut table).await.unwrap();
}

async fn a_table_from_before_the_audit_goes_on(at: Url) {
    let old = lines(0..3);
    a_table_from_before_the_audit(&at, &old).await;
    let dataset = DeltaDataset::at(at.clone());
    // The columns come in a commit of their own.
    assert_eq!(known(&dataset, &lines(0..5)).await, 3);
    assert_eq!(freeze(&dataset, lines(3..5)).await.unwrap(), 3);
    let salt = dataset.load().await.unwrap().salt;
    assert_eq!(known(&dataset, &lines(0..7)).await, 5);
    assert_eq!(freeze(&dataset, lines(5..6)).await.unwrap(), 4);
    assert_eq!(dataset.load().await.unwrap().salt, salt, "drawn once");
    assert_eq!((rows(&at, 1).await.len(), rows(&at, 3).await.len(), rows(&at, 4).await.len()), (3, 5, 6));
    let splits: Vec<_> = rows(&at, 4).await.iter().map(|row| row["split"].clone()).collect();
    assert_eq!(splits.iter().filter(|split| **split == json!("heldout")).count(), 3);
    assert_eq!(splits.iter().filter(|split| split.is_null()).count(), 3);
}

/// Returns one column of a stream of rows.
async fn column(rows: impl Stream<Item = Result<String, DatasetError>>, name: &str) -> Vec<String> {
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()[name].as_str().unwrap().to_owned()).collect()
}

async fn a_version_is_read_as_it_was(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    assert!(dataset.open_version(None).await.unwrap().is_none());
    assert!(dataset.open_version(Some(0)).await.unwrap().is_none());
    freeze(&dataset, lines(0..3)).await.unwrap();
    freeze(&dataset, lines(3..5)).await.unwrap();
    for (number, events, added) in
        [(None, 0..5, 3..5), (Some(2), 0..5, 3..5), (Some(1), 0..3, 0..3), (Some(0), 0..0, 0..0)]
    {
        let ids = |ids: std::ops::Range<u32>| ids.map(|id| format!("question-{id}")).collect::<Vec<_>>();
        let version = dataset.open_version(number).await.unwrap().unwrap();
        assert_eq!(version.number(), number.unwrap_or(2));
        assert_eq!(version.pairs().await.unwrap(), Some(events.len() as u64));
        assert_eq!(column(version.rows(&["event_id", "split"]), "event_id").await, ids(events));
        assert_eq!(column(version.added_rows(&["event_id"]), "event_id").await, ids(added));
    }
    let version = dataset.open_version(None).await.unwrap().unwrap();
    let rows: Vec<_> = version.rows(&["split", "prompt_messages", "occurred_at"]).try_collect().await.unwrap();
    let row: Value = serde_json::from_str(&rows[4]).unwrap();
    let messages = json!([{"role": "user", "content": "Hi"}]);
    assert_eq!(
        row,
        json!({"split": "heldout", "prompt_messages": messages, "occurred_at": "2026-11-22T10:00:00.500Z"})
    );
    assert!(dataset.open_version(Some(3)).await.unwrap().is_none());
}

/// The file is larger than files that are read whole.
async fn a_large_file_is_read_in_ranges(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    let mut state = 1_u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:x} ", state >> 20)
    };
    let lines: Vec<_> =
        (0..400).map(|id| gold_line(&format!("e-{id}"), &(0..700).map(|_| word()).collect::<String>())).collect();
    freeze(&dataset, lines.clone()).await.unwrap();
    let version = dataset.open_version(None).await.unwrap().unwrap();
    let text = |line: &String| serde_json::from_str::<Value>(line).unwrap()["chosen"].as_str().unwrap().to_owned();
    assert_eq!(column(version.rows(&["chosen"]), "chosen").await, lines.iter().map(text).collect::<Vec<_>>());
    let table = open(&at).await;
    let files: Vec<_> = table.get_active_add_actions_by_partitions(&[]).try_collect().await.unwrap();
    assert!(files[0].size() > 1_500_000, "{}", files[0].size());
}

async fn versions_are_listed_and_found_by_date(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    for version in 1..=12 {
        freeze(&dataset, lines(2 * version..2 * version + version % 3)).await.unwrap();
    }
    let newest = dataset.open_version(None).await.unwrap().unwrap();
    let all = newest.history(u64::MAX).await.unwrap();
    let pairs: Vec<_> = all.iter().map(|commit| (commit.number, commit.pairs)).collect();
    let expected = [12, 12, 10, 9, 9, 7, 6, 6, 4, 3, 3, 1, 0].map(Some);
    assert_eq!(pairs, (0..13).rev().zip(expected).collect::<Vec<_>>());
    assert_eq!(all[0].records, Some(record(12, 0)));
    assert_eq!((all[12].records.is_none(), all[12].operation.as_deref()), (true, Some("CREATE TABLE")));
    for most in [0, 1, 2, 12, 13] {
        let some = newest.history(most).await.unwrap();
        let some: Vec<_> = some.iter().map(|commit| (commit.number, commit.pairs)).collect();
        assert_eq!(some, pairs[..usize::try_from(most).unwrap()]);
    }
    let third = dataset.open_version(Some(3)).await.unwrap().unwrap();
    assert_eq!(third.history(1).await.unwrap()[0].pairs, third.commit().await.unwrap().unwrap().pairs);
    let committed: Vec<_> = all.iter().rev().map(|commit| commit.committed_at.unwrap()).collect();
    for then in committed.iter().flat_map(|at| [at - 1, *at, at + 1]) {
        let expected = committed.iter().rposition(|at| *at <= then).map(|number| number as u64);
        assert_eq!(newest.newest_by(then).await.unwrap(), expected);
    }
}

async fn versions_are_compared_by_what_differs(at: Url) {
    let dataset = DeltaDataset::at(at.clone());
    freeze(&dataset, lines(0..3)).await.unwrap();
    freeze(&dataset, lines(3..5)).await.unwrap();
    freeze(&dataset, lines(9..10)).await.unwrap();
    // The first file goes. All lines have one prompt, so another pair replaces one of its pairs.
    let table = open(&at).await;
    let files: Vec<_> = table.get_active_add_actions_by_partitions(&[]).try_collect().await.unwrap();
    let oldest = files.iter().min_by_key(|file| file.modification_time()).unwrap();
    let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
    let remove = Action::Remove(oldest.remove_action(false));
    let commit = CommitBuilder::default().with_actions(vec![remove]);
    commit.build(Some(table.snapshot().unwrap()), table.log_store(), operation).await.unwrap();

    let open = async |number| dataset.open_version(Some(number)).await.unwrap().unwrap();
    let pair_id = |line: &String| serde_json::from_str::<Value>(line).unwrap()["pair_id"].as_str().unwrap().to_owned();
    let ids = |range| lines(range).iter().map(pair_id).collect::<Vec<_>>();
    let (second, third, fourth) = (open(2).await, open(3).await, open(4).await);
    assert_eq!(third.history(9).await.unwrap()[0].pairs, Some(6));
    assert_eq!(fourth.history(9).await.unwrap()[0].pairs, Some(3));
    let mut heard = 0;
    let compared = compare([&second, &fourth], false, |rows| heard = rows).await.unwrap();
    let changed = Changed { from: ids(0..1).remove(0), to: ids(9..10).remove(0) };
    let difference = Difference { added: Vec::new(), removed: ids(1..3), changed: vec![changed] };
    assert_eq!((&compared.difference, compared.statistics.is_none(), heard), (&difference, true, 4));
    let found = compared.pairs(&second, &ids(1..3), &["pair_id", "prompt"]).await.unwrap();
    assert_eq!(found.iter().map(pair_id).collect::<Vec<_>>(), ids(1..3));
    let compared = compare([&second, &third], true, |_| ()).await.unwrap();
    assert_eq!(compared.difference, Difference { added: ids(9..10), ..Difference::default() });
    let [before, after] = compared.statistics.unwrap();
    assert_eq!((before.rows, after.rows, after.held_out), (5, 6, 6));
    let lines: Vec<_> = lines(0..5);
    let lines: Vec<_> = lines.iter().map(|line| GoldLine::parse(line).unwrap()).collect();
    assert_eq!(before, Statistics::of(lines.iter().map(|line| (line, Split::HeldOut))));
}

async fn check(base: &Url) {
    let at = |name: &str| base.join(name).unwrap();
    a_new_dataset_is_empty(at("empty")).await;
    what_is_committed_is_loaded(at("loaded")).await;
    a_version_without_lines_has_a_record_and_no_file(at("no-lines")).await;
    every_column_and_every_text_comes_back(at("texts")).await;
    a_null_is_kept_where_it_may_be(at("nulls")).await;
    of_two_commits_on_one_version_one_fails(at("two")).await;
    of_many_freezes_at_once_one_commits(at("many")).await;
    a_line_that_does_not_fit_is_named_and_nothing_is_committed(at("misfits")).await;
    every_version_stays_readable_past_a_checkpoint(at("checkpoint")).await;
    the_record_is_found_below_commits_of_others(at("others")).await;
    an_older_table_gets_the_columns_that_it_lacks(at("columns/")).await;
    the_log_has_no_texts_and_the_crossing(at("log")).await;
    an_object_is_read_as_it_was_written_or_not_at_all(at("objects")).await;
    a_table_from_before_the_audit_goes_on(at("before")).await;
    a_version_is_read_as_it_was(at("read")).await;
    a_large_file_is_read_in_ranges(at("large")).await;
    versions_are_listed_and_found_by_date(at("history")).await;
    versions_are_compared_by_what_differs(at("compared")).await;
}

async fn check_in_a_folder() {
    let folder = TempDir::new().unwrap();
    for name in
        "empty loaded no-lines texts nulls two many misfits checkpoint others columns log objects before read large history compared".split(' ')
    {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    check(&Url::from_directory_path(folder.path()).unwrap()).await;
}

#[tokio::test]
async fn a_folder_keeps_the_promises_on_one_thread() {
    check_in_a_folder().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_promises_on_many_threads() {
    check_in_a_folder().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a bucket, FLYWHEEL_TEST_BUCKET at AWS_ENDPOINT_URL: make test-stack"]
async fn s3_keeps_the_promises() {
    let settings = Settings::from_env();
    let bucket = settings.required("FLYWHEEL_TEST_BUCKET").unwrap();
    settings.required("AWS_ENDPOINT_URL").unwrap();
    let run = flywheel_runtime::now();
    check(&Url::parse(&format!("s3://{bucket}/delta-dataset-tests/{run}/")).unwrap()).await;
}
