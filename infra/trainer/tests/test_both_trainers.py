"""Both trainers on the same files: their scores of the same model have to agree, and each has to write the gate's input.

FLYWHEEL_TRAINER names the embedded trainer's binary (cargo build --release -p flywheel-trainer); without it the comparison cannot run.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import PAIRS, REPLAY, describe, write_run
from test_train import output, train

EMBEDDED = os.environ.get("FLYWHEEL_TRAINER")
needs_both = pytest.mark.skipif(not EMBEDDED, reason="FLYWHEEL_TRAINER is not set")
GOLDEN = Path(__file__).parents[3] / "crates" / "trainer" / "tests" / "golden"
TOLERANCE = 1e-3


@needs_both
@pytest.mark.parametrize("golden", ["chatml", "llama2"])
def test_they_agree_on_the_model_that_both_start_from(tmp_path: Path, golden: str) -> None:
    folder = GOLDEN if golden == "chatml" else GOLDEN / golden
    (tmp_path / "input").symlink_to(folder / "input")
    both(tmp_path, folder / "base")


@needs_both
def test_they_agree_on_what_is_left_out_and_what_is_equal(tmp_path: Path) -> None:
    base, long = GOLDEN / "base", "word " * 60
    described = describe(base)
    described["training"] |= {"max_length": 40, "epochs": 1, "learning_rate": 0.001}
    rows = [*PAIRS[:6], PAIRS[6] | {"chosen": ""}, PAIRS[7] | {"prompt": long}, PAIRS[8] | {"rejected": long},
            PAIRS[9] | {"chosen": long + "a", "rejected": long + "b"}, PAIRS[10] | {"prompt_messages": []}]
    write_run(tmp_path / "input", described, train=rows, heldout=rows, replay_train=[*REPLAY[:4], REPLAY[4] | {"prompt": long}])
    report = both(tmp_path, base)
    assert report["left_out"] == {"no_room": 2, "equal": 1}


def both(folder: Path, base: Path) -> dict[str, Any]:
    """Trains with both, which have to agree; returns this trainer's report."""
    done = train(folder, base)
    assert done.returncode == 0, done.stderr[-2000:]
    other = folder / "embedded"
    subprocess.run([str(EMBEDDED), "train", "--input", str(folder / "input"), "--base", str(base), "--output",
                    str(other / "output")], check=True, capture_output=True)
    (report, rows), (other_report, other_rows) = output(folder), output(other)
    assert report.keys() == other_report.keys()
    for name in ("run", "input_sha256", "base_files", "rows", "truncated", "dropped", "left_out"):
        assert report.get(name) == other_report.get(name), name
    assert len(rows) == len(other_rows)
    for row, other_row in zip(rows, other_rows):
        agree(row, other_row, candidate=False)
    return report


def agree(ours: Any, theirs: Any, *, candidate: bool) -> None:
    """Checks for the same keys, and the same values except the candidates', which began with other random matrices."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for name in ours:
            agree(ours[name], theirs[name], candidate=candidate or name == "candidate")
    elif isinstance(ours, float) and not candidate:
        assert ours == pytest.approx(theirs, abs=TOLERANCE)
    elif not candidate:
        assert ours == theirs
