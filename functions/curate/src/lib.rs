//! Takes a batch of queue messages, and writes one part for each route that occurs in it.
//!
//! # Why nothing is lost
//! A message is acknowledged (left out of the failures) only after the part with its line is written. Whatever happens
//! before, a crash, a time-out, a failed write, the queue delivers it again; and after the configured number of failures
//! it ends in the dead-letter queue, which raises an alarm.
//!
//! # Why nothing in gold is counted twice
//! The price is that a line may be written twice: by a crash between the write and the acknowledgement, by a write whose
//! answer was lost, by two workers that got one message. Three things undo that, each where it is decided:
//!
//! 1. within an invocation an event is written once ([`flywheel_core::Batch`]), and a retried write finds its own key
//!    ([`flywheel_lake::WritePart`]);
//! 2. a whole batch that is delivered again makes a part of the same digest, which is counted once by its name alone
//!    ([`flywheel_core::Watermark`]);
//! 3. a line that comes back in another batch is counted in the listing, at worst starts a freeze early, and ends there: a
//!    pair enters the dataset once, and only that number decides whether anything is trained
//!    ([`flywheel_core::KnownPairs`], [`flywheel_core::Pointer::after_freeze`]).
//!
//! Judges, where a deployment has any, change none of this; why, they say themselves: [`judges`].

mod handler;
pub mod judges;

pub use handler::{Curate, UnidentifiedMessage};
