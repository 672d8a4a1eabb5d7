//! The dataset's rules: which pending pairs a version takes, and what its record says.
//!
//! Curation judges an edit alone; here a batch is judged together. Repeats, one contributor's share, contradictions and campaigns
//! only show side by side. The audit is a pure function of the pending lines, the dataset's rows and the policy. Frozen again
//! from the same input, a version comes out the same.
//!
//! | file | decides |
//! |---|---|
//! | `net_new`, `fingerprint` | which pairs the dataset has already, exactly or nearly, and what a row keeps for that |
//! | `outputs`, `settled` | which text of each output is the last, and what has to be remembered of that |
//! | `newcomers` | which pending pairs repeat, contradict or neighbour what the dataset holds |
//! | `split` | which prompts are held out, for ever |
//! | `phrases`, `bursts`, `background` | which phrases come all at once |
//! | `hands` | which of those are corrections that many agree on |
//! | `caps` | how much of a version one contributor or tenant may be |
//! | `waiting` | what is over a cap, and enters a later version |
//! | `audit`, `hold` | all of it, in order, and why a pair is quarantined |
//! | `statistics`, `drift` | what a version is made of, and how far that is from the one before |
//! | `comparison` | what distinguishes two versions |
//! | `content`, `object` | the digests of rows, and of objects beside the table |
//! | `version` | the record that a version carries, chained to the one before |
//! | `amendment` | what people change, and what that leaves |
//! | `reviewing` | what becomes of quarantined lines by a person's word |
//! | `erasing` | what is left of a part without a contributor's lines |

mod amendment;
mod audit;
mod background;
mod bursts;
mod caps;
mod comparison;
mod content;
mod drift;
pub(crate) mod erasing;
mod fingerprint;
mod gold_line;
mod hands;
mod hold;
mod net_new;
mod newcomers;
mod object;
mod outputs;
mod phrases;
pub(crate) mod reviewing;
mod rules;
mod settled;
mod split;
mod statistics;
mod version;
mod waiting;

pub use amendment::{
    Amendment, Change, NetNew, Operation, Place, ReplacedObject, Replacement, RowSet, Selection, pair_key,
};
pub use audit::{Audited, Entry, HeldPair, audit};
pub use background::{Background, UnreadableBackground};
pub use bursts::Burst;
pub use caps::{Attribution, Caps, Shortfall};
pub use comparison::{Changed, Comparison, Difference};
pub use content::ContentDigest;
pub use drift::Drift;
pub use fingerprint::Fingerprint;
pub(crate) use gold_line::RELEASED;
pub use gold_line::{GoldLine, held_line};
pub use hold::Hold;
pub use newcomers::{Newcomers, RowInDataset};
pub use object::{ObjectDigest, StreamDigest, object_sha256};
pub use outputs::RowRevision;
pub use rules::DatasetRules;
pub(crate) use rules::DatasetSection;
pub use split::{Split, SplitSalt};
pub use statistics::{Statistics, Tally};
pub use version::{Consumed, ConsumedPart, Counts, HeldPart, Misfit, Revised, VersionRecord, WrittenFiles};
pub use waiting::{WaitingPair, WaitingPairs};
