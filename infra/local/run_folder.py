"""A run's files for a training without lake and workflow: writes its input as `prepare` would, and reads its outcome.

The contract is decision 8. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

from progress import Problem

HELD_OUT_EVERY = 6
"""Every sixth edit, and every sixth liked output, is held out."""


def read_events(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().split("\n") if line]


def pair(edit: dict) -> dict:
    """An edit as a preference pair: the user's text, and the model's."""
    prompt, chosen, rejected = edit["prompt"], edit["final_user_edit"], edit["original_llm_output"]
    return {"pair_id": edit["event_id"], "prompt": prompt, "prompt_messages": None, "chosen": chosen, "rejected": rejected}


def replay(like: dict) -> dict:
    """An output that its user liked without an edit."""
    return {"event_id": like["event_id"], "prompt": like["prompt"], "prompt_messages": None, "completion": like["original_llm_output"]}


def split(rows: list[dict]) -> tuple[list[dict], list[dict]]:
    """The training rows and the held-out rows."""
    held_out = rows[::HELD_OUT_EVERY]
    return [row for row in rows if row not in held_out], held_out


def write_input(folder: Path, pairs: list[dict], replay_rows: list[dict], base: dict, recipe: dict) -> None:
    """Writes the data files, and `run.json` with their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = dict(zip(("train.jsonl", "heldout.jsonl"), split(pairs)))
    rows |= dict(zip(("replay_train.jsonl", "replay_heldout.jsonl"), split(replay_rows)))
    files = {}
    for name, of_file in rows.items():
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in of_file).encode()
        (folder / name).write_bytes(body)
        files[name] = {"sha256": hashlib.sha256(body).hexdigest(), "rows": len(of_file)}
    described = {"run": "by-hand", "dataset": {"version": 0, "digest": None}, "base": base, "incumbent": None, "files": files,
                 "objective": {}, "lora": {}, "training": {}, "generation": {}, "seed": 0}
    (folder / "run.json").write_text(json.dumps(described | recipe, indent=1))


@dataclass(frozen=True)
class Measured:
    """One model's scores on the held-out rows; means over rows, in nats."""

    chosen: float
    """ln p of users' texts."""
    rejected: float
    """ln p of the base's texts."""
    replay: float
    """-ln p of a token of the liked outputs."""

    @property
    def margin(self) -> float:
        return self.chosen - self.rejected


def measured(rows: list[dict], model: str) -> Measured:
    """Returns the scores of `incumbent` or `candidate` from the scored rows of a run (`output/rows.jsonl`)."""
    pairs = [row[model] for row in rows if row["kind"] == "pair"]
    liked = [row for row in rows if row["kind"] == "replay"]
    logps = [[row["logp_chosen"] for row in pairs], [row["logp_rejected"] for row in pairs], [row[model]["logp"] for row in liked]]
    if any(logp is None or not math.isfinite(logp) for logp in sum(logps, [])):
        raise Problem(f"the {model}'s scores are not all numbers", "lower the learning rate")
    chosen, rejected, replayed = map(math.fsum, logps)
    return Measured(chosen / len(pairs), rejected / len(pairs), -replayed / sum(row["tokens"] for row in liked))
