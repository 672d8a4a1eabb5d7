"""Process groups: recognises our own, and ends them as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

GRACE_SECONDS = 3.0
PROC = Path("/proc")


def started_at(pid: int) -> str | None:
    """Returns the start time of a process, or None without such a process.

    A pid alone is no lasting name, because the kernel reuses it. A pid with its start time is one.
    """
    if PROC.joinpath("self/stat").exists():
        try:
            after_name = PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, start_ticks = after_name[0], after_name[19]
        return None if state in "ZX" else start_ticks
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip() or None


def members(group: int) -> list[int]:
    """Returns the living processes of a group. Empty on a system without /proc."""
    found = []
    for entry in PROC.glob("[0-9]*"):
        try:
            after_name = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(after_name[2]) == group and after_name[0] not in "ZX":
            found.append(int(entry.name))
    return sorted(found)


def is_alive(group: int) -> bool:
    """Returns `True` if a process of the group still runs; an unreaped zombie does not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS, for a group of zombies
        return False
    return bool(members(group)) if PROC.joinpath("self/stat").exists() else True


def end_group(group: int) -> None:
    """Asks a group to stop, then kills its remaining processes. Returns once none runs."""
    for stop_signal in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, stop_signal)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + GRACE_SECONDS
        while is_alive(group):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


def environment_of(pid: int) -> dict[str, str]:
    """Returns the environment that a process was started with (Linux only; elsewhere empty)."""
    try:
        raw = PROC.joinpath(str(pid), "environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition("=") for entry in raw.decode(errors="replace").split("\0") if "=" in entry)
    return {name: value for name, _, value in pairs}
