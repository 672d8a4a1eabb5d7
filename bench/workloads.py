"""The files of edit events that curation is timed on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import mean

import documents
from settings import DEMO_EDITS, REAL_EDITS

DOCUMENTS = 2_000


@dataclass(frozen=True)
class Workload:
    """A file of events, long enough to time."""

    name: str
    target: float
    path: Path
    events: int


def lines(paths: Iterable[Path]) -> list[str]:
    # Not splitlines(): JSON lines end at \n, and texts may hold U+2028.
    return [line for path in sorted(paths) for line in path.read_text(encoding="utf-8").split("\n") if line]


def characters(events: list[str]) -> int:
    edits = (json.loads(event) for event in events)
    return round(mean((len(edit["original_llm_output"]) + len(edit["final_user_edit"])) / 2 for edit in edits))


def make(folder: Path, name: str, target: float, distinct: list[str], events: int) -> Workload:
    """Repeats the distinct events until there are enough."""
    path = folder / f"{len(list(folder.iterdir()))}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(event + "\n" for event in islice(cycle(distinct), events))
    title = f"{name}: {len(distinct):,} events, {characters(distinct):,} characters a text"
    return Workload(title, target, path, events)


def workloads(folder: Path) -> list[Workload]:
    """Short edits and documents of 2 kB; real ones of both, if there are any."""
    made_up = [json.dumps(event) for event in documents.events(DOCUMENTS)]
    if not REAL_EDITS.is_dir():
        demo = lines(path for path in DEMO_EDITS.glob("*.jsonl") if path.stem != "bad")
        consented = [event for event in demo if json.loads(event).get("consent") is not False]  # no rule of the reference's
        return [
            make(folder, "demo edits", 3, consented, 150_000),
            make(folder, "made-up 2 kB documents", 1.5, made_up, 16_000),
        ]
    return [
        make(folder, "real edits", 3, lines(REAL_EDITS.glob("*.jsonl")), 150_000),
        make(folder, "made-up 2 kB documents", 1.5, made_up, 16_000),
        make(folder, "real documents", 1.5, lines([REAL_EDITS / "lamp_partial.jsonl"]), 24_000),
    ]
