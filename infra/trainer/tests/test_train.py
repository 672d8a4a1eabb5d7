"""Whole runs of `train.py`, as a process: what it writes, what it refuses, and that it goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import PAIRS, REPLAY, describe, write_run

SCRIPT = Path(__file__).parent.parent / "train.py"


def command(folder: Path, base: Path, *more: str) -> list[str]:
    places = ("input", "output", "checkpoints", "failure", "incumbent", "hyperparameters")
    options = [option for name in places for option in (f"--{name}", str(folder / name))]
    return [sys.executable, str(SCRIPT), "--base", str(base), *options, *more]


def train(folder: Path, base: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, base, *more), capture_output=True, text=True)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def output(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    report = json.loads((folder / "output" / "run.json").read_text())
    rows = (folder / "output" / "rows.jsonl").read_text().splitlines()
    return report, [json.loads(row) for row in rows]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """One run that several tests look at."""
    folder = tmp_path_factory.mktemp("trained")
    write_run(folder / "input", describe(base))
    done = train(folder, base)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_what_it_writes_is_what_it_says(trained: Path, base: Path) -> None:
    report, rows = output(trained)
    assert report["run"] == "crossing-1-attempt-1"
    assert report["input_sha256"] == sha256(trained / "input" / "run.json")
    assert report["base_files"]["model.safetensors"] == sha256(base / "model.safetensors")
    for named, name in (("adapter", "adapter_model.safetensors"), ("config", "adapter_config.json"), ("rows", "rows.jsonl")):
        assert report[f"{named}_sha256"] == sha256(trained / "output" / name)
    assert (report["rows"], report["truncated"], report["dropped"]) == (len(rows), 0, 0)
    assert report["summary"]["trained_tokens"] > 8 * 16 * 2 * 10 and 0 < report["summary"]["training_seconds"] < report["seconds"]
    pairs, replay = [r for r in rows if r["kind"] == "pair"], [r for r in rows if r["kind"] == "replay"]
    assert [row["pair_id"] for row in pairs] == [row["pair_id"] for row in PAIRS[16:]]
    assert [row["event_id"] for row in replay] == [row["event_id"] for row in REPLAY[16:]]
    assert rows == pairs + replay


def test_it_learns_what_users_wrote_and_keeps_the_rest(trained: Path) -> None:
    _, rows = output(trained)

    def mean(who: str, what: str) -> float:
        values = [row[who][what] for row in rows if what in row[who]]
        return sum(values) / len(values)

    assert mean("candidate", "logp_chosen") > mean("incumbent", "logp_chosen") + 2
    assert mean("candidate", "logp") > mean("incumbent", "logp") + 2


def incumbent_in(folder: Path) -> dict[str, Any]:
    return {"adapter": "a", "prefix": "x", "sha256": sha256(folder / "adapter_model.safetensors"),
            "config_sha256": sha256(folder / "adapter_config.json")}


@pytest.mark.parametrize(("weights", "what_grows"), [
    ({"dpo": 1.0, "sft": 0.0, "replay": 0.0}, lambda side: side["logp_chosen"] - side["logp_rejected"]),
    ({"dpo": 0.0, "sft": 1.0, "replay": 0.0}, lambda side: side["logp_chosen"]),
])
def test_a_term_can_be_left_out(
    base: Path, described: dict[str, Any], tmp_path: Path, weights: dict[str, float], what_grows: Callable[[dict[str, Any]], float]
) -> None:
    described["objective"] |= weights
    write_run(tmp_path / "input", described)
    done = train(tmp_path, base)
    assert done.returncode == 0, done.stderr[-2000:]
    _, rows = output(tmp_path)
    pairs = [row for row in rows if row["kind"] == "pair"]
    assert sum(what_grows(row["candidate"]) - what_grows(row["incumbent"]) for row in pairs) > 2 * len(pairs)


def test_the_live_adapter_is_the_incumbent(trained: Path, base: Path, described: dict[str, Any], tmp_path: Path) -> None:
    live = trained / "output"
    described["incumbent"] = incumbent_in(live)
    write_run(tmp_path / "input", described)
    done = train(tmp_path, base, "--incumbent", str(live))
    assert done.returncode == 0, done.stderr[-2000:]
    _, before = output(trained)
    _, after = output(tmp_path)
    for was, now in zip(before, after, strict=True):
        for name, value in was["candidate"].items():
            assert now["incumbent"][name] == pytest.approx(value, abs=1e-3) if name != "output" else True


def test_stopped_and_called_again_it_ends_the_same(
    trained: Path, base: Path, described: dict[str, Any], tmp_path: Path
) -> None:
    write_run(tmp_path / "input", described)
    process = subprocess.Popen(command(tmp_path, base), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "checkpoints").glob("checkpoint-*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)
    stopped = process.wait()
    if stopped == 0:
        pytest.skip("it was done before it could be stopped")
    assert stopped == 143 and not (tmp_path / "output").exists()
    done = train(tmp_path, base)
    assert done.returncode == 0 and "goes on from checkpoint-" in done.stderr
    adapter = Path("output") / "adapter_model.safetensors"
    assert sha256(tmp_path / adapter) == sha256(trained / adapter)


def test_what_does_not_fit_is_counted(base: Path, described: dict[str, Any], tmp_path: Path) -> None:
    described["training"]["max_length"] = 40
    long = "word " * 60
    rows = [*PAIRS[:14], PAIRS[14] | {"prompt": long}, PAIRS[15] | {"chosen": long}]
    write_run(tmp_path / "input", described, train=rows)
    done = train(tmp_path, base)
    assert done.returncode == 0, done.stderr[-2000:]
    report, _ = output(tmp_path)
    assert report["dropped"] == 1 and report["truncated"] >= 1


@pytest.mark.parametrize(("file", "says"), [
    ("adapter_model.safetensors", "adapter_model.safetensors is not the file that run.json names"),
    ("adapter_config.json", "adapter_config.json is not the file that run.json names"),
    (None, "run.json: KeyError: 'config_sha256'"),
])
def test_another_adapter_than_the_live_one_is_no_incumbent(
    trained: Path, base: Path, described: dict[str, Any], tmp_path: Path, file: str | None, says: str
) -> None:
    live = tmp_path / "live"
    shutil.copytree(trained / "output", live)
    described["incumbent"] = incumbent_in(live)
    if file is None:
        del described["incumbent"]["config_sha256"]
    else:
        (live / file).write_bytes((live / file).read_bytes().replace(b'"lora_alpha": 8', b'"lora_alpha": 4') + b"\n")
    write_run(tmp_path / "input", described)
    assert train(tmp_path, base, "--incumbent", str(live)).returncode == 1
    assert says in (tmp_path / "failure").read_text()


@pytest.mark.parametrize(("what", "says"), [
    ("rows", "heldout.jsonl is not the file that run.json names"),
    ("base", "model.safetensors is not the file that run.json names"),
    ("field", "run.json: KeyError: 'objective'"),
    ("job", "hyperparameters.run is crossing-2-attempt-1, and run.json is of crossing-1-attempt-1"),
    ("rate", "at step"),
])
def test_what_is_wrong_is_named_where_sagemaker_looks(
    base: Path, described: dict[str, Any], tmp_path: Path, what: str, says: str
) -> None:
    if what == "base":
        described["base"]["files"]["model.safetensors"] = "0" * 64
    if what == "field":
        del described["objective"]
    if what == "rate":
        described["training"] |= {"learning_rate": 1e30, "max_gradient_norm": 1e30}
    write_run(tmp_path / "input", described)
    if what == "rows":
        (tmp_path / "input" / "heldout.jsonl").write_bytes(b"{}\n")
    if what == "job":
        (tmp_path / "hyperparameters").write_text(json.dumps({"run": "crossing-2-attempt-1"}))
    done = train(tmp_path, base)
    assert done.returncode == 1
    assert says in (tmp_path / "failure").read_text()
    assert not (tmp_path / "output").exists()
