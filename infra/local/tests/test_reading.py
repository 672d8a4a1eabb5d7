"""A lake in a folder, written by the functions' own code and read by other readers, as in `docs/READING.md`. Without a cloud."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
from pathlib import Path

import pytest

import making
from operating import binary
from settings import REPOSITORY
from tools import program

MINIMAL = {"prompt", "original_llm_output", "final_user_edit"}
MESSAGES = "list<item: struct<role: string, content: string>>"
SHAPES = {
    "trl-messages": {"prompt": MESSAGES, "chosen": MESSAGES, "rejected": MESSAGES},
    "trl": {"prompt": "string", "chosen": "string", "rejected": "string"},
    "kto": {"prompt": MESSAGES, "completion": MESSAGES, "label": "bool"},
    "sft": {"messages": MESSAGES},
    "openai": {"input": f"struct<messages: {MESSAGES}>", "preferred_output": MESSAGES, "non_preferred_output": MESSAGES},
}
"""The columns of each format in Parquet, with pyarrow's names of types; for TRL in its trainers' format."""


def read(reader: str, *arguments: object) -> dict | list:
    script = Path(__file__).with_name("outside_readers.py")
    command = [str(program("readers", "python")), str(script), reader, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as cache:
        ran = subprocess.run(command, env=os.environ | {"HF_HOME": cache}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


def minimal(event: dict) -> dict:
    """The three fields that every edit has, and no other."""
    return {name: value for name, value in event.items() if name in MINIMAL}


def dated(**fields: object) -> dict:
    """An edit of one date to another, with nothing else in either text."""
    return making.edit(*(f"20{random.randint(10, 99)}-{month:02}-{random.randint(1, 28):02}" for month in random.sample(range(1, 13), 2)), **fields)


def make_lake(folder: Path, *parts: list[dict], policy: str = "") -> Path:
    """A lake of these events, each list a curated batch, and one version."""
    files = []
    for number, events in enumerate(parts):
        files.append(folder.with_name(f"{folder.name}-{number}.jsonl"))
        files[-1].write_text("".join(json.dumps(event) + "\n" for event in events))
    rules = folder.with_name(f"{folder.name}.toml")
    rules.write_text(policy)
    subprocess.run([binary("freeze_folder"), "--policy", str(rules), str(folder), *map(str, files)], check=True)
    return folder


def export(lake: Path, file: str, *arguments: str) -> dict:
    """Returns the command's output as JSON. The file is in the lake's folder."""
    command = [binary(), "export", "--lake", str(lake), "--output", str(lake / file), "--json", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def dates(tmp_path_factory) -> Path:
    """A lake whose answers are all dates, with the three-field events first; exported as in the documentation."""
    folder = tmp_path_factory.mktemp("dates") / "lake"
    make_lake(folder, [minimal(dated()), minimal(dated())], [making.rich(dated()), minimal(dated())], [dated() for _ in range(4)])
    export(folder, "train.jsonl")
    export(folder, "train.parquet", "--format", "parquet")
    return folder


ALL = ("pyarrow", "datasets", "duckdb")


def test_parts_load_in_any_order(tmp_path):
    edit = making.gold
    lake = make_lake(tmp_path / "lake", [minimal(edit()), minimal(edit())], [minimal(edit()), making.rich(edit()), minimal(edit())],
                     [making.feedback("regenerate"), making.feedback("copy", comment="2026-11-22")])
    parts = sorted((lake / "dpo_gold_v1").rglob("*.jsonl"))
    assert [part.parts[-4] for part in parts] == ["route=gold"] * 2 + ["route=signals"]
    first = lines(parts[0])[0]
    assert not first["tags"] and first["model"] is first["thread_id"] is first["feedback"] is None, "there is nothing to guess a type from"
    # A line of a release without the last column, and of one with another column.
    column, others = list(first)[-1], lake / "others.jsonl"
    old = [{name: value for name, value in line.items() if name != column} for line in lines(parts[1])]
    new = [line | {"of_tomorrow": {"at": "2026-11-22"}} for line in reversed(lines(parts[1]))]
    others.write_text("".join(json.dumps(line) + "\n" for line in old + new))
    assert read("orders", *parts, others) == {"rows": 2 + 3 + 2 + 6, "orders": 24, "alike": dict.fromkeys(ALL, 24)}


def test_the_longest_lines_load(tmp_path):
    """A line has a chat prompt twice: an event of almost 1 MiB makes a line of almost 2."""
    long = making.gold(prompt=[{"role": "user", "content": "Is it paid? " * 85_000}])
    lake = make_lake(tmp_path / "lake", [minimal(making.gold()), long])
    part, = (lake / "dpo_gold_v1").rglob("*.jsonl")
    assert part.stat().st_size > 2_000_000
    assert read("orders", part) == {"rows": 2, "orders": 1, "alike": dict.fromkeys(ALL, 1)}


def test_the_log_is_read_as_documented_though_every_answer_is_a_date(dates):
    pairs, log, gold, routes, from_parquet, from_lines = read("documented", REPOSITORY / "docs/READING.md", dates)
    expected = [line for part in sorted((dates / "dpo_gold_v1").rglob("*.jsonl")) for line in lines(part)]
    texts = sorted((line["chosen"], line["rejected"]) for line in expected)
    assert len(texts) == 8 and all(len(text) == len("2026-11-22") for both in texts for text in both)
    for rows in (pairs, log, gold, routes):
        assert sorted((row["chosen"], row["rejected"]) for row in rows) == texts
    for rows in (log, gold, routes):
        assert {row["event_id"]: row["curated_at"] for row in rows} == {line["event_id"]: line["curated_at"] for line in expected}
        assert [row["feedback"]["comment"] for row in rows if row["feedback"]] == ["2026-11-22"]
    assert from_lines == from_parquet == lines(dates / "train.jsonl")
    assert sorted((row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in from_lines) == texts


@pytest.mark.parametrize("form", SHAPES)
def test_parquet_has_the_same_rows_as_json_lines_with_the_types_that_trainers_take(dates, form):
    as_lines, as_table = export(dates, f"{form}.jsonl", "--format", form), export(dates, f"{form}.parquet", "--format", form, "--as", "parquet")
    assert (as_lines["as"], as_table["as"]) == ("jsonl", "parquet") and as_lines["pairs"] == as_table["pairs"] == 8
    found = read("exports", dates / f"{form}.jsonl", dates / f"{form}.parquet")
    of_lines, of_table = found.values()
    assert of_table["rows"] == of_lines["rows"] == lines(dates / f"{form}.jsonl") and of_table["alike"]
    assert of_table["pyarrow"] == SHAPES[form] and of_table["datasets"] == of_lines["datasets"]
    duckdb = {"string": "VARCHAR", "bool": "BOOLEAN", MESSAGES: 'STRUCT("role" VARCHAR, "content" VARCHAR)[]'}
    assert of_table["duckdb"] == {name: duckdb.get(kind, f"STRUCT(messages {duckdb[MESSAGES]})") for name, kind in SHAPES[form].items()}
    assert "timestamp" not in of_table["datasets"]


def test_parquet_is_the_default_format_with_types(dates):
    assert export(dates, "named.parquet", "--format", "trl-messages", "--as", "parquet")["format"] == "trl-messages"
    assert (dates / "named.parquet").read_bytes() == (dates / "train.parquet").read_bytes()
    refused = subprocess.run([binary(), "export", "--lake", str(dates), "--output", "-", "--format", "parquet", "--as", "jsonl"],
                             capture_output=True, text=True)
    assert refused.returncode == 2 and "--format parquet is Parquet" in refused.stderr


def test_ratings_are_exported_without_any_pair_and_load_with_both_labels(tmp_path):
    ratings = [making.feedback(kind) for kind in ("thumbs_up", "thumbs_down") for _ in range(3)]
    lake = make_lake(tmp_path / "lake", ratings, policy="[sampling]\nthumbs_up = 1.0\n")
    assert not list((lake / "datasets").rglob("*.json")), "where nothing is edited there is no dataset"
    assert (report := export(lake, "kto.parquet", "--format", "kto", "--as", "parquet"))["desirable"] == 3 and report["undesirable"] == 0
    release = [binary(), "release", "--lake", str(lake), "--reason", "disliked", "--why", "read them: all wrong", "--by", "kim", "--yes", "--json"]
    assert len(json.loads(subprocess.run(release, check=True, capture_output=True, text=True).stdout)["events"]) == 3
    assert (report := export(lake, "kto.parquet", "--format", "kto", "--as", "parquet", "--force"))["undesirable"] == 3
    found = read("exports", lake / "kto.parquet")[str(lake / "kto.parquet")]
    labels = [(row["label"], row["completion"]) for row in found["rows"]]
    assert [label for label, _ in labels] == [True] * 3 + [False] * 3
    assert all(completion == [{"role": "assistant", "content": making.ORIGINAL}] for _, completion in labels)


def test_chats_with_tool_calls_load_into_datasets(tmp_path):
    """In JSON lines arguments are objects, in Parquet they and the tools are texts; plain rows of the same file have neither."""
    tools = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}]
    events = [making.rich(dated()) for _ in range(3)]
    for number, event in enumerate(events[:2]):
        arguments = json.dumps({"parcel": 815, "when": "2026-11-22"} if number else {"place": ["Lyon"]})
        call = {"id": f"call_{number}", "type": "function", "function": {"name": "track", "arguments": arguments}}
        event["tools"] = tools
        event["prompt"] = [{"role": "user", "content": f"Where is my parcel number {number}?"},
                           {"role": "assistant", "content": None, "tool_calls": [call]},
                           {"role": "tool", "tool_call_id": f"call_{number}", "content": "in Lyon"}]
    lake = make_lake(tmp_path / "lake", events)
    export(lake, "tools.jsonl")
    export(lake, "tools.parquet", "--as", "parquet")
    found = read("exports", lake / "tools.jsonl", lake / "tools.parquet")
    for file, is_text in (("tools.jsonl", False), ("tools.parquet", True)):
        rows = found[str(lake / file)]["rows"]
        with_tools = [row for row in rows if row.get("tools")]
        assert len(rows) == 3 and [json.loads(row["tools"]) for row in with_tools] == [tools] * 2
        arguments = [row["prompt"][1]["tool_calls"][0]["function"]["arguments"] for row in with_tools]
        arguments = [json.loads(text) for text in arguments] if is_text else arguments
        given = [{name: value for name, value in each.items() if value is not None} for each in arguments]
        assert sorted(map(json.dumps, given)) == sorted(map(json.dumps, [{"parcel": 815, "when": "2026-11-22"}, {"place": ["Lyon"]}]))
    assert found[str(lake / "tools.parquet")]["alike"]
