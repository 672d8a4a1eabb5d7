"""Tables, bars and diffs on a terminal; plain text elsewhere."""

from __future__ import annotations

import difflib
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 100
RED, GREEN, BOLD, DIM, RESET = "\033[31m", "\033[32m", "\033[1m", "\033[2m", "\033[0m"


def is_colourful() -> bool:
    return sys.stdout.isatty()


def styled(text: str, style: str) -> str:
    return f"{style}{text}{RESET}" if is_colourful() else text


def heading(text: str) -> None:
    print(f"\n{styled(text, BOLD)}")


def table(rows: Iterable[Sequence[object]], header: Sequence[str]) -> None:
    """Aligns numbers to the right, words to the left."""
    body = [[str(cell) if not isinstance(cell, int) else f"{cell:,}" for cell in row] for row in rows]
    is_number = [bool(body) and all(isinstance(row[column], int) for row in rows) for column in range(len(header))]
    widths = [max(len(line[column]) for line in [list(header), *body]) for column in range(len(header))]
    for index, line in enumerate([list(header), *body]):
        cells = (cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(line, widths, is_number))
        print("  " + styled("  ".join(cells).rstrip(), DIM if index == 0 else ""))


def bar(value: int, full: int, width: int = 40) -> str:
    """A bar for the share of `value` in `full`, at most full."""
    filled = min(width, width * value // max(full, 1))
    return f"[{'█' * filled}{'·' * (width - filled)}] {value:,} of {full:,}"


def word_diff(old: str, new: str) -> str:
    """A diff by words: coloured, or in [-…-] and {+…+}."""
    before, after = re.findall(r"\s+|\w+|[^\w\s]", old), re.findall(r"\s+|\w+|[^\w\s]", new)
    out = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            out.append("".join(before[a:b]))
            continue
        out.append(marked("".join(before[a:b]), RED, "[-", "-]"))
        out.append(marked("".join(after[c:d]), GREEN, "{+", "+}"))
    return "".join(out)


def marked(text: str, colour: str, opening: str, closing: str) -> str:
    if not text:
        return ""
    return f"{colour}{text}{RESET}" if is_colourful() else f"{opening}{text}{closing}"


def indented(text: str) -> str:
    return textwrap.indent(text, "    ")


class ProgressBar:
    """A bar that redraws itself on a terminal, and is silent elsewhere."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0

    def advance(self, by: int) -> None:
        self.done += by
        if sys.stderr.isatty():
            end = "\n" if self.done >= self.total else ""
            print(f"\r  {self.what} {bar(self.done, self.total)}", end=end, file=sys.stderr, flush=True)
