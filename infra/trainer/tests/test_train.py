"""Whole runs of `train.py`, as a process: its output, its refusals, and its resumption after a stop."""

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
from transformers import AutoTokenizer

from contract import read_run
from scoring import end_tokens
from templates import Today, render
from tokens import Tokens
from train import Examination, load, longest

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
    """One run for several tests."""
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
    assert report["dropped"] == 1 and report["truncated"] >= 1 and report["left_out"] == {"no_room": 1}


def test_pairs_that_truncation_makes_equal_are_left_out_by_name_and_marked_where_they_are_measured(
    base: Path, described: dict[str, Any], tmp_path: Path
) -> None:
    described["training"]["max_length"] = 40
    long = "word " * 60
    equal = PAIRS[14] | {"chosen": long + "a", "rejected": long + "bc"}
    # An empty answer is one: the model ends it at once.
    rows = [*PAIRS[:13], PAIRS[13] | {"chosen": ""}, equal, PAIRS[15] | {"prompt": long}]
    write_run(tmp_path / "input", described, train=rows, heldout=[PAIRS[16], equal])
    done = train(tmp_path, base)
    assert done.returncode == 0, done.stderr[-2000:]
    report, (first, second, *_) = output(tmp_path)
    assert (report["dropped"], report["left_out"]) == (2, {"equal": 1, "no_room": 1})
    assert "1 rows are left out: both answers are the same tokens" in done.stderr
    assert "1 held-out pairs say nothing: both answers are the same tokens" in done.stderr
    assert "equal" not in first and second["equal"] is True
    for side in ("incumbent", "candidate"):
        assert second[side]["logp_chosen"] == second[side]["logp_rejected"] < 0


def test_a_run_of_which_nothing_is_left_says_why(base: Path, described: dict[str, Any], tmp_path: Path) -> None:
    same = [PAIRS[0] | {"rejected": PAIRS[0]["chosen"]}, PAIRS[1] | {"prompt": "word " * 200}]
    write_run(tmp_path / "input", described, train=same)
    assert train(tmp_path, base).returncode == 1
    assert (tmp_path / "failure").read_text() == "no pairs to train on: 1 rows equal, 1 rows no_room"


def with_template(base: Path, folder: Path, template: str) -> Path:
    shutil.copytree(base, folder)
    (folder / "chat_template.jinja").write_text(template)
    return folder


@pytest.mark.parametrize(("template", "says"), [
    ("{{ strftime_now('%Y') }}", "strftime_now: run.json has no prepared_at, and the chat template asks for a date"),
    ("{{ raise_exception('No such role.') }}", "the chat template refuses a prompt: No such role."),
    ("{{ raise_exception('I refuse ' ~ messages[0].content) }}", "the chat template refuses a prompt: TemplateError"),
    ("{{ messages[0].content.nothing() }}", "the chat template refuses a prompt: UndefinedError"),
    ("{{ nothing }}", "the chat template refuses a prompt: it renders it as nothing"),
])
def test_a_template_that_refuses_is_named_and_the_prompt_is_not_quoted(
    base: Path, tmp_path: Path, template: str, says: str
) -> None:
    base = with_template(base, tmp_path / "base", template)
    write_run(tmp_path / "input", describe(base))
    assert train(tmp_path, base).returncode == 1
    assert (tmp_path / "failure").read_text() == says


def test_a_template_that_asks_for_the_date_is_told_that_of_the_run(base: Path, tmp_path: Path) -> None:
    folder = with_template(base, tmp_path / "base", "{{ strftime_now('%d %b %Y, %H:%M') }} {{ messages[0].content }}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for at, said in (("2026-11-05T21:03:07.250Z", "05 Nov 2026, 21:03"), ("2026-11-06T01:00:00+02:00", "05 Nov 2026, 23:00")):
        assert render(tokenizer, [{"role": "user", "content": "hi"}], Today.at(at)) == f"{said} hi"


def test_answers_are_greedy_whatever_the_base_recommends(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(base, folder)
    (folder / "generation_config.json").write_text(json.dumps({"repetition_penalty": 1.9, "do_sample": True, "temperature": 9.0}))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": [5, 2]}))
    write_run(tmp_path / "input", described := describe(folder))
    write_run(tmp_path / "plain", described)
    run, tokenizer = read_run(tmp_path / "input"), AutoTokenizer.from_pretrained(folder)
    examination = Examination(run, Tokens(tokenizer, 128))
    model, plain = load(folder), load(base)
    assert end_tokens(model, tokenizer) == [2, 5]
    plain.config.eos_token_id = [5, 2]
    assert examination.sit(model, tokenizer) == examination.sit(plain, tokenizer)
    assert longest(run, folder) == 128


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
    ("unnamed", "tokenizer_config.json is in the base's folder, and run.json does not name it"),
    ("field", "run.json: KeyError: 'objective'"),
    ("job", "hyperparameters.run is crossing-2-attempt-1, and run.json is of crossing-1-attempt-1"),
    ("rate", "at step"),
])
def test_what_is_wrong_is_named_where_sagemaker_looks(
    base: Path, described: dict[str, Any], tmp_path: Path, what: str, says: str
) -> None:
    if what == "base":
        described["base"]["files"]["model.safetensors"] = "0" * 64
    if what == "unnamed":
        del described["base"]["files"]["tokenizer_config.json"]
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
