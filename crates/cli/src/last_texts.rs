//! Keeps the last text of each output, by the same rule as a freeze.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write};

use flywheel_curation::CuratedEvent;
use flywheel_event::Revision;

/// The lines of gold pairs, spooled to a temporary file until the last text of each output is known.
pub(crate) struct LastTexts {
    spool: BufWriter<File>,
    spans: Vec<Span>,
    newest: HashMap<String, Revision>,
    withdrawn: HashSet<String>,
}

/// The lines of one event in the spool.
struct Span {
    event: Event,
    bytes: u64,
}

/// An event as a revision of an output.
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
    /// Creates an empty spool.
    ///
    /// # Errors
    /// If the temporary file cannot be created.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            spool: BufWriter::new(tempfile::tempfile()?),
            spans: Vec::new(),
            newest: HashMap::new(),
            withdrawn: HashSet::new(),
        })
    }

    /// Adds an event with its lines, which are written if it is the last revision. An event with no gold pair has no lines.
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

    /// Writes the remaining lines in order of arrival. Returns the number of pairs that are not the last text of their output.
    ///
    /// # Errors
    /// If the temporary file cannot be read or `output` cannot be written.
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
