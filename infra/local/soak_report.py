"""The report of a soak: figures as JSON, and as tables for a terminal."""

from __future__ import annotations

import itertools
import resource
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

from display import heading, table
from soak_journal import Journal

MEGABYTE = 1_000_000
FREEZE = ("version", "rows", "seconds", "killed", "superseded", "revised", "held", "waiting", "duplicates", "near_duplicates")
STAGES = ("posting", "drain", "freeze")


def summary(journal: Journal, checked: dict, faults: dict[str, int], deaths: dict[str, int], dead_letters: int) -> dict:
    """The report as one object: what `report.json` has. Rounds that were interrupted count in everything but times: their seconds are not known."""
    stages = list(journal.stages())
    rounds = [line for line in stages if line["stage"] == "round"]
    timed = [line for line in rounds if not line["resumed"]]
    freezes = [line for line in stages if line["stage"] == "freeze"]
    killed: Counter[str] = Counter()
    peaks: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for line in timed:
        used.update(line["processor_seconds"])
    for line in rounds:
        killed.update(line["killed"])
        peaks |= Counter(line["peaks"])  # the greater of both
    total = lambda name: sum(line[name] for line in timed)
    return {
        "holds": checked["holds"] and dead_letters == 0,
        "events": sum(line["events"] for line in rounds), "sent": checked["figures"]["acknowledgements"],
        "timed_rounds": len(timed), "rounds": len(rounds), "seconds": round(total("seconds"), 1),
        "events_a_second": round(total("events") / max(total("seconds"), 1e-9), 1),
        "seconds_by_stage": {stage: round(total(stage), 1) for stage in STAGES},
        "sent_a_second_while_posting": round(total("sent") / max(total("posting"), 1e-9), 1),
        "by_round_size": by_size(timed),
        "freeze_by_round": [{"round": line["round"], "processor_seconds": line["processor_seconds"].get("freeze", 0.0)} for line in timed],
        "freezes": [{name: line[name] for name in FREEZE} | {"pairs": pairs} for line, pairs in zip(freezes, sizes(freezes))],
        "killed": killed, "died_at_work": deaths, "faults": faults, "dead_letters": dead_letters,
        "peak_memory_bytes": dict(peaks) | {"this driver": own_peak()},
        "processor_seconds": {name: round(seconds, 1) for name, seconds in used.items()},
        "laws": checked["laws"], "figures": checked["figures"],
    }


def sizes(freezes: list[dict]) -> Iterable[int]:
    """The pairs in the version after each freeze."""
    return itertools.accumulate(line["rows"] - line["revised"] for line in freezes)


def own_peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def by_size(rounds: Iterable[dict]) -> list[dict]:
    sizes: dict[int, list[dict]] = defaultdict(list)
    for line in rounds:
        sizes[line["events"]].append(line)
    return [{"events": size, "rounds": len(lines)} | {stage: round(statistics.mean(line[stage] for line in lines), 1) for stage in STAGES}
            for size, lines in sorted(sizes.items())]


def show(report: dict) -> None:
    figures = report["figures"]
    heading("Throughput")
    door = figures["door_ms"] or {}
    table([("new events", f"{report['events']:,}"),
           ("sent, with repeats and what follows them", f"{report['sent']:,}"),
           ("seconds", f"{report['seconds']:,} in {report['timed_rounds']} of {report['rounds']} rounds"),
           ("new events a second, with freezes", f"{report['events_a_second']:,}"),
           ("sent a second while posting", f"{report['sent_a_second_while_posting']:,}"),
           ("front door, ms a request: median, 99th percentile, most", " · ".join(f"{value:,.0f}" for value in door.values())),
           ("requests at the front door, of these sent again", f"{figures['door_requests']:,} · {figures['door_retries']:,}")], ("", "value"))
    heading("Seconds of a stage by the size of a round, as means")
    table([(f"{line['events']:,}", line["rounds"], line["posting"], line["drain"], line["freeze"]) for line in report["by_round_size"]],
          ("new events", "rounds", "posting", "waiting for curation", "freezing"))
    heading("Freezes that were not killed")
    columns = ("version", "rows", "pairs", "seconds", "held", "superseded", "revised", "duplicates")
    table([tuple(line[name] for name in columns) for line in shown(report["freezes"])],
          ("version", "pairs that entered", "pairs in it", "seconds", "quarantined", "superseded", "rows that left", "repeats"))
    heading("Processor time in the timed rounds, and most memory of a process")
    table([(name, report["processor_seconds"].get(name, "–"), round(peak / MEGABYTE))
           for name, peak in sorted(report["peak_memory_bytes"].items())],
          ("process", "seconds", "MB"))
    heading("Faults")
    table([*((f"processes of {name} killed", number) for name, number in sorted(report["killed"].items())),
           *((f"… of {name}, in the middle of their work", number) for name, number in sorted(report["died_at_work"].items())),
           *((f"S3: {name.replace('_', ' ')}", number) for name, number in sorted(report["faults"].items())),
           ("repeated lines: redeliveries, and events sent twice", figures["repeated_lines"])], ("", "number"))
    heading("Events by route and kind")
    table(figures["by_route"], ("route", "kind", "events"))
    in_routes = sum(number for _, _, number in figures["by_route"])
    held = ", ".join(f"{number:,} {reason}" for reason, number in figures["held_by_freezes"])
    print(f"\n  {figures['distinct_events']:,} acknowledged contents = {in_routes:,} in their routes + "
          f"{figures['replaced_in_their_batch']:,} replaced in their batch; {report['dead_letters']} dead letters")
    print(f"  {figures['rows_of_the_newest']:,} pairs in version {figures['versions']}; {figures['rows_that_left']:,} rows left; "
          f"quarantined by freezes: {held or 'none'}; {figures['waiting']:,} wait")
    heading("The law")
    table([(law["law"], f"{law['violations']:,} violations, e.g. {law['examples'][0]}" if law["violations"] else "holds") for law in report["laws"]],
          ("", ""))


def shown(freezes: list[dict], most: int = 12) -> list[dict]:
    """Some of the freezes, from the first to the last."""
    quiet = [line for line in freezes if not line["killed"] and line["rows"]]
    return quiet if len(quiet) <= most else [quiet[round(index * (len(quiet) - 1) / (most - 1))] for index in range(most)]
