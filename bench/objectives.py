"""Compares objectives in the small world: the embedded trainer trains with each on the same rows, and scores the held-out ones."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import mean

import tools
from settings import BENCH, SCRATCH
from small_world import TINY_BASE, Row, Rows, Run, embedded, small_world, write_input
from training import THREADS

HEAD = ["", "logp chosen", "logp rejected", "margin", "reward accuracy", "replay NLL/token", "similarity", "training", "tokens a second"]

OBJECTIVES = {
    "`sigmoid` alone (plain DPO)": {"dpo": 1.0, "sft": 0.0, "replay": 0.0},
    "`sigmoid` + `sft`": {"dpo": 1.0, "sft": 1.0, "replay": 0.0},
    "`sigmoid` + `sft` + replay, the default": {"dpo": 1.0, "sft": 1.0, "replay": 1.0},
    "`sft` + replay (control arm)": {"dpo": 0.0, "sft": 1.0, "replay": 1.0},
}


def similarities(outputs: list[str], texts: list[str]) -> list[float]:
    """`1 - distance / length of the longer`, in characters, as the core defines it."""
    command = [tools.python(), BENCH / "similarity.py"]
    pairs = json.dumps(list(zip(outputs, texts))).encode()
    return json.loads(subprocess.run(command, input=pairs, stdout=subprocess.PIPE, check=True).stdout)


def scores(name: str, rows: list[Row], who: str, held_out: Rows, effort: list[str]) -> list[str]:
    """A model's row of the table. Log-probabilities are sums over an answer's tokens, in nats."""
    pairs, replay = ([row for row in rows if row["kind"] == kind] for kind in ("pair", "replay"))
    margin = lambda row, whose: row[whose]["logp_chosen"] - row[whose]["logp_rejected"]
    cells = [mean(row[who]["logp_chosen"] for row in pairs), mean(row[who]["logp_rejected"] for row in pairs),
             mean(margin(row, who) for row in pairs)]
    gained = mean(margin(row, "candidate") > margin(row, "incumbent") for row in pairs)
    accuracy = "" if who == "incumbent" else f"{gained:.3f}"
    nll = -sum(row[who]["logp"] for row in replay) / sum(row["tokens"] for row in replay)
    similarity = mean(similarities([row[who]["output"] for row in pairs], [row["chosen"] for row in held_out.heldout]))
    return [name, *(f"{cell:.2f}" for cell in cells), accuracy, f"{nll:.3f}", f"{similarity:.3f}", *effort]


def effort(run: Run) -> list[str]:
    return [f"{run.training_seconds:.1f} s", f"{run.tokens_a_second:,.0f}"]


def conditions() -> str:
    return (
        f"Means over the held-out rows. Reward accuracy: the share of pairs whose margin grew. Similarity: of greedy answers to what users "
        f"wrote. {THREADS} threads."
    )


def measure() -> list[list[str]]:
    binary = tools.trainer()
    world = small_world(binary)
    table: list[list[str]] = []
    with tempfile.TemporaryDirectory(dir=SCRATCH) as name:
        folder = Path(name)
        for number, (objective, weights) in enumerate(OBJECTIVES.items()):
            source = write_input(folder / f"input-{number}", TINY_BASE, world, weights)
            run = embedded(binary, TINY_BASE, source, THREADS, folder / "run")
            table = table or [scores("the base, not trained", run.rows, "incumbent", world, ["", ""])]
            table.append(scores(objective, run.rows, "candidate", world, effort(run)))
    return table
