//! Of each output the last text: the same rule as a freeze has, for files.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write};

use flywheel_core::{CuratedEvent, Revision};

/// What is written of the gold pairs, in a file of this machine, until it is known which of them are the last texts of their outputs.
pub(crate) struct LastTexts {
    spool: BufWriter<File>,
    spans: Vec<Span>,
    newest: HashMap<String, Revision>,
    withdrawn: HashSet<String>,
}

/// What one event has in the spool.
struct Span {
    event: Event,
    bytes: u64,
}

/// An event, as far as it is a revision of an output.
pub(crate) struct Event {
    event_id: String,
    output_id: Option<String>,
    revision: Revision,
}

impl Event {
    pub(crate) fn of(event: &CuratedEvent) -> Self {
        let CuratedEvent { event_id, output_id, revision, .. } = event;
        Self { event_id: event_id.clone(), output_id: output_id.clone(), revision: *revision }
    }
}

impl LastTexts {
    /// None yet.
    ///
    /// # Errors
    /// If no temporary file can be made.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            spool: BufWriter::new(tempfile::tempfile()?),
            spans: Vec::new(),
            newest: HashMap::new(),
            withdrawn: HashSet::new(),
        })
    }

    /// Adds an event, with what is written of it if it is the last; nothing, if it is none for gold.
    ///
    /// # Errors
    /// If the temporary file cannot be written.
    pub(crate) fn add(&mut self, event: Event, lines: &[u8]) -> io::Result<()> {
        if event.revision == Revision::WITHDRAWN {
            self.withdrawn.insert(event.event_id.clone());
        }
        if let Some(output) = &event.output_id {
            let newest = self.newest.entry(output.clone()).or_insert(event.revision);
            *newest = event.revision.max(*newest);
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.spool.write_all(lines)?;
        self.spans.push(Span { event, bytes: lines.len() as u64 });
        Ok(())
    }

    /// Writes what is left, in the order in which it came. Answers how many pairs are not the last text of their output.
    ///
    /// # Errors
    /// If the temporary file cannot be read, or `output` not be written.
    pub(crate) fn write_to(self, output: &mut impl Write) -> io::Result<u64> {
        let Self { spool, spans, newest, withdrawn } = self;
        let mut spool = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
        spool.rewind()?;
        let mut spool = BufReader::new(spool);
        let mut superseded = 0;
        for Span { event, bytes } in spans {
            let is_last = |output| newest.get(output).is_none_or(|newest| *newest <= event.revision);
            let counts = event.output_id.as_ref().is_none_or(is_last) && !withdrawn.contains(&event.event_id);
            let mut lines = (&mut spool).take(bytes);
            if counts {
                io::copy(&mut lines, output)?;
            } else {
                io::copy(&mut lines, &mut io::sink())?;
                superseded += 1;
            }
        }
        Ok(superseded)
    }
}
