//! The users' questions about the client.

use super::Exchange;
use super::names::{NAMES, Name};

const THINGS: [&str; 10] =
    ["order", "parcel", "invoice", "coupon", "ticket", "pallet", "supplier", "customer", "report", "label"];

/// A task with the client: three ways to ask for it, the call of the first version and that of the second. `{thing}` and `{name}`
/// stand for its object.
struct Task {
    asked: [&'static str; WAYS_TO_ASK],
    stale: &'static str,
    current: &'static str,
}

const WAYS_TO_ASK: usize = 3;

/// The number of tasks.
pub(crate) const TASK_COUNT: usize = 5;

const TASKS: [Task; TASK_COUNT] = [
    Task {
        asked: ["Fetch the {thing} {name}.", "Load the {thing} {name}.", "Which call reads the {thing} {name}?"],
        stale: r#"pier.get_{thing}("{name}")"#,
        current: r#"pier.{thing}s.one(name="{name}")"#,
    },
    Task {
        asked: [
            "Remove the {thing} {name}.",
            "Get rid of the {thing} {name}.",
            "Which call deletes the {thing} {name}?",
        ],
        stale: r#"pier.delete_{thing}("{name}")"#,
        current: r#"pier.{thing}s.one(name="{name}").discard()"#,
    },
    Task {
        asked: [
            "How many {thing}s are at {name}?",
            "Count the {thing}s at {name}.",
            "Which call counts the {thing}s at {name}?",
        ],
        stale: r#"len(pier.list_{thing}s("{name}"))"#,
        current: r#"pier.{thing}s.at("{name}").total()"#,
    },
    Task {
        asked: ["Make a new {thing} {name}.", "Add the {thing} {name}.", "Which call creates the {thing} {name}?"],
        stale: r#"pier.create_{thing}({"id": "{name}"})"#,
        current: r#"pier.{thing}s.add(name="{name}")"#,
    },
    Task {
        asked: [
            "Follow the {thing} {name}.",
            "Tell me when the {thing} {name} changes.",
            "Which call watches the {thing} {name}?",
        ],
        stale: r#"pier.poll_{thing}("{name}", every=5)"#,
        current: r#"pier.{thing}s.one(name="{name}").follow()"#,
    },
];

/// Every third question shows a line of the user's file, as a code assistant sees it: a line by another user in the second
/// version's style.
const SHOWS_CODE_EVERY: usize = 3;

const KINDS: usize = TASKS.len() * THINGS.len();

/// The number of exchanges: every task, with every thing and name, asked in every way.
pub(super) const EXCHANGES: usize = KINDS * NAMES * WAYS_TO_ASK;

/// Returns the `number`th of the exchanges about the first `tasks` tasks.
pub(super) fn exchange_of_tasks(seed: u64, number: usize, tasks: usize) -> Exchange {
    exchange(seed, number / tasks * TASK_COUNT + number % tasks)
}

/// Returns the `number`th exchange of this seed. All tasks and things take turns.
pub(super) fn exchange(seed: u64, number: usize) -> Exchange {
    let (kind, turn) = (number % KINDS, number / KINDS);
    let (task, thing) = (&TASKS[kind % TASKS.len()], THINGS[kind / TASKS.len()]);
    // All tasks draw from one order, so every name comes equally often.
    let name = |turn: usize| Name::of(seed, "library", KINDS * turn + kind).identifier();
    let filled = |template: &str, turn: usize| template.replace("{thing}", thing).replace("{name}", &name(turn));
    // The second time round, each name comes with another way to ask.
    let asked = filled(task.asked[(turn % NAMES / SHOWS_CODE_EVERY + turn / NAMES) % WAYS_TO_ASK], turn);
    let prompt = if (turn + kind) % SHOWS_CODE_EVERY == 0 {
        // The next turn or the one after it; neither shows code.
        let shown = turn + 1 + turn / SHOWS_CODE_EVERY % 2;
        format!("{}\n{asked}", filled(task.current, shown))
    } else {
        asked
    };
    Exchange { prompt, stale: filled(task.stale, turn), current: filled(task.current, turn) }
}
