mod reading;
mod tokens;

use std::collections::HashSet;

use flywheel_audit::Audit;
use flywheel_base::Share;
use flywheel_curation::CurationRules;
use flywheel_text::{
    normal::key as text_key,
    similarity::{Distance, distance},
};
use flywheel_training::{
    HeldOutRow, InputFile, OutputFile, PairRow, ReplayRow, RunDescription, RunReport, ScoredPair, ScoredPairSide,
    ScoredReplay, ScoredRow, Sha256Hex, Unusable, prompt_key,
};

use crate::adapter::{AdapterConfig, AdapterWeights, contradictions};
use crate::bounds::GateBounds;
use crate::criteria;
use crate::evidence::{Evidence, MeasuredAnswer, MeasuredPair};
use crate::problem::Problem;
use crate::verdict::GateVerdict;

use tokens::{TextSize, TokenTotals};

pub use reading::Reading;

/// The most that Σ ln p may exceed 0, by rounding.
const ROUNDING: f64 = 1e-3;

/// The least Σ ln p of a text. No model gives as little to a million tokens, and sums of such numbers stay finite.
const LEAST_LOG_PROBABILITY: f64 = -1e9;

/// A file that the gate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceFile {
    /// A file that the trainer read.
    Input(InputFile),
    /// A file that the trainer wrote.
    Output(OutputFile),
}

impl EvidenceFile {
    /// All files that the gate reads, in the order in which it needs them: held-out rows before their scores.
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
}

/// The evaluation of a run's files.
///
/// It takes the description and the report, then each of [`EvidenceFile::ALL`]. A file that is not read counts as missing.
#[derive(Debug)]
pub struct Evaluation<'p> {
    rules: &'p CurationRules,
    bounds: &'p GateBounds,
    audit: Audit,
    description: RunDescription,
    output_folder: String,
    report: Option<RunReport>,
    trained_pairs: HashSet<u64>,
    trained_prompts: HashSet<u64>,
    held_out: Vec<HeldOutRow>,
    held_out_replay: Vec<HeldOutReplay>,
    config: Option<AdapterConfig>,
    weights: Option<AdapterWeights>,
    pair_tokens: TokenTotals,
    replay_tokens: TokenTotals,
    shown: Vec<EvidenceFile>,
    evidence: Evidence,
}

/// A held-out liked output, without its texts.
#[derive(Debug)]
struct HeldOutReplay {
    event_id: String,
    /// The key of its prompt.
    prompt: u64,
    completion: TextSize,
}

impl<'p> Evaluation<'p> {
    /// Begins the evaluation of a run by its description, its trainer's report, both as stored, and the folder that the trainer
    /// put the adapter in.
    ///
    /// # Errors
    /// If the description is invalid. It is this project's own, so the adapter is not to blame.
    pub fn new(
        (rules, bounds): (&'p CurationRules, &'p GateBounds),
        description: &[u8],
        report: &[u8],
        output_folder: &str,
    ) -> Result<Self, Unusable> {
        let parsed = RunDescription::parse(&String::from_utf8_lossy(description))?;
        let mut evaluation = Self {
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
            config: None,
            weights: None,
            pair_tokens: TokenTotals::default(),
            replay_tokens: TokenTotals::default(),
            shown: Vec::new(),
            evidence: Evidence::default(),
        };
        match RunReport::parse(&String::from_utf8_lossy(report)) {
            Ok(report) => evaluation.take_report(report, &Sha256Hex::of(description)),
            Err(error) => evaluation.problem(Problem::Report, error.to_string()),
        }
        Ok(evaluation)
    }

    /// Begins to read a file.
    pub fn read(&mut self, file: EvidenceFile) -> Reading<'_, 'p> {
        Reading::new(self, file)
    }

    /// Returns the verdict.
    #[must_use]
    pub fn judge(mut self) -> GateVerdict {
        for file in EvidenceFile::ALL.into_iter().filter(|file| !self.shown.contains(file)).collect::<Vec<_>>() {
            self.problem(Problem::Hash, format!("{} was not shown", file.name()));
        }
        let scored = self.evidence.scored_pairs + self.evidence.scored_replay;
        let expected = self.held_out.len() + self.held_out_replay.len();
        if scored != expected {
            self.problem(Problem::UnexpectedRow, format!("{scored} of {expected} rows"));
        }
        for detail in [self.pair_tokens.contradiction(), self.replay_tokens.contradiction()].into_iter().flatten() {
            self.problem(Problem::Tokens, detail);
        }
        if let Some((config, weights)) = self.config.take().zip(self.weights.take()) {
            for detail in contradictions(&config, &weights, self.description.lora) {
                self.problem(Problem::Contradiction, detail);
            }
        }
        let bounds = self.bounds;
        let criteria = criteria::all(&self.evidence, bounds);
        let of = (&self.description, self.report.as_ref(), self.output_folder.as_str());
        GateVerdict::fold(of, criteria, *bounds, &self.evidence)
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
        self.evidence.problems.add(problem, detail);
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

    pub(super) fn take_config(&mut self, config: Result<AdapterConfig, String>) {
        match config {
            Ok(config) => self.config = Some(config),
            Err(detail) => self.problem(Problem::Configuration, format!("{}: {detail}", OutputFile::Config.as_str())),
        }
    }

    pub(super) fn take_weights(&mut self, weights: Result<AdapterWeights, (Problem, String)>) {
        match weights {
            Ok(weights) => self.weights = Some(weights),
            Err((problem, detail)) => self.problem(problem, format!("{}: {detail}", OutputFile::Adapter.as_str())),
        }
    }

    /// Ends a file: checks that it is the described one.
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
        // Without a report no hash is expected, and that is a problem already.
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
        let (prompt, completion) = (prompt_key(&row.prompt), TextSize::of(&row.completion));
        self.held_out_replay.push(HeldOutReplay { event_id: row.event_id, prompt, completion });
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
        let expected = self.held_out.get(self.evidence.scored_pairs).filter(|row| row.pair.pair_id == scored.pair_id);
        let HeldOutRow { pair: expected, is_new } = expected.ok_or(Problem::UnexpectedRow)?;
        self.evidence.scored_pairs += 1;
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
        let most = self.description.training.max_length.into();
        let chosen_tokens = self.pair_tokens.add(TextSize::of(&expected.chosen), scored.chosen_tokens, most)?;
        self.pair_tokens.add(TextSize::of(&expected.rejected), scored.rejected_tokens, most)?;
        let measured = MeasuredPair {
            prompt: prompt_key(&expected.prompt),
            is_new: *is_new,
            is_equal: scored.equal,
            chosen_gain: logps[2] - logps[0],
            rejected_gain: logps[3] - logps[1],
            chosen_tokens,
            incumbent: self.measure_answer(expected, &scored.incumbent),
            candidate: self.measure_answer(expected, &scored.candidate),
            chosen_chars: chars(&expected.chosen),
            logps,
        };
        self.evidence.pairs.push(measured);
        Ok(())
    }

    fn measure_answer(&self, row: &PairRow, side: &ScoredPairSide) -> MeasuredAnswer {
        // Pairs are compared without the model's reasoning, and so are answers. Two texts that take too long to compare are long
        // and far apart.
        let answer = self.rules.think.answer(&side.output);
        let distance = distance(answer, &row.chosen, self.rules.audit.max_similarity_steps);
        let similarity = distance.map_or(Share::new(0, 1), Distance::kept);
        let is_violation = self.audit.holds_back_answer(&row.prompt, &side.output, &self.rules.audit);
        MeasuredAnswer { similarity, is_violation, chars: chars(answer) }
    }

    fn measure_replay(&mut self, scored: &ScoredReplay) -> Result<(), Problem> {
        let are_pairs_over = self.evidence.scored_pairs == self.held_out.len();
        let expected = self.held_out_replay.get(self.evidence.scored_replay);
        let expected = expected.filter(|row| are_pairs_over && row.event_id == scored.event_id);
        let HeldOutReplay { prompt, completion, .. } = *expected.ok_or(Problem::UnexpectedRow)?;
        self.evidence.scored_replay += 1;
        let tokens = self.replay_tokens.add(completion, scored.tokens, self.description.training.max_length.into())?;
        let incumbent = -log_probability(scored.incumbent.logp)? / tokens;
        let candidate = -log_probability(scored.candidate.logp)? / tokens;
        self.evidence.replay_losses.push((prompt, candidate - incumbent));
        self.evidence.replay_nlls.0 += incumbent;
        self.evidence.replay_nlls.1 += candidate;
        Ok(())
    }
}

fn log_probability(number: Option<f64>) -> Result<f64, Problem> {
    number.filter(|number| (LEAST_LOG_PROBABILITY..=ROUNDING).contains(number)).ok_or(Problem::NotANumber)
}

fn chars(text: &str) -> f64 {
    text.chars().count() as f64
}
