use flywheel_dataset::StreamDigest;

use super::{Evaluation, EvidenceFile};
use crate::problem::Problem;

/// The longest line: far above any row's. It bounds the memory that a file without line feeds takes.
const MOST_LINE_BYTES: usize = 16 << 20;

/// A file of the run, read piece by piece: it is hashed, and its lines are parsed.
#[derive(Debug)]
pub struct Reading<'e, 'p> {
    evaluation: &'e mut Evaluation<'p>,
    file: EvidenceFile,
    digest: StreamDigest,
    line: Vec<u8>,
    lines: u64,
}

impl<'e, 'p> Reading<'e, 'p> {
    pub(super) fn new(evaluation: &'e mut Evaluation<'p>, file: EvidenceFile) -> Self {
        Self { evaluation, file, digest: StreamDigest::default(), line: Vec::new(), lines: 0 }
    }

    /// Adds the next piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.digest.add(piece);
        if !self.file.has_lines() {
            return;
        }
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let room = MOST_LINE_BYTES.saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// Ends the file.
    pub fn finish(mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
        let Self { evaluation, file, digest, lines, .. } = self;
        evaluation.end(file, &digest.finish(), lines);
    }

    fn end_line(&mut self) {
        self.lines += 1;
        let line = std::mem::take(&mut self.line);
        let is_whole = line.len() < MOST_LINE_BYTES;
        match std::str::from_utf8(&line).ok().filter(|_| is_whole) {
            Some(line) => self.evaluation.line(self.file, self.lines, line.trim_end_matches('\n')),
            None => {
                let detail = format!("{}: line {}: it is too long, or no UTF-8", self.file.name(), self.lines);
                self.evaluation.problem(Problem::UnreadableLine, detail);
            }
        }
    }
}
