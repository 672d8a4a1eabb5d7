use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::adapter::weights::AdapterWeights;

/// The longest header. An adapter of 50,000 modules takes less; it bounds the memory.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// The longest name of a tensor.
const MOST_NAME_BYTES: usize = 200;

/// The names of LoRA's two matrices, in front of and behind the module's.
const BEFORE: &str = "base_model.model.";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";

/// The type of a tensor's values: those that trainers write adapters in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Element {
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 16 bits.
    F16,
    /// The upper half of an `F32`.
    BF16,
}

impl Element {
    /// Returns the number of bytes of a value.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }
}

/// A tensor of the file.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) element: Element,
    /// The number of its bytes.
    pub(super) bytes: u64,
    /// `true` for LoRA's B, which starts as zeros.
    pub(super) is_b: bool,
}

/// A tensor's entry in the header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: Element,
    shape: [u64; 2],
    data_offsets: [u64; 2],
}

/// The header's entries, in the order of the file. No name comes twice: readers would differ in which of the two counts.
struct Entries(Vec<(String, Entry)>);

/// One side of a module's matrices: `(rank, in)` or `(out, rank)`.
struct Side {
    rank: u64,
    is_b: bool,
}

/// Reads a header: returns its tensors in the order of their bytes, and what they are together.
///
/// # Errors
/// The first fault.
pub(super) fn read(json: &[u8]) -> Result<(Vec<Tensor>, AdapterWeights), String> {
    let Entries(mut entries) = serde_json::from_slice(json).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            "its header has a tensor that is no two-dimensional one of F32, F16 or BF16, or a name twice".to_owned()
        }
        _ => "its header is no JSON".to_owned(),
    })?;
    if entries.is_empty() {
        return Err("it has no tensor".to_owned());
    }
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let (mut tensors, mut end) = (Vec::with_capacity(entries.len()), 0_u64);
    let mut sides: Vec<(String, Side)> = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let (module, is_b) = module_of(&name).ok_or("it has a tensor that is no part of a LoRA adapter on a layer")?;
        let [rows, columns] = entry.shape;
        let size = rows.checked_mul(columns).and_then(|values| values.checked_mul(entry.dtype.bytes() as u64));
        let size = size.filter(|size| *size > 0).ok_or_else(|| format!("{name} has no values"))?;
        if entry.data_offsets != [end, end.saturating_add(size)] {
            return Err(format!("{name} is not where its shape and the tensors before it put it"));
        }
        end = entry.data_offsets[1];
        sides.push((module.to_owned(), Side { rank: if is_b { columns } else { rows }, is_b }));
        tensors.push(Tensor { name, element: entry.dtype, bytes: size, is_b });
    }
    Ok((tensors, weights_of(sides)?))
}

fn weights_of(mut sides: Vec<(String, Side)>) -> Result<AdapterWeights, String> {
    sides.sort_by(|(left, of_left), (right, of_right)| (left, of_left.is_b).cmp(&(right, of_right.is_b)));
    let rank = sides.first().map_or(0, |(_, side)| side.rank);
    let mut modules = BTreeSet::new();
    let mut layers = BTreeSet::new();
    for pair in sides.chunks(2) {
        let [(module, a), (of_b, b)] = pair else { return Err("a module has one of lora_A and lora_B".to_owned()) };
        if module != of_b || a.is_b || !b.is_b {
            return Err(format!("{module} has one of lora_A and lora_B"));
        }
        if a.rank != rank || b.rank != rank {
            return Err(format!("{module} has rank {} and {}, and another module has {rank}", a.rank, b.rank));
        }
        layers.extend(layer_of(module));
        modules.insert(module.clone());
    }
    let is_whole = layers.iter().copied().eq(0..layers.len() as u64);
    if is_whole { Ok(AdapterWeights { rank, modules }) } else { Err("it leaves out a layer".to_owned()) }
}

/// Returns the module of a tensor's name, and `true` for its B. `None` if it is no matrix of a module within a layer: `lm_head`,
/// embeddings and norms are not adapted.
fn module_of(name: &str) -> Option<(&str, bool)> {
    let inner = name.strip_prefix(BEFORE).filter(|_| name.len() <= MOST_NAME_BYTES)?;
    let (module, is_b) = match inner.strip_suffix(A) {
        Some(module) => (module, false),
        None => (inner.strip_suffix(B)?, true),
    };
    let is_word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (module.split('.').all(is_word) && layer_of(module).is_some()).then_some((module, is_b))
}

/// Returns the number of a module's layer: the first part of its name that is a number.
fn layer_of(module: &str) -> Option<u64> {
    module.split('.').find_map(|part| part.parse().ok())
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the tensors by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries, M::Error> {
        let (mut entries, mut names) = (Vec::new(), BTreeSet::new());
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(M::Error::custom("a name comes twice"));
            }
            if name == "__metadata__" {
                map.next_value::<std::collections::BTreeMap<String, String>>()?;
            } else {
                entries.push((name, map.next_value()?));
            }
        }
        Ok(Entries(entries))
    }
}
