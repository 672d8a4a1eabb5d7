"""The journal of a soak: its parameters, its acknowledged requests and its finished stages. Standard library only.

`state.json` has the parameters and the stack. `journal.jsonl` grows by a line for each acknowledged request and each finished stage, so a
killed soak goes on after its last line. The check reads the same lines: what is not in the journal was not acknowledged.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from soak_plan import Posting


class Journal:
    """The folder of a soak, and its open journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state_file, self.file = folder / "state.json", folder / "journal.jsonl"
        self._lock = threading.Lock()

    # -- parameters --------------------------------------------------------------------------------------------------------

    def state(self) -> dict | None:
        """The parameters of the soak that is under way, or None."""
        try:
            return json.loads(self.state_file.read_text())
        except FileNotFoundError:
            return None

    def write_state(self, state: dict) -> None:
        """Replaces the parameters. Only the owner can read them: they have the key of the stack's front door."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.state_file.with_suffix(".partial")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump(state, handle)
        os.replace(unfinished, self.state_file)

    # -- lines -------------------------------------------------------------------------------------------------------------

    def mend(self) -> None:
        """Cuts off a last line that a kill left unfinished."""
        if not self.file.exists():
            return
        with self.file.open("rb+") as handle:
            end = handle.seek(0, os.SEEK_END)
            while end and not _ends_a_line(handle, end):
                end -= 1
            handle.truncate(end)

    def append(self, line: dict) -> None:
        """Adds a line. It is in the file, though perhaps not on the disk, when this returns: a kill of the driver loses none."""
        text = json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n"
        with self._lock, self.file.open("a", encoding="utf-8") as handle:
            handle.write(text)

    def acknowledged(self, of_round: int, phase: str, request: int, postings: list[Posting], milliseconds: float, tries: int) -> None:
        self.append({"round": of_round, "phase": phase, "request": request, "ms": round(milliseconds, 1), "tries": tries,
                     "entries": [entry(posting) for posting in postings]})

    def stage(self, of_round: int, stage: str, **values: object) -> None:
        self.append({"round": of_round, "stage": stage, **values})

    def lines(self) -> Iterator[dict]:
        if not self.file.exists():
            return
        with self.file.open(encoding="utf-8") as handle:
            for line in handle:
                yield json.loads(line)

    def stages(self) -> Iterator[dict]:
        """The lines of finished stages. All others are long and are not parsed."""
        with self.file.open(encoding="utf-8") as handle:
            for line in handle:
                if '"stage":' in line[:40]:
                    yield json.loads(line)


class Progress:
    """What is done already, as the journal says: all of some rounds, and some requests and stages of the next one."""

    def __init__(self, journal: Journal) -> None:
        self.rounds = self.requests_of = self.events = 0
        self.requests: set[tuple[str, int]] = set()
        self.stages: set[str] = set()
        self.is_closed = False
        for line in journal.lines():
            if line["round"] != self.requests_of:
                self.requests_of, self.requests, self.stages = line["round"], set(), set()
            if "stage" in line:
                self.stages.add(line["stage"])
                self.rounds = line["round"] if line["stage"] == "round" else self.rounds
                self.is_closed |= line.get("closing", False)
            else:
                self.requests.add((line["phase"], line["request"]))
                self.events += len(line["entries"])

    def has(self, of_round: int, phase: str, request: int) -> bool:
        return of_round == self.requests_of and (phase, request) in self.requests

    def is_past(self, of_round: int, stage: str) -> bool:
        return of_round <= self.rounds or (of_round == self.requests_of and stage in self.stages)


def entry(posting: Posting) -> list:
    """An acknowledged event for the check: id, kind, and digests of prompt and final text. The texts themselves are not kept twice."""
    final = posting.event.get("final_user_edit")
    return [posting.event["event_id"], posting.kind, digest(posting.event["prompt"]), digest(final) if final is not None else None]


def digest(text: str) -> str:
    """The digest by which the check knows a text: the first 16 digits of MD5, which DuckDB computes, too."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16]


def _ends_a_line(handle, end: int) -> bool:
    handle.seek(end - 1)
    return handle.read(1) == b"\n"
