use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write as _};

use flywheel_training::Unusable;
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::preparer::PrepareError;

/// Lines for the lake, in a temporary file that is removed with this value.
#[derive(Debug)]
pub(crate) struct Spool(BufWriter<NamedTempFile>);

impl Spool {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(BufWriter::new(NamedTempFile::new()?)))
    }

    /// Adds a row as a line.
    pub(crate) fn add(&mut self, row: &impl Serialize) -> Result<(), PrepareError> {
        let line = serde_json::to_string(row)
            .map_err(|error| Unusable { file: "input".to_owned(), problem: error.to_string() })?;
        self.add_line(&line)
    }

    fn add_line(&mut self, line: &str) -> Result<(), PrepareError> {
        self.0.write_all(line.as_bytes())?;
        self.0.write_all(b"\n")?;
        Ok(())
    }

    /// Ends the lines and returns the file.
    pub(crate) fn finish(self) -> io::Result<NamedTempFile> {
        self.0.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// Returns the lines to keep, in order, as a new spool.
    pub(crate) fn filtered(self, is_kept: impl Fn(&str) -> bool) -> Result<Self, PrepareError> {
        let mut all = self.finish()?;
        all.rewind()?;
        let mut kept = Self::new()?;
        // Not `lines()`: it would also strip a carriage return at a line's end.
        for line in BufReader::new(all).split(b'\n') {
            let line = String::from_utf8(line?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            if is_kept(&line) {
                kept.add_line(&line)?;
            }
        }
        Ok(kept)
    }
}
