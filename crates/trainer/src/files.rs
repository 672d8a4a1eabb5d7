//! Reads files together with their digests, and writes files atomically.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use flywheel_training::Sha256Hex;

use crate::failure::{Result, TrainerError};

/// A file's bytes and their digest.
pub(crate) struct Hashed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: Sha256Hex,
}

/// Reads a file once, so that the hashed bytes are the used ones.
pub(crate) fn read(path: &Path) -> Result<Hashed> {
    fs::read(path).map(Hashed::of).map_err(TrainerError::io(path))
}

impl Hashed {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let sha256 = Sha256Hex::of(&bytes);
        Self { bytes, sha256 }
    }

    /// Returns the bytes as text.
    pub(crate) fn text(&self, path: &Path) -> Result<&str> {
        std::str::from_utf8(&self.bytes).map_err(|_| TrainerError::unusable(path, "is no UTF-8"))
    }

    /// Checks the bytes against their expected digest.
    pub(crate) fn verify(&self, expected: &Sha256Hex, path: &Path) -> Result<()> {
        if self.sha256 == *expected {
            return Ok(());
        }
        Err(TrainerError::unusable(path, format!("its SHA-256 is {}, and by run.json {expected}", self.sha256)))
    }
}

/// Writes a file atomically: a crash in between leaves the previous file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = Path::new(&unfinished);
    let mut file = File::create(unfinished).map_err(TrainerError::io(unfinished))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(TrainerError::io(unfinished))?;
    fs::rename(unfinished, path).map_err(TrainerError::io(path))
}

pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(TrainerError::io(path))
}
