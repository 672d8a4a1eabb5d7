//! A file that is there whole or not at all: it is written under another name, and renamed at the end.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Failure;

/// A file under construction. Dropped without [`WholeFile::finish`], it leaves what was there before.
#[derive(Debug)]
pub(super) struct WholeFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl WholeFile {
    /// Begins a file. It is written in the same folder, so that the rename is one step.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let unusable = |cause: std::io::Error| Failure::Unusable(format!("cannot write {}: {cause}", path.display()));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.is_dir() {
            return Err(Failure::Unusable(format!("cannot write {}: it is a folder; name a file", path.display())));
        }
        let file = tempfile::Builder::new().prefix(".flywheel-import-").tempfile_in(folder).map_err(unusable)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Gives the file its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self { file, path } = self;
        file.as_file().sync_all()?;
        let renamed = file.persist(&path).map(drop);
        renamed.map_err(|error| Failure::Unusable(format!("cannot write {}: {}", path.display(), error.error)))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
