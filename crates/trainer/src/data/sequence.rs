/// A prompt's tokens, followed by an answer's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sequence {
    pub(crate) tokens: Vec<u32>,
    /// The number of the prompt's tokens; at least one.
    pub(crate) prompt_tokens: usize,
}

/// The result of fitting a text into limited room.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fit {
    Whole(Sequence),
    /// The answer's end is cut off together with its end token, so the model does not learn to stop there.
    Truncated(Sequence),
    /// The prompt leaves no room for an answer, or is empty.
    Nothing,
}

impl Sequence {
    /// Fits a prompt and an answer into `max_length` tokens.
    pub(crate) fn fit(prompt: &[u32], completion: &[u32], max_length: usize) -> Fit {
        if prompt.is_empty() || completion.is_empty() || prompt.len() >= max_length {
            return Fit::Nothing;
        }
        let mut tokens = [prompt, completion].concat();
        let is_whole = tokens.len() <= max_length;
        tokens.truncate(max_length);
        let sequence = Self { tokens, prompt_tokens: prompt.len() };
        if is_whole { Fit::Whole(sequence) } else { Fit::Truncated(sequence) }
    }

    /// Fits any prompt and answer, and returns `true` if it cut them. The answer loses its end, down to half the room; then the
    /// prompt loses its beginning.
    pub(crate) fn squeeze(prompt: &[u32], completion: &[u32], max_length: usize) -> (Self, bool) {
        let excess = (prompt.len() + completion.len()).saturating_sub(max_length);
        let kept = completion.len().saturating_sub(excess).max(completion.len().min(max_length / 2)).max(1);
        let completion = &completion[..kept.min(completion.len())];
        let prompt = &prompt[prompt.len().saturating_sub(max_length.saturating_sub(kept).max(1))..];
        (Self { tokens: [prompt, completion].concat(), prompt_tokens: prompt.len() }, excess > 0)
    }

    /// Returns the number of the answer's tokens.
    pub(crate) fn completion_tokens(&self) -> usize {
        self.tokens.len() - self.prompt_tokens
    }

    pub(crate) fn prompt(&self) -> &[u32] {
        &self.tokens[..self.prompt_tokens]
    }
}

impl Fit {
    pub(crate) fn is_truncated(&self) -> bool {
        matches!(self, Self::Truncated(_))
    }

    pub(crate) fn into_sequence(self) -> Option<Sequence> {
        match self {
            Self::Whole(sequence) | Self::Truncated(sequence) => Some(sequence),
            Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_and_said_to_be() {
        let fit = |prompt: &[u32], completion: &[u32]| Sequence::fit(prompt, completion, 5);
        let sequence = |tokens: &[u32], prompt_tokens| Sequence { tokens: tokens.to_vec(), prompt_tokens };
        assert_eq!(fit(&[1, 2], &[3, 4, 5]), Fit::Whole(sequence(&[1, 2, 3, 4, 5], 2)));
        assert_eq!(fit(&[1, 2, 3], &[4, 5, 6]), Fit::Truncated(sequence(&[1, 2, 3, 4, 5], 3)));
        assert_eq!(fit(&[1, 2, 3, 4, 5], &[6]), Fit::Nothing);
        assert_eq!(fit(&[], &[6]), Fit::Nothing);
    }

    #[test]
    fn what_is_measured_on_is_squeezed_in() {
        let squeeze = |prompt: &[u32], completion: &[u32]| {
            let (sequence, is_cut) = Sequence::squeeze(prompt, completion, 4);
            (sequence.prompt().to_vec(), sequence.tokens[sequence.prompt_tokens..].to_vec(), is_cut)
        };
        assert_eq!(squeeze(&[1, 2], &[3, 4]), (vec![1, 2], vec![3, 4], false));
        assert_eq!(squeeze(&[1], &[2, 3, 4, 5]), (vec![1], vec![2, 3, 4], true));
        assert_eq!(squeeze(&[1, 2, 3, 4, 5], &[6]), (vec![3, 4, 5], vec![6], true));
        assert_eq!(squeeze(&[1, 2, 3], &[4, 5, 6]), (vec![2, 3], vec![4, 5], true));
    }
}
