"""Pages that are made from other files of the repository."""

from __future__ import annotations

from pathlib import Path

from progress import Problem, say


def write(page: Path, text: str, check: bool, outdated: Problem) -> None:
    """Writes a page; with `check` it writes nothing, and raises `outdated` if the page has another text."""
    if page.exists() and page.read_text() == text:
        say(f"{page.name} is up to date")
        return
    if check:
        raise outdated
    page.write_text(text)
    say(f"{page.name} is written anew")
