"""Measures the time of `ingest` for one edit: the event's JSON in, the answer's JSON out, the log line included."""

from __future__ import annotations

import subprocess

import tools

HEAD = ["", "median", "99th percentile", "target"]
TARGETED = "an edit of 2 kB"
TARGET_MICROSECONDS = 100


def measure() -> list[list[str]]:
    example = tools.ingest_example()
    # Its log lines go to standard output, as in the function; its figures go to standard error.
    printed = subprocess.run([example], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, text=True).stderr
    rows = []
    for line in printed.splitlines():
        name, median, tail = line.split("\t")
        is_met = "✓" if float(median) < TARGET_MICROSECONDS else "✗"
        target = f"< {TARGET_MICROSECONDS} µs {is_met}" if name == TARGETED else ""
        rows.append([name, f"{float(median):.1f} µs", f"{float(tail):.1f} µs", target])
    return rows
