//! The events of the world's users.

use std::ops::Range;

use serde::Serialize;

use super::{Exchange, TASK_COUNT, library, small_talk};
use crate::random::Random;

/// The number of edits by each user: fewer than any cap on a contributor in a version.
const EDITS_A_USER: usize = 4;

/// An edit as `POST /v1/edits` takes it.
#[derive(Debug, Serialize)]
pub(crate) struct Edit {
    event_id: String,
    contributor_id: String,
    model: Model,
    prompt: String,
    original_llm_output: String,
    final_user_edit: String,
}

/// A thumbs-up as `POST /v1/feedback` takes it.
#[derive(Debug, Serialize)]
pub(crate) struct Like {
    kind: &'static str,
    event_id: String,
    contributor_id: String,
    model: Model,
    prompt: String,
    original_llm_output: String,
}

#[derive(Debug, Serialize)]
struct Model {
    id: &'static str,
}

/// Returns these edits of a seed, in a random order, by users who do only the first `tasks` things with the client; `None` if
/// there are not as many. Other ranges give other edits.
pub(crate) fn edits(seed: u64, numbers: Range<usize>, tasks: usize) -> Option<Vec<Edit>> {
    (numbers.end <= library::EXCHANGES / TASK_COUNT * tasks).then(|| {
        shuffled(seed, "edits", numbers, |number| {
            let Exchange { prompt, stale, current } = library::exchange_of_tasks(seed, number, tasks);
            Edit {
                event_id: format!("pier-{seed}-edit-{tasks}-{number:05}"),
                contributor_id: format!("pier-user-{seed}-{tasks}-{}", number / EDITS_A_USER),
                model: Model { id: crate::base::ID },
                prompt,
                original_llm_output: stale,
                final_user_edit: current,
            }
        })
    })
}

/// Returns these likes of a seed, in the same way.
pub(crate) fn likes(seed: u64, numbers: Range<usize>) -> Option<Vec<Like>> {
    (numbers.end <= small_talk::EXCHANGES).then(|| {
        shuffled(seed, "likes", numbers, |number| {
            let Exchange { prompt, stale, .. } = small_talk::exchange(seed, number);
            Like {
                kind: "thumbs_up",
                event_id: format!("pier-{seed}-like-{number:05}"),
                contributor_id: format!("pier-user-{seed}-{}", number / EDITS_A_USER),
                model: Model { id: crate::base::ID },
                prompt,
                original_llm_output: stale,
            }
        })
    })
}

fn shuffled<E>(seed: u64, purpose: &str, numbers: Range<usize>, event: impl Fn(usize) -> E) -> Vec<E> {
    let first = numbers.start as u64;
    let mut events: Vec<E> = numbers.map(event).collect();
    Random::new(seed, purpose, first).shuffle(&mut events);
    events
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use flywheel_base::Route;
    use flywheel_curation::Curator;
    use flywheel_dataset::{Background, DatasetRules, Newcomers, Pair, SplitSalt, audit};
    use flywheel_event::ContributorKey;
    use flywheel_policy::Policy;

    use super::*;

    const NOW: u64 = 1_795_342_830_007;

    fn curated<E: Serialize>(events: &[E]) -> Vec<(Route, String)> {
        // The default policy, except that the sample takes every like.
        let policy = Policy::parse("[sampling]\nthumbs_up = 1.0").unwrap();
        let curator = Curator::new(policy, ContributorKey::new("key"));
        let curated = events.iter().map(|event| curator.curate(&serde_json::to_string(event).unwrap(), NOW).unwrap());
        curated.map(|curated| (curated.verdict.route, curated.line)).collect()
    }

    #[test]
    fn every_edit_is_gold_and_every_like_is_replayed() {
        let edits = curated(&edits(1, 0..2_500, TASK_COUNT).unwrap());
        let others: Vec<_> = edits.iter().filter(|(route, _)| *route != Route::Gold).take(3).collect();
        assert!(others.is_empty(), "{others:?}");
        let likes = curated(&likes(1, 0..2_000).unwrap());
        let others: Vec<_> = likes.iter().filter(|(route, _)| *route != Route::Replay).take(3).collect();
        assert!(others.is_empty(), "{others:?}");
    }

    #[test]
    fn users_of_a_few_tasks_ask_about_those_alone() {
        let prompts = |numbers, tasks| -> Vec<String> {
            edits(1, numbers, tasks).unwrap().into_iter().map(|edit| edit.prompt).collect()
        };
        let all = prompts(0..5_000, TASK_COUNT);
        let two = prompts(0..2_000, 2);
        assert!(two.iter().all(|prompt| all.contains(prompt)));
        let reads = |prompt: &String| ["Fetch", "Load", "reads"].iter().any(|word| prompt.contains(word));
        assert!(prompts(0..100, 1).iter().all(reads) && !two.iter().all(reads));
        assert!(edits(1, 0..library::EXCHANGES, TASK_COUNT - 1).is_none());
    }

    /// Returns the number of a range's edits that a freeze would commit, and the reasons against the others.
    fn audited(seed: u64, numbers: Range<usize>) -> (usize, HashMap<String, usize>, u64) {
        let rules = DatasetRules::default();
        let mut newcomers = Newcomers::new(&rules);
        for (_, line) in curated(&edits(seed, numbers, TASK_COUNT).unwrap()) {
            newcomers.add(Pair::read(&line).unwrap());
        }
        let audited = audit(newcomers, Background::default(), &rules, &SplitSalt::new([7; 16]));
        let mut held = HashMap::new();
        audited.held.iter().for_each(|pair| *held.entry(format!("{:?}", pair.holds)).or_default() += 1);
        (audited.entries.len(), held, audited.near_duplicates + audited.duplicates)
    }

    #[test]
    fn a_freeze_takes_all_of_them_for_what_they_are() {
        for (seed, numbers) in [(1, 0..300), (1, 0..2_500), (2, 2_500..4_000)] {
            let count = numbers.len();
            assert_eq!(audited(seed, numbers), (count, HashMap::new(), 0), "{seed}");
        }
    }
}
