//! A small world to learn in: an invented Python client, `pier`, for a warehouse.
//!
//! Its first version had functions (`pier.get_order("amber_lot")`); its second has collections
//! (`pier.orders.one(name="amber_lot")`). A model that has learnt the first answers with it, and hundreds of users independently
//! edit that to the second. The world also has questions that are not about the client. Users like the model's answers to them,
//! which training must not change.
//!
//! Everything follows from a seed and a number, and no two events ask the same.

mod events;
mod library;
mod names;
mod small_talk;

use serde::Serialize;

pub(crate) use events::{edits, likes};
pub(crate) use library::TASK_COUNT;

use crate::random::Random;

/// A question, the model's stale answer, and the current answer that users want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) prompt: String,
    pub(crate) stale: String,
    pub(crate) current: String,
}

/// The share of lessons about the client.
const LIBRARY_SHARE: f64 = 0.6;
/// The share of these with the second version, which was new when the base was trained.
const CURRENT_SHARE: f64 = 0.08;

/// A lesson for a base: a question and an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Lesson {
    pub(crate) prompt: String,
    pub(crate) answer: String,
}

/// Returns a random lesson.
pub(crate) fn lesson(random: &mut Random) -> Lesson {
    if random.unit() >= LIBRARY_SHARE {
        let Exchange { prompt, stale, .. } = small_talk::exchange(0, random.below(small_talk::EXCHANGES));
        return Lesson { prompt, answer: stale };
    }
    let Exchange { prompt, stale, current } = library::exchange(0, random.below(library::EXCHANGES));
    let is_current = random.unit() < CURRENT_SHARE;
    Lesson { prompt, answer: if is_current { current } else { stale } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_exchanges_ask_the_same() {
        for seed in [0, 1] {
            let library = (0..library::EXCHANGES).map(|number| library::exchange(seed, number).prompt);
            let small_talk = (0..small_talk::EXCHANGES).map(|number| small_talk::exchange(seed, number).prompt);
            let prompts: HashSet<String> = library.chain(small_talk).collect();
            assert_eq!(prompts.len(), library::EXCHANGES + small_talk::EXCHANGES);
        }
    }
}
