"""Reads a lake with other projects' readers. It runs in an environment of its own and prints its findings as JSON, which the tests judge.

    outside_readers.py delta <table URL> [<version or RFC 3339 date>]
    outside_readers.py parquet <table folder>
    outside_readers.py partitions <folder of the log>
    outside_readers.py orders <part> ...
    outside_readers.py exports <file> ...
    outside_readers.py documented <page> <folder>
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"
PARTITIONS = ("route", "dt", "hour")


def open_table(location: str, version: str | None = None):
    from deltalake import DeltaTable

    table = DeltaTable(location, storage_options={"AWS_ALLOW_HTTP": "true"} if location.startswith("s3://") else None)
    if version:
        table.load_as_version(int(version) if version.isdigit() else version)
    return table


def read_delta(location: str, version: str | None = None) -> dict:
    """The table by deltalake, and the same rows by SQL in DuckDB, which takes Arrow as it is."""
    import duckdb

    table = open_table(location, version)
    rows = table.to_pyarrow_table()
    by_split = duckdb.sql("select split, count(*) from rows group by split").fetchall()
    alike = duckdb.sql("select count(*) from rows where len(chosen) > 0 and similarity between 0.1 and 0.95").fetchall()[0][0]
    info = table.history(1)[0]
    return {"version": table.version(), "columns": rows.column_names, "events": sorted(rows["event_id"].to_pylist()),
            "by_split": dict(by_split), "within_the_rule": alike,
            "record": json.loads(info["flywheel.version"]) if isinstance(info.get("flywheel.version"), str) else info.get("flywheel.version")}


def read_parquet(location: str) -> dict:
    """The version's data files by DuckDB alone: without a reader of Delta tables, their list is enough."""
    import duckdb

    files = open_table(location).file_uris()
    rows = duckdb.sql(f"select event_id, split from read_parquet({files!r})").fetchall()
    return {"files": len(files), "events": sorted(event for event, _ in rows)}


def read_partitions(location: str) -> dict:
    """The log's Hive partitions, by DuckDB, by pyarrow and by datasets, with the documented columns."""
    import duckdb
    import pyarrow.dataset
    from datasets import Dataset
    from flywheel_columns import DUCKDB, open_log

    log = duckdb.read_json(f"{location}/route=*/dt=*/hour=*/*.jsonl", format="newline_delimited", hive_partitioning=True, columns=DUCKDB)
    by_route = log.query("log", "select route, count(distinct event_id) from log group by route").fetchall()
    days = log.query("log", "select distinct cast(dt as varchar), cast(hour as int) from log where route = 'gold'").fetchall()
    gold = Dataset(open_log(location).to_table(filter=pyarrow.dataset.field("route") == "gold"))
    return {"by_route": dict(by_route), "gold_hours": sorted(days), "gold_columns": gold.column_names,
            "gold": sorted(gold["event_id"])}


def read_orders(*parts: str) -> dict:
    """Parts in every order, by each reader, against Python's own json."""
    import duckdb
    from datasets import Dataset
    from flywheel_columns import DUCKDB, open_log

    readers = {
        "pyarrow": lambda files: open_log(files).to_table(columns=list(DUCKDB)).to_pylist(),
        "datasets": lambda files: Dataset(open_log(files).to_table(columns=list(DUCKDB))).to_list(),
        "duckdb": lambda files: duckdb.read_json(files, format="newline_delimited", columns=DUCKDB).to_arrow_table().to_pylist(),
    }
    by_part = {part: [json.loads(line) for line in Path(part).read_text().splitlines()] for part in parts}
    canonical = lambda rows: sorted(json.dumps({name: row.get(name) for name in DUCKDB}, sort_keys=True) for row in rows)
    expected = canonical(itertools.chain.from_iterable(by_part.values()))
    orders = [list(order) for order in itertools.permutations(parts)]
    return {"rows": len(expected), "orders": len(orders),
            "alike": {name: sum(canonical(read(order)) == expected for order in orders) for name, read in readers.items()}}


def read_exports(*files: str) -> dict:
    """Exports, by each reader: the types that it infers, and the rows."""
    import duckdb
    import pyarrow.parquet

    found = {}
    for file in files:
        data = loaded(file)
        found[file] = {"datasets": str(data.features), "columns": data.column_names, "rows": data.to_list()}
        if file.endswith(".parquet"):
            table, relation = pyarrow.parquet.read_table(file), duckdb.read_parquet(file)
            found[file] |= {"pyarrow": {field.name: str(field.type) for field in table.schema},
                            "duckdb": dict(zip(relation.columns, map(str, relation.types))),
                            "alike": table.to_pylist() == relation.to_arrow_table().to_pylist() == data.to_list()}
    return found


def loaded(file: str):
    """An export by datasets, as documented."""
    from datasets import Dataset, load_dataset

    if not file.endswith(".parquet"):
        return Dataset.from_list([json.loads(line) for line in open(file, encoding="utf-8")])
    with tempfile.TemporaryDirectory() as cache:
        return load_dataset("parquet", data_files=file, split="train", cache_dir=cache, keep_in_memory=True)


def run_documented(page: str, folder: str) -> list:
    """Runs a page's Python in the folder of a lake, and returns the result of each statement as rows."""
    os.chdir(folder)
    known: dict = {}
    found = []
    for block in re.findall(r"^```python\n(.*?)^```$", Path(page).read_text(), re.MULTILINE | re.DOTALL):
        for statement in ast.parse(block.replace("s3://my-lake/", "").replace("version=7", "version=1")).body:
            code = ast.Module([statement], [])
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), page, "eval"), known)
            else:
                exec(compile(code, page, "exec"), known)
                value = known.get(statement.targets[0].id) if isinstance(statement, ast.Assign) else None
            if (rows := rows_of(value)) is not None:
                found.append(rows)
    return found


def rows_of(value: object) -> list | None:
    """Returns the rows of a reader's result; None if it has none."""
    if hasattr(value, "to_arrow_table"):  # DuckDB's
        value = value.to_arrow_table()
    elif hasattr(value, "to_batches") and hasattr(value, "to_table"):  # a dataset of pyarrow's
        value = value.to_table()
    method = next((method for method in ("to_pylist", "to_list") if hasattr(value, method)), None)
    return getattr(value, method)() if method else None


READERS = {"delta": read_delta, "parquet": read_parquet, "partitions": read_partitions, "orders": read_orders,
           "exports": read_exports, "documented": run_documented}

if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.insert(0, str(DOCS))
    reader, *arguments = sys.argv[1:]
    print(json.dumps(READERS[reader](*arguments), default=str))
