"""Reads a lake as others do. Run in an environment of its own, it prints what it found as JSON; `test_readers.py` judges that.

    outside_readers.py delta <table URL> [<version or RFC 3339 date>]
    outside_readers.py parquet <table folder>
    outside_readers.py partitions <folder of the log>
    outside_readers.py datasets <file> ...
"""

from __future__ import annotations

import json
import os
import sys
import tempfile


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
    """The version's data files by DuckDB alone: whoever has no reader of Delta tables needs but their list."""
    import duckdb

    files = open_table(location).file_uris()
    rows = duckdb.sql(f"select event_id, split from read_parquet({files!r})").fetchall()
    return {"files": len(files), "events": sorted(event for event, _ in rows)}


def read_partitions(location: str) -> dict:
    """The log's Hive partitions, by DuckDB and by pyarrow."""
    import duckdb
    import pyarrow.dataset

    log = f"read_json('{location}/route=*/dt=*/hour=*/*.jsonl', format = 'newline_delimited', hive_partitioning = true, union_by_name = true)"
    by_route = duckdb.sql(f"select route, count(distinct event_id) from {log} group by route").fetchall()
    days = duckdb.sql(f"select distinct cast(dt as varchar), cast(hour as int) from {log} where route = 'gold'").fetchall()
    gold = pyarrow.dataset.dataset(f"{location}/route=gold", format="json", partitioning="hive")
    return {"by_route": dict(by_route), "gold_hours": sorted(days), "gold_columns": gold.schema.names,
            "gold": sorted(gold.to_table(columns=["event_id"])["event_id"].to_pylist())}


def read_datasets(*files: str) -> dict:
    """Files of JSON lines by Hugging Face's datasets, all of them as one data set."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from datasets import load_dataset

    with tempfile.TemporaryDirectory() as cache:
        loaded = load_dataset("json", data_files=list(files), split="train", cache_dir=cache)
        return {"columns": loaded.column_names, "rows": loaded.to_list()}


READERS = {"delta": read_delta, "parquet": read_parquet, "partitions": read_partitions, "datasets": read_datasets}

if __name__ == "__main__":
    reader, *arguments = sys.argv[1:]
    print(json.dumps(READERS[reader](*arguments), default=str))
