"""Makes edits from a repository's history: each text file that a commit modified, before and after. It is the plainest source of real
corrections of long texts, and every project has one.

    commits.py <repository> [--most 400] [--revisions HEAD] > edits.jsonl
    flywheel replay edits.jsonl > /dev/null          # their routes
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator

# A commit that modifies more files renames or formats: one such commit would be a third of the sample.
MOST_FILES = 5

# Longer files hold data, or a program's output.
MOST_BYTES = 100_000

LEFT_OUT = re.compile(r"(^|/)(Cargo\.lock|package-lock\.json|yarn\.lock|go\.sum|CHANGES.*|CHANGELOG.*|HISTORY.*|History.*)$|\.(json|svg|snap)$")

TYPO = re.compile(r"\b(typos?|spelling|misspell\w*|grammar)\b", re.IGNORECASE)
FIX = re.compile(r"\b(fix(e[sd])?|bug(s|fix)?|correct(s|ed|ly)?|wrong|regression|panic|crash)\b", re.IGNORECASE)


def git(repository: str, *arguments: str, given: str | None = None) -> bytes:
    return subprocess.run(["git", "-C", repository, *arguments], input=given and given.encode(), stdout=subprocess.PIPE, check=True).stdout


def kind(subject: str) -> str:
    """The kind of a commit, by its subject."""
    if TYPO.search(subject):
        return "typo"
    return "fix" if FIX.search(subject) else "other"


def modified(repository: str, revisions: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Yields commit, subject, path, and the names of the file's old and new content; newest first, each change once."""
    seen = set()
    log = git(repository, "log", "--no-merges", "--diff-filter=M", "--raw", "--no-abbrev", "--no-renames", "--format=%x01%H %s", revisions)
    for commit in log.decode(errors="replace").split("\x01")[1:]:
        head, *rows = commit.strip().split("\n")
        sha, _, subject = head.partition(" ")
        rows = [row for row in rows if row.startswith(":100")]
        if len(rows) > MOST_FILES:
            continue
        for row in rows:
            facts, path = row.split("\t", 1)
            _, _, before, after, _ = facts.split(" ")
            if LEFT_OUT.search(path) or (before, after) in seen:
                continue
            seen.add((before, after))
            yield sha, subject, path, before, after


def text(repository: str, blob: str) -> str | None:
    content = git(repository, "cat-file", "blob", blob)
    if len(content) > MOST_BYTES or b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def edits(repository: str, revisions: str, kinds: list[str], most: int) -> Iterator[dict[str, object]]:
    """Yields the newest edits of each kind, at most `most`."""
    left = dict.fromkeys(kinds, most)
    for sha, subject, path, before, after in modified(repository, revisions):
        sort = kind(subject)
        if not left.get(sort):
            continue
        old, new = text(repository, before), text(repository, after)
        if not old or not new or not old.strip() or not new.strip():
            continue
        left[sort] -= 1
        yield {
            "event_id": f"{sha[:12]}-{before[:8]}-{after[:8]}",
            "prompt": f"Write {path}.",
            "original_llm_output": old,
            "final_user_edit": new,
            "context": {"kind": sort},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description="edits out of a repository's history, one a line")
    parser.add_argument("repository")
    parser.add_argument("--revisions", default="HEAD", help="as git names them, such as v1.0..v2.0 or --all")
    parser.add_argument("--most", type=int, default=400, help="of each kind: typo, fix, other")
    given = parser.parse_args()
    for edit in edits(given.repository, given.revisions, ["typo", "fix", "other"], given.most):
        sys.stdout.write(json.dumps(edit) + "\n")


if __name__ == "__main__":
    main()
