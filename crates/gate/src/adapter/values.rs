use crate::adapter::header::{Element, Tensor};

/// The bits of an exponent: all are set in an infinity and in NaN, and in no other value.
const EXPONENT_OF_F32: u32 = 0x7F80_0000;
const EXPONENT_OF_F16: u32 = 0x7C00;
const EXPONENT_OF_BF16: u32 = 0x7F80;

/// The values of the tensors, one after the other, read piece by piece.
#[derive(Debug)]
pub(super) struct Values {
    tensors: Vec<Tensor>,
    /// The tensor that is being read.
    next: usize,
    /// The bytes of it that were read.
    read: u64,
    /// The first bytes of a value whose others are in the next piece.
    begun: Vec<u8>,
    seen: Seen,
    /// Bytes behind the last tensor.
    beyond: u64,
}

/// The kinds of values that were seen.
#[derive(Debug, Default)]
struct Seen {
    /// Values that are infinite or NaN.
    not_finite: u64,
    /// The tensor of the first of these.
    first: Option<String>,
    /// `true` if a B has a value other than zero.
    has_effect: bool,
}

/// A fault of the values.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InvalidValues {
    /// The file is shorter or longer than its header says.
    Length(&'static str),
    /// Values are infinite or NaN.
    NotFinite(String),
    /// Every B is zero, so that the adapter changes nothing.
    NoEffect,
}

impl Values {
    pub(super) fn of(tensors: Vec<Tensor>) -> Self {
        Self { tensors, next: 0, read: 0, begun: Vec::new(), seen: Seen::default(), beyond: 0 }
    }

    /// Adds the next piece, which may end anywhere.
    pub(super) fn add(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let Some(tensor) = self.tensors.get(self.next) else {
                self.beyond += piece.len() as u64;
                return;
            };
            let left = usize::try_from(tensor.bytes - self.read).unwrap_or(usize::MAX);
            let (own, rest) = piece.split_at(left.min(piece.len()));
            self.seen.add(tensor, own, &mut self.begun);
            self.read += own.len() as u64;
            if self.read == tensor.bytes {
                (self.next, self.read) = (self.next + 1, 0);
            }
            piece = rest;
        }
    }

    /// Ends the file.
    pub(super) fn finish(self) -> Result<(), InvalidValues> {
        if self.next < self.tensors.len() {
            return Err(InvalidValues::Length("it ends before its last tensor does"));
        }
        if self.beyond > 0 {
            return Err(InvalidValues::Length("it has bytes behind its last tensor"));
        }
        if let Some(first) = self.seen.first {
            return Err(InvalidValues::NotFinite(format!("{} values, the first in {first}", self.seen.not_finite)));
        }
        if self.seen.has_effect { Ok(()) } else { Err(InvalidValues::NoEffect) }
    }
}

impl Seen {
    fn add(&mut self, tensor: &Tensor, bytes: &[u8], begun: &mut Vec<u8>) {
        let size = tensor.element.bytes();
        let missing = if begun.is_empty() { 0 } else { (size - begun.len()).min(bytes.len()) };
        let (first, rest) = bytes.split_at(missing);
        begun.extend_from_slice(first);
        if begun.len() == size {
            self.scan(tensor, begun);
            begun.clear();
        }
        let whole = rest.len() - rest.len() % size;
        self.scan(tensor, &rest[..whole]);
        begun.extend_from_slice(&rest[whole..]);
    }

    /// Adds whole values.
    fn scan(&mut self, tensor: &Tensor, bytes: &[u8]) {
        let Scan { not_finite, is_zero } = match tensor.element {
            Element::F32 => Scan::of::<4>(bytes, EXPONENT_OF_F32),
            Element::F16 => Scan::of::<2>(bytes, EXPONENT_OF_F16),
            Element::BF16 => Scan::of::<2>(bytes, EXPONENT_OF_BF16),
        };
        if not_finite > 0 {
            self.first.get_or_insert_with(|| tensor.name.clone());
        }
        self.not_finite += not_finite;
        self.has_effect |= tensor.is_b && !is_zero;
    }
}

struct Scan {
    not_finite: u64,
    is_zero: bool,
}

impl Scan {
    /// Scans values of `SIZE` bytes, little-endian as the format is.
    fn of<const SIZE: usize>(bytes: &[u8], exponent: u32) -> Self {
        let sign = 1_u32 << (8 * SIZE - 1);
        let (mut not_finite, mut bits_set) = (0, 0);
        for value in bytes.chunks_exact(SIZE) {
            let bits = value.iter().rev().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            not_finite += u64::from(bits & exponent == exponent);
            bits_set |= bits & !sign;
        }
        Self { not_finite, is_zero: bits_set == 0 }
    }
}
