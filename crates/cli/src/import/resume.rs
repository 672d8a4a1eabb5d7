//! The progress of an import to the API, in a file, so that a killed import goes on from there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::whole_file::WholeFile;
use crate::Failure;

/// The ending of the file's name beside the first file of the import.
const ENDING: &str = "flywheel-import";

/// The contents of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    /// The import: its target, tool, files and options. Another import begins at its start.
    import: Value,
    /// The number of events that the API has answered, from the first one.
    answered: u64,
}

/// The progress of an import.
#[derive(Debug)]
pub(super) struct Resume {
    path: Option<PathBuf>,
    import: Value,
    /// The number of events that were answered by the API in earlier attempts, or in this one.
    pub(super) answered: u64,
}

impl Resume {
    /// Reads the progress of the import of `files`. `path` is its own file; without one, it is beside the first of them. An import
    /// with the standard input has none, because that may be another one the next time.
    pub(super) fn open(path: Option<&Path>, files: &[&Path], import: Value) -> Result<Self, Failure> {
        let beside = || {
            let first = files.first()?;
            let mut name = first.file_name()?.to_owned();
            name.push(".");
            name.push(ENDING);
            Some(first.with_file_name(name))
        };
        let is_same_again = files.iter().all(|file| file.as_os_str() != "-");
        let path = path.map(Path::to_owned).or_else(beside).filter(|_| is_same_again);
        let text = path.as_deref().map(std::fs::read).transpose();
        let text = match text {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            read => read?,
        };
        let saved: Option<Saved> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let answered = saved.filter(|saved| saved.import == import).map_or(0, |saved| saved.answered);
        Ok(Self { path, import, answered })
    }

    /// Returns the file's name for a message.
    pub(super) fn name(&self) -> Option<String> {
        self.path.as_deref().map(|path| path.display().to_string())
    }

    /// Saves that `count` events more are answered.
    pub(super) fn advance(&mut self, count: u64) -> Result<(), Failure> {
        self.answered += count;
        let Some(path) = &self.path else { return Ok(()) };
        let mut file = WholeFile::create(path)?;
        let saved = Saved { import: self.import.clone(), answered: self.answered };
        file.write_all(&serde_json::to_vec(&saved)?)?;
        file.finish()
    }

    /// Removes the file: the import is done.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.path.as_deref().map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}
