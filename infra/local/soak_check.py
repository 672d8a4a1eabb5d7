"""Checks the conservation law on a copy of a soak's lake, without code of the product. Runs in the readers' environment.

    soak_check.py FOLDER        with journal.jsonl, what was acknowledged, and lake/, a copy of the bucket; prints its findings as JSON

The law, as docs/ARCHITECTURE.md has it:

* Every acknowledged event has a line in exactly one route. A repeated line is a redelivery and counts once. A pair that a freeze quarantines has
  a second line, in quarantine. Of one output's texts in one batch, and of an event and its withdrawal, the last one has the line.
* Every pair of gold is in the newest version exactly once; or a later text replaced it, its user withdrew it, a freeze quarantined it, or it waits.
* A version has the rows of the version before, except those that were revised or withdrawn. No row that left comes back.
* What was withdrawn before a freeze was in no version. A withdrawal's line has no text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
from deltalake import DeltaTable

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
from flywheel_columns import DUCKDB  # noqa: E402

MEMORY = "1GB"
EXAMPLES = 5

EXPECTED = [
    # kind, route, reasons, is its prompt in the line, is its final text in the line
    *((kind, "gold", "", True, True)
      for kind in ("gold", "corrected", "conflict", "revised_first", "revised_last", "withdrawn_before", "withdrawn_after")),
    ("trivial", "dropped", "trivial", False, False),
    ("rewrite", "dropped", "rewrite", False, False),
    ("unchanged", "dropped", "unchanged", False, False),
    ("no_consent", "dropped", "no_consent", False, False),
    ("withdrawal", "dropped", "no_consent", False, False),
    ("liked", "replay", "liked", True, False),
    ("liked", "dropped", "unsampled", False, False),
    ("disliked", "review", "disliked", True, False),
    ("weak_signal", "signals", "weak_signal", True, False),
    ("hidden_text", "quarantine", "hidden_text", True, False),
]
"""The routes that each kind of event may have. A kind with two of them gets one."""
REPLACED = ("revised_first", "withdrawn_before", "withdrawn_after")
"""Kinds that may have no line of their own, if the event that replaced them came in the same batch."""
PAIRS = ("gold", "corrected", "revised_last")
"""Kinds that the newest version has, each once."""
HOLDS = ("burst", "conflict", "id_conflict", "split_conflict", "contributor_cap", "tenant_cap", "unattributed_cap", "key_cap", "breaker_open")
"""Reasons of the audit of a freeze, for a second line in quarantine."""


class Check:
    """A database of what was acknowledged, the log and the versions, and the violations of the law in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lake = folder, folder / "lake"
        database = folder / "check.duckdb"
        database.unlink(missing_ok=True)
        self.sql = duckdb.connect(str(database), config={"memory_limit": MEMORY, "temp_directory": str(folder / "check.tmp")})
        self.violations: list[dict] = []

    def rows(self, query: str, *values: object) -> list[tuple]:
        return self.sql.execute(query, values).fetchall()

    def number(self, query: str) -> int:
        return self.rows(f"select count(*) from ({query})")[0][0]

    def none(self, law: str, query: str) -> None:
        """Records the law with the rows that violate it."""
        found = self.number(query)
        self.violations.append({"law": law, "violations": found,
                                "examples": [[str(value) for value in row] for row in self.rows(f"{query} limit {EXAMPLES}")] if found else []})

    # -- loading -----------------------------------------------------------------------------------------------------------

    def load_acknowledged(self) -> None:
        columns = {"round": "INT", "phase": "VARCHAR", "stage": "VARCHAR", "ms": "DOUBLE", "tries": "INT", "entries": "VARCHAR[][]"}
        self.sql.execute(f"""
            create table request as select * from read_json('{self.folder}/journal.jsonl', format = 'newline_delimited', columns = {columns})
                where stage is null;
            create table acknowledged as
                select distinct entry[1] as id, entry[2] as kind, entry[3] as prompt, entry[4] as text
                from (select unnest(entries) as entry from request);
            create table expected (kind varchar, route varchar, reasons varchar, has_prompt boolean, has_text boolean);""")
        self.sql.executemany("insert into expected values (?, ?, ?, ?, ?)", EXPECTED)

    def load_log(self) -> None:
        self.sql.execute(f"""
            create table line as select event_id as id, route, coalesce(array_to_string(reasons, ','), '') as reasons, {digest('prompt')} as prompt,
                {digest('chosen')} as text, prompt is not null or chosen is not null or rejected is not null as has_text, pair_id,
                list_filter(context, lambda entry: entry.key = 'flywheel.event_key')[1].value as event_key, filename as part
            from read_json('{self.lake}/dpo_gold_v1/route=*/dt=*/hour=*/*.jsonl', format = 'newline_delimited', hive_partitioning = true,
                filename = true, columns = {DUCKDB});
            create table held as select distinct id, prompt, text, reasons from line
                where route = 'quarantine' and list_has_any(string_split(reasons, ','), {list(HOLDS)});
            create table explained as select a.*, l.route, l.reasons, l.part, l.event_key
                from acknowledged a join expected e using (kind) join line l on l.id = a.id and l.route = e.route and l.reasons = e.reasons
                    and (not e.has_prompt or l.prompt = a.prompt) and (not e.has_text or l.text = a.text);""")

    def load_versions(self) -> list[dict]:
        """Loads the changes of each version from the table's own log, and returns the versions' records."""
        table = self.lake / "datasets" / "dpo_gold_v1"
        self.sql.execute("create table moved (version int, sign int, id varchar, prompt varchar, text varchar, pair_id varchar)")
        versions = []
        for commit in sorted((table / "_delta_log").glob("0*.json")):
            version = int(commit.stem)
            actions = [json.loads(line) for line in commit.read_text().split("\n") if line]
            for kind, sign in (("add", 1), ("remove", -1)):
                files = [str(table / action[kind]["path"]) for action in actions if kind in action and action[kind].get("dataChange", True)]
                if files:
                    self.sql.execute(f"insert into moved select {version}, {sign}, event_id, {digest('prompt')}, {digest('chosen')}, pair_id "
                                     f"from read_parquet({files})")
            versions.append({"version": version} | record_of(actions))
        # A rewritten file removes rows and adds most of them again: what is left is the change.
        self.sql.execute("""
            create table change as select version, id, prompt, text, pair_id, sum(sign)::int as sign from moved group by all having sum(sign) <> 0;
            drop table moved;
            create table newest as select id, prompt, text, pair_id, sum(sign)::int as rows from change group by all having sum(sign) <> 0;
            create table waiting (id varchar, prompt varchar, text varchar)""")
        if versions and (waits := versions[-1].get("record", {}).get("waiting")):
            body = table / waits["object"]["name"]
            self.sql.execute(f"insert into waiting select event_id, {digest('prompt')}, {digest('chosen')} "
                             f"from read_json('{body}', format = 'newline_delimited', columns = {DUCKDB})")
        return versions

    # -- the law -----------------------------------------------------------------------------------------------------------

    def check_log(self) -> None:
        self.none("every acknowledged event has its line",
                  f"select id, kind from acknowledged a where kind not in {REPLACED} and not exists "
                  "(from explained e where e.id = a.id and e.kind = a.kind and e.prompt = a.prompt and e.text is not distinct from a.text)")
        self.none("no event is in two routes",
                  "select id, kind, list(distinct route || ' ' || reasons) from explained group by id, kind, prompt, text "
                  "having count(distinct route || ' ' || reasons) > 1")
        self.none("every line is of an acknowledged event, in the route of its kind, or of a pair that a freeze quarantined",
                  """select l.id, l.route, l.reasons, l.part from line l
                     where not exists (from explained e where e.id = l.id and e.route = l.route and e.reasons = l.reasons and e.part = l.part)
                       and not exists (from held h join acknowledged a on a.id = h.id and a.prompt = h.prompt and a.text = h.text
                                       where h.id = l.id and h.reasons = l.reasons and h.prompt = l.prompt and h.text = l.text)""")
        self.none("a part has the rows that its name says",
                  r"select part, count(*) from line group by part having count(*) <> regexp_extract(part, '-n(\d+)\.jsonl$', 1)::int")
        self.none("no line without consent has a text",
                  "select id, part from line where list_contains(string_split(reasons, ','), 'no_consent') and has_text")
        self.none("a line that is dropped has no text", "select id, part from line where route = 'dropped' and has_text")
        self.none("no event without consent has a text anywhere",
                  "select a.id, l.part from acknowledged a join line l using (id) where a.kind = 'no_consent' and l.has_text")
        self.none("the events of two senders under one id have two keys",
                  "select id, event_key from explained where kind = 'gold' group by id, event_key having count(distinct prompt) > 1")

    def check_newest(self) -> None:
        pairs = f"(select * from acknowledged where kind in {PAIRS})"
        same = "n.id = a.id and n.prompt = a.prompt and n.text = a.text"
        self.none("every pair of gold is in the newest version, or was quarantined by a freeze, or waits",
                  f"""select a.id, a.kind from {pairs} a where not exists (from newest n where {same})
                      and not exists (from held n where {same}) and not exists (from waiting n where {same})""")
        self.none("no row is in the newest version twice", "select id, rows from newest where rows <> 1")
        self.none("no pair is in the newest version twice", "select pair_id, count(*) from newest group by pair_id having count(*) > 1")
        self.none("every row of the newest version is an acknowledged pair",
                  f"select id from newest n where not exists (from acknowledged a where {same} and a.kind in {(*PAIRS, 'conflict')})")
        self.none("no quarantined pair is in the newest version", "select n.id, h.reasons from newest n join held h using (id, prompt, text)")
        self.none("no waiting pair is in the newest version", "select n.id from newest n join waiting w using (id, prompt, text)")
        self.none("of two contents under one id one entered, and the freeze quarantined the other",
                  """select a.id, count(n.id), count(h.id) from acknowledged a left join newest n using (id, prompt, text)
                     left join (from held where reasons = 'id_conflict') h using (id, prompt, text)
                     where a.kind = 'conflict' group by a.id having count(*) <> 2 or count(n.id) <> 1 or count(h.id) <> 1""")

    def check_history(self, versions: list[dict]) -> None:
        self.none("what was withdrawn before a freeze was in no version",
                  "select c.id, c.version from change c join acknowledged a using (id, prompt, text) where a.kind = 'withdrawn_before'")
        self.none("what was withdrawn after a freeze left the versions",
                  "select n.id from newest n join acknowledged a using (id) where a.kind = 'withdrawn_after'")
        self.none("a version keeps the rows of the one before, except revised and withdrawn ones",
                  """select c.id, c.version from change c where c.sign < 0 and not exists
                     (from acknowledged a where a.id = c.id and a.prompt = c.prompt and a.text = c.text
                      and a.kind in ('revised_first', 'withdrawn_after'))""")
        self.none("no row enters twice, and none comes back",
                  "select id, sum(sign) filter (sign > 0) from change group by id, prompt, text, pair_id having sum(sign) filter (sign > 0) > 1")
        self.sql.execute("create table record (version int, entered bigint, left_rows bigint, previous varchar, digest varchar)")
        for version in versions:
            record = version.get("record") or {}
            self.sql.execute("insert into record values (?, ?, ?, ?, ?)",
                             [version["version"], record.get("counts", {}).get("entered", 0),
                              (record.get("revised") or {}).get("rows", 0), record.get("previous"), record.get("digest")])
        self.none("a version's record counts its new rows and those that left",
                  """select r.version, r.entered, r.left_rows from record r left join change c using (version) group by all
                     having coalesce(sum(c.sign) filter (c.sign > 0), 0) <> r.entered
                         or coalesce(-sum(c.sign) filter (c.sign < 0), 0) <> r.left_rows""")
        self.none("each record names the digest of the one before",
                  "select * from (select version, previous, lag(digest) over (order by version) as before from record where digest is not null) "
                  "where previous is distinct from before")
        self.none("deltalake reads as many rows as the log of the table adds up to", self.time_travel(versions))

    def time_travel(self, versions: list[dict]) -> str:
        """Opens the first version with rows, a middle one and the newest one by deltalake."""
        self.sql.execute("create table opened (version int, rows bigint)")
        for version in sorted({0, len(versions) // 2, len(versions) - 1} if versions else ()):
            table = DeltaTable(str(self.lake / "datasets" / "dpo_gold_v1"), version=version)
            files = table.file_uris()
            rows = self.rows(f"select count(*) from read_parquet({files})")[0][0] if files else 0
            self.sql.execute("insert into opened values (?, ?)", [version, rows])
        return ("select o.version, o.rows, coalesce(sum(c.sign), 0) from opened o left join change c on c.version <= o.version group by all "
                "having o.rows <> coalesce(sum(c.sign), 0)")

    # -- the figures -------------------------------------------------------------------------------------------------------

    def figures(self, versions: list[dict]) -> dict:
        by_route = self.rows("select e.route, e.kind, count(distinct (e.id, e.prompt, e.text)) from explained e group by all order by all")
        door = self.rows("select quantile_cont(ms, [0.5, 0.99]), max(ms), count(*), sum(tries - 1), sum(len(entries)) from request")[0]
        lines, distinct = self.number("from line"), self.number("select distinct id, event_key, route, reasons, prompt, text from line")
        return {
            "acknowledgements": int(door[4] or 0),
            "distinct_events": self.number("from acknowledged"),
            "by_route": [list(row) for row in by_route],
            "replaced_in_their_batch": self.number(
                f"select * from acknowledged a where kind in {REPLACED} and not exists "
                "(from explained e where e.id = a.id and e.kind = a.kind and e.prompt = a.prompt and e.text is not distinct from a.text)"),
            "held_by_freezes": [list(row) for row in self.rows("select reasons, count(*) from held group by reasons order by reasons")],
            "waiting": self.number("from waiting"),
            "lines": lines, "parts": self.number("select distinct part from line"), "repeated_lines": lines - distinct,
            "versions": len(versions) - 1 if versions else 0, "rows_of_the_newest": self.number("from newest"),
            "rows_that_left": self.number("from change where sign < 0"),
            "door_ms": {"p50": door[0][0], "p99": door[0][1], "max": door[1]} if door[0] else None,
            "door_requests": door[2], "door_retries": int(door[3] or 0),
        }


def digest(column: str) -> str:
    """The digest of a text, as in the journal."""
    return f"substr(md5({column}), 1, 16)"


def record_of(actions: Iterator[dict]) -> dict:
    """The record of a version in its commit, as far as the check needs it."""
    for action in actions:
        if record := action.get("commitInfo", {}).get("flywheel.version"):
            return {"record": json.loads(record) if isinstance(record, str) else record}
    return {}


def check(folder: Path) -> dict:
    found = Check(folder)
    found.load_acknowledged()
    found.load_log()
    versions = found.load_versions()
    found.check_log()
    found.check_newest()
    found.check_history(versions)
    return {"holds": not any(law["violations"] for law in found.violations), "laws": found.violations, "figures": found.figures(versions)}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(json.dumps(check(Path(sys.argv[1]).resolve())))
