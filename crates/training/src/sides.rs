use std::collections::HashSet;

use flywheel_dataset::{Split, SplitSalt};

/// Returns a prompt's key, the same for all its spellings: eight bytes of the hash of its normal form.
#[must_use]
pub fn prompt_key(prompt: &str) -> u64 {
    flywheel_text::normal::prompt_key(prompt)
}

/// The side of the held-out split that each prompt of a dataset is on, so that liked outputs go to the same.
///
/// Mostly a prompt's own hash decides, for pairs and for liked outputs alike. But a pair whose prompt is a near duplicate of
/// others follows those, against its hash. Without this check a liked output under the same prompt would be trained on while the
/// pair is held out.
#[derive(Debug, Clone, Default)]
pub struct PromptSides {
    train: HashSet<u64>,
    held_out: HashSet<u64>,
}

impl PromptSides {
    /// Adds a pair's prompt.
    pub fn add(&mut self, prompt: &str, side: Split) {
        let keys = match side {
            Split::Train => &mut self.train,
            Split::HeldOut => &mut self.held_out,
        };
        keys.insert(prompt_key(prompt));
    }

    /// Returns the side of a liked output; `None`: neither side, because pairs with its prompt are on the other side than its
    /// hash.
    #[must_use]
    pub fn of_replay(&self, prompt: &str, salt: &SplitSalt) -> Option<Split> {
        let side = salt.side_of(prompt);
        let on_the_other = match side {
            Split::Train => &self.held_out,
            Split::HeldOut => &self.train,
        };
        (!on_the_other.contains(&prompt_key(prompt))).then_some(side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_liked_output_is_never_on_the_other_side_than_a_pair_with_its_prompt() {
        let salt = SplitSalt::new([7; 16]);
        let mut sides = PromptSides::default();
        for number in 0..200 {
            let prompt = format!("prompt {number}");
            assert_eq!(sides.of_replay(&prompt, &salt), Some(salt.side_of(&prompt)));
            // Every second pair is on the other side than its own hash.
            let side = match (salt.side_of(&prompt), number % 2) {
                (side, 0) => side,
                (Split::Train, _) => Split::HeldOut,
                (Split::HeldOut, _) => Split::Train,
            };
            sides.add(&prompt, side);
            let expected = (number % 2 == 0).then_some(side);
            assert_eq!(sides.of_replay(&format!(" PROMPT  {number}"), &salt), expected);
        }
    }
}
