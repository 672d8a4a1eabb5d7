//! The breadth of the net-new pairs: how many distinct contributors and prompts they come from.

use std::collections::BTreeSet;

use flywheel_base::digest::FieldDigest;
use serde::{Deserialize, Serialize};

/// The hexadecimal digits kept of each contributor and prompt. 64 bits tell a thousand of them apart.
const DIGITS: usize = 16;

/// The goal of the training trigger: the pairs and the breadth that a run needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Net-new pairs.
    pub threshold: u64,
    /// Distinct contributors of those pairs; 0: no minimum. Pairs without a contributor count as one contributor's.
    #[serde(default)]
    pub min_contributors: usize,
    /// Distinct prompts of those pairs; 0: no minimum.
    #[serde(default)]
    pub min_prompts: usize,
}

/// The distinct contributors and prompts of the net-new pairs. It keeps at most as many as the goal asks for, so that the pointer
/// stays small. They are digests, and hold no id or text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breadth {
    contributors: BTreeSet<String>,
    prompts: BTreeSet<String>,
}

impl Goal {
    /// Returns `true` if this many pairs, with this breadth, are enough to train on.
    #[must_use]
    pub fn is_reached(&self, net_new: u64, breadth: &Breadth) -> bool {
        net_new >= self.threshold && self.is_broad(breadth)
    }

    pub(crate) fn is_broad(&self, breadth: &Breadth) -> bool {
        self.lacking(breadth) == 0
    }

    /// Returns the number of contributors or prompts that are lacking, whichever is larger.
    pub(crate) fn lacking(&self, breadth: &Breadth) -> u64 {
        let contributors = self.min_contributors.saturating_sub(breadth.contributors.len());
        contributors.max(self.min_prompts.saturating_sub(breadth.prompts.len())) as u64
    }
}

impl Breadth {
    /// Adds a pair.
    pub fn add(&mut self, goal: &Goal, contributor: Option<&str>, prompt: &str) {
        insert(&mut self.contributors, goal.min_contributors, || {
            FieldDigest::new("flywheel contributor 1").optional(contributor)
        });
        insert(&mut self.prompts, goal.min_prompts, || FieldDigest::new("flywheel prompt 1").text(prompt));
    }

    /// Returns a goal for counting the remaining pairs again: the counts of this breadth. A breadth stops at its goal. Below it,
    /// it has counted every contributor and prompt.
    #[must_use]
    pub fn as_goal(&self) -> Goal {
        Goal { threshold: 0, min_contributors: self.contributors.len(), min_prompts: self.prompts.len() }
    }
}

fn insert(seen: &mut BTreeSet<String>, most: usize, digest: impl Fn() -> FieldDigest) {
    if seen.len() < most {
        let mut digest = digest().hex();
        digest.truncate(DIGITS);
        seen.insert(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: Goal = Goal { threshold: 3, min_contributors: 2, min_prompts: 3 };

    #[test]
    fn a_goal_is_reached_by_number_people_and_prompts() {
        let mut breadth = Breadth::default();
        assert!(!GOAL.is_reached(9, &breadth));
        for (contributor, prompt, lacking) in
            [(Some("a"), "p", 2), (Some("a"), "q", 1), (None, "q", 1), (Some("a"), "r", 0), (Some("b"), "s", 0)]
        {
            breadth.add(&GOAL, contributor, prompt);
            assert_eq!(GOAL.lacking(&breadth), lacking);
        }
        assert!(GOAL.is_reached(3, &breadth) && !GOAL.is_reached(2, &breadth));
        assert_eq!((breadth.contributors.len(), breadth.prompts.len()), (2, 3), "no more than is asked for");
    }

    #[test]
    fn what_is_not_asked_for_is_neither_kept_nor_lacking() {
        let goal = Goal { threshold: 1, ..Goal::default() };
        let mut breadth = Breadth::default();
        breadth.add(&goal, Some("a"), "p");
        assert_eq!((goal.lacking(&breadth), &breadth), (0, &Breadth::default()));
    }
}
