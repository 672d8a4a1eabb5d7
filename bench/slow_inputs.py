"""Measures the longest time of one event with the whole audit: for edits that are made to take long, and for ordinary ones of 10 kB."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

import documents
import tools
from curation import pinned
from settings import REAL_EDITS, SCRATCH

HEAD = ["", "median", "99th percentile", "most", "target"]
EVENT_BYTES = 10_000
EVENTS = 500

# The number of rows for edits that are made to take long.
SLOWEST = 10

FIELDS = ("prompt", "original_llm_output", "final_user_edit")


def made_up() -> Iterator[str]:
    """Documents with the prompt and with half of the bytes twice."""
    return (json.dumps(event) for event in documents.events(EVENTS, EVENT_BYTES // 2 - 100))


def real() -> Iterator[str]:
    """Edits of real people, joined until they are long enough."""
    together: dict[str, str] = dict.fromkeys(FIELDS, "")
    for path in sorted(REAL_EDITS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            edit = json.loads(line)
            together = {field: f"{together[field]}{edit[field]}\n\n" for field in FIELDS}
            event = json.dumps(together, ensure_ascii=False)
            if len(event.encode()) >= EVENT_BYTES:
                yield event
                together = dict.fromkeys(FIELDS, "")


def timed(events: Iterator[str], folder: Path) -> dict:
    path = folder / "events.jsonl"
    path.write_text("\n".join(events), encoding="utf-8")
    printed = subprocess.run([tools.worst_example(), path], stdout=subprocess.PIPE, check=True).stdout
    return json.loads(printed)


def row(name: str, milliseconds: list[float]) -> list[str]:
    cuts = quantiles(milliseconds, n=100)
    mark = "✓" if cuts[98] < 5 else "✗"
    return [name, f"{cuts[49]:.2f} ms", f"{cuts[98]:.2f} ms", f"{max(milliseconds):.2f} ms", f"99th < 5 ms {mark}"]


def measure() -> list[list[str]]:
    with tempfile.TemporaryDirectory(dir=SCRATCH) as name, pinned():
        folder = Path(name)
        measured = timed(made_up(), folder)
        rows = [row("made-up documents, events of 10 kB", measured["events"])]
        if REAL_EDITS.is_dir():
            rows.append(row("real edits put together, events of 10 kB", timed(real(), folder)["events"]))
    worst = measured["worst"]
    for name, milliseconds in worst[:SLOWEST]:
        mark = "✓" if milliseconds < 100 else "✗"
        rows.append([f"made to take long, 100 kB: {name}", "", "", f"{milliseconds:.1f} ms", f"< 100 ms {mark}"])
    rest = max(milliseconds for _, milliseconds in worst[SLOWEST:])
    rows.append([f"the {len(worst) - SLOWEST} others", "", "", f"{rest:.1f} ms", "< 100 ms"])
    rows.append(["start: the tables of the audit", "", "", f"{measured['start']:.2f} ms", ""])
    return rows
