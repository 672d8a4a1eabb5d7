"""The files between the workflow and a trainer: reads and checks a run's input, and writes its output with hashes.

The embedded trainer (crates/trainer) keeps the same contract: docs/decisions/0008-the-training-contract.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILES = ("train.jsonl", "heldout.jsonl", "replay_train.jsonl", "replay_heldout.jsonl")
# The files of a base's folder from which transformers makes the tokenizer and prompts.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja")
ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"


class Unusable(Exception):
    """The run cannot be trained as it is. The message names the file or the field, and quotes no text of a user."""


@dataclass(frozen=True)
class Run:
    """A run by the workflow's description, and its rows."""

    description: dict[str, Any]
    sha256: str
    train: list[dict[str, Any]]
    heldout: list[dict[str, Any]]
    replay_train: list[dict[str, Any]]
    replay_heldout: list[dict[str, Any]]

    @property
    def name(self) -> str:
        return self.description["run"]


def read_run(folder: Path) -> Run:
    """Reads `run.json` and the four files of rows, whose hashes it has to name."""
    described = _bytes(folder / "run.json")
    try:
        description = json.loads(described)
        named = {name: description["files"][name] for name in FILES}
        for field in ("run", "dataset", "base", "objective", "lora", "training", "generation", "seed"):
            description[field]
        if (incumbent := description.get("incumbent")) is not None:
            incumbent["sha256"], incumbent["config_sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"run.json: {type(error).__name__}: {error}") from None
    rows = {name: _rows(folder / name, entry) for name, entry in named.items()}
    return Run(description, _sha256(described), *(rows[name] for name in FILES))


def check_files(folder: Path, expected: dict[str, str]) -> dict[str, str]:
    """Returns the hashes of files in a folder, which have to be the expected ones."""
    found = {name: file_sha256(folder / name) for name in expected}
    for name, sha256 in expected.items():
        if found[name] != sha256:
            raise Unusable(f"{name} is not the file that run.json names: its SHA-256 is {found[name]}")
    return found


def check_base(folder: Path, expected: dict[str, str]) -> dict[str, str]:
    """Returns the same for a base's files. It refuses a file that would be read and is not named, because the embedded trainer ignores it."""
    for name in TOKENIZER_FILES:
        if name not in expected and (folder / name).exists():
            raise Unusable(f"{name} is in the base's folder, and run.json does not name it: add it to models/base.json, or take it away")
    return check_files(folder, expected)


def write_rows(folder: Path, rows: Iterable[dict[str, Any]]) -> tuple[str, int]:
    """Writes `rows.jsonl`; returns its hash and the number of rows."""
    lines = [json.dumps(_finite(row), ensure_ascii=False) + "\n" for row in rows]
    body = "".join(lines).encode()
    (folder / "rows.jsonl").write_bytes(body)
    return _sha256(body), len(lines)


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Writes `run.json` last, whole or not at all: it says that all other files are there."""
    unfinished = folder / "run.json.part"
    unfinished.write_text(json.dumps(_finite(report), indent=1) + "\n")
    unfinished.replace(folder / "run.json")


def file_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise Unusable(f"{path.name}: {error.strerror}") from None
    return digest.hexdigest()


def _rows(path: Path, named: dict[str, Any]) -> list[dict[str, Any]]:
    body = _bytes(path)
    if _sha256(body) != named["sha256"]:
        raise Unusable(f"{path.name} is not the file that run.json names: its SHA-256 is {_sha256(body)}")
    # Not splitlines(): that also ends a line at other characters.
    rows = [json.loads(line) for line in body.decode().split("\n") if line]
    if len(rows) != named["rows"]:
        raise Unusable(f"{path.name} has {len(rows)} rows, and run.json says {named['rows']}")
    return rows


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path.name}: {error.strerror}") from None


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _finite(value: Any) -> Any:
    """Replaces NaN and infinity, which JSON does not have, by null, which the gate refuses."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return value
