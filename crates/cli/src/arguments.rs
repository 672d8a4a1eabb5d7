//! The command line. The doc comments of arguments are the texts of `--help`.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use flywheel_operator::LakeLocation;
use flywheel_training::{InvalidRunName, RunName, TrainingFormat};

use crate::import;
use crate::operator::{Target, Window, diff, export, show, status, verify, versions};

/// Curation of edits on this machine, by the same rules, code and verdicts as in the cloud; and the lake in operation.
#[derive(Debug, Parser)]
#[command(name = "flywheel", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge edits and feedback, one JSON verdict a line, in order
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArguments),
    /// Show what the audit sees in one event: what was changed, what was found where, and how to tune it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// Write the preference pairs that pass, ready for a trainer
    #[command(after_help = PAIRS_EXAMPLES)]
    Pairs(PairsArguments),
    /// Read another tool's export, and write its edits and ratings as events or send them to the API
    #[command(after_help = import::EXAMPLES)]
    Import(import::ImportArguments),
    /// Print the columns of the lake's lines with their types, as a Python module for pyarrow, DuckDB and what builds on them
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
    /// Show where the lake stands: what is pending, what came in, the breaker, the last freeze and version
    #[command(after_help = status::EXAMPLES)]
    Status(status::StatusArguments),
    /// List the dataset's versions
    #[command(after_help = versions::EXAMPLES)]
    Versions(versions::VersionsArguments),
    /// Show one version of the dataset, and what it says of itself
    #[command(after_help = show::EXAMPLES)]
    Show(show::ShowArguments),
    /// Compare two versions of the dataset
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::DiffArguments),
    /// Recompute what the dataset's versions say of themselves, and name the first thing that does not fit
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::VerifyArguments),
    /// Write a version of the dataset as trainers read it
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArguments),
    /// See or move the circuit breaker, which decides whether the lake may go on learning
    #[command(after_help = BREAKER_EXAMPLES, arg_required_else_help = true)]
    Breaker {
        #[command(subcommand)]
        command: BreakerCommand,
    },
    /// Roll the dataset back: commit a new version with the rows of an older one
    #[command(after_help = ROLLBACK_EXAMPLES)]
    Rollback(RollbackArguments),
    /// Exclude rows from the dataset: commit a new version without them
    #[command(after_help = EXCLUDE_EXAMPLES)]
    Exclude(ExcludeArguments),
    /// Erase what one contributor wrote, for good: from the log, from every version, and from the copies that runs were given
    #[command(after_help = FORGET_EXAMPLES)]
    Forget(ForgetArguments),
    /// Release events from quarantine or review, as they are or with a corrected text
    #[command(after_help = RELEASE_EXAMPLES)]
    Release(ReleaseArguments),
    /// Reject events in quarantine or review: they never train. With --run, reject the adapter that the gate left to an operator
    #[command(after_help = REJECT_EXAMPLES)]
    Reject(RejectArguments),
    /// Show which adapter is live, since when and why, and which were before
    Adapters(LakeArguments),
    /// Promote an adapter that the gate left to an operator: it becomes live
    #[command(after_help = REVIEW_EXAMPLES)]
    Promote(ReviewArguments),
    /// Put back an adapter that was live before, or the bare base
    #[command(after_help = DEMOTE_EXAMPLES)]
    Demote(DemoteArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum BreakerCommand {
    /// Show its state, since when and why
    Status(LakeArguments),
    /// Open it: nothing is trained and gold is quarantined, until an operator closes it
    Open(ChangeArguments),
    /// Close it: the lake goes on with what is written from now on. What was written before goes to quarantine
    Close(ChangeArguments),
}

const REPLAY_EXAMPLES: &str = "\
Exit code: 0 if every line is an event, 1 if some are not (the rest is judged all the same), 2 if nothing could be done.

Examples:
  flywheel replay edits.jsonl > verdicts.jsonl
  zcat edits-*.gz | flywheel replay -
  flywheel replay --policy infra/policy.toml --against stricter.toml edits.jsonl
  flywheel replay --against verdicts.jsonl edits.jsonl   # what another build judged otherwise";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  flywheel explain edits.jsonl --line 17
  flywheel replay edits.jsonl | grep -m1 toxic   # which line?
  head -1 edits.jsonl | flywheel explain -";

const PAIRS_EXAMPLES: &str = "\
Every gold event becomes a line, or two with kto. Repeated pairs are not removed: that takes memory for all of them, and `freeze` does it.
A chat whose last message is an assistant's, and not the beginning of the answer, is left out and named: no line has two assistant's turns in a
row. What users said without an edit is no pair: `flywheel export --format kto` has it.

Examples:
  flywheel pairs edits.jsonl > train.jsonl
  flywheel pairs --format sft edits.jsonl > train.jsonl";

const SCHEMA_EXAMPLES: &str = "\
JSON lines carry no types. Readers guess them, and fail where the first rows have only nulls, or take texts that look like dates for timestamps.

Examples:
  flywheel schema > flywheel_columns.py   # from flywheel_columns import DUCKDB, arrow_schema";

const BREAKER_EXAMPLES: &str = "\
Exit code: 0 if it was done, 2 if not.

Examples:
  flywheel breaker status --lake s3://my-lake
  flywheel breaker open --why 'a campaign from one tenant, see the ticket'
  flywheel breaker close --why 'the tenant is blocked' --yes";

const ROLLBACK_EXAMPLES: &str = "\
Nothing is deleted: another rollback, to the version before, brings all rows back. The next training uses the newest version. The runs that were
given rows that go are listed. If what is live was trained on a version that is rolled back, what was live before it, or the bare base, is live
again; and no run on such a version becomes live any more. That holds though the rollback is undone: `flywheel demote --to RUN` puts any adapter
back by hand. With `demotes = false` in [rollback] of the policy the runs are listed, and no more.

Killed at any point and run again, it goes on from there.

Exit code: 0 if it was done, or there was nothing to do; 2 if not.

Examples:
  flywheel rollback --lake s3://my-lake --to 41 --why 'crossing 42 was poisoned' --dry-run
  flywheel rollback --to 2026-11-20 --why 'the week of the campaign' --yes
  flywheel rollback --to 2026-11-20T18:00:00Z --why 'before the import' --json";

const EXCLUDE_EXAMPLES: &str = "\
What is given narrows the selection: rows that fit all of it go. Nothing is deleted: `flywheel rollback` to the version before brings them back;
`flywheel forget` is for deleting. What the contributor writes later is judged as any contributor's. The runs that were trained on rows that go are listed.

Exit code: 0 if it was done, or there was nothing to do; 2 if not.

Examples:
  flywheel exclude --contributor 5f1d0c9a7e3b46888b2f6d5a1c0e9f37 --why 'sells a product' --dry-run
  FLYWHEEL_CONTRIBUTOR_KEY=... flywheel exclude --contributor-id kim@example.org --why 'account was stolen' --yes
  flywheel exclude --window 2026-11-16..2026-11-20 --reason likely_rewrite --why 'a broken client' --yes";

const FORGET_EXAMPLES: &str = "\
What others wrote stays, in objects that take the place of those that held both. Versions keep their numbers and records; those that had the rows are
read without them by `flywheel`, and not at all by other tools. A new version says that something was erased, not whose it was: let --why not say it
either. All object versions are deleted, which needs the right to (s3:DeleteObjectVersion). Adapters stay as they are: retire those that are listed.

Killed at any point and run again, it goes on from there. Run it once more a quarter of an hour later: what was on the queue, or held by a function, when
it ran the first time is in the lake by then. What is in the dead-letter queue is not in the lake: it expires after 14 days.

Exit code: 0 if nothing of theirs is left; 2 if not.

Examples:
  FLYWHEEL_CONTRIBUTOR_KEY=... flywheel forget --contributor-id kim@example.org --why 'request 117' --dry-run
  flywheel forget --contributor 5f1d0c9a7e3b46888b2f6d5a1c0e9f37 --why 'request 117' --yes --json";

const RELEASE_EXAMPLES: &str = "\
A released pair is pending again, and the next freeze takes it: no burst, contradiction, cap or breaker holds it a second time. What is in the dataset
already stays out, and so does a prompt that is on both sides of the split.
An output without an edit is no pair. Released, one that was disliked (thumbs-down, one or two stars) goes to `signals`, where
`flywheel export --format kto` takes it as an output to avoid; one that was liked and held by the audit goes to `replay`.
With --correct the text takes the place of the user's: it is an edit of yours, judged by the rules as any edit, and nothing is done
unless it passes. So a thumbs-down becomes a pair: the text is what the output should have been.

Exit code: 0 if it was done, or was done before; 2 if not.

Examples:
  flywheel release --event 3f0c... --why 'read it: a recipe, no advert'
  flywheel release --reason contributor_cap --window 2026-11-16..2026-11-20 --why 'our own annotators' --dry-run
  flywheel release --reason disliked --why 'read them: all wrong' --yes
  flywheel release --event 3f0c... --correct mended.txt --policy infra/policy.toml --why 'the number was wrong' --yes
  echo 'Wait 14 days.' | flywheel release --event 3f0c... --correct - --why 'mended' --yes";

const REJECT_EXAMPLES: &str = "\
A rejected event has a line in `dropped`, without its texts. The line that it had stays where it was until it expires.

Exit code: 0 if it was done, or was done before; 2 if not.

Examples:
  flywheel reject --event 3f0c... --why 'an advert'
  flywheel reject --run crossing-000007-attempt-1 --why 'it invents flags'   # an adapter, as `flywheel promote` the other way
  flywheel reject --reason burst --window 2026-11-16..2026-11-20 --why 'the campaign' --yes";
const REVIEW_EXAMPLES: &str = "\
The run waits for three days. Why it was left to a person is in its verdict: runs/RUN/verdict.json.

Examples:
  flywheel promote --run crossing-000007-attempt-1 --why 'read 40 answers, all fine'
  flywheel reject --run crossing-000007-attempt-1 --why 'it invents flags'";

const DEMOTE_EXAMPLES: &str = "\
What serves the live adapter reads models/live.json of the lake. An adapter that is put back does not come back by itself.

Examples:
  flywheel demote --to base --why 'it rambles' --dry-run
  flywheel demote --to crossing-000006-attempt-1 --why 'the one after it rambles' --yes";

/// The arguments of an answer to a run.
#[derive(Debug, Args)]
pub(crate) struct ReviewArguments {
    /// The run that waits
    #[arg(long, value_name = "RUN")]
    pub(crate) run: RunName,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// The arguments of a demotion.
#[derive(Debug, Args)]
pub(crate) struct DemoteArguments {
    /// The next live adapter: the run that trained it, or `base`
    #[arg(long, value_name = "RUN|base")]
    pub(crate) to: DemoteTo,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// The target of a demotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DemoteTo {
    Base,
    Run(RunName),
}

impl FromStr for DemoteTo {
    type Err = InvalidRunName;

    fn from_str(text: &str) -> Result<Self, InvalidRunName> {
        if text == "base" { Ok(Self::Base) } else { text.parse().map(Self::Run) }
    }
}

impl fmt::Display for DemoteTo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base => formatter.write_str("the bare base"),
            Self::Run(run) => run.fmt(formatter),
        }
    }
}

/// The lake of an operator's command. Every such command takes these.
#[derive(Debug, Args)]
pub(crate) struct LakeArguments {
    /// The lake: a bucket, with credentials and region as AWS's own tools take them, or a folder
    #[arg(long, env = "FLYWHEEL_LAKE", value_name = "s3://BUCKET|FOLDER")]
    pub(crate) lake: LakeLocation,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The further arguments of an operator's command that changes something.
#[derive(Debug, Args)]
pub(crate) struct ChangeArguments {
    #[command(flatten)]
    pub(crate) on: LakeArguments,
    /// The reason, for the records
    #[arg(long, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) why: String,
    /// The operator's name
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub(crate) by: String,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The version to go back to: its number, or the newest one at a time or by the end of a day (UTC)
    #[arg(long, value_name = "VERSION|DATE")]
    pub(crate) to: Target,
    /// The rules, whose [rollback] says what becomes of adapters; without it the built-in ones
    #[arg(long, value_name = "POLICY.toml")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// The filter for rows or lines of a command.
#[derive(Debug, Args)]
pub(crate) struct ContributorArguments {
    /// By this contributor: the pseudonym that rows have, 32 hexadecimal digits
    #[arg(long, value_name = "HASH")]
    pub(crate) contributor: Option<String>,
    /// By this contributor: the id that clients send. Its pseudonym takes FLYWHEEL_CONTRIBUTOR_KEY, the value of the secret that the stack's
    /// output ContributorSecretArn names
    #[arg(long, value_name = "ID", conflicts_with = "contributor")]
    pub(crate) contributor_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ExcludeArguments {
    #[command(flatten)]
    pub(crate) by: ContributorArguments,
    /// Curated in this time, from the first to the last day (UTC) or instant that is named; either may be left out
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) window: Option<Window>,
    /// With this code among its tags, such as `likely_rewrite` or `released`
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ForgetArguments {
    #[command(flatten)]
    pub(crate) by: ContributorArguments,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

/// The quarantined or reviewed events of a command.
#[derive(Debug, Args)]
pub(crate) struct QuarantineArguments {
    /// This event; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) event: Vec<String>,
    /// The events of this pair; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) pair: Vec<String>,
    #[command(flatten)]
    pub(crate) by: ContributorArguments,
    /// Curated in this time, from the first to the last day (UTC) or instant that is named; either may be left out
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) window: Option<Window>,
    /// Held for this reason, such as `burst` or `critical`
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseArguments {
    #[command(flatten)]
    pub(crate) held: QuarantineArguments,
    /// The text that takes the place of the user's, or of an output that was disliked, in a file; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) correct: Option<PathBuf>,
    /// The rules to judge a corrected text by; without it the built-in ones
    #[arg(long, value_name = "POLICY.toml", requires = "correct")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RejectArguments {
    /// Reject the adapter of this run, which waits for an operator, instead of events
    #[arg(long, value_name = "RUN", conflicts_with_all = ["event", "pair", "contributor", "contributor_id", "window", "reason"])]
    pub(crate) run: Option<RunName>,
    #[command(flatten)]
    pub(crate) held: QuarantineArguments,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

impl RejectArguments {
    /// Returns the answer to a run if `--run` is given, else the arguments unchanged.
    pub(crate) fn of_run(self) -> Result<ReviewArguments, Box<Self>> {
        let Self { run, held, change } = self;
        match run {
            Some(run) => Ok(ReviewArguments { run, change }),
            None => Err(Box::new(Self { run, held, change })),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Files of events, one JSON object a line; `-` is the standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The rules to judge by; without it the built-in ones
    #[arg(long, value_name = "POLICY.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// Work on so many lines at once [default: one a core]
    #[arg(long, value_name = "N", value_parser = one_or_more)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Say nothing but errors on the standard error
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Show only the events that other rules route or reason otherwise; or those that an earlier replay did, whose output this is
    /// (*.jsonl)
    #[arg(long, value_name = "POLICY.toml|VERDICTS.jsonl")]
    pub(crate) against: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A file of events, one JSON object a line; `-` is the standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Which line of it, counted from 1
    #[arg(long, short, value_name = "N", default_value = "1", value_parser = one_or_more)]
    pub(crate) line: NonZeroUsize,
    /// The rules to judge by; without it the built-in ones
    #[arg(long, value_name = "POLICY.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PairsArguments {
    #[command(flatten)]
    pub(crate) input: Input,
    /// The format of the lines
    #[arg(long, value_enum, default_value_t = Format::TrlMessages)]
    pub(crate) format: Format,
}

/// The formats of training lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// {"prompt", "chosen", "rejected"} as lists of chat messages, to which trainers apply the model's chat template
    TrlMessages,
    /// {"prompt", "chosen", "rejected"} as texts, which trainers join without anything in between
    Trl,
    /// {"input", "preferred_output", "non_preferred_output"}, OpenAI's for preference fine-tuning
    Openai,
    /// {"prompt", "completion", "label"} as chat messages: two lines a pair
    Kto,
    /// {"messages"}: the prompt and the chosen text
    Sft,
}

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TrlMessages => "trl-messages",
            Self::Trl => "trl",
            Self::Openai => "openai",
            Self::Kto => "kto",
            Self::Sft => "sft",
        }
    }
}

impl From<Format> for TrainingFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::TrlMessages => Self::TrlMessages,
            Format::Trl => Self::Trl,
            Format::Openai => Self::OpenAi,
            Format::Kto => Self::Kto,
            Format::Sft => Self::Sft,
        }
    }
}

fn one_or_more(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "give a number, 1 or more")
}
