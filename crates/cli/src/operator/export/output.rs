//! The file of an export, as lines or as a table.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use flywheel_table::ParquetLines;
use flywheel_training::TrainingFormat;

use super::Encoding;
use crate::Failure;
use crate::operator::unusable;

/// Takes lines of a format and writes them unchanged or as Parquet.
pub(super) enum Writer {
    Lines(Output),
    Parquet(Box<ParquetLines<Output>>),
}

impl Writer {
    pub(super) fn create(
        place: &Path,
        force: bool,
        format: TrainingFormat,
        encoding: Encoding,
        has_tools: bool,
    ) -> Result<Self, Failure> {
        let output = Output::create(place, force)?;
        let columns = if has_tools { format.columns_with_tools() } else { format.columns() };
        Ok(match encoding {
            Encoding::Jsonl => Self::Lines(output),
            Encoding::Parquet => Self::Parquet(Box::new(ParquetLines::new(output, columns)?)),
        })
    }

    pub(super) fn write(&mut self, lines: &str) -> io::Result<()> {
        match self {
            Self::Lines(output) => output.write_all(lines.as_bytes()),
            Self::Parquet(parquet) => parquet.write(lines),
        }
    }

    /// Moves the file to its final name. Returns its size in bytes.
    pub(super) fn finish(self) -> io::Result<u64> {
        match self {
            Self::Lines(output) => output.finish(),
            Self::Parquet(parquet) => parquet.finish()?.finish(),
        }
    }
}

/// Takes bytes. A file is written under a temporary name and renamed when it is complete.
pub(super) struct Output {
    written: u64,
    target: Target,
}

enum Target {
    Standard(BufWriter<io::Stdout>),
    File { aside: PathBuf, place: PathBuf, writer: Option<BufWriter<File>> },
}

impl Output {
    fn create(place: &Path, force: bool) -> Result<Self, Failure> {
        Ok(Self { written: 0, target: Target::create(place, force)? })
    }

    fn finish(mut self) -> io::Result<u64> {
        self.target.finish()?;
        Ok(self.written)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.target {
            Target::Standard(writer) => writer.write(bytes)?,
            Target::File { writer: Some(writer), .. } => writer.write(bytes)?,
            Target::File { writer: None, .. } => 0,
        };
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Standard(writer) => writer.flush(),
            Target::File { writer, .. } => writer.iter_mut().try_for_each(BufWriter::flush),
        }
    }
}

impl Target {
    fn create(place: &Path, force: bool) -> Result<Self, Failure> {
        if place.as_os_str() == "-" {
            return Ok(Self::Standard(BufWriter::new(stdout())));
        }
        if place.exists() && !force {
            return Err(unusable(format_args!("{} is there already: pass --force to replace it", place.display())));
        }
        let name = place.file_name().ok_or_else(|| unusable(format_args!("{} is no file", place.display())))?;
        let aside = place.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        let file = File::create(&aside).map_err(|error| unusable(format_args!("{}: {error}", place.display())))?;
        Ok(Self::File { aside, place: place.to_owned(), writer: Some(BufWriter::new(file)) })
    }

    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(writer) => writer.flush(),
            Self::File { aside, place, writer } => {
                if let Some(writer) = writer.take() {
                    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                }
                fs::rename(aside, place)
            }
        }
    }
}

impl Drop for Target {
    /// Removes an incomplete file. A complete one has its final name by now.
    fn drop(&mut self) {
        if let Self::File { aside, .. } = self {
            let _ = fs::remove_file(aside);
        }
    }
}
