"""Events a second on one core: the curation core against the Python reference, in turn, on the same files."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median

import tools
from report import Comparison
from settings import BENCH, PLAIN_RULE, SCRATCH
from workloads import Workload, workloads

ROUNDS = 7

# The core with everything on is at least as fast as the reference with the plain rule.
AUDIT_TARGET = 1

Command = Sequence[str | Path]


@contextmanager
def pinned() -> Iterator[None]:
    """Keeps this process and its children on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def processor_seconds() -> float:
    """The processor seconds of all ended children, with system calls."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command: Command, workload: Workload, folder: Path) -> tuple[float, str]:
    """Returns the processor seconds of a command for a workload, and its output.

    The clock's seconds would include other processes that interrupt the core.
    """
    with tempfile.TemporaryDirectory(dir=folder) as output:
        before = processor_seconds()
        printed = subprocess.run([*command, workload.path, output], stdout=subprocess.PIPE, check=True).stdout
        return processor_seconds() - before, printed.decode()


def rounds(workload: Workload, commands: dict[str, Command], folder: Path) -> Iterator[dict[str, float]]:
    """Measures the events a second of each command, in turn. All commands with the plain rule must route the events in the same way."""
    for number in range(ROUNDS + 1):
        runs = {name: run(command, workload, folder) for name, command in commands.items()}
        # The core prints all its routes, also those that the plain rule does not use; the reference does not.
        routed = {
            frozenset(line for line in printed.splitlines() if not line.endswith(" 0"))
            for name, (_, printed) in runs.items()
            if name != "audit"
        }
        if len(routed) != 1:
            raise SystemExit(f"{workload.name}: the routes differ: {routed}")
        if number > 0:  # the first round warms up
            yield {name: workload.events / seconds for name, (seconds, _) in runs.items()}


def mean_similarity(core: Command, workload: Workload, folder: Path) -> float:
    """Summarises the similarity of a workload's texts, by the core."""
    with tempfile.TemporaryDirectory(dir=folder) as output:
        subprocess.run([*core, workload.path, output], stdout=subprocess.DEVNULL, check=True)
        parts = [part.open(encoding="utf-8") for part in Path(output).iterdir()]
        return mean(json.loads(line)["similarity"] for part in parts for line in part)


def compare(workload: Workload, commands: dict[str, Command], folder: Path) -> Iterator[Comparison]:
    """Rows of the core with the plain rule and with everything on, each against both references: the plain one, which the
    targets are for, and the one that expects small edits."""
    rates = list(rounds(workload, commands, folder))
    similarity = mean_similarity(commands["core"], workload, folder)
    title = f"{workload.name}, mean similarity {similarity:.2f}"
    for name, core, reference, target in (
        (f"plain rule. {title}", "core", "plain", workload.target),
        ("the same, reference with a score hint", "core", "hint", None),
        ("everything on, reference with the plain rule", "audit", "plain", AUDIT_TARGET),
        ("the same, reference with a score hint", "audit", "hint", None),
    ):
        yield Comparison(
            name,
            f"{median(rate[core] for rate in rates):,.0f}/s",
            f"{median(rate[reference] for rate in rates):,.0f}/s",
            median(rate[core] / rate[reference] for rate in rates),
            target,
        )


def measure() -> list[Comparison]:
    """Compares the core with the reference, and with the reference that expects small edits."""
    reference = [tools.python(), BENCH / "reference.py"]
    audit = [tools.core_example()]
    commands = {"core": [*audit, "--policy", PLAIN_RULE], "audit": audit, "plain": reference, "hint": [*reference, "--hint"]}
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder, pinned():
        return [
            comparison
            for workload in workloads(Path(folder))
            for comparison in compare(workload, commands, Path(folder))
        ]
