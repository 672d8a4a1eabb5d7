"""Texts as tokens: the chat template around the prompt, and the completion after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Cut:
    """What did not fit into `max_length`: counted, for nothing may vanish unsaid."""

    truncated: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class Sequence:
    """A prompt and one completion. The model is asked about the completion only."""

    prompt: list[int]
    completion: list[int]


@dataclass
class Tokens:
    """Makes sequences of at most `max_length` tokens.

    What is trained on is cut or left out, and counted. What is measured on is never left out: every model has to answer for every row.
    Prompt and completion are tokenised apart, as they are when the model is served: no token spans the border. The completion ends with
    the token that ends a turn, and only a completion that does not fit loses it.
    """

    tokenizer: Any
    max_length: int
    cut: Cut = field(default_factory=Cut)

    def prompt(self, row: dict[str, Any]) -> list[int]:
        messages = row.get("prompt_messages") or [{"role": "user", "content": row["prompt"]}]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self._ids(text)

    def sequences(self, row: dict[str, Any], *completions: str) -> list[Sequence] | None:
        """One for each completion; none if the prompt leaves no room for any of them."""
        prompt = self.prompt(row)
        room = self.max_length - len(prompt)
        if room <= 0:
            self.cut.dropped += 1
            return None
        tokenised = [self._ids(completion) + [self.tokenizer.eos_token_id] for completion in completions]
        self.cut.truncated += any(len(completion) > room for completion in tokenised)
        return [Sequence(prompt, completion[:room]) for completion in tokenised]

    def squeezed(self, row: dict[str, Any], *completions: str) -> list[Sequence]:
        """One for each completion, whatever has to go: of a completion the end, if it is longer than half of the room, and of the prompt the
        beginning."""
        prompt = self.prompt(row)
        return [self._squeeze(prompt, self._ids(each) + [self.tokenizer.eos_token_id]) for each in completions]

    def _squeeze(self, prompt: list[int], completion: list[int]) -> Sequence:
        excess = max(0, len(prompt) + len(completion) - self.max_length)
        kept = max(1, len(completion) - excess, min(len(completion), self.max_length // 2))
        return Sequence(prompt[-max(1, self.max_length - kept) :], completion[:kept])

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]
