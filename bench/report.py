"""Writes the measurements as tables."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Comparison:
    """A figure of ours beside the reference's. `ratio` is how many times better ours is; it is none without a reference."""

    name: str
    ours: str
    reference: str
    ratio: float | None
    target: float | None

    def cells(self) -> list[str]:
        if self.ratio is None:
            return [self.name, self.ours, self.reference, "", ""]
        target = "" if self.target is None else f"≥ {self.target:g} {'✓' if self.ratio >= self.target else '✗'}"
        return [self.name, self.ours, self.reference, f"{self.ratio:.1f} ×", target]


COMPARISON_HEAD = ["", "ours", "reference", "ratio", "target"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table that is also readable as plain text."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]
        return "| " + " | ".join(padded) + " |"
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(map(line, (head, ruler, *rows)))


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def circumstances() -> str:
    """The machine and the versions that figures depend on."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()
    return (
        f"{datetime.date.today().isoformat()}, {processor()} ({os.cpu_count()} cores), {platform.system()}, "
        f"Rust {rustc[1]}, Python {platform.python_version()}"
    )
