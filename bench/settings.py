"""Where things are."""

from __future__ import annotations

import os
from pathlib import Path

BENCH = Path(__file__).resolve().parent
PLAIN_RULE = BENCH / "plain_rule.toml"
REPOSITORY = BENCH.parent
LOCAL = REPOSITORY / ".local"
RESULTS = BENCH / "RESULTS.md"

# Written and read in memory where there is such a place: no disk is measured.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# Edits of real people, where somebody has put them beside the repository.
REAL_EDITS = REPOSITORY.parent / "shared" / "data" / "edits"
DEMO_EDITS = REPOSITORY / "events" / "demo"

FUNCTIONS = ("ingest", "curate", "counter", "freeze")
