"""A small soak: it is interrupted, goes on, and its law holds. And the check can fail: it finds each violation that is put into a copy."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import soak
from cloud import LocalCloud
from faults import ADMINISTRATOR, Faults, Shares
from progress import Problem
from settings import LOCAL
from soak_journal import Journal, Progress
from soak_plan import BATCH_EVENTS, FATES, KINDS, Plan, Round, endpoint, rounds
from soak_run import Soak
from tools import program

EVENTS = 1_500
NAME = "test-soak"


@pytest.fixture(scope="module")
def soaked() -> Iterator[tuple[Path, dict]]:
    """The folder and the report of a soak that was interrupted in its second round."""
    folder = LOCAL / NAME
    shutil.rmtree(folder, ignore_errors=True)
    arguments = soak.parse(["--events", str(EVENTS), "--seed", "1"])
    freeze = Soak.freeze

    def interrupted(self: Soak, of: Round) -> None:
        if of.number == 2:
            raise KeyboardInterrupt
        freeze(self, of)

    try:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Soak, "freeze", interrupted)
            soak.soak(arguments, folder, NAME)
        with (folder / "journal.jsonl").open("a") as journal:
            journal.write('{"round":2,"phase":"edits","requ')
        yield folder, soak.soak(arguments, folder, NAME)
    finally:
        if left_over := LocalCloud.running(NAME):
            left_over.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_after_kills_faults_and_an_interruption_the_law_holds(soaked):
    _, report = soaked
    assert report["holds"], [law for law in report["laws"] if law["violations"]]
    assert len(report["laws"]) > 15 and report["dead_letters"] == 0
    assert report["faults"]["errors"] + report["faults"]["lost_answers"] and report["killed"]["Freeze"]


def test_a_soak_that_goes_on_sends_everything_and_measures_it(soaked):
    _, report = soaked
    assert [(line["events"], line["rounds"]) for line in report["by_round_size"]] == [(400, 1), (500, 2)], "the interrupted round has no time"
    assert (report["events"], report["rounds"], report["timed_rounds"]) == (EVENTS + 400, 4, 3)
    kinds = {kind for _, kind, _ in report["figures"]["by_route"]}
    # A batch may take an edit together with its withdrawal.
    assert kinds | {"withdrawn_before"} == (set(KINDS) | {"conflict", "withdrawal", "revised_first", "revised_last", "withdrawn_before", "withdrawn_after"})
    assert report["peak_memory_bytes"]["freeze"] > 1_000_000 and report["figures"]["door_ms"]["p99"] > 0
    assert LocalCloud.running(NAME) is None


# -- violations, each put into a copy of the soak's folder --------------------------------------------------------------------


def rewrite_parts(folder: Path, route: str, change: Callable[[list[dict]], list[dict]]) -> None:
    """Changes the lines of a route's parts. Their names keep telling the number of their rows, so that nothing but the change is wrong."""
    for part in (folder / "lake").rglob(f"route={route}/**/*.jsonl"):
        lines = change([json.loads(line) for line in part.read_text().split("\n") if line])
        part.unlink()
        if lines:
            part.with_name(f"{part.name.rpartition('-n')[0]}-n{len(lines)}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def a_line(folder: Path, route: str) -> dict:
    return json.loads(next((folder / "lake").rglob(f"route={route}/**/*.jsonl")).read_text().split("\n")[0])


def event_of_kind(folder: Path, wanted: str) -> str:
    return next(entry[0] for line in Journal(folder).lines() for entry in line.get("entries", ()) if entry[1] == wanted)


def lose_a_line(folder: Path) -> None:
    lost = event_of_kind(folder, "trivial")
    rewrite_parts(folder, "dropped", lambda lines: [line for line in lines if line["event_id"] != lost])


def put_a_line_into_a_second_route(folder: Path) -> None:
    doubled, done = a_line(folder, "gold"), []
    rewrite_parts(folder, "review", lambda lines: lines + ([] if done else [done.append(1) or doubled]))


def like_an_event_in_two_routes(folder: Path) -> None:
    doubled, done = a_line(folder, "replay") | {"reasons": ["unsampled"], "prompt": None, "chosen": None}, []
    rewrite_parts(folder, "dropped", lambda lines: lines + ([] if done else [done.append(1) or doubled]))


def invent_an_event(folder: Path) -> None:
    invented, done = a_line(folder, "gold") | {"event_id": "never sent"}, []
    rewrite_parts(folder, "gold", lambda lines: lines + ([] if done else [done.append(1) or invented]))


def keep_the_text_of_a_withdrawal(folder: Path) -> None:
    rewrite_parts(folder, "dropped", lambda lines: [line | {"prompt": "kept"} if line["reasons"] == ["no_consent"] else line for line in lines])


def rewrite_rows(folder: Path, change: str) -> None:
    """Changes the rows of the newest data file, by an expression over pyarrow's `rows`."""
    file = max((folder / "lake" / "datasets").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    script = f"import pyarrow as pa, pyarrow.parquet as pq; file = {str(file)!r}; rows = pq.read_table(file); pq.write_table({change}, file)"
    subprocess.run([str(program("readers", "python")), "-c", script], check=True)


def lose_a_row(folder: Path) -> None:
    rewrite_rows(folder, "rows.slice(1)")


def double_a_row(folder: Path) -> None:
    rewrite_rows(folder, "pa.concat_tables([rows, rows.slice(0, 1)])")


def claim(kind: str, of_kind: str) -> Callable[[Path], None]:
    """Says of a pair that is in the versions that it should not be."""

    def change(folder: Path) -> None:
        journal = folder / "journal.jsonl"
        event = event_of_kind(folder, of_kind)
        journal.write_text(journal.read_text().replace(f'["{event}","{of_kind}"', f'["{event}","{kind}"'))

    return change


VIOLATIONS = {
    lose_a_line: "every acknowledged event has its line",
    put_a_line_into_a_second_route: "every line is of an acknowledged event, in the route of its kind, or of a pair that a freeze quarantined",
    like_an_event_in_two_routes: "no event is in two routes",
    invent_an_event: "every line is of an acknowledged event, in the route of its kind, or of a pair that a freeze quarantined",
    keep_the_text_of_a_withdrawal: "no line without consent has a text",
    lose_a_row: "every pair of gold is in the newest version, or was quarantined by a freeze, or waits",
    double_a_row: "no row is in the newest version twice",
    claim("withdrawn_before", "gold"): "what was withdrawn before a freeze was in no version",
    claim("withdrawn_after", "gold"): "what was withdrawn after a freeze left the versions",
    claim("conflict", "gold"): "of two contents under one id one entered, and the freeze quarantined the other",
}


@pytest.mark.parametrize("violate", VIOLATIONS, ids=[f"{law} ({number})" for number, law in enumerate(VIOLATIONS.values())])
def test_the_check_finds(soaked, tmp_path, violate):
    folder, _ = soaked
    copy = tmp_path / "soak"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("check.*"))
    violate(copy)
    found = soak.run_check(copy)
    assert not found["holds"]
    assert VIOLATIONS[violate] in {law["law"] for law in found["laws"] if law["violations"]}


# -- without a cloud ----------------------------------------------------------------------------------------------------------


def test_rounds_have_all_events_and_one_that_closes():
    for events in (600, 2_000, 50_000, 1_000_000):
        *plain, closing = rounds(events)
        assert sum(of.events for of in plain) == events and len(plain) >= 3 and closing.is_closing
        assert [of.first for of in plain] == list(itertools.accumulate((of.events for of in plain[:-1]), initial=0))


def test_a_seed_makes_the_same_requests_again_and_another_makes_others():
    of = Round(1, 0, 1_000)
    requests = lambda seed: [list(Plan(seed).phase(phase, of)) for phase in ("edits", "before", "during", "after")]
    assert requests(1) == requests(1) != requests(2)
    for batch in itertools.chain.from_iterable(requests(1)):
        assert len(batch) <= BATCH_EVENTS and len({endpoint(posting) for posting in batch}) == 1
    assert {Plan(1).drawn(number, of)[1] for number in range(5_000)} == {*FATES, ""}


def test_a_journal_that_was_cut_off_goes_on_after_its_last_whole_line(tmp_path):
    journal = Journal(tmp_path)
    of = Round(1, 0, 400)
    batch = next(Plan(1).phase("edits", of))
    journal.acknowledged(1, "edits", 0, batch, 5.0, 1)
    journal.stage(1, "frozen")
    with journal.file.open("a") as handle:
        handle.write('{"round":1,"sta')
    journal.mend()
    progress = Progress(journal)
    assert (progress.has(1, "edits", 0), progress.has(1, "edits", 1), progress.events) == (True, False, len(batch))
    assert (progress.is_past(1, "frozen"), progress.is_past(1, "round"), progress.rounds, progress.is_closed) == (True, False, 0, False)


def test_when_the_time_is_up_the_closing_round_follows_also_after_an_interruption(tmp_path):
    journal = Journal(tmp_path)
    journal.stage(1, "round", closing=False)
    (closing,) = soak.left(50_000, Progress(journal), deadline=0.0)
    assert (closing.number, closing.is_closing) == (2, True)
    journal.stage(2, "closing")
    assert [of.is_closing for of in soak.left(50_000, Progress(journal), deadline=float("inf"))] == [True]
    journal.stage(2, "round", closing=True)
    assert list(soak.left(50_000, Progress(journal), deadline=float("inf"))) == []


def test_two_soaks_at_once_are_refused(tmp_path):
    with soak.alone(tmp_path / "soak"):
        with pytest.raises(Problem, match="at work"), soak.alone(tmp_path / "soak"):
            pytest.fail("a second soak began")
    with soak.alone(tmp_path / "soak"):
        pass


@pytest.mark.parametrize(("arguments", "complaint"), [(["--events", "5"], "too few"), (["--events", "many"], None)])
def test_arguments_that_make_no_sense_are_refused_before_anything_starts(arguments, complaint, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["soak.py", *arguments])
    with pytest.raises(Problem if complaint else SystemExit, match=complaint):
        soak.main()


@pytest.mark.parametrize("body", ['{"erors": 0.1}', '{"errors": 2}', '{"errors": "x"}', "[]", "no JSON", '{"slow_seconds": 600}'])
def test_faults_that_make_no_sense_are_refused(body):
    with pytest.raises(ValueError):
        Shares.parse(body.encode())


@pytest.mark.parametrize(("shares", "status", "is_carried_out"), [
    ({}, 200, True), ({"errors": 1}, 503, False), ({"lost_answers": 1}, 500, True), ({"slow": 1, "slow_seconds": 0.01}, 200, True)])
def test_a_fault_is_an_error_a_lost_answer_or_a_slow_one(shares, status, is_carried_out):
    assert answered(shares, "AKFUNCTION", "s3") == (status, is_carried_out)
    assert answered(shares, ADMINISTRATOR, "s3") == (200, True), "the administrator reads the lake undisturbed"
    assert answered(shares, "AKFUNCTION", "sqs") == (200, True), "only S3 has faults"


def answered(shares: dict, signer: str, service: str) -> tuple[int, bool]:
    """The status that a client gets, and `True` if the request was carried out."""
    sent, carried_out = [], []

    async def serve(_scope: dict, _receive: object, send: Callable) -> None:
        carried_out.append(True)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: dict) -> None:
        sent.append(message)

    faults = Faults()
    faults.shares = Shares(**shares)
    signed = f"AWS4-HMAC-SHA256 Credential={signer}/20261130/us-east-1/{service}/aws4_request, SignedHeaders=host".encode()
    scope = {"type": "http", "method": "PUT", "path": "/lake/key", "headers": [(b"authorization", signed)]}
    asyncio.run(faults.wrapped(serve)(scope, None, send))
    return sent[0]["status"], bool(carried_out)
