"""Texts as tokens: the chat template around the prompt, and the completion after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contract import Unusable
from templates import Today, render

NO_ROOM, EQUAL = "no_room", "equal"
# The reasons for people, after "rows are left out: ".
MEANINGS = {NO_ROOM: "their prompts leave no room for an answer", EQUAL: "both answers are the same tokens"}


@dataclass
class Cut:
    """The rows that did not fit into `max_length`, or carry no information. They are counted, so that no row vanishes silently."""

    truncated: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        return self.left_out.total()


@dataclass(frozen=True)
class Sequence:
    """A prompt and one completion. The model is scored on the completion only."""

    prompt: list[int]
    completion: list[int]


@dataclass
class Tokens:
    """Makes sequences of at most `max_length` tokens.

    Training rows are cut or left out, and counted. Held-out rows are never left out: every model is scored on every row.
    Prompt and completion are tokenised apart, as they are when the model is served: no token spans the border. The completion ends with
    the token that ends a turn, and only a completion that does not fit loses it.
    """

    tokenizer: Any
    max_length: int
    today: Today = field(default_factory=Today)
    cut: Cut = field(default_factory=Cut)

    def __post_init__(self) -> None:
        if self.tokenizer.eos_token_id is None:
            raise Unusable("tokenizer_config.json: eos_token: is needed")

    def prompt(self, row: dict[str, Any]) -> list[int]:
        messages = row.get("prompt_messages") or [{"role": "user", "content": row["prompt"]}]
        ids = self._ids(render(self.tokenizer, messages, self.today))
        if not ids:
            raise Unusable("the chat template refuses a prompt: it renders it as nothing")
        return ids

    def pair(self, row: dict[str, Any]) -> list[Sequence] | None:
        """Returns the chosen answer and the rejected one; none if there is no room for them, or if they are the same tokens."""
        return self._fit(row, row["chosen"], row["rejected"])

    def single(self, row: dict[str, Any]) -> Sequence | None:
        """Returns a liked output; none if there is no room for it."""
        fit = self._fit(row, row["completion"])
        return fit[0] if fit else None

    def _fit(self, row: dict[str, Any], *texts: str) -> list[Sequence] | None:
        prompt = self.prompt(row)
        room = self.max_length - len(prompt)
        if room <= 0:
            self.cut.left_out[NO_ROOM] += 1
            return None
        completions = [self._completion(text) for text in texts]
        fit = [Sequence(prompt, completion[:room]) for completion in completions]
        # DPO learns nothing from them: its loss is ln 2 for any model.
        if len(fit) == 2 and fit[0] == fit[1]:
            self.cut.left_out[EQUAL] += 1
            return None
        self.cut.truncated += any(len(completion) > room for completion in completions)
        return fit

    def squeezed(self, row: dict[str, Any], *completions: str) -> list[Sequence]:
        """Returns a sequence for each completion, cut to fit. A completion that is longer than half of the room loses its end, and the prompt
        loses its beginning."""
        prompt = self.prompt(row)
        return [self._squeeze(prompt, self._completion(each)) for each in completions]

    def _squeeze(self, prompt: list[int], completion: list[int]) -> Sequence:
        excess = max(0, len(prompt) + len(completion) - self.max_length)
        kept = max(1, len(completion) - excess, min(len(completion), self.max_length // 2))
        return Sequence(prompt[-max(1, self.max_length - kept) :], completion[:kept])

    def _completion(self, text: str) -> list[int]:
        return self._ids(text) + [self.tokenizer.eos_token_id]

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]
