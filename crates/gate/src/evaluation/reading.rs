use flywheel_dataset::StreamDigest;
use flywheel_training::OutputFile;

use super::{Evaluation, EvidenceFile};
use crate::adapter::{AdapterConfig, WeightsReader};
use crate::problem::Problem;

/// The longest line: far above any row's. It bounds the memory that a file without line feeds takes.
const MOST_LINE_BYTES: usize = 16 << 20;

/// A file of the run, read piece by piece: it is hashed and parsed.
#[derive(Debug)]
pub struct Reading<'e, 'p> {
    evaluation: &'e mut Evaluation<'p>,
    file: EvidenceFile,
    digest: StreamDigest,
    content: Content,
}

/// The part of a file that is kept while it is read. It does not grow with the file.
#[derive(Debug)]
enum Content {
    /// The line that is being read, and the number of those before it.
    Lines(Vec<u8>, u64),
    Weights(WeightsReader),
    /// The configuration, up to a byte more than it may have.
    Config(Vec<u8>),
}

impl<'e, 'p> Reading<'e, 'p> {
    pub(super) fn new(evaluation: &'e mut Evaluation<'p>, file: EvidenceFile) -> Self {
        let content = match file {
            EvidenceFile::Output(OutputFile::Adapter) => Content::Weights(WeightsReader::default()),
            EvidenceFile::Output(OutputFile::Config) => Content::Config(Vec::new()),
            EvidenceFile::Input(_) | EvidenceFile::Output(_) => Content::Lines(Vec::new(), 0),
        };
        Self { evaluation, file, digest: StreamDigest::default(), content }
    }

    /// Adds the next piece.
    pub fn add(&mut self, piece: &[u8]) {
        let Self { evaluation, file, digest, content } = self;
        digest.add(piece);
        match content {
            Content::Weights(weights) => weights.add(piece),
            Content::Config(bytes) => {
                let room = (AdapterConfig::MOST_BYTES + 1).saturating_sub(bytes.len());
                bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            }
            Content::Lines(line, lines) => {
                for part in piece.split_inclusive(|byte| *byte == b'\n') {
                    let room = MOST_LINE_BYTES.saturating_sub(line.len());
                    line.extend_from_slice(&part[..part.len().min(room)]);
                    if part.ends_with(b"\n") {
                        *lines += 1;
                        end_line(evaluation, *file, *lines, &std::mem::take(line));
                    }
                }
            }
        }
    }

    /// Ends the file.
    pub fn finish(self) {
        let Self { evaluation, file, digest, content } = self;
        let mut rows = 0;
        match content {
            Content::Weights(weights) => evaluation.take_weights(weights.finish()),
            Content::Config(bytes) => evaluation.take_config(AdapterConfig::parse(&bytes)),
            Content::Lines(line, lines) => {
                rows = lines;
                if !line.is_empty() {
                    rows += 1;
                    end_line(evaluation, file, rows, &line);
                }
            }
        }
        evaluation.end(file, &digest.finish(), rows);
    }
}

fn end_line(evaluation: &mut Evaluation<'_>, file: EvidenceFile, number: u64, line: &[u8]) {
    let is_whole = line.len() < MOST_LINE_BYTES;
    match std::str::from_utf8(line).ok().filter(|_| is_whole) {
        Some(line) => evaluation.line(file, number, line.trim_end_matches('\n')),
        None => {
            let detail = format!("{}: line {number}: it is too long, or no UTF-8", file.name());
            evaluation.problem(Problem::UnreadableLine, detail);
        }
    }
}
