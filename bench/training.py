"""Training a LoRA adapter on the processor: the embedded trainer against the production trainer's PyTorch, in turn, on the same runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import random_base
import tools
from report import Comparison
from settings import SCRATCH
from small_world import TINY_BASE, Rows, Run, embedded, reference, small_world, write_input

# The Python of the reference: with torch and what infra/trainer/requirements.txt lists.
PYTHON = os.environ.get("FLYWHEEL_TRAINER_PYTHON")
PACKAGES = ("torch", "transformers", "trl", "peft")

THREADS = min(2, os.cpu_count() or 1)
ROUNDS = 3

# Rows of the run by which the larger base is measured.
FEW = {"train": 320, "heldout": 8, "replay_train": 320, "replay_heldout": 8}

# The steps take their replay rows in another order in each trainer, and so not exactly as many tokens.
SAME_TOKENS = 0.01

Trainer = Callable[[Path, Path, Path], Run]


def conditions() -> str:
    """What the table does not say."""
    said = f"{THREADS} threads each, medians of {ROUNDS} runs in turn. The reference is `infra/trainer/train.py`"
    if not PYTHON:
        return f"{said}: FLYWHEEL_TRAINER_PYTHON names no Python with torch, so that it was not measured."
    script = f"from importlib.metadata import version; print(*(f'{{name}} {{version(name)}}' for name in {PACKAGES}), sep=', ')"
    versions = subprocess.run([PYTHON, "-c", script], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    return f"{said} on the CPU: {versions}."


def rounds(base: Path, rows: Rows, trainers: dict[str, Trainer], folder: Path) -> list[dict[str, Run]]:
    """The runs of each trainer, in turn. Void unless both put as many tokens through their steps."""
    source = write_input(folder / "input", base, rows)
    measured = []
    for _ in range(ROUNDS):
        runs = {name: train(base, source, folder / "run") for name, train in trainers.items()}
        tokens = [run.tokens for run in runs.values()]
        if max(tokens) - min(tokens) > SAME_TOKENS * max(tokens):
            raise SystemExit(f"{base.name}: the trainers did not do the same: {tokens} tokens")
        measured.append(runs)
    return measured


FIGURES: tuple[tuple[str, Callable[[Run], float], Callable[[float], str], bool], ...] = (
    ("trained, tokens a second", lambda run: run.tokens_a_second, lambda figure: f"{figure:,.0f}/s", True),
    ("training alone", lambda run: run.training_seconds, lambda figure: f"{figure:.1f} s", False),
    ("the whole run, from process start", lambda run: run.seconds, lambda figure: f"{figure:.1f} s", False),
    ("peak memory", lambda run: run.memory, lambda figure: f"{figure / 1e6:,.0f} MB", False),
)
"""Of a run: the figure's name, the figure, how it is written, and whether more of it is better."""


def compared(title: str, runs: list[dict[str, Run]]) -> list[Comparison]:
    comparisons = []
    for name, figure, written, more_is_better in FIGURES:
        of = lambda trainer: [figure(of_round[trainer]) for of_round in runs if trainer in of_round]
        ours, theirs = of("embedded"), of("reference")
        ratios = [our / their if more_is_better else their / our for our, their in zip(ours, theirs)]
        comparisons.append(Comparison(
            f"{title}: {name}" if not comparisons else name, written(median(ours)),
            written(median(theirs)) if theirs else "not measured", median(ratios) if ratios else None, None))
    return comparisons


def measure() -> list[Comparison]:
    """Compares the trainers on the tiny base with the whole small world, and on a larger base of random weights with some of it."""
    binary = tools.trainer()
    trainers: dict[str, Trainer] = {"embedded": lambda base, source, folder: embedded(binary, base, source, THREADS, folder)}
    if PYTHON:
        trainers["reference"] = lambda base, source, folder: reference(Path(PYTHON), base, source, THREADS, folder)
    world = small_world(binary)
    comparisons = []
    for number, rows in enumerate((world, world.first(**FEW))):
        with tempfile.TemporaryDirectory(dir=SCRATCH) as name:
            base = random_base.write(Path(name) / "random") if number else TINY_BASE
            runs = rounds(base, rows, trainers, Path(name))
            millions = random_base.parameters(base) / 1e6
            title = f"{millions:.1f} million parameters, {len(rows.train):,} pairs, {runs[0]['embedded'].tokens:,} tokens"
            comparisons += compared(title, runs)
    return comparisons
