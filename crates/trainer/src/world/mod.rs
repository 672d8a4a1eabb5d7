//! A small world to learn in: an invented Python client, `pier`, of a warehouse.
//!
//! Its first version had functions (`pier.get_order("amber_lot")`); its second has collections (`pier.orders.one(name="amber_lot")`). A
//! model that learnt the first answers with it, and users edit that to the second, hundreds of them and each on their own. Besides, the
//! world has questions that have nothing to do with the client, whose answers users like as they are: what must not be forgotten.
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

/// A question, what the model learnt to answer, and what its users want by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) prompt: String,
    pub(crate) stale: String,
    pub(crate) current: String,
}

/// Of what a base learns from, the share that is about the client.
const LIBRARY_SHARE: f64 = 0.6;
/// Of that, the share that has the second version already: it was new when the base was young.
const CURRENT_SHARE: f64 = 0.08;

/// Something that a base learns from: a question and an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Lesson {
    pub(crate) prompt: String,
    pub(crate) answer: String,
}

/// A random lesson.
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
