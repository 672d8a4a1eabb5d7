"""A run's files, written without a lake, and the scores that are read from them."""

from __future__ import annotations

import hashlib
import json
import math

import pytest

from progress import Problem
from run_folder import Measured, measured, pair, read_events, replay, split, write_input
from settings import REPOSITORY

EVENTS = REPOSITORY / "events" / "smollm"
EDITS, LIKES = read_events(EVENTS / "edits.jsonl"), read_events(EVENTS / "likes.jsonl")


def test_nothing_that_is_held_out_is_trained_on():
    train, held_out = split([pair(edit) for edit in EDITS])
    assert (len(train), len(held_out)) == (80, 16)
    assert not {row["prompt"] for row in train} & {row["prompt"] for row in held_out}
    assert {row["pair_id"] for row in train + held_out} == {edit["event_id"] for edit in EDITS}


def test_a_run_names_the_hash_and_rows_of_each_of_its_files(tmp_path):
    base = {"id": "b", "prefix": "models/b/", "files": {}}
    write_input(tmp_path, [pair(edit) for edit in EDITS], [replay(like) for like in LIKES], base, {"seed": 7})
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["base"], run["seed"], run["incumbent"]) == (base, 7, None)
    assert {name: file["rows"] for name, file in run["files"].items()} == {
        "train.jsonl": 80, "heldout.jsonl": 16, "replay_train.jsonl": 20, "replay_heldout.jsonl": 4}
    for name, file in run["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == file["sha256"]
    assert read_events(tmp_path / "heldout.jsonl")[1] == pair(EDITS[6])


def row(chosen: float | None, rejected: float) -> dict:
    return {"kind": "pair", "candidate": {"logp_chosen": chosen, "logp_rejected": rejected}}


def test_what_is_measured_is_the_mean_of_rows_and_of_tokens():
    liked = [{"kind": "replay", "tokens": tokens, "candidate": {"logp": logp}} for tokens, logp in ((3, -1.0), (1, -2.0))]
    found = measured([row(-4.0, -1.0), row(-2.0, -9.0), *liked], "candidate")
    assert found == Measured(chosen=-3.0, rejected=-5.0, replay=0.75)
    assert found.margin == 2.0


@pytest.mark.parametrize("score", [None, math.nan, -math.inf])
def test_a_score_that_is_no_number_is_a_problem(score):
    with pytest.raises(Problem, match="not all numbers"):
        measured([row(score, -1.0), {"kind": "replay", "tokens": 1, "candidate": {"logp": -1.0}}], "candidate")
