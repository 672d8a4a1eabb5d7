//! `flywheel import`: reads another tool's export, and writes its edits and ratings as events or sends them to the API.
//!
//! `flywheel-import` decides what becomes of a record. Here files are read row by row (`rows`), events go to their place
//! (`sink`, `api`), and what is left out is named (`report`).

mod api;
mod arguments;
mod report;
mod resume;
mod rows;
mod sink;
mod whole_file;

use std::fs::File;
use std::io::{BufRead, BufReader, Seek as _, Write as _, copy, stderr, stdin};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use flywheel_import::{Importer, Place, Tool, parse};
use serde_json::{Value, json};

pub(crate) use arguments::{EXAMPLES, ImportArguments, Target};

use api::Api;
use report::Report;
use resume::Resume;
use rows::Rows;
use sink::Sink;
use whole_file::WholeFile;

use crate::input::total_bytes;
use crate::marked::visible;
use crate::progress::Progress;
use crate::{Failure, Outcome};

pub(crate) fn run(arguments: &ImportArguments) -> Result<Outcome, Failure> {
    check(arguments)?;
    let importer = Importer::new(arguments.tool, arguments.options());
    let mut sources = Vec::new();
    for path in arguments.files.iter().chain(&arguments.edits) {
        sources.push(Source::open(path, importer.reads_twice())?);
    }
    let names = sources.iter().map(|source| source.path.display().to_string()).collect();
    let passes = if importer.reads_twice() { 2 } else { 1 };
    let bytes = total_bytes(&arguments.files).map(|bytes| bytes * passes);
    let mut import = Import {
        tool: arguments.tool,
        importer,
        report: Report::new(names, arguments.skipped.as_deref())?,
        progress: Progress::new(bytes, arguments.quiet),
    };
    let mut sink = sink(arguments)?;
    import.note(&mut sources, arguments.edits.is_some())?;
    let count = arguments.files.len();
    for (file, source) in sources[..count].iter_mut().enumerate() {
        import.read(file, source, &mut sink)?;
    }
    for (place, skipped) in import.importer.rest() {
        import.report.skip(place, &skipped)?;
    }
    sink.finish(&mut import.report)?;
    import.progress.finish();
    let summary = import.report.finish()?;
    if !arguments.quiet {
        stderr().write_all(visible(&summary).as_bytes())?;
    }
    Ok(Outcome::AllGood)
}

/// Refuses arguments that do not fit together.
fn check(arguments: &ImportArguments) -> Result<(), Failure> {
    let is_api = matches!(arguments.to, Some(Target::Api(_)));
    let refusal = match (arguments.tool, &arguments.edits) {
        (Tool::Otlp, None) => Some("otlp needs --edits FILE: spans have no edits"),
        (tool, Some(_)) if tool != Tool::Otlp => {
            Some("--edits goes with otlp; the other tools export edits themselves")
        }
        _ if !is_api && arguments.key_file.is_some() => Some("--key-file goes with --to and a URL"),
        _ if !is_api && arguments.progress.is_some() => Some("--progress goes with --to and a URL"),
        _ if arguments.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 => {
            Some("- can be read once only")
        }
        _ => None,
    };
    refusal.map_or(Ok(()), |refusal| Err(Failure::Unusable(refusal.to_owned())))?;
    let to = match &arguments.to {
        Some(Target::File(path)) => Some(path),
        _ => None,
    };
    let outputs = [to, arguments.skipped.as_ref(), arguments.progress.as_ref()].into_iter().flatten();
    let mut taken: Vec<PathBuf> = arguments.files.iter().chain(&arguments.edits).map(|path| whole(path)).collect();
    for output in outputs {
        if taken.contains(&whole(output)) {
            let message = format!("{}: this file is named twice; name another one to write to", output.display());
            return Err(Failure::Unusable(message));
        }
        taken.push(whole(output));
    }
    Ok(())
}

/// Returns a path from the root, also of a file that is not there yet.
fn whole(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (path.canonicalize(), folder.canonicalize(), path.file_name()) {
        (Ok(path), ..) => path,
        (_, Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

fn sink(arguments: &ImportArguments) -> Result<Sink, Failure> {
    match &arguments.to {
        None | Some(Target::Output) => Ok(Sink::output()),
        Some(Target::File(path)) => Ok(Sink::File(std::io::BufWriter::new(WholeFile::create(path)?))),
        Some(Target::Api(url)) => {
            let files: Vec<_> = arguments.files.iter().chain(&arguments.edits).map(PathBuf::as_path).collect();
            let resume = Resume::open(arguments.progress.as_deref(), &files, identity(arguments, url))?;
            Ok(Sink::Api(Box::new(Api::new(url, arguments.key_file.as_deref(), resume)?)))
        }
    }
}

/// Returns what makes two imports the same one: then the events come in the same order.
fn identity(arguments: &ImportArguments, url: &str) -> Value {
    let file = |path: &PathBuf| {
        let file = std::fs::metadata(path).ok();
        let changed = file.as_ref().and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map(|since| since.as_nanos().to_string());
        json!({"file": path.display().to_string(), "bytes": file.map(|file| file.len()), "changed": changed})
    };
    let files: Vec<_> = arguments.files.iter().chain(&arguments.edits).map(file).collect();
    let options = format!("{:?}", arguments.options());
    json!({"to": url, "tool": arguments.tool.name(), "files": files, "options": options, "version": env!("CARGO_PKG_VERSION")})
}

/// A file of an import.
struct Source {
    path: PathBuf,
    /// The standard input, kept in a temporary file if it is read twice.
    spool: Option<File>,
}

impl Source {
    fn open(path: &Path, reads_twice: bool) -> Result<Self, Failure> {
        let mut source = Self { path: path.to_owned(), spool: None };
        if path.as_os_str() == "-" && reads_twice {
            let mut spool = tempfile::tempfile()?;
            copy(&mut stdin().lock(), &mut spool)?;
            source.spool = Some(spool);
        } else if path.as_os_str() != "-" {
            // A file that is not there is named before anything is read or sent.
            source.reader()?;
        }
        Ok(source)
    }

    fn reader(&mut self) -> Result<Box<dyn BufRead + '_>, Failure> {
        if let Some(spool) = &mut self.spool {
            spool.rewind()?;
            return Ok(Box::new(BufReader::new(spool)));
        }
        if self.path.as_os_str() == "-" {
            return Ok(Box::new(stdin().lock()));
        }
        let unreadable = |cause| Failure::Unusable(format!("cannot read {}: {cause}", self.path.display()));
        Ok(Box::new(BufReader::new(File::open(&self.path).map_err(unreadable)?)))
    }
}

/// An import under way.
struct Import {
    tool: Tool,
    importer: Importer,
    report: Report,
    progress: Progress,
}

impl Import {
    /// Reads the annotations that stand apart from their outputs.
    fn note(&mut self, sources: &mut [Source], has_edits: bool) -> Result<(), Failure> {
        if let (true, Some((source, others))) = (has_edits, sources.split_last_mut()) {
            return self.each_row(others.len(), source, true, |import, value, place| {
                if let Err(skipped) = import.importer.note_edit(&value, place) {
                    import.report.skip(place, &skipped)?;
                }
                Ok(())
            });
        }
        if !self.importer.reads_twice() {
            return Ok(());
        }
        for (file, source) in sources.iter_mut().enumerate() {
            self.each_record(file, source, false, |import, record, place| {
                for skipped in import.importer.note(record, place) {
                    import.report.skip(place, &skipped)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Reads a file's records, and writes their events.
    fn read(&mut self, file: usize, source: &mut Source, sink: &mut Sink) -> Result<(), Failure> {
        self.each_record(file, source, true, |import, record, place| {
            import.report.record();
            for (place, outcome) in import.importer.read(record, place) {
                match outcome {
                    Ok(event) => sink.put(place, event, &mut import.report)?,
                    Err(skipped) => import.report.skip(place, &skipped)?,
                }
            }
            Ok(())
        })
    }

    fn each_record(
        &mut self,
        file: usize,
        source: &mut Source,
        is_last: bool,
        mut take: impl FnMut(&mut Self, &Value, Place) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = source.path.display().to_string();
        let mut is_first = true;
        self.each_row(file, source, is_last, |import, value, place| {
            for record in import.tool.records(value) {
                if std::mem::take(&mut is_first) && !import.tool.knows(&record) {
                    return Err(stranger(import.tool, &name, place.row, &record));
                }
                take(import, &record, place)?;
            }
            Ok(())
        })
    }

    /// Reads a file row by row. A row that is not JSON is named in the last reading of the file.
    fn each_row(
        &mut self,
        file: usize,
        source: &mut Source,
        is_last: bool,
        mut take: impl FnMut(&mut Self, Value, Place) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let name = source.path.display().to_string();
        let mut rows = Rows::new(source.reader()?);
        while let Some(row) = rows.next().map_err(|fault| Failure::Unusable(format!("{name}: {fault}")))? {
            let place = Place { file, row: row.number };
            match parse(&row.text) {
                Ok(value) => take(self, value, place)?,
                Err(skipped) if is_last => self.report.skip(place, &skipped)?,
                Err(_) => {}
            }
            self.progress.advance(rows.take_bytes(), self.report.events());
        }
        Ok(())
    }
}

/// Returns the failure of a file that is of another tool, or of none.
fn stranger(tool: Tool, name: &str, row: u64, record: &Value) -> Failure {
    let tool = tool.name();
    let message = match Tool::ALL.into_iter().find_map(|other| other.guess(record)) {
        Some(other) => format!(
            "{name}: row {row} is a record of {other}, not of {tool}; run flywheel import {other}",
            other = other.name()
        ),
        None => format!("{name}: row {row} is no record of {tool}; docs/IMPORT.md says which export is read"),
    };
    Failure::Unusable(message)
}
