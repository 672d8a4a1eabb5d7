"""Reads a JSON list of pairs of texts, and writes the list of their similarities. For the Python that has `Levenshtein`."""

from __future__ import annotations

import json
import sys

from Levenshtein import distance


def similarity(left: str, right: str) -> float:
    longer = max(len(left), len(right))
    return 1 - distance(left, right) / longer if longer else 1.0


if __name__ == "__main__":
    json.dump([similarity(left, right) for left, right in json.load(sys.stdin)], sys.stdout)
