"""Runs the benchmarks, prints their tables and writes them to RESULTS.md.

    run.py [curation] [slow-inputs] [cold-start] [ingest] [counter] [versions] [training] [objectives]

Without a name it runs all. Only a run of all of them writes RESULTS.md.
"""

from __future__ import annotations

import sys

import cold_start
import counter_requests
import curation
import ingest_handler
import objectives
import slow_inputs
import training
import versions
from report import COMPARISON_HEAD, Comparison, circumstances, table
from settings import RESULTS


def compared(comparisons: list[Comparison]) -> str:
    return table(COMPARISON_HEAD, [comparison.cells() for comparison in comparisons])


SECTIONS = {
    "curation": ("Curation, events a second on one core", lambda: compared(curation.measure())),
    "slow-inputs": ("The longest that one event takes", lambda: table(slow_inputs.HEAD, slow_inputs.measure())),
    "cold-start": ("Cold start, from process start to the first request for an event", lambda: compared(cold_start.measure())),
    "ingest": ("`ingest`, warm, without the network", lambda: table(ingest_handler.HEAD, ingest_handler.measure())),
    "counter": ("`counter`, requests for one count", lambda: table(counter_requests.HEAD, counter_requests.measure())),
    "versions": ("`flywheel`, reading a dataset of many versions", lambda: table(versions.HEAD, versions.measure())),
    "training": ("Training a LoRA adapter", lambda: f"{training.conditions()}\n\n{compared(training.measure())}"),
    "objectives": (
        "What each objective makes of the small world",
        lambda: f"{objectives.conditions()}\n\n{table(objectives.HEAD, objectives.measure())}",
    ),
}


def main() -> None:
    chosen = sys.argv[1:] or list(SECTIONS)
    if unknown := set(chosen) - set(SECTIONS):
        raise SystemExit(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    text = f"# Results\n\n`make bench`, {circumstances()}. Medians; [README.md](README.md) says of what.\n"
    print(text)
    for name in chosen:
        title, measure = SECTIONS[name]
        section = f"## {title}\n\n{measure()}\n"
        print(section, flush=True)
        text += f"\n{section}"
    if len(chosen) == len(SECTIONS):
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
