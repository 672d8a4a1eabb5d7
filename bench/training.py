"""Training a LoRA adapter on the processor: the embedded trainer against the production trainer's PyTorch, in turn, on the same runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import random_base
import tools
from report import Comparison
from settings import SCRATCH
from small_world import TINY_BASE, Rows, Run, embedded, reference, small_world, write_input

# The Python of the reference: with torch and the packages of infra/trainer/requirements.txt.
PYTHON = os.environ.get("FLYWHEEL_TRAINER_PYTHON")
PACKAGES = ("torch", "transformers", "trl", "peft")

THREADS = min(2, os.cpu_count() or 1)
ROUNDS = 3

# The rows that measure a base. The larger one's replay rows are so few that each step takes all of them.
TINY = {"train": 320, "heldout": 16, "replay_train": 320, "replay_heldout": 16}
LARGER = {"train": 64, "heldout": 4, "replay_train": 8, "replay_heldout": 4}

# Each trainer takes replay rows in another order, so their steps do not have exactly as many tokens.
SAME_TOKENS = 0.01

Trainer = Callable[[Path, Path, Path], Run]


def conditions() -> str:
    """The notes below the table."""
    said = f"{THREADS} threads each, if it does not say otherwise; medians of {ROUNDS} runs in turn. The reference is `infra/trainer/train.py`"
    if not PYTHON:
        return f"{said}: FLYWHEEL_TRAINER_PYTHON names no Python with torch, so that it was not measured."
    script = f"from importlib.metadata import version; print(*(f'{{name}} {{version(name)}}' for name in {PACKAGES}), sep=', ')"
    versions = subprocess.run([PYTHON, "-c", script], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    return f"{said} on the CPU: {versions}."


def rounds(base: Path, rows: Rows, trainers: dict[str, Trainer], folder: Path) -> list[dict[str, Run]]:
    """Runs each trainer in turn. The comparison is void unless both train on as many tokens."""
    source = write_input(folder / f"{base.name}-input", base, rows)
    measured = []
    for _ in range(ROUNDS):
        runs = {name: train(base, source, folder / "run") for name, train in trainers.items()}
        tokens = [run.tokens for run in runs.values()]
        if max(tokens) - min(tokens) > SAME_TOKENS * max(tokens):
            raise SystemExit(f"{base.name}: the trainers did not do the same: {tokens} tokens")
        measured.append(runs)
    return measured


@dataclass(frozen=True)
class Figure:
    """Of a run."""

    name: str
    of: Callable[[Run], float]
    written: Callable[[float], str]
    more_is_better: bool = False


FIGURES = (
    Figure("tokens a second of training", lambda run: run.tokens_a_second, lambda rate: f"{rate:,.0f}/s", more_is_better=True),
    Figure("training alone", lambda run: run.training_seconds, lambda seconds: f"{seconds:.1f} s"),
    Figure("the whole run, from process start", lambda run: run.seconds, lambda seconds: f"{seconds:.1f} s"),
    Figure("peak memory", lambda run: run.memory, lambda size: f"{size / 1e6:,.0f} MB"),
)


def comparison(name: str, runs: list[dict[str, Run]], reference: str, figure: Figure) -> Comparison:
    ours, theirs = ([figure.of(of_round[trainer]) for of_round in runs if trainer in of_round] for trainer in ("embedded", reference))
    ratios = [our / their if figure.more_is_better else their / our for our, their in zip(ours, theirs)]
    if not ratios:
        return Comparison(name, figure.written(median(ours)), "not measured", None, None)
    return Comparison(name, figure.written(median(ours)), figure.written(median(theirs)), median(ratios), None)


def compared(title: str, runs: list[dict[str, Run]]) -> Iterator[Comparison]:
    rate, *others = FIGURES
    yield comparison(f"{title}: {rate.name}", runs, "reference", rate)
    yield comparison("the same, reference with one thread", runs, "one thread", rate)
    for figure in others:
        yield comparison(figure.name, runs, "reference", figure)


def measure() -> list[Comparison]:
    """Compares the trainers on the tiny base, and on a larger one of random weights."""
    binary = tools.trainer()
    trainers: dict[str, Trainer] = {"embedded": lambda base, source, folder: embedded(binary, base, source, THREADS, folder)}
    if PYTHON:
        trainers["reference"] = lambda base, source, folder: reference(Path(PYTHON), base, source, THREADS, folder)
        trainers["one thread"] = lambda base, source, folder: reference(Path(PYTHON), base, source, 1, folder)
    world = small_world(binary)
    comparisons: list[Comparison] = []
    with tempfile.TemporaryDirectory(dir=SCRATCH) as name:
        folder = Path(name)
        for base, few in ((TINY_BASE, TINY), (random_base.write(folder / "random"), LARGER)):
            rows = world.first(**few)
            runs = rounds(base, rows, trainers, folder)
            tokens = f"{len(rows.train)} pairs, {runs[0]['embedded'].tokens:,} tokens"
            comparisons += compared(f"{random_base.parameters(base) / 1e6:.1f} million parameters, {tokens}", runs)
    return comparisons
