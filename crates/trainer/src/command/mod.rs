//! The commands.

mod told;

use std::io::{ErrorKind, Write as _, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use serde::Serialize;
use serde_json::json;

use crate::adapter::Adapter;
use crate::arguments::{Arguments, Command, GenerateArguments, TrainArguments, WorldArguments};
use crate::data::Today;
use crate::failure::{Result, TrainerError};
use crate::files;
use crate::generate::{Limits, generate};
use crate::job::{self, Job};
use crate::model_folder::ModelFolder;
use crate::progress::Observer;
use crate::workers::Workers;
use crate::{base, import, inspect, world};
use told::Told;

/// Runs the command in the process's arguments. Returns exit code 0 for success and 2 for a failure.
#[must_use]
pub fn run() -> ExitCode {
    match carry_out(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error fails, too, there is no channel left.
            let _ = writeln!(stderr(), "flywheel-trainer: {failure}");
            ExitCode::from(2)
        }
    }
}

fn carry_out(command: Command) -> Result<()> {
    match command {
        Command::Train(arguments) => train(arguments),
        Command::Generate(arguments) => answer(&arguments),
        Command::Inspect(arguments) => {
            print(&[inspect::inspect(&arguments.input, &arguments.base, arguments.adapter.as_deref())?])
        }
        Command::Import(arguments) => print(&[json!({"files": import::import(&arguments.gguf, &arguments.output)?})]),
        Command::Base(arguments) => {
            let mut told = Told::new();
            let mut observe = |progress: &_| told.tell(progress);
            base::make(&arguments.output, arguments.seed, arguments.steps, &mut Observer::new(&mut observe))
        }
        Command::World(arguments) => write_world(&arguments),
    }
}

fn train(arguments: TrainArguments) -> Result<()> {
    let TrainArguments { input, base, incumbent, output, checkpoint, threads } = arguments;
    let mut told = Told::new();
    let mut observe = |progress: &_| told.tell(progress);
    let job = Job { input, base, incumbent, output, checkpoint, threads };
    let report = job::run(&job, &mut Observer::new(&mut observe))?;
    print(&[report])
}

fn answer(arguments: &GenerateArguments) -> Result<()> {
    let base = ModelFolder::load(&arguments.base, Today::now())?;
    let adapter = arguments.adapter.as_deref().map(|folder| Adapter::load(folder, &base.config)).transpose()?;
    let model = base.model(adapter.as_ref())?;
    let prompts =
        arguments.prompts.iter().map(|prompt| base.tokenizer.user_prompt(prompt)).collect::<Result<Vec<_>>>()?;
    let prompts: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
    let end_tokens = base.end_tokens();
    let limits = Limits {
        max_new_tokens: arguments.max_new_tokens,
        end_tokens: &end_tokens,
        max_positions: base.config.max_positions,
    };
    let answers = generate(&model, &prompts, &limits, Workers::new(None), |_| Ok(()))?;
    let lines = arguments
        .prompts
        .iter()
        .zip(answers)
        .map(|(prompt, answer)| Ok(json!({"prompt": prompt, "output": base.tokenizer.decode(&answer)?})));
    print(&lines.collect::<Result<Vec<_>>>()?)
}

fn write_world(arguments: &WorldArguments) -> Result<()> {
    let WorldArguments { edits, likes, skip, tasks, seed, ref output } = *arguments;
    let none_left = || TrainerError::Other("the world has no more such events: give smaller numbers".to_owned());
    let from = |count: usize| skip..skip.saturating_add(count);
    let text = match (edits, likes) {
        (Some(count), _) => lines(&world::edits(seed, from(count), tasks as usize).ok_or_else(none_left)?)?,
        (None, count) => lines(&world::likes(seed, from(count.unwrap_or_default())).ok_or_else(none_left)?)?,
    };
    match output {
        Some(path) => files::write(path, text.as_bytes()),
        None => say(&text),
    }
}

fn lines<T: Serialize>(values: &[T]) -> Result<String> {
    let mut lines = String::new();
    for value in values {
        lines.push_str(&serde_json::to_string(value).map_err(|error| TrainerError::Other(error.to_string()))?);
        lines.push('\n');
    }
    Ok(lines)
}

fn print<T: Serialize>(values: &[T]) -> Result<()> {
    say(&lines(values)?)
}

fn say(text: &str) -> Result<()> {
    match stdout().write_all(text.as_bytes()) {
        // The reader has closed the output, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(TrainerError::io(Path::new("standard output"))),
    }
}
