"""The events of a soak and their order. All of it follows from the seed, so a resumed soak posts the same. Standard library only.

A soak is a sequence of rounds. Each round has four phases, and the lake is frozen in the third:

1. `edits`: new events of all kinds, some sent twice.
2. `before`: withdrawals, revisions and conflicting contents under ids of the round. The driver waits until all of it is curated.
3. `during`: while the freeze runs, the same events once more, and further conflicts.
4. `after`: withdrawals and revisions of events that the freeze has taken into a version.

The closing round has edits only: its freeze takes what the last phase withdrew and revised.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

BATCH_EVENTS = 200
"""Events in a request."""
SIZES = (2_000, 8_000, 20_000)
"""Events of the rounds, in turn: small, middle and large freezes."""
CLOSING_EVENTS = 400
CONTRIBUTORS = 500
DUPLICATES_FROM = 0.03
"""The share of events that their clients send again; the same again during the freeze."""

ORIGINAL = "The invoice was sent on Monday and the customer has to pay it within thirty days."
KINDS = {"gold": 0.56, "corrected": 0.05, "trivial": 0.08, "rewrite": 0.04, "unchanged": 0.05, "no_consent": 0.03, "liked": 0.06,
         "disliked": 0.05, "weak_signal": 0.05, "hidden_text": 0.03}
"""The mix of kinds; each has its route. `corrected` is a thumbs-down with an edit: a pair."""
FATES = {"withdrawn_before": 0.02, "withdrawn_after": 0.02, "revised_before": 0.02, "revised_after": 0.02, "conflict_before": 0.01,
         "conflict_during": 0.01, "namesake": 0.02}
"""The further course of some events of the kind `gold`. A namesake is another contributor's event under the same id."""
_SYLLABLES = [consonant + vowel for consonant in "lmnrvtpk" for vowel in "aeio"]


@dataclass(frozen=True)
class Posting:
    """An event as it is posted, and its kind in the check (`soak_check.py`)."""

    event: dict
    kind: str


@dataclass(frozen=True)
class Round:
    """A round of a soak."""

    number: int
    first: int
    """The number of its first event."""
    events: int
    is_closing: bool = False


def rounds(events: int) -> Iterator[Round]:
    """The rounds of a soak of so many events. A small one has rounds of a third at most, so that there is something after a freeze."""
    most = max(BATCH_EVENTS, -(-events // 3))
    first = number = 0
    while first < events:
        size = min(SIZES[number % len(SIZES)], most, events - first)
        yield Round(number + 1, first, size)
        first, number = first + size, number + 1
    yield Round(number + 1, first, CLOSING_EVENTS, is_closing=True)


class Plan:
    """The postings of a soak."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def phase(self, name: str, of: Round) -> Iterator[list[Posting]]:
        """The requests of a phase."""
        return batches(getattr(self, name)(of))

    def edits(self, of: Round) -> Iterator[Posting]:
        draw = self._random("edits", of.number)
        for number in range(of.first, of.first + of.events):
            posting = self.first(number, of)
            yield posting
            if draw.random() < DUPLICATES_FROM:
                yield posting

    def before(self, of: Round) -> Iterator[Posting]:
        yield from self._further(of, {"withdrawn_before": self.withdrawal, "revised_before": self.revision,
                                      "conflict_before": self.conflict, "namesake": self.namesake})

    def during(self, of: Round) -> Iterator[Posting]:
        draw = self._random("during", of.number)
        for number in range(of.first, of.first + of.events):
            if draw.random() < DUPLICATES_FROM:
                yield self.first(number, of)
        yield from self._further(of, {"conflict_during": self.conflict})

    def after(self, of: Round) -> Iterator[Posting]:
        yield from self._further(of, {"withdrawn_after": self.withdrawal, "revised_after": self.revision})

    def _further(self, of: Round, by_fate: dict) -> Iterator[Posting]:
        if of.is_closing:
            return
        for number in range(of.first, of.first + of.events):
            if make := by_fate.get(self.drawn(number, of)[1]):
                yield make(number)

    # -- single events -----------------------------------------------------------------------------------------------------

    def drawn(self, number: int, of: Round) -> tuple[str, str]:
        """The kind and the fate of an event; no fate is an empty text."""
        if of.is_closing:
            return "gold", ""
        draw = self._random("kind", number)
        kind = draw.choices(list(KINDS), KINDS.values())[0]
        fate = draw.choices([*FATES, ""], [*FATES.values(), 1 - sum(FATES.values())])[0]
        return kind, fate if kind == "gold" else ""

    def first(self, number: int, of: Round) -> Posting:
        """The event as it is posted first."""
        kind, fate = self.drawn(number, of)
        return Posting(self._event(number, kind), KIND_OF_FATE.get(fate, kind))

    def withdrawal(self, number: int) -> Posting:
        return Posting(self._event(number, "gold") | {"consent": False}, "withdrawal")

    def revision(self, number: int) -> Posting:
        """A later text of the same output. Its date says that it is later: a client that sends again would otherwise change the order."""
        text = {"final_user_edit": self._text(self._random("revision", number)), "occurred_at": date(number, hour=12)}
        return Posting(self._event(number, "gold") | text, "revised_last")

    def conflict(self, number: int) -> Posting:
        """Another output's edit under the same id."""
        draw = self._random("conflict", number)
        other = {"prompt": self._prompt(draw, f"conflict {number}"), "final_user_edit": self._text(draw)}
        return Posting(self._event(number, "gold") | other, "conflict")

    def namesake(self, number: int) -> Posting:
        """Another sender's event under the same id: no conflict, and an event of its own."""
        draw = self._random("namesake", number)
        other = {"prompt": self._prompt(draw, f"namesake {number}"), "final_user_edit": self._text(draw),
                 "contributor_id": f"namesake-{number % CONTRIBUTORS}"}
        return Posting(self._event(number, "gold") | other, "gold")

    def _event(self, number: int, kind: str) -> dict:
        draw = self._random("event", number)
        event = {"event_id": f"soak-{self.seed}-{number}", "contributor_id": f"contributor-{draw.randrange(CONTRIBUTORS)}",
                 "prompt": self._prompt(draw, str(number)), "original_llm_output": ORIGINAL, "occurred_at": date(number, hour=6)}
        return event | self._outcome(kind, draw)

    def _outcome(self, kind: str, draw: random.Random) -> dict:
        match kind:
            case "trivial":
                return {"final_user_edit": ORIGINAL.removesuffix(".") + "!"}
            case "rewrite":
                return {"final_user_edit": "".join(map(chr, range(0x4E00, 0x4E00 + 120)))}
            case "unchanged":
                return {"final_user_edit": ORIGINAL}
            case "no_consent":
                return {"final_user_edit": self._text(draw), "consent": False}
            case "liked":
                return {"kind": "thumbs_up"}
            case "disliked":
                return {"kind": "stars", "rating": 1, "comment": "Too late."}
            case "weak_signal":
                return {"kind": draw.choice(("regenerate", "copy", "highlight"))}
            case "hidden_text":
                return {"final_user_edit": self._text(draw) + " \u202edlot\u202c"}
            case "corrected":
                return {"final_user_edit": self._text(draw), "kind": "thumbs_down"}
            case _:
                return {"final_user_edit": self._text(draw)}

    def _prompt(self, draw: random.Random, name: str) -> str:
        return f"Question {name} of soak {self.seed}: {words(draw, 4)}?"

    def _text(self, draw: random.Random) -> str:
        """A text with words of its own: many edits that add the same words would be a campaign."""
        return f"The invoice {words(draw, 6)} was sent on Monday."

    def _random(self, purpose: str, number: int) -> random.Random:
        return random.Random(f"{self.seed} {purpose} {number}")


KIND_OF_FATE = {"withdrawn_before": "withdrawn_before", "withdrawn_after": "withdrawn_after", "revised_before": "revised_first",
                "revised_after": "revised_first", "conflict_before": "conflict", "conflict_during": "conflict", "namesake": "gold"}
"""The kind of the first event, by its fate."""


def words(draw: random.Random, count: int) -> str:
    return " ".join("".join(draw.choices(_SYLLABLES, k=6)) for _ in range(count))


def date(number: int, hour: int) -> str:
    return f"2026-10-{number % 28 + 1:02}T{hour:02}:00:00Z"


def batches(postings: Iterator[Posting]) -> Iterator[list[Posting]]:
    """Requests of one endpoint each: edits, and feedback."""
    waiting: dict[str, list[Posting]] = {}
    for posting in postings:
        batch = waiting.setdefault(endpoint(posting), [])
        batch.append(posting)
        if len(batch) == BATCH_EVENTS:
            yield waiting.pop(endpoint(posting))
    yield from waiting.values()


def endpoint(posting: Posting) -> str:
    return "/v1/feedback" if "kind" in posting.event else "/v1/edits"
