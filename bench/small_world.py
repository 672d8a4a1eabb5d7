"""The run of the small world that `make demo` trains: makes its rows and the input folder of both trainers, and measures the run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import REPOSITORY

TINY_BASE = REPOSITORY / "crates" / "trainer" / "base"
EDITS, LIKES = 2_500, 1_400

# The demo's recipe, with the defaults written out.
RECIPE = {
    "objective": {"dpo": 1.0, "sft": 1.0, "replay": 1.0, "beta": 0.1},
    "lora": {"rank": 8, "alpha": 16.0},
    "training": {"learning_rate": 2e-3, "epochs": 1, "batch_size": 8, "accumulation": 1, "max_length": 256,
                 "max_gradient_norm": 1.0, "warmup_share": 0.1},
    "generation": {"max_new_tokens": 64},
    "seed": 1,
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """The training rows and the held-out rows."""

    train: Sequence[Row]
    heldout: Sequence[Row]
    replay_train: Sequence[Row]
    replay_heldout: Sequence[Row]

    def first(self, train: int, heldout: int, replay_train: int, replay_heldout: int) -> Rows:
        return Rows(self.train[:train], self.heldout[:heldout], self.replay_train[:replay_train], self.replay_heldout[:replay_heldout])


def small_world(trainer: Path) -> Rows:
    """Returns all rows. A tenth of the prompts is held out by their hashes, as in a dataset (crates/dataset/src/split.rs)."""
    pairs = [
        {"pair_id": edit["event_id"], "prompt": edit["prompt"], "prompt_messages": None,
         "chosen": edit["final_user_edit"], "rejected": edit["original_llm_output"]}
        for edit in events(trainer, "--edits", EDITS)]
    replay = [
        {"event_id": like["event_id"], "prompt": like["prompt"], "prompt_messages": None, "completion": like["original_llm_output"]}
        for like in events(trainer, "--likes", LIKES)]
    sides = [[row for row in rows if is_held_out(row["prompt"]) == side] for rows in (pairs, replay) for side in (False, True)]
    return Rows(*sides)


def events(trainer: Path, kind: str, count: int) -> list[Row]:
    printed = subprocess.run([trainer, "world", kind, str(count)], stdout=subprocess.PIPE, check=True).stdout.decode()
    return [json.loads(line) for line in printed.split("\n") if line]


def is_held_out(prompt: str) -> bool:
    salted = "0" * 32 + " ".join(prompt.lower().split())
    return int.from_bytes(hashlib.sha256(salted.encode()).digest()[:8], "big") % 1_000 < 100


def write_input(folder: Path, base: Path, rows: Rows, objective: dict[str, float] | None = None) -> Path:
    """Writes a run's input folder, by the training contract (docs/decisions/0008-the-training-contract.md)."""
    folder.mkdir()
    files = {}
    for name, of_file in vars(rows).items():
        body = "".join(json.dumps(row) + "\n" for row in of_file).encode()
        (folder / f"{name}.jsonl").write_bytes(body)
        files[f"{name}.jsonl"] = {"sha256": hashlib.sha256(body).hexdigest(), "rows": len(of_file)}
    of_base = sorted(path for path in base.iterdir() if path.suffix != ".md")
    described = RECIPE | {
        "run": "crossing-000001-attempt-1", "dataset": {"version": 1, "digest": None}, "incumbent": None, "files": files,
        "base": {"id": base.name, "prefix": f"models/{base.name}/",
                 "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in of_base}},
    }
    if objective:
        described["objective"] = RECIPE["objective"] | objective
    (folder / "run.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Run:
    """The time, memory and output of a run."""

    tokens: int
    training_seconds: float
    seconds: float
    memory: int
    rows: list[Row]

    @property
    def tokens_a_second(self) -> float:
        return self.tokens / self.training_seconds


def run(command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Run:
    """Runs a trainer, which writes into `output` and keeps its checkpoints, both in a temporary folder."""
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{(folder / 'log').read_text()[-2_000:]}")
    summary = json.loads((folder / "output" / "run.json").read_text())["summary"]
    lines = (folder / "output" / "rows.jsonl").read_text(encoding="utf-8").split("\n")
    shutil.rmtree(folder)
    return Run(summary["trained_tokens"], summary["training_seconds"], seconds, usage.ru_maxrss * 1_024,
               [json.loads(line) for line in lines if line])


def embedded(trainer: Path, base: Path, source: Path, threads: int, folder: Path) -> Run:
    """Trains with the embedded trainer."""
    command = [trainer, "train", "--input", source, "--base", base, "--output", "output", "--checkpoint", "checkpoint",
               "--threads", str(threads)]
    return run(command, folder, {})


def reference(python: Path, base: Path, source: Path, threads: int, folder: Path) -> Run:
    """Trains with the production trainer, on the CPU. Its threads do not spin while they wait for one another: if another process needs a core,
    spinning takes ten times as long."""
    command = [python, REPOSITORY / "infra" / "trainer" / "train.py", "--input", source, "--base", base, "--output", "output",
               "--checkpoints", "checkpoints", "--failure", "failure"]
    environment = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE", "CUDA_VISIBLE_DEVICES": ""}
    return run(command, folder, environment)
