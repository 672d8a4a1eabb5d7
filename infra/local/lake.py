"""Reads the lake without code of the product: S3 objects, and Python's own json for every line."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from stack import Stack

LOG_PREFIX = "dpo_gold_v1/"
POINTER_KEY = "state/pointer.json"
DATASET_PREFIX = "datasets/dpo_gold_v1/"


@dataclass(frozen=True)
class Part:
    """One object of the log."""

    key: str
    route: str
    rows: int

    @classmethod
    def of_key(cls, key: str) -> Part:
        fields = dict(field.split("=", 1) for field in key.split("/") if "=" in field)
        return cls(key, fields["route"], int(key.rsplit("-n", 1)[1].removesuffix(".jsonl")))


class Lake:
    """The lake of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.bucket = stack.outputs["LakeBucket"]
        self.s3 = stack.client("s3")
        self._lines: dict[str, list[dict]] = {}

    def keys(self, prefix: str) -> Iterator[str]:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                yield found["Key"]

    def has(self, key: str) -> bool:
        return key in set(self.keys(key))

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def rows(self, key: str) -> list[dict]:
        """The rows of a JSONL object."""
        return [json.loads(line) for line in self.read(key).decode().split("\n") if line]

    def parts(self) -> list[Part]:
        return [Part.of_key(key) for key in self.keys(LOG_PREFIX)]

    def lines_of(self, part: Part) -> list[dict]:
        """A part's lines. Parts are immutable, so each is read once."""
        if part.key not in self._lines:
            body = self.read(part.key)
            assert body.endswith(b"\n"), f"{part.key} does not end with a line feed"
            self._lines[part.key] = [json.loads(line) for line in body[:-1].split(b"\n")]
            assert len(self._lines[part.key]) == part.rows, f"{part.key} does not have the rows that its name says"
        return self._lines[part.key]

    def lines(self, route: str | None = None) -> list[dict]:
        return [line for part in self.parts() if route in (None, part.route) for line in self.lines_of(part)]

    def events_by_route(self) -> dict[str, set[str]]:
        """The distinct events in each route."""
        events: dict[str, set[str]] = defaultdict(set)
        for part in self.parts():
            events[part.route].update(line["event_id"] for line in self.lines_of(part))
        return events

    def reasons(self) -> Counter[tuple[str, str]]:
        """Distinct events by route and first reason."""
        first = {line["event_id"]: (part.route, (line["reasons"] or ["–"])[0])
                 for part in self.parts() for line in self.lines_of(part)}
        return Counter(first.values())

    def pointer(self) -> dict | None:
        try:
            return json.loads(self.read(POINTER_KEY))
        except self.s3.exceptions.NoSuchKey:
            return None
