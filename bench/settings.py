"""Paths that the benchmarks share."""

from __future__ import annotations

import os
from pathlib import Path

BENCH = Path(__file__).resolve().parent
PLAIN_RULE = BENCH / "plain_rule.toml"
REPOSITORY = BENCH.parent
LOCAL = REPOSITORY / ".local"
RESULTS = BENCH / "RESULTS.md"

# In memory where the machine has such a folder, so that no disk is measured.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# Edits of real people, if they are beside the repository.
REAL_EDITS = REPOSITORY.parent / "shared" / "data" / "edits"
DEMO_EDITS = REPOSITORY / "events" / "demo"

FUNCTIONS = ("ingest", "curate", "counter", "freeze")
