//! The place that the events go to.

use std::io::{BufWriter, Stdout, Write as _, stdout};

use flywheel_import::{Event, Place};

use super::api::Api;
use super::report::Report;
use super::whole_file::WholeFile;
use crate::Failure;

/// The standard output, a file, or the API.
pub(super) enum Sink {
    Output(BufWriter<Stdout>),
    File(BufWriter<WholeFile>),
    Api(Box<Api>),
}

impl Sink {
    pub(super) fn output() -> Self {
        Self::Output(BufWriter::new(stdout()))
    }

    /// Takes an event. A line of a file is the event in JSON.
    pub(super) fn put(&mut self, place: Place, event: Event, report: &mut Report) -> Result<(), Failure> {
        report.event(&event);
        match self {
            Self::Output(lines) => lines.write_all(event.json.as_bytes()).and_then(|()| lines.write_all(b"\n"))?,
            Self::File(lines) => lines.write_all(event.json.as_bytes()).and_then(|()| lines.write_all(b"\n"))?,
            Self::Api(api) => api.put(place, event, report)?,
        }
        Ok(())
    }

    /// Finishes the file, or sends the last batch.
    pub(super) fn finish(self, report: &mut Report) -> Result<(), Failure> {
        match self {
            Self::Output(mut lines) => Ok(lines.flush()?),
            Self::File(lines) => lines.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish(),
            Self::Api(api) => api.finish(report),
        }
    }
}
