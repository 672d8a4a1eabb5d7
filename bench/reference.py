"""The reference: the plain rule in plain Python.

    reference.py [--hint] <events.jsonl> <folder>

json.loads, the similarity gate (`Levenshtein` from PyPI, over characters), a deny-list of substrings, json.dumps, and an
append to one file a route. One process, one core, C extensions wherever possible, and nothing deliberately
slow. `--hint` tells Levenshtein that texts are mostly close, which is faster if they are.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from Levenshtein import distance

TRIVIAL_ABOVE = 0.95
REWRITE_BELOW = 0.10
DENIED = ("-----begin rsa private key", "aws_secret_access_key", "xoxb-", "ghp_", "ignore previous instructions")

# For `--hint`: the edits to expect, as a share of the longer text.
EXPECTED_CHANGE = 0.2


def judge(rejected: str, chosen: str, expects_small_edits: bool) -> tuple[str, str | None, float | None]:
    """Returns the route of an edit, the reason unless it is gold, and the similarity of its texts."""
    if chosen == rejected:
        return "dropped", "unchanged", 1.0
    longer = max(len(chosen), len(rejected))
    hint = int(longer * EXPECTED_CHANGE) if expects_small_edits else None
    similarity = 1 - distance(rejected, chosen, score_hint=hint) / longer
    if similarity > TRIVIAL_ABOVE:
        return "dropped", "trivial", similarity
    if similarity < REWRITE_BELOW:
        return "dropped", "rewrite", similarity
    text = chosen.lower()
    if any(phrase in text for phrase in DENIED):
        return "review", "denied", similarity
    return "gold", None, similarity


def curate(message: str, expects_small_edits: bool) -> tuple[str, str]:
    """Returns the route and the line of one event. A text that is not trained on is not kept."""
    event = json.loads(message)
    rejected, chosen = event["original_llm_output"], event["final_user_edit"]
    route, reason, similarity = judge(rejected, chosen, expects_small_edits)
    line = {"similarity": similarity, "reason": reason}
    if route != "dropped":
        line |= {"prompt": event["prompt"], "chosen": chosen, "rejected": rejected}
    return route, json.dumps(line)


def main() -> None:
    *flags, events_path, folder = sys.argv[1:]
    expects_small_edits = flags == ["--hint"]
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        events = stack.enter_context(open(events_path, encoding="utf-8"))
        files = {
            route: stack.enter_context(Path(folder, f"{route}.jsonl").open("a", encoding="utf-8"))
            for route in ("gold", "review", "dropped")
        }
        for message in events:
            route, line = curate(message, expects_small_edits)
            files[route].write(line + "\n")
            counts[route] += 1
    for route in files:
        print(route, counts[route])


if __name__ == "__main__":
    main()
