use std::collections::BTreeSet;

use crate::adapter::header;
use crate::adapter::values::{InvalidValues, Values};
use crate::problem::Problem;

/// An adapter's weights, as far as the configuration has to agree with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdapterWeights {
    pub(super) rank: u64,
    /// The adapted modules, such as `model.layers.0.self_attn.q_proj`.
    pub(super) modules: BTreeSet<String>,
}

/// Reads `adapter_model.safetensors`, piece by piece.
#[derive(Debug)]
pub(crate) struct WeightsReader(State);

#[derive(Debug)]
enum State {
    /// The length of the header: eight bytes.
    Length(Vec<u8>),
    Header {
        length: usize,
        json: Vec<u8>,
    },
    Values(AdapterWeights, Values),
    Invalid(String),
}

impl Default for WeightsReader {
    fn default() -> Self {
        Self(State::Length(Vec::new()))
    }
}

impl WeightsReader {
    /// Adds the next piece, which may end anywhere.
    pub(crate) fn add(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            match &mut self.0 {
                State::Length(bytes) => {
                    piece = filled(bytes, 8, piece);
                    if let Ok(length) = <[u8; 8]>::try_from(bytes.as_slice()) {
                        self.0 = State::of_length(u64::from_le_bytes(length));
                    }
                }
                State::Header { length, json } => {
                    piece = filled(json, *length, piece);
                    if json.len() == *length {
                        self.0 = match header::read(json) {
                            Ok((tensors, weights)) => State::Values(weights, Values::of(tensors)),
                            Err(problem) => State::Invalid(problem),
                        };
                    }
                }
                State::Values(_, values) => return values.add(piece),
                State::Invalid(_) => return,
            }
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// The first fault, and a detail that quotes no more than the name of a tensor.
    pub(crate) fn finish(self) -> Result<AdapterWeights, (Problem, String)> {
        let (weights, values) = match self.0 {
            State::Length(_) | State::Header { .. } => {
                return Err((Problem::Adapter, "it ends before its header does".to_owned()));
            }
            State::Invalid(problem) => return Err((Problem::Adapter, problem)),
            State::Values(weights, values) => (weights, values),
        };
        values.finish().map_err(|invalid| match invalid {
            InvalidValues::Length(problem) => (Problem::Adapter, problem.to_owned()),
            InvalidValues::NotFinite(detail) => (Problem::NotFinite, detail),
            InvalidValues::NoEffect => (Problem::NoEffect, "every lora_B is zero".to_owned()),
        })?;
        Ok(weights)
    }
}

impl State {
    fn of_length(length: u64) -> Self {
        match usize::try_from(length) {
            Ok(length) if (1..=header::MOST_BYTES).contains(&(length as u64)) => {
                Self::Header { length, json: Vec::new() }
            }
            _ => Self::Invalid("it is no safetensors file, or its header is too long".to_owned()),
        }
    }
}

/// Fills `bytes` up to `length` from a piece, and returns the rest of the piece.
fn filled<'p>(bytes: &mut Vec<u8>, length: usize, piece: &'p [u8]) -> &'p [u8] {
    let (own, rest) = piece.split_at(piece.len().min(length - bytes.len()));
    bytes.extend_from_slice(own);
    rest
}
