"""Reads edits and feedback from JSONL files, and posts them to the front door in batches."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from progress import Problem
from stack import Stack

BATCH_EVENTS = 200
BATCH_BYTES = 2_000_000
CLIENTS = 4
"""Requests at the same time."""


@dataclass
class Posted:
    """The sums of the front door's answers."""

    accepted: list[str] = field(default_factory=list)
    """Event ids, one for each acknowledgement: an event that is sent twice is listed twice."""
    refused: Counter[str] = field(default_factory=Counter)
    """The number of refused events, or requests, by code."""
    reads: int = 0
    """The number of answered reads. They have no ids: they are counted and not stored."""

    def __add__(self, other: Posted) -> Posted:
        return Posted(self.accepted + other.accepted, self.refused + other.refused, self.reads + other.reads)


def read_edits(files: list[Path]) -> tuple[list[str], list[str]]:
    """Returns the lines that are JSON, unchanged, and the places of the others (`file:line`)."""
    good, bad = [], []
    for file in files:
        if not file.is_file():
            raise Problem(f"there is no file {file}", 'name JSONL files of edit events: make demo EDITS="a.jsonl b.jsonl"')
        # Not splitlines(): that would also break a line at U+2028, which JSON strings may hold.
        for number, line in enumerate(file.read_bytes().split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                text = line.decode()
                json.loads(text)
                good.append(text)
            except ValueError:  # not UTF-8, or not JSON
                bad.append(f"{file}:{number}")
    return good, bad


def endpoint_of(line: str) -> str:
    """Returns the endpoint for an event: one with a kind is feedback, with an edit or without."""
    event = json.loads(line)
    return "/v1/feedback" if isinstance(event, dict) and event.get("kind") is not None else "/v1/edits"


def batches(lines: list[str]) -> Iterator[list[str]]:
    """Cuts lines into request-sized batches."""
    batch: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode())
        if batch and (len(batch) == BATCH_EVENTS or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += length
    if batch:
        yield batch


def post_all(stack: Stack, lines: list[str], on_progress: Callable[[int], None] = lambda _: None) -> Posted:
    """Posts events in batches to their endpoints, several at a time. Raises if an answer of the front door is of no use to a client."""
    posted = Posted()
    lock = threading.Lock()

    lines_of: dict[str, list[str]] = {}
    for line in lines:
        lines_of.setdefault(endpoint_of(line), []).append(line)

    def post(request: tuple[str, list[str]]) -> None:
        path, batch = request
        status, answer = stack.post_raw('{"events":[' + ",".join(batch) + "]}", path)
        if status not in (202, 207, 422):
            raise Problem(f"the front door answered {status}", f"see {stack.cloud.log_file}", json.dumps(answer)[:500])
        with lock:
            posted.accepted += answer["event_ids"]
            posted.reads += answer.get("reads", 0)
            posted.refused.update(refusal["error"]["code"] for refusal in answer.get("errors", ()))
            on_progress(len(batch))

    with ThreadPoolExecutor(CLIENTS) as clients:
        for _ in clients.map(post, ((path, batch) for path, found in lines_of.items() for batch in batches(found))):
            pass
    return posted


def post_bodies(stack: Stack, bodies: list[str]) -> Counter[str]:
    """Posts each body as a request of its own, which the front door must refuse; counts the codes."""
    refused: Counter[str] = Counter()
    for body in bodies:
        status, answer = stack.post_raw(body)
        if status < 400 or status >= 500:
            raise Problem(f"the front door answered {status} to a bad body", f"see {stack.cloud.log_file}", body[:200])
        refused[answer["error"]["code"]] += 1
    return refused
