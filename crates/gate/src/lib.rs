//! The gate: it decides if a trained adapter may replace the live adapter.
//!
//! It reads the files of a run, byte by byte, and computes every number itself from the scored rows. It ignores the trainer's
//! account of its own success. All criteria must hold: with a weighted sum a fast learner could pay for harm.
//!
//! | criterion | asks | catches |
//! |---|---|---|
//! | G0 `integrity` | are these the run's files, whole, and enough of them? | tampering, leaks, NaN, files that are no adapter, too few rows |
//! | G1 `learned` | does the candidate prefer users' texts more than the incumbent does? | undertrained adapters |
//! | G2 `no_displacement` | have users' texts become more probable, too? | plain DPO |
//! | G3 `no_forgetting` | are liked outputs as probable as before? | training without replay |
//! | G4 `wins` | are its own answers nearer to users' texts? | adapters that only score well |
//! | G5 `safety` | are its answers as clean as before, and of sensible length? | toxic or rambling adapters |
//!
//! Pairs whose two texts are the same tokens show no preference. G0 to G4 leave them out, and the verdict counts them.
//!
//! The ruling is Promote if all hold. It is Review if there are only too few rows, or G4 misses its bound by little. Otherwise it
//! is Reject. Bounds are the policy's `[gate]`; all statistics are 95 % bounds, so that few rows are no advantage.
//!
//! | file | decides |
//! |---|---|
//! | `adapter` | if the adapter's files are an adapter of the run's recipe |
//! | `evaluation`, `evidence`, `problem` | which numbers the files give, and what is wrong with them |
//! | `clusters`, `wilson`, `bootstrap` | the bounds of a share, and of a mean, where rows of one prompt depend on one another |
//! | `criteria` | one criterion each |
//! | `verdict` | the ruling from all criteria, and its text |

mod adapter;
mod bootstrap;
mod bounds;
mod clusters;
mod criteria;
mod criterion;
mod evaluation;
mod evidence;
mod problem;
#[cfg(test)]
mod tests;
mod verdict;
mod wilson;

pub use bounds::{GateBounds, GateSection};
pub use criterion::{Criterion, Limit, Measure, Standing};
pub use evaluation::{Evaluation, EvidenceFile, Reading};
pub use verdict::{GateVerdict, Ruling, VerdictCandidate};
