"""Events for the tests, each of a known kind."""

from __future__ import annotations

import itertools
import json
import random
import uuid

_numbers = itertools.count()

ORIGINAL = "The invoice was sent on Monday and the customer has to pay it within thirty days."


def edit(original: str, final: str, **fields: object) -> dict:
    """An edit event with a prompt, and hence a pair, of its own."""
    return {"event_id": str(uuid.uuid4()), "prompt": f"Question {next(_numbers)} of {uuid.uuid4()}",
            "original_llm_output": original, "final_user_edit": final} | fields


def gold(text: str = "", **fields: object) -> dict:
    """A text with words of its own: many edits that add the same words are a campaign, and are quarantined."""
    own = " ".join("".join(random.choices(_SYLLABLES, k=4)) for _ in range(5))
    return edit(ORIGINAL, f"The invoice {own} was sent on Monday. {text}", **fields)


def rich(event: dict) -> dict:
    """The same event with all optional fields."""
    return event | {"thread_id": "t-1", "contributor_id": str(uuid.uuid4()), "model": {"id": "m", "adapter": "a"}, "kind": "stars", "rating": 2,
                    "comment": "2026-11-22", "occurred_at": "2026-11-22T10:00:00Z", "context": {"tone": "fine"},
                    "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": event["prompt"]}]}


_SYLLABLES = [consonant + vowel for consonant in "lmnrv" for vowel in "aeio"]


def trivial() -> dict:
    return edit(ORIGINAL, ORIGINAL.removesuffix(".") + "!")


def rewrite() -> dict:
    ideographs = "".join(map(chr, range(0x4E00, 0x4E00 + 120)))
    return edit(ORIGINAL, ideographs)


def unchanged() -> dict:
    return edit(ORIGINAL, ORIGINAL)


def without_consent() -> dict:
    return gold("MARKER-NO-CONSENT", consent=False)


def feedback(kind: str, **fields: object) -> dict:
    """Feedback on an output that its user did not edit."""
    event = edit(ORIGINAL, "", kind=kind) | fields
    del event["final_user_edit"]
    return event


def thumbs_up() -> dict:
    return feedback("thumbs_up", comment="MARKER-LIKED")


def disliked() -> dict:
    return feedback("stars", rating=1, comment="Nobody pays within thirty days.")


def weak_signal() -> dict:
    return feedback(next(_weak_kinds))


def edited_feedback() -> dict:
    return gold(kind="thumbs_down", comment="I have mended it.")


def feedback_without_consent() -> dict:
    return feedback("regenerate", comment="MARKER-NO-CONSENT", consent=False)


def read() -> dict:
    """The one kind of feedback that is never stored, with any other fields."""
    return feedback("read", prompt="MARKER-READ")


_weak_kinds = itertools.cycle(("regenerate", "copy", "highlight"))

HARD_TEXTS = {
    "emoji": "pay soon 👩‍💻🏳️‍🌈 please",
    "combining": "re\u0301sume\u0301 and Zalgo \u0336\u0335\u0489",
    "crlf": "line one\r\nline two\r\n",
    "separators": "before\u2028between\u2029after\u0085",
    "nul": "a\x00b\x1fc\x7f",
    "noncharacters": "\ufffe and \uffff",
    "bidi": "\u202eabc\u202c \u2066def\u2069",
    "quotes": "\"'\\/ \\n \\u0000",
}
STORED_TEXTS = HARD_TEXTS | {"crlf": "line one\nline two", "separators": "before\nbetween\nafter"}
"""The same texts as in the lake: no user chooses between kinds of line ends, or types one at the very end."""

HIDING = {"nul", "bidi"}
"""The hard texts with characters that hide text from its readers (a delete, an override of direction): the audit quarantines them."""


def sized(size: int) -> str:
    """A gold event that is exactly `size` bytes as JSON, also in the most compact form."""
    event = edit(ORIGINAL, "")
    frame = len(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode())
    event["prompt"] += "x" * (size - frame - len("We sent it."))
    event["final_user_edit"] = "We sent it."
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    assert len(body.encode()) == size
    return body
