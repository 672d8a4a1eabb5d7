//! The users' other questions, whose answers they like unchanged.

use super::Exchange;
use super::names::{NAMES, Name};

/// A question in two forms, and its answer. `{name}` is an identifier, `{spoken}` the same in words.
struct Topic {
    asked: [&'static str; WAYS_TO_ASK],
    answer: &'static str,
}

const WAYS_TO_ASK: usize = 2;

const TOPICS: [Topic; 6] = [
    Topic { asked: ["What is {name}?", "Explain {name}."], answer: "It is the {spoken} of our warehouse." },
    Topic { asked: ["Name a variable for the {spoken}.", "What do I call the {spoken} in code?"], answer: "{name}" },
    Topic {
        asked: ["Write a comment about {name}.", "Comment the variable {name}."],
        answer: "# The {spoken}, as it was last seen.",
    },
    Topic {
        asked: ["Name a test of {name}.", "How should the test of {name} be called?"],
        answer: "def test_{name}():",
    },
    Topic {
        asked: ["Greet the people of the {spoken}.", "Say hello to the {spoken}."],
        answer: "Hello to all of you at the {spoken}!",
    },
    Topic {
        asked: ["Write a sign for the {spoken}.", "What goes on the door of the {spoken}?"],
        answer: "Welcome to the {spoken}. Please shut the gate.",
    },
];

/// The number of exchanges.
pub(super) const EXCHANGES: usize = TOPICS.len() * NAMES * WAYS_TO_ASK;

/// Returns the `number`th exchange of this seed. Its answer is not stale.
pub(super) fn exchange(seed: u64, number: usize) -> Exchange {
    let (kind, turn) = (number % TOPICS.len(), number / TOPICS.len());
    let topic = &TOPICS[kind];
    let name = Name::of(seed, &format!("small talk {kind}"), turn);
    let filled = |template: &str| template.replace("{name}", &name.identifier()).replace("{spoken}", &name.spoken());
    let answer = filled(topic.answer);
    Exchange {
        prompt: filled(topic.asked[(turn % NAMES + turn / NAMES) % WAYS_TO_ASK]),
        stale: answer.clone(),
        current: answer,
    }
}
