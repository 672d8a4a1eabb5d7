//! Runs by the binary, from the workflow's files to those for the gate.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

mod run;

use std::fs;
use std::ops::ControlFlow;
use std::thread::sleep;
use std::time::{Duration, Instant};

use flywheel_trainer::{Job, Observer, Progress, TrainerError};
use flywheel_training::{Incumbent, InputFile, LeftOut, Message, PairRow, ReplayRow, RunReport, Sha256Hex};

use run::{Run, Sizes, base, recipe, trainer};

const FEW: Sizes = Sizes { train: 24, held_out: 6, replay_train: 10, replay_held_out: 4 };

#[test]
fn a_run_leaves_what_the_contract_says() {
    let run = Run::new(FEW, recipe());
    run.train("output", &[]);
    let report = run.report("output");
    let read = |file: &str| fs::read(run.output("output").join(file)).unwrap();
    assert_eq!(report.run, run.description.run);
    assert_eq!(report.input_sha256, Sha256Hex::of(&fs::read(run.input().join("run.json")).unwrap()));
    assert_eq!(report.base_files, run.description.base.files);
    assert_eq!(report.adapter_sha256, Sha256Hex::of(&read("adapter_model.safetensors")));
    assert_eq!(report.config_sha256, Sha256Hex::of(&read("adapter_config.json")));
    assert_eq!(report.rows_sha256, Sha256Hex::of(&read("rows.jsonl")));
    assert_eq!((report.rows, report.truncated, report.dropped), (10, 0, 0));
    let effort = ["trained_tokens", "training_seconds"].map(|what| report.summary[what].as_f64().unwrap());
    assert!(effort[0] > 24.0 * 2.0 * 10.0 && effort[1] > 0.0 && effort[1] < report.seconds, "{effort:?}");

    let (pairs, replay) = run.rows("output");
    let held_out = fs::read_to_string(run.input().join("heldout.jsonl")).unwrap();
    let ids = held_out
        .lines()
        .zip(1..)
        .map(|(line, number)| PairRow::parse(InputFile::HeldOut, number, line).unwrap().pair_id);
    assert!(pairs.iter().map(|pair| pair.pair_id.clone()).eq(ids));
    assert_eq!(replay.len(), 4);
    assert!(pairs.iter().all(|pair| pair.candidate.logp_chosen.unwrap() < 0.0 && pair.candidate != pair.incumbent));
    assert!(replay.iter().all(|row| row.tokens > 1 && row.candidate.logp.unwrap() < 0.0));
}

#[test]
fn the_same_input_makes_the_same_bytes_however_many_threads_there_are() {
    let run = Run::new(FEW, recipe());
    let one = run.train("one", &["--threads", "1"]);
    run.train("three", &["--threads", "3"]);
    assert_eq!(run.bytes("one"), run.bytes("three"));
    assert!(String::from_utf8(one.stderr).unwrap().contains("24 pairs and 10 replay rows"));
    let mut recipe = recipe();
    recipe.seed += 1;
    let other_seed = Run::new(FEW, recipe);
    other_seed.train("one", &[]);
    assert_ne!(other_seed.bytes("one"), run.bytes("one"));
}

#[test]
fn killed_in_the_middle_and_taken_up_again_it_comes_to_the_same() {
    let mut recipe = recipe();
    recipe.training.batch_size = 1;
    let run = Run::new(Sizes { train: 30, ..FEW }, recipe);
    run.train("never-killed", &[]);

    let checkpoint = run.output("checkpoint");
    let checkpoint = checkpoint.to_str().unwrap();
    let mut process = run.command("killed").args(["--checkpoint", checkpoint]).spawn().unwrap();
    let (started, saved) = (Instant::now(), run.output("checkpoint").join("checkpoint.safetensors"));
    while !saved.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no checkpoint");
        assert!(process.try_wait().unwrap().is_none(), "it was done before it could be killed");
        sleep(Duration::from_millis(2));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(!run.output("killed").join("run.json").exists());

    let done = run.train("killed", &["--checkpoint", checkpoint]);
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("goes on after step"), "{said}");
    assert_eq!(run.bytes("killed"), run.bytes("never-killed"));

    // The checkpoint does not fit another run.
    let mut run = run;
    run.description.seed += 1;
    run.describe();
    let done = run.train("other", &["--checkpoint", checkpoint]);
    assert!(String::from_utf8(done.stderr).unwrap().contains("begins anew"));
}

#[test]
fn it_learns_what_users_want_and_forgets_nothing() {
    let run = Run::new(Sizes { train: 280, held_out: 30, replay_train: 80, replay_held_out: 20 }, recipe());
    run.train("output", &[]);
    let (pairs, replay) = run.rows("output");
    let held_out = fs::read_to_string(run.input().join("heldout.jsonl")).unwrap();
    let rows: Vec<PairRow> = held_out
        .lines()
        .zip(1..)
        .map(|(line, number)| PairRow::parse(InputFile::HeldOut, number, line).unwrap())
        .collect();
    let share =
        |is_so: &dyn Fn(usize) -> bool| (0..rows.len()).filter(|row| is_so(*row)).count() as f64 / rows.len() as f64;
    let stale_before = share(&|row| pairs[row].incumbent.output == rows[row].rejected);
    let right_after = share(&|row| pairs[row].candidate.output == rows[row].chosen);
    let likelier = share(&|row| pairs[row].candidate.logp_chosen > pairs[row].incumbent.logp_chosen);
    let tokens: u64 = replay.iter().map(|row| row.tokens).sum();
    let nll = |logps: Vec<Option<f64>>| -logps.into_iter().map(Option::unwrap).sum::<f64>() / tokens as f64;
    let before = nll(replay.iter().map(|row| row.incumbent.logp).collect());
    let after = nll(replay.iter().map(|row| row.candidate.logp).collect());
    println!("stale before {stale_before}, right after {right_after}, likelier {likelier}, replay {before} to {after}");
    assert!(stale_before > 0.9 && right_after > 0.7 && likelier > 0.95 && after < before + 0.05);
}

#[test]
fn the_live_adapter_is_what_the_new_one_is_compared_with() {
    let mut run = Run::new(FEW, recipe());
    run.train("first", &[]);
    let RunReport { adapter_sha256: sha256, config_sha256, .. } = run.report("first");
    let (adapter, prefix) = (run.description.run.clone(), "runs/first/output/".to_owned());
    run.description.incumbent = Some(Incumbent { adapter, prefix, sha256, config_sha256 });
    run.describe();
    assert!(run.fails(&[]).contains("names an incumbent"));
    let first = run.output("first");
    run.train("second", &["--incumbent", first.to_str().unwrap()]);
    // Both are trained from the base, with the same rows.
    let (pairs, _) = run.rows("second");
    assert!(pairs.iter().all(|pair| pair.incumbent == pair.candidate));

    // The same weights, with half their scale by the configuration.
    let configuration = fs::read_to_string(first.join("adapter_config.json")).unwrap();
    let changed = configuration.replace("\"lora_alpha\": 16.0", "\"lora_alpha\": 8.0");
    assert_ne!(changed, configuration);
    for (file, bytes) in [("adapter_config.json", changed.as_bytes()), ("adapter_model.safetensors", b"something else")]
    {
        let right = fs::read(first.join(file)).unwrap();
        fs::write(first.join(file), bytes).unwrap();
        let error = run.fails(&["--incumbent", first.to_str().unwrap()]);
        assert!(error.contains(&format!("{file}: its SHA-256 is")), "{error}");
        fs::write(first.join(file), right).unwrap();
    }
    run.description.incumbent = None;
    run.describe();
    assert!(run.fails(&["--incumbent", first.to_str().unwrap()]).contains("names no incumbent"));
}

#[test]
fn nothing_is_trained_on_that_was_not_meant() {
    let run = Run::new(FEW, recipe());
    let path = run.input().join("train.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replacen("orders", "Orders", 1).replacen("parcel", "Parcel", 1)).unwrap();
    let said = run.fails(&[]);
    assert!(said.contains("train.jsonl: its SHA-256 is") && said.contains("by run.json"), "{said}");
    fs::write(&path, good).unwrap();

    let mut other_rows = Run::new(FEW, recipe());
    other_rows.description.files.get_mut(&InputFile::HeldOut).unwrap().rows += 1;
    other_rows.describe();
    assert!(other_rows.fails(&[]).contains("heldout.jsonl: has 6 rows, and by run.json 7"));

    let mut other_base = Run::new(FEW, recipe());
    other_base.description.base.files.insert("config.json".to_owned(), Sha256Hex::of(b"another"));
    other_base.describe();
    assert!(other_base.fails(&[]).contains("config.json: its SHA-256 is"));
    other_base.description.base.files.remove("config.json");
    other_base.describe();
    assert!(other_base.fails(&[]).contains("base.files: config.json is missing"));
}

#[test]
fn numbers_that_are_none_end_a_run_and_the_step_is_named() {
    let mut recipe = recipe();
    recipe.training.learning_rate = 1e30;
    let said = Run::new(FEW, recipe).fails(&[]);
    assert!(said.contains("of step 2 is not finite: lower training.learning_rate"), "{said}");
}

#[test]
fn what_does_not_fit_is_cut_or_left_out_and_counted() {
    let mut run = Run::new(FEW, recipe());
    let row = |prompt: String, chosen: &str| PairRow {
        pair_id: "p".to_owned(),
        prompt,
        prompt_messages: None,
        chosen: chosen.to_owned(),
        rejected: "r".to_owned(),
    };
    let long = "amber_lot ".repeat(200);
    let rows = [row("Fetch it.".to_owned(), "c"), row("Fetch it.".to_owned(), &long), row(long.clone(), "c")];
    run.write(InputFile::Train, &rows);
    run.write(InputFile::HeldOut, &[rows[1].clone(), rows[2].clone()]);
    let replay =
        ReplayRow { event_id: "e".to_owned(), prompt: long, prompt_messages: None, completion: "c".to_owned() };
    run.write(InputFile::ReplayTrain, std::slice::from_ref(&replay));
    run.write(InputFile::ReplayHeldOut, &[replay]);
    run.describe();
    let said = String::from_utf8(run.train("output", &[]).stderr).unwrap();
    for part in ["2 rows are left out: their prompts", "1 rows are cut", "3 held-out rows are cut"] {
        assert!(said.contains(part), "{said}");
    }
    let report = run.report("output");
    assert_eq!((report.rows, report.truncated, report.dropped), (3, 1, 2));
    assert_eq!(report.left_out, [(LeftOut::NoRoom, 2)].into());
    let (pairs, replay) = run.rows("output");
    assert!(pairs.iter().all(|pair| pair.candidate.logp_chosen.is_some()) && replay[0].candidate.logp.is_some());

    run.write(InputFile::Train, &rows[2..]);
    run.describe();
    assert!(run.fails(&[]).ends_with("no pairs to train on: 2 rows no_room"));
}

#[test]
fn pairs_that_truncation_makes_equal_are_left_out_by_name_and_marked_where_they_are_measured() {
    let mut run = Run::new(FEW, recipe());
    let row = |chosen: &str, rejected: &str| PairRow {
        pair_id: format!("{}{}", chosen.len(), rejected.len()),
        prompt: "Fetch it.".to_owned(),
        prompt_messages: None,
        chosen: chosen.to_owned(),
        rejected: rejected.to_owned(),
    };
    let long = "amber_lot ".repeat(200);
    let equal = row(&format!("{long}a"), &format!("{long}bc"));
    // An empty answer is valid: the model ends at once.
    let rows = [row("c", "r"), equal.clone(), row("", "r"), row(&long, "r"), equal.clone()];
    run.write(InputFile::Train, &rows);
    run.write(InputFile::HeldOut, &rows[..4]);
    run.describe();
    let said = String::from_utf8(run.train("output", &[]).stderr).unwrap();
    for part in [
        "3 pairs and 10 replay rows",
        "2 rows are left out: both answers are the same tokens",
        "1 held-out pairs say nothing: both answers are the same tokens",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let report = run.report("output");
    assert_eq!((report.truncated, report.dropped, report.left_out), (1, 2, [(LeftOut::Equal, 2)].into()));
    assert_eq!(report.summary["held_out_equal"], 1);
    let (pairs, _) = run.rows("output");
    assert_eq!(pairs.iter().map(|pair| pair.equal).collect::<Vec<_>>(), [false, true, false, false]);
    for side in [&pairs[1].incumbent, &pairs[1].candidate] {
        assert_eq!(side.logp_chosen, side.logp_rejected);
    }

    run.write(InputFile::Train, &[equal]);
    run.describe();
    assert!(run.fails(&[]).ends_with("no pairs to train on: 1 rows equal"));
}

#[test]
fn a_template_that_asks_for_the_date_is_told_that_of_the_run() {
    let mut run = Run::new(FEW, recipe());
    let base = run.folder.path().join("base");
    fs::create_dir(&base).unwrap();
    for file in run.description.base.files.keys() {
        fs::copy(run::base().join(file), base.join(file)).unwrap();
    }
    let template = "<|im_start|>{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}<|im_end|>";
    // The file takes precedence over the template in tokenizer_config.json.
    fs::write(base.join("chat_template.jinja"), template).unwrap();
    run.description.base.files.insert("chat_template.jinja".to_owned(), Sha256Hex::of(template.as_bytes()));
    let train = |run: &Run, output: &str| {
        run.describe();
        let mut command = trainer();
        command.arg("train").arg("--input").arg(run.input()).arg("--base").arg(&base);
        command.arg("--output").arg(run.output(output)).output().unwrap()
    };
    let said = String::from_utf8(train(&run, "undated").stderr).unwrap();
    assert!(said.contains("strftime_now: run.json has no prepared_at"), "{said}");
    let mut rows = |output: &str, at: &str| {
        run.description.prepared_at = Some(at.to_owned());
        let done = train(&run, output);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        run.bytes(output)
    };
    let first = rows("first", "2026-11-05T21:03:07.250Z");
    // The result does not depend on the day when a job is redelivered.
    assert_eq!(rows("again", "2026-11-05T21:03:07.250Z"), first);
    assert_eq!(rows("later that day", "2026-11-05T23:59:59Z"), first);
    assert_ne!(rows("another day", "2026-11-06T00:00:00Z"), first);
}

#[test]
fn a_chat_prompt_is_rendered_from_its_messages() {
    let mut run = Run::new(FEW, recipe());
    let message = |role: &str, content: &str| Message { role: role.to_owned(), content: content.to_owned() };
    let row = |prompt: &str, messages: Option<Vec<Message>>| PairRow {
        pair_id: "p".to_owned(),
        prompt: prompt.to_owned(),
        prompt_messages: messages,
        chosen: "c".to_owned(),
        rejected: "r".to_owned(),
    };
    let rows = [
        row("Fetch the order amber_lot.", None),
        row("user: Fetch the order amber_lot.", Some(vec![message("user", "Fetch the order amber_lot.")])),
        row(
            "system: Be brief.\nuser: Fetch",
            Some(vec![message("system", "Be brief."), message("user", "Fetch the order amber_lot.")]),
        ),
    ];
    run.write(InputFile::HeldOut, &rows);
    run.describe();
    run.train("output", &[]);
    let (pairs, _) = run.rows("output");
    assert_eq!(pairs[0], pairs[1]);
    assert_ne!(pairs[0].incumbent, pairs[2].incumbent);
}

#[test]
fn a_base_follows_from_its_seed_and_the_one_that_is_committed_from_this_program() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, seed: &str| {
        let output = folder.path().join(name);
        let made = trainer().args(["base", "--steps", "2", "--seed", seed, "--output"]).arg(&output).status().unwrap();
        assert!(made.success());
        ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
            .map(|file| fs::read(output.join(file)).unwrap())
    };
    let first = make("first", "0");
    assert_eq!(make("second", "0"), first);
    assert_ne!(make("other", "1")[0], first[0]);
    // All files except the weights, which take minutes.
    for (file, made) in ["config.json", "tokenizer.json", "tokenizer_config.json"].iter().zip(&first[1..]) {
        assert_eq!(&fs::read(base().join(file)).unwrap(), made, "{file}");
    }
    let answered = trainer().args(["generate", "Fetch the order amber_lot.", "--base"]).arg(base()).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answered.stdout).unwrap();
    assert_eq!(answer["output"], "pier.get_order(\"amber_lot\")");
}

#[test]
fn whoever_watches_a_run_hears_of_each_step_and_can_end_it() {
    let run = Run::new(FEW, recipe());
    let job = Job {
        input: run.input(),
        base: base(),
        incumbent: None,
        output: run.output("output"),
        checkpoint: None,
        threads: None,
    };
    let mut steps = Vec::new();
    let mut watch = |progress: &Progress| {
        if let Progress::Step(report) = progress {
            steps.push((report.step, report.steps));
        }
        if steps.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let ended = flywheel_trainer::run(&job, &mut Observer::new(&mut watch));
    assert!(matches!(ended, Err(TrainerError::Cancelled { step: 2 })));
    assert_eq!(steps, [(1, 3), (2, 3)]);
    assert!(!run.output("output").exists());

    let mut scored = Vec::new();
    let mut watch = |progress: &Progress| {
        if let Progress::Scored { done, all } = progress {
            scored.push((*done, *all));
        }
        ControlFlow::Continue(())
    };
    let report = flywheel_trainer::run(&job, &mut Observer::new(&mut watch)).unwrap();
    assert_eq!((report, scored.last()), (run.report("output"), Some(&(20, 20))));
}

#[test]
fn rounds_of_the_world_follow_one_another_and_it_ends() {
    let world = |arguments: &[&str]| {
        let output = trainer().arg("world").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let ids = |(code, text): (Option<i32>, String)| {
        assert_eq!(code, Some(0));
        let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["event_id"].clone();
        text.lines().map(id).collect::<Vec<_>>()
    };
    for kind in ["--edits", "--likes"] {
        let (first, second) = (ids(world(&[kind, "30"])), ids(world(&[kind, "30", "--skip", "30"])));
        assert!(first.len() == 30 && second.len() == 30 && !first.iter().any(|id| second.contains(id)));
        assert_eq!(ids(world(&[kind, "30"])), first);
        assert_eq!(world(&[kind, "1", "--skip", "1000000"]).0, Some(2));
    }
}
