//! Takes a batch of queue messages and writes one part for each route in it.
//!
//! # Why nothing is lost
//! A message is acknowledged (left out of the failures) only after the part with its line is written. After an earlier failure,
//! such as a crash, a time-out or a failed write, the queue delivers the message again. After the configured number of failures
//! it goes to the dead-letter queue, which raises an alarm.
//!
//! # Why nothing in gold is counted twice
//! The price is that a line may be written twice: after a crash between the write and the acknowledgement, after a lost answer to
//! a write, or by two workers that received one message. Three rules deduplicate lines:
//!
//! 1. within an invocation an event is written once ([`flywheel_curation::Batch`]), and a retried write finds its own key
//!    ([`flywheel_lake::WritePart`]);
//! 2. a redelivered whole batch makes a part of the same digest, which is counted once by its name alone
//!    ([`flywheel_log::Watermark`]);
//! 3. a line that is redelivered in another batch is counted in the listing and at worst starts a freeze early; a pair enters
//!    the dataset once, and only that number decides about training
//!    ([`flywheel_dataset`], [`flywheel_log::Pointer::after_freeze`]).
//!
//! Judges change none of this; [`judges`] has the reason.

mod handler;
pub mod judges;

pub use handler::{Curate, UnidentifiedMessage};
