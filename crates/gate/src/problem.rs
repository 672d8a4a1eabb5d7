use std::collections::BTreeMap;

/// A problem of the evidence. Each is counted, and the first is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Problem {
    Report,
    OtherRun,
    OtherInput,
    OtherBase,
    Hash,
    RowCount,
    UnreadableLine,
    UnexpectedRow,
    NotANumber,
    Tokens,
    UnequalScores,
    LeakedPair,
    LeakedPrompt,
    Configuration,
    Adapter,
    NotFinite,
    NoEffect,
    Contradiction,
}

impl Problem {
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Report => "the trainer's report is not what the contract says",
            Self::OtherRun => "the trainer's report is about another run",
            Self::OtherInput => "the trainer followed another description than the run's",
            Self::OtherBase => "the trainer loaded another base than the run's",
            Self::Hash => "a file is not the one that was described: its hash is another",
            Self::RowCount => "a file has more or fewer rows than was described",
            Self::UnreadableLine => "a line is not what the contract says",
            Self::UnexpectedRow => "scored rows are not those of the held-out files, in order",
            Self::NotANumber => "a score is missing, is not finite, or is no log-probability",
            Self::Tokens => "a number of tokens cannot be that of the row's text",
            Self::UnequalScores => "texts are said to be the same tokens, and their scores differ",
            Self::LeakedPair => "a held-out pair was trained on",
            Self::LeakedPrompt => "a held-out prompt was trained on",
            Self::Configuration => "the adapter's configuration is not what the contract says",
            Self::Adapter => "the adapter's weights are not what the contract says",
            Self::NotFinite => "the adapter's weights have values that are infinite or no number",
            Self::NoEffect => "the adapter changes nothing",
            Self::Contradiction => "the adapter is not the one that the recipe asks for",
        }
    }
}

/// The problems, with their counts and the detail of the first.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<Problem, (u64, String)>);

impl Problems {
    /// Adds a problem; `detail` says where, and quotes nothing.
    pub(super) fn add(&mut self, problem: Problem, detail: impl Into<String>) {
        let (count, _) = self.0.entry(problem).or_insert_with(|| (0, detail.into()));
        *count += 1;
    }

    /// Returns each problem, with its count and the first detail.
    pub(super) fn list(&self) -> &BTreeMap<Problem, (u64, String)> {
        &self.0
    }
}
