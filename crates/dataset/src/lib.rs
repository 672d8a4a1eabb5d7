//! The dataset's rules: which pending pairs a version takes, and what its record says.
//!
//! Curation judges an edit alone; here a batch is judged together. Repeats, one contributor's share, contradictions and campaigns
//! only show side by side. The audit is a pure function of the pending lines, the dataset's rows and the policy. Frozen again
//! from the same input, a version comes out the same.
//!
//! | file | decides |
//! |---|---|
//! | `net_new`, `fingerprint` | which pairs are duplicates or near duplicates, and the fingerprint that a row keeps for that |
//! | `outputs`, `settled` | which text of each output is the last, and the memory of outputs without a row |
//! | `pair`, `gold_line` | a line with its fields, read once |
//! | `newcomers` | which pending pairs repeat, contradict or neighbour the dataset's rows |
//! | `split` | which prompts are held out, for ever |
//! | `phrases`, `bursts`, `background`, `recent` | which phrases come all at once, or a few with each version |
//! | `hands` | which of those phrases are corrections that many agree on |
//! | `conflicts` | which sides of a contradiction, and which edits of one output, give way to others |
//! | `caps` | the largest share of a version by one contributor or tenant |
//! | `waiting` | which pairs over a cap wait for a later version |
//! | `audit`, `hold` | the order of all checks, and the reasons for quarantine |
//! | `statistics`, `drift` | the statistics of a version, and its distance from the one before |
//! | `comparison` | the differences between two versions |
//! | `content`, `object` | the digests of rows, and of objects beside the table |
//! | `version` | the record of a version, chained to the one before |
//! | `amendment` | rollbacks, exclusions and erasures: the rows and pairs that they leave |
//! | `reviewing` | the lines that an operator's decision makes of quarantined ones |
//! | `erasing` | the rest of a part without a contributor's lines |

mod amendment;
mod audit;
mod background;
mod bursts;
mod caps;
mod comparison;
mod conflicts;
mod content;
mod drift;
mod erasing;
mod fingerprint;
mod gold_line;
mod hands;
mod hold;
mod net_new;
mod newcomers;
mod object;
mod outputs;
mod pair;
mod phrases;
mod recent;
mod reviewing;
mod rules;
mod settled;
mod split;
mod statistics;
mod version;
mod waiting;

pub use amendment::{
    Amendment, Change, NetNew, Operation, Place, ReplacedObject, Replacement, RowSet, Selection, pair_key,
};
pub use audit::{Audited, Entry, QuarantinedPair, audit};
pub use background::{Background, UnreadableBackground};
pub use bursts::Burst;
pub use caps::{Attribution, Caps, Shortfall};
pub use comparison::{Changed, Comparison, Difference};
pub use content::ContentDigest;
pub use drift::Drift;
pub use erasing::{ErasedIds, LinesLeft, part_left};
pub use fingerprint::Fingerprint;
pub(crate) use gold_line::RELEASED;
pub use gold_line::{GoldLine, LineSender, quarantined_line};
pub use hold::BatchReason;
pub use newcomers::{Newcomers, RowInDataset};
pub use object::{ObjectDigest, StreamDigest, object_sha256};
pub use outputs::RowRevision;
pub use pair::Pair;
pub use reviewing::{
    DECISIONS_PREFIX, Decision as ReviewDecision, Decisions, NotReleasable, QuarantineSelection, QuarantinedLine,
    reviewed_part,
};
pub use rules::{DatasetRules, DatasetSection};
pub use split::{Split, SplitSalt};
pub use statistics::{Statistics, Tally};
pub use version::{Consumed, ConsumedPart, Counts, Misfit, QuarantinedPart, Revised, VersionRecord, WrittenFiles};
pub use waiting::{WaitingPair, WaitingPairs};
