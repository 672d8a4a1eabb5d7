"""Both trainers on the same files: what they say of the same model has to be the same, and each has to write what the gate reads.

FLYWHEEL_TRAINER names the embedded trainer's binary (cargo build --release -p flywheel-trainer); without it there is nothing to compare.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_train import output, train

EMBEDDED = os.environ.get("FLYWHEEL_TRAINER")
GOLDEN = Path(__file__).parents[3] / "functions" / "trainer" / "tests" / "golden"
TOLERANCE = 1e-3


@pytest.mark.skipif(not EMBEDDED, reason="FLYWHEEL_TRAINER is not set")
def test_they_agree_on_the_model_that_both_start_from(tmp_path: Path) -> None:
    (tmp_path / "input").symlink_to(GOLDEN / "input")
    done = train(tmp_path, GOLDEN / "base")
    assert done.returncode == 0, done.stderr[-2000:]
    other = tmp_path / "embedded"
    subprocess.run([str(EMBEDDED), "train", "--input", str(GOLDEN / "input"), "--base", str(GOLDEN / "base"), "--output",
                    str(other / "output")], check=True, capture_output=True)
    (report, rows), (other_report, other_rows) = output(tmp_path), output(other)
    assert report.keys() == other_report.keys()
    for name in ("run", "input_sha256", "base_files", "rows", "truncated", "dropped"):
        assert report[name] == other_report[name], name
    assert len(rows) == len(other_rows)
    for row, other_row in zip(rows, other_rows):
        agree(row, other_row, candidate=False)


def agree(ours: Any, theirs: Any, *, candidate: bool) -> None:
    """The same keys, and the same values but for the candidates', which began with other random matrices."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for name in ours:
            agree(ours[name], theirs[name], candidate=candidate or name == "candidate")
    elif isinstance(ours, float) and not candidate:
        assert ours == pytest.approx(theirs, abs=TOLERANCE)
    elif not candidate:
        assert ours == theirs
