"""Shows the whole loop: real events go through the front door of a local cloud, to a dataset version and a model that learns from it.

    demo.py [FILE.jsonl …]        edits and feedback, one JSON object a line

Without files: the samples of events/demo, and the users of a small world whose tiny model answers with an outdated library. A worker trains an
adapter of that model, the gate measures it, and it becomes live. With your own files it ends with the dataset version: the tiny model does not
know your users' subjects.

Exits with 0 only if every acknowledged event reached the lake, the threshold was crossed, the run succeeded, and its adapter is live.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from cloud import LocalCloud
from display import ProgressBar, bar, heading, indented, table, word_diff
from edits import Posted, post_all, post_bodies, read_edits
from lake import DATASET_PREFIX, Lake
from progress import Problem, run_main, say, step
from settings import REPOSITORY
from stack import Stack, raise_stack
from stage import build_all, staged_with_policy
from training import Worker, put_base
from workflow import describe, invoke, queue_depth, wait_until

SAMPLES = REPOSITORY / "events" / "demo"
BAD_BODIES = SAMPLES / "bad.jsonl"
WORLD_EDITS, WORLD_LIKES = 2_500, 1_400
"""A tenth of them is held out: enough for the shipped gate, which asks for 200 pairs and 100 liked outputs."""
SHIPPED_THRESHOLD = 2_000
"""Of the events that come with the project about 130 become gold, and of the small world's edits all."""
POLICY = "[sampling]\nthumbs_up = 1.0\n"
"""The shipped policy, except that it keeps every liked output: a demonstration has too few to sample from."""
PARAMETERS = {"BatchWindowSeconds": "1", "Schedule": "rate(365 days)"}
"""The demo calls the count itself, once everything is curated: a tick of the schedule would be too early or too late."""
SHOWN_PAIRS = 3
SHOWN_CHARACTERS = 600


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--threshold", type=int, help=f"default {SHIPPED_THRESHOLD}; for your own files, a quarter of the edits")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    files = arguments.files or sorted(set(SAMPLES.glob("*.jsonl")) - {BAD_BODIES})
    edits, unreadable = read_edits(files)
    if not edits:
        raise Problem("there is no edit event in these files", "one JSON object a line; see events/README.md")
    bad_bodies = [] if arguments.files else BAD_BODIES.read_text().split("\n")[:-1]
    threshold = arguments.threshold or (max(1, len(edits) // 4) if arguments.files else SHIPPED_THRESHOLD)
    say(f"{len(edits):,} events from {len(files)} files; a run starts at {threshold:,} new pairs")
    template, programs = build_all()
    trains = not arguments.files
    if trains:
        template = staged_with_policy(POLICY, "demo")
        edits += small_world(programs["flywheel-trainer"])
    parameters = PARAMETERS | {"Threshold": str(threshold), "TrainingBackEnd": "worker" if trains else "none"}
    with LocalCloud("demo", enforce_iam=True) as cloud:
        stack = raise_stack(cloud, template, parameters)
        if trains:
            put_base(stack)
        posted = post(stack, edits, bad_bodies)
        lake = await_curation(stack, posted)
        count = invoke(stack, "Counter", {})
        show_events(lake, posted, unreadable)
        show_lake(lake)
        show_count(count)
        with Worker(stack, programs["flywheel-worker"]) if trains else nullcontext() as worker:
            run = follow(stack, count, worker)
        show_run(run)
        show_version(lake, run)
        show_pairs(lake)
        if trains:
            show_training(lake, run["name"])
            show_answers(lake, run["name"])
            show_live(lake, run["name"])
    return 0


def small_world(trainer: Path) -> list[str]:
    """Events of users whose model answers with an outdated library, one a line."""
    with step(f"asking {WORLD_EDITS:,} questions in a small world") as outcome:
        events = world(trainer, "--edits", WORLD_EDITS) + world(trainer, "--likes", WORLD_LIKES)
        outcome(f"{WORLD_EDITS:,} answers are edited, {WORLD_LIKES:,} others liked as they are")
    return events


def world(trainer: Path, kind: str, count: int, skip: int = 0, *options: str) -> list[str]:
    """Returns `count` events of the small world, after the first `skip`, one a line."""
    command = [str(trainer), "world", kind, str(count), "--skip", str(skip), *options]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in written.split("\n") if line]


def post(stack: Stack, edits: list[str], bad_bodies: list[str]) -> Posted:
    with step(f"posting {len(edits):,} events and {len(bad_bodies)} bad requests at {stack.api_url}/v1") as outcome:
        progress = ProgressBar("posted", len(edits))
        posted = post_all(stack, edits, progress.advance)
        posted.refused += post_bodies(stack, bad_bodies)
        outcome(f"{len(posted.accepted):,} acknowledged, {posted.reads} reads counted, {posted.refused.total()} refused")
    return posted


def await_curation(stack: Stack, posted: Posted) -> Lake:
    """Waits until every acknowledged event is in the lake, as the acknowledgement promises."""
    lake = Lake(stack)
    acknowledged = set(posted.accepted)

    def is_all_there() -> bool:
        arrived = set().union(*lake.events_by_route().values())
        return acknowledged <= arrived and queue_depth(stack, "EditsQueueUrl") == 0

    with step(f"waiting until all {len(acknowledged):,} distinct events are curated"):
        wait_until("the curation of every acknowledged event", is_all_there, 300, stack.cloud.log_file)
    if dead := queue_depth(stack, "EditsDlqUrl"):
        raise Problem(f"{dead} messages are in the dead-letter queue", f"see {stack.cloud.log_file}")
    return lake


def follow(stack: Stack, count: dict, worker: Worker | None) -> dict:
    """Waits for the run's end, and for its training's if there is one."""
    if count["decision"] != "start":
        raise Problem(f"no run was started: {count['decision']}, {count['pending']:,} of {count['threshold']:,} pairs",
                      "post more edits, or lower it: make demo EDITS=… THRESHOLD=N")

    def ended() -> dict | None:
        run = describe(stack, count["run"])
        if worker and run["status"] == "RUNNING":
            worker.check()
            worker.show_progress()
        return run if run["status"] != "RUNNING" else None

    with step(f"following run {count['run']}" + (": it freezes, prepares, trains, evaluates and promotes" if worker else "")):
        return wait_until(f"the end of run {count['run']}", ended, 900, stack.cloud.log_file)


def await_ruling(stack: Stack, run: str, worker: Worker) -> dict:
    """Waits for the gate's verdict on a run, and returns it. A run that is left to an operator goes on for days after it."""
    lake, verdict = Lake(stack), f"runs/{run}/verdict.json"

    def is_ruled() -> bool:
        worker.check()
        worker.show_progress()
        return lake.has(verdict) or describe(stack, run)["status"] != "RUNNING"

    with step(f"following run {run}"):
        wait_until(f"the verdict on {run}", is_ruled, 900, stack.cloud.log_file)
    if not lake.has(verdict):
        raise Problem(f"run {run} ended without a verdict", f"see {stack.cloud.log_file} and {worker.log_file}")
    return json.loads(lake.read(verdict))


def show_events(lake: Lake, posted: Posted, unreadable: list[str]) -> None:
    heading("Events by route and reason")
    rows = [(route, reason, number) for (route, reason), number in sorted(lake.reasons().items(), key=lambda row: -row[1])]
    rows += [("refused at the door", code, number) for code, number in posted.refused.most_common()]
    table(rows, ("route", "reason", "events"))
    repeated = len(posted.accepted) - len(set(posted.accepted))
    print(f"\n  {len(posted.accepted):,} acknowledged = {len(set(posted.accepted)):,} distinct events + {repeated:,} sent again")
    if posted.reads:
        print(f"  {posted.reads:,} reads, which are counted and kept nowhere")
    if unreadable:
        print(f"  {len(unreadable)} lines are not JSON and were not sent: {', '.join(unreadable[:3])} …")


def show_lake(lake: Lake) -> None:
    heading(f"The lake: s3://{lake.bucket}/dpo_gold_v1/")
    parts = lake.parts()
    routes = sorted({part.route for part in parts})
    table([(route, sum(part.route == route for part in parts), sum(part.rows for part in parts if part.route == route))
           for route in routes], ("route", "parts", "rows"))


def show_count(count: dict) -> None:
    heading("Net-new pairs against the threshold")
    print(f"  {bar(count['pending'], count['threshold'])}   counted with {count['list_requests']} LIST")


def show_run(run: dict) -> None:
    heading("The run")
    seconds = (run["stopDate"] - run["startDate"]).total_seconds()
    print(f"  {run['name']}: {run['status']} after {seconds:.1f} s")
    if run["status"] != "SUCCEEDED":
        raise Problem(f"the run failed: {run.get('error')}: {run.get('cause')}")


def show_version(lake: Lake, run: dict) -> None:
    freeze = json.loads(run["output"])["freeze"]
    heading(f"Dataset version {freeze['version']}: s3://{lake.bucket}/{DATASET_PREFIX}")
    columns = ("rows", "duplicates", "near_duplicates", "held", "parts", "trainable")
    table([tuple(str(freeze[column]).lower() for column in columns)],
          ("pairs", "duplicates", "near duplicates", "held", "parts", "trainable"))
    if not freeze["trainable"]:
        raise Problem(f"the version has {freeze['net_new']:,} new pairs, too few to train on")


def show_pairs(lake: Lake) -> None:
    heading("A few pairs: what the model wrote, and what its user made of it")
    gold = [line for line in lake.lines("gold") if len(line["rejected"]) <= SHOWN_CHARACTERS]
    gold.sort(key=lambda line: line["pair_id"])
    for line in gold[:SHOWN_PAIRS]:
        print(f"\n  {line['prompt'][:90].replace(chr(10), ' ')} …   similarity {line['similarity']:.2f}")
        print(indented(word_diff(line["rejected"], line["chosen"])))


def show_training(lake: Lake, run: str) -> None:
    verdict = json.loads(lake.read(f"runs/{run}/verdict.json"))
    means = verdict["means"]
    heading("What the model makes of pairs that it never saw, before and after")
    rows = [("ln p(what the user wrote)", "logp_chosen"), ("ln p(what the model had written)", "logp_rejected"),
            ("similarity of its answer to the user's text", "similarity"), ("loss on answers that users liked, nats a token", "replay_nll")]
    table([(what, f"{means[f'incumbent_{name}']:.3f}", f"{means[f'candidate_{name}']:.3f}") for what, name in rows],
          ("mean", "before", "after"))
    heading(f"The gate: {verdict['ruling']}")
    table([(criterion["id"], measure["name"], "–" if measure["value"] is None else f"{measure['value']:.4f}",
            "≥" if measure["limit"] == "at_least" else "≤", f"{measure['bound']:g}")
           for criterion in verdict["criteria"] for measure in criterion["measures"]], ("", "measure", "value", "", "bound"))
    if verdict["ruling"] != "promote":
        raise Problem("the adapter was not promoted", "see why above", "\n".join(verdict["reasons"]))


def show_answers(lake: Lake, run: str) -> None:
    heading("Three questions, answered by both models")
    prompts = {row["pair_id"]: row["prompt"] for row in lake.rows(f"runs/{run}/input/heldout.jsonl")}
    scored = [row for row in lake.rows(f"runs/{run}/output/rows.jsonl") if row["kind"] == "pair"]
    shown = [row for row in scored if row["incumbent"]["output"] != row["candidate"]["output"] and "\n" not in prompts[row["pair_id"]]]
    for row in shown[:SHOWN_PAIRS]:
        print(f"\n  {prompts[row['pair_id']][:90]}")
        for when, model in (("before", "incumbent"), ("after", "candidate")):
            print(f"    {when:<7} {row[model]['output'][:200]}")


def show_live(lake: Lake, run: str) -> None:
    live = json.loads(lake.read("models/live.json"))["adapter"]
    heading("What is live")
    if live is None or live["adapter"] != run:
        raise Problem(f"models/live.json does not name {run}")
    print(f"  s3://{lake.bucket}/{live['prefix']}   of base {live['base']}, trained on dataset version {live['dataset']['version']}")


if __name__ == "__main__":
    sys.exit(run_main(main))
