use std::cmp::Ordering;
use std::collections::HashSet;

use super::bounds::GateBounds;
use super::criteria::{self, Problem, Problems};
use super::reading::Reading;
use super::verdict::{GateVerdict, Means};
use crate::base::share::Share;
use crate::curation::audit::Audit;
use crate::curation::rules::CurationRules;
use crate::text::normal::key as text_key;
use crate::text::similarity::{Distance, distance};
use crate::training::{
    HeldOutRow, InputFile, OutputFile, PairRow, ReplayRow, RunDescription, RunReport, ScoredPair, ScoredPairSide,
    ScoredReplay, ScoredRow, Sha256Hex, Unusable, prompt_key,
};

/// Σ ln p may be this much above 0 by rounding, and no more.
const ROUNDING: f64 = 1e-3;

/// A file that the gate has to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceFile {
    /// One that the trainer read.
    Input(InputFile),
    /// One that the trainer wrote.
    Output(OutputFile),
}

impl EvidenceFile {
    /// All that the gate has to be shown, in the order in which it needs them: held-out rows before their scores.
    pub const ALL: [Self; 7] = [
        Self::Input(InputFile::Train),
        Self::Input(InputFile::ReplayTrain),
        Self::Input(InputFile::HeldOut),
        Self::Input(InputFile::ReplayHeldOut),
        Self::Output(OutputFile::Rows),
        Self::Output(OutputFile::Adapter),
        Self::Output(OutputFile::Config),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input(file) => file.as_str(),
            Self::Output(file) => file.as_str(),
        }
    }

    pub(super) fn has_lines(self) -> bool {
        matches!(self, Self::Input(_) | Self::Output(OutputFile::Rows))
    }
}

/// What a run has to show for itself, as far as it was shown.
///
/// It is given the description and the report, then each of [`EvidenceFile::ALL`]. A file that is not shown is missed.
#[derive(Debug)]
pub struct Exam<'p> {
    rules: &'p CurationRules,
    bounds: &'p GateBounds,
    audit: Audit,
    description: RunDescription,
    output_folder: String,
    report: Option<RunReport>,
    trained_pairs: HashSet<u64>,
    trained_prompts: HashSet<u64>,
    held_out: Vec<HeldOutRow>,
    held_out_replay: Vec<String>,
    shown: Vec<EvidenceFile>,
    gathered: Gathered,
}

/// What the criteria judge by.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) problems: Problems,
    pub(super) pairs: Vec<MeasuredPair>,
    /// What each liked output lost, in nats a token.
    pub(super) replay_losses: Vec<f64>,
    replay_nlls: (f64, f64),
    /// Rows that came where they were expected, whatever they say.
    scored_pairs: usize,
    scored_replay: usize,
}

/// A scored pair, measured. Its texts are gone.
#[derive(Debug)]
pub(super) struct MeasuredPair {
    /// Whether the incumbent was trained on a version without it.
    pub(super) is_new: bool,
    /// Whether both texts are the same tokens: no score of it shows a preference.
    is_equal: bool,
    /// `Δ ln p(chosen)`, from incumbent to candidate.
    pub(super) chosen_gain: f64,
    /// `Δ ln p(rejected)`.
    pub(super) rejected_gain: f64,
    pub(super) chosen_tokens: f64,
    pub(super) incumbent: MeasuredAnswer,
    pub(super) candidate: MeasuredAnswer,
    chosen_chars: f64,
    logps: [f64; 4],
}

impl MeasuredPair {
    /// By how much the candidate's answer is more similar to the user's text than the incumbent's.
    pub(super) fn nearer(&self) -> f64 {
        self.candidate.similarity.value() - self.incumbent.similarity.value()
    }

    /// Which of the two answers is more similar to the user's text; equal if they differ by no more than so much.
    pub(super) fn winner(&self, tie_within: f64) -> Ordering {
        let (order, by) = self.candidate.similarity.difference(self.incumbent.similarity);
        if by.compared_to(tie_within).is_gt() { order } else { Ordering::Equal }
    }
}

/// A model's own answer, measured.
#[derive(Debug)]
pub(super) struct MeasuredAnswer {
    /// Its similarity to the user's text.
    pub(super) similarity: Share,
    /// Whether the audit would hold it back.
    pub(super) is_violation: bool,
    chars: f64,
}

impl<'p> Exam<'p> {
    /// Begins the exam of a run by its description and its trainer's report, as they are stored, and the folder that the trainer
    /// has put the adapter in.
    ///
    /// # Errors
    /// If the description is none. It is this project's own, so that is no fault of the adapter's.
    pub fn new(
        (rules, bounds): (&'p CurationRules, &'p GateBounds),
        description: &[u8],
        report: &[u8],
        output_folder: &str,
    ) -> Result<Self, Unusable> {
        let parsed = RunDescription::parse(&String::from_utf8_lossy(description))?;
        let mut exam = Self {
            rules,
            bounds,
            audit: Audit::new(),
            description: parsed,
            output_folder: output_folder.to_owned(),
            report: None,
            trained_pairs: HashSet::new(),
            trained_prompts: HashSet::new(),
            held_out: Vec::new(),
            held_out_replay: Vec::new(),
            shown: Vec::new(),
            gathered: Gathered::default(),
        };
        match RunReport::parse(&String::from_utf8_lossy(report)) {
            Ok(report) => exam.take_report(report, &Sha256Hex::of(description)),
            Err(error) => exam.problem(Problem::Report, error.to_string()),
        }
        Ok(exam)
    }

    /// Shows a file.
    pub fn read(&mut self, file: EvidenceFile) -> Reading<'_, 'p> {
        Reading::new(self, file)
    }

    /// The verdict.
    #[must_use]
    pub fn judge(mut self) -> GateVerdict {
        for file in EvidenceFile::ALL.into_iter().filter(|file| !self.shown.contains(file)).collect::<Vec<_>>() {
            self.problem(Problem::Hash, format!("{} was not shown", file.name()));
        }
        let scored = self.gathered.scored_pairs + self.gathered.scored_replay;
        let expected = self.held_out.len() + self.held_out_replay.len();
        if scored != expected {
            self.problem(Problem::UnexpectedRow, format!("{scored} of {expected} rows"));
        }
        let bounds = self.bounds;
        let criteria = criteria::all(&self.gathered, bounds);
        let of = (&self.description, self.report.as_ref(), self.output_folder.as_str());
        GateVerdict::fold(of, criteria, *bounds, &self.gathered)
    }

    fn take_report(&mut self, report: RunReport, description: &Sha256Hex) {
        if report.run != self.description.run {
            self.problem(Problem::OtherRun, report.run.to_string());
        }
        if report.input_sha256 != *description {
            self.problem(Problem::OtherInput, "input_sha256");
        }
        if report.base_files != self.description.base.files {
            self.problem(Problem::OtherBase, "base_files");
        }
        if report.rows != self.description.scored_rows() {
            let detail = format!("{} rows are reported of {}", report.rows, self.description.scored_rows());
            self.problem(Problem::RowCount, detail);
        }
        self.report = Some(report);
    }

    pub(super) fn problem(&mut self, problem: Problem, detail: impl Into<String>) {
        self.gathered.problems.add(problem, detail);
    }

    pub(super) fn line(&mut self, file: EvidenceFile, number: u64, line: &str) {
        let taken = match file {
            EvidenceFile::Input(file @ InputFile::Train) => {
                PairRow::parse(file, number, line).map(|row| self.train(&row))
            }
            EvidenceFile::Input(InputFile::HeldOut) => {
                HeldOutRow::parse(number, line).map(|row| self.hold_out(row, number))
            }
            EvidenceFile::Input(file @ InputFile::ReplayTrain) => ReplayRow::parse(file, number, line).map(|row| {
                self.trained_prompts.insert(prompt_key(&row.prompt));
            }),
            EvidenceFile::Input(file @ InputFile::ReplayHeldOut) => {
                ReplayRow::parse(file, number, line).map(|row| self.hold_out_replay(row, number))
            }
            EvidenceFile::Output(_) => ScoredRow::parse(number, line).map(|row| self.score(row, number)),
        };
        if let Err(error) = taken {
            self.problem(Problem::UnreadableLine, error.to_string());
        }
    }

    /// A file is over: is it the one that was described?
    pub(super) fn end(&mut self, file: EvidenceFile, sha256: &str, lines: u64) {
        self.shown.push(file);
        let (expected, rows) = match file {
            EvidenceFile::Input(file) => {
                let digest = self.description.file(file);
                (digest.map(|digest| &digest.sha256), digest.map(|digest| digest.rows))
            }
            EvidenceFile::Output(file) => {
                let report = self.report.as_ref();
                match file {
                    OutputFile::Adapter => (report.map(|report| &report.adapter_sha256), None),
                    OutputFile::Config => (report.map(|report| &report.config_sha256), None),
                    OutputFile::Rows => (report.map(|report| &report.rows_sha256), report.map(|report| report.rows)),
                    OutputFile::Report => return,
                }
            }
        };
        // Without a report nothing is expected, and that is a problem already.
        let is_other = expected.is_some_and(|expected| expected.as_str() != sha256);
        let is_longer_or_shorter = rows.is_some_and(|rows| rows != lines);
        if is_other {
            self.problem(Problem::Hash, file.name());
        }
        if is_longer_or_shorter {
            self.problem(Problem::RowCount, format!("{} has {lines}", file.name()));
        }
    }

    fn train(&mut self, row: &PairRow) {
        self.trained_pairs.insert(text_key(&row.pair_id));
        self.trained_prompts.insert(prompt_key(&row.prompt));
    }

    fn hold_out(&mut self, row: HeldOutRow, number: u64) {
        let place = || format!("{}: line {number}", InputFile::HeldOut.as_str());
        if self.trained_pairs.contains(&text_key(&row.pair.pair_id)) {
            self.problem(Problem::LeakedPair, place());
        }
        if self.trained_prompts.contains(&prompt_key(&row.pair.prompt)) {
            self.problem(Problem::LeakedPrompt, place());
        }
        self.held_out.push(row);
    }

    fn hold_out_replay(&mut self, row: ReplayRow, number: u64) {
        if self.trained_prompts.contains(&prompt_key(&row.prompt)) {
            let place = format!("{}: line {number}", InputFile::ReplayHeldOut.as_str());
            self.problem(Problem::LeakedPrompt, place);
        }
        self.held_out_replay.push(row.event_id);
    }

    fn score(&mut self, row: ScoredRow, number: u64) {
        let place = format!("{}: line {number}", OutputFile::Rows.as_str());
        let measured = match &row {
            ScoredRow::Pair(pair) => self.measure_pair(pair),
            ScoredRow::Replay(replay) => self.measure_replay(replay),
        };
        if let Err(problem) = measured {
            self.problem(problem, place);
        }
    }

    fn measure_pair(&mut self, scored: &ScoredPair) -> Result<(), Problem> {
        let expected = self.held_out.get(self.gathered.scored_pairs).filter(|row| row.pair.pair_id == scored.pair_id);
        let HeldOutRow { pair: expected, is_new } = expected.ok_or(Problem::UnexpectedRow)?;
        self.gathered.scored_pairs += 1;
        let logps = [
            log_probability(scored.incumbent.logp_chosen)?,
            log_probability(scored.incumbent.logp_rejected)?,
            log_probability(scored.candidate.logp_chosen)?,
            log_probability(scored.candidate.logp_rejected)?,
        ];
        let are_same = logps[0] == logps[1] && logps[2] == logps[3] && scored.chosen_tokens == scored.rejected_tokens;
        if scored.equal && !are_same {
            return Err(Problem::UnequalScores);
        }
        let measured = MeasuredPair {
            is_new: *is_new,
            is_equal: scored.equal,
            chosen_gain: logps[2] - logps[0],
            rejected_gain: logps[3] - logps[1],
            chosen_tokens: tokens(scored.chosen_tokens)?,
            incumbent: self.measure_answer(expected, &scored.incumbent),
            candidate: self.measure_answer(expected, &scored.candidate),
            chosen_chars: chars(&expected.chosen),
            logps,
        };
        tokens(scored.rejected_tokens)?;
        self.gathered.pairs.push(measured);
        Ok(())
    }

    fn measure_answer(&self, row: &PairRow, side: &ScoredPairSide) -> MeasuredAnswer {
        // Pairs are made of answers, and so are answers compared. Two texts that take too long to compare are long and far apart.
        let answer = self.rules.think.answer(&side.output);
        let distance = distance(answer, &row.chosen, self.rules.audit.max_similarity_steps);
        let similarity = distance.map_or(Share::new(0, 1), Distance::kept);
        let is_violation = self.audit.holds_back_answer(&row.prompt, &side.output, &self.rules.audit);
        MeasuredAnswer { similarity, is_violation, chars: chars(answer) }
    }

    fn measure_replay(&mut self, scored: &ScoredReplay) -> Result<(), Problem> {
        let are_pairs_over = self.gathered.scored_pairs == self.held_out.len();
        let is_expected = self.held_out_replay.get(self.gathered.scored_replay) == Some(&scored.event_id);
        if !are_pairs_over || !is_expected {
            return Err(Problem::UnexpectedRow);
        }
        self.gathered.scored_replay += 1;
        let tokens = tokens(scored.tokens)?;
        let incumbent = -log_probability(scored.incumbent.logp)? / tokens;
        let candidate = -log_probability(scored.candidate.logp)? / tokens;
        self.gathered.replay_losses.push(candidate - incumbent);
        self.gathered.replay_nlls.0 += incumbent;
        self.gathered.replay_nlls.1 += candidate;
        Ok(())
    }
}

impl Gathered {
    /// The pairs whose texts differ as tokens. The others show no preference, and no criterion about preferences asks them.
    pub(super) fn differing_pairs(&self) -> impl Iterator<Item = &MeasuredPair> {
        self.pairs.iter().filter(|pair| !pair.is_equal)
    }

    /// The pairs whose texts are the same tokens.
    pub(super) fn equal_pairs(&self) -> u64 {
        (self.pairs.len() - self.differing_pairs().count()) as u64
    }

    /// The pairs that are new since the incumbent's training: what there was to learn.
    pub(super) fn new_pairs(&self) -> impl Iterator<Item = &MeasuredPair> {
        self.differing_pairs().filter(|pair| pair.is_new)
    }

    /// Whether there are pairs, and none is new.
    pub(super) fn is_nothing_new(&self) -> bool {
        !self.pairs.is_empty() && self.new_pairs().next().is_none()
    }

    /// The others: what is to be kept.
    pub(super) fn known_pairs(&self) -> impl Iterator<Item = &MeasuredPair> {
        self.differing_pairs().filter(|pair| !pair.is_new)
    }

    /// The means, for people: no criterion goes by a mean alone.
    pub(super) fn means(&self) -> Means {
        let of = |value: &dyn Fn(&MeasuredPair) -> f64| {
            let sum: f64 = self.pairs.iter().map(value).sum();
            sum / self.pairs.len().max(1) as f64
        };
        let replay = self.replay_losses.len().max(1) as f64;
        let share = |is_so: bool| f64::from(u8::from(is_so));
        Means {
            incumbent_logp_chosen: of(&|pair| pair.logps[0]),
            incumbent_logp_rejected: of(&|pair| pair.logps[1]),
            candidate_logp_chosen: of(&|pair| pair.logps[2]),
            candidate_logp_rejected: of(&|pair| pair.logps[3]),
            incumbent_similarity: of(&|pair| pair.incumbent.similarity.value()),
            candidate_similarity: of(&|pair| pair.candidate.similarity.value()),
            incumbent_replay_nll: self.replay_nlls.0 / replay,
            candidate_replay_nll: self.replay_nlls.1 / replay,
            incumbent_violations: of(&|pair| share(pair.incumbent.is_violation)),
            candidate_violations: of(&|pair| share(pair.candidate.is_violation)),
            incumbent_chars: of(&|pair| pair.incumbent.chars),
            candidate_chars: of(&|pair| pair.candidate.chars),
            chosen_chars: of(&|pair| pair.chosen_chars),
        }
    }
}

fn log_probability(number: Option<f64>) -> Result<f64, Problem> {
    number.filter(|number| number.is_finite() && *number <= ROUNDING).ok_or(Problem::NotANumber)
}

fn tokens(number: u64) -> Result<f64, Problem> {
    if number > 0 { Ok(number as f64) } else { Err(Problem::NotANumber) }
}

fn chars(text: &str) -> f64 {
    text.chars().count() as f64
}
