"""Posts many events through the front door of a local cloud while its processes are killed and its S3 fails, and then checks the conservation law.

    make soak EVENTS=1000000        default 50,000; MINUTES=30 FRESH=1

Clients send twice, send other contents under known ids, revise texts and withdraw their consent, before freezes and after them. At the end other
readers than the product's (DuckDB, deltalake) look up every acknowledged event in the log and in every version. The report is printed, and is
`.local/soak/report.json`.

Ctrl-C or a kill stops the soak and leaves its cloud running, idle. The same command goes on from there. To give up instead:
python3 infra/local/cli.py down soak. The soak needs memory for the local cloud's lake, about 2 kB an event; its own does not grow.

Exits with 0 only if the law holds.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soak_report
from cloud import LocalCloud
from lake import DATASET_PREFIX, LOG_PREFIX, Lake
from progress import Problem, run_main, say, step
from settings import LOCAL, plain_environment
from soak_journal import Journal, Progress
from soak_plan import CLOSING_EVENTS, Plan, Round, rounds
from soak_run import FAULTS, Soak, Watch, dead_letters, stop_automatic_counts
from stack import Keys, Stack, raise_stack
from stage import build_and_stage
from tools import program
from workflow import redeliver_after

FOLDER = LOCAL / "soak"
DEFAULT_EVENTS, DEFAULT_MINUTES = 50_000, 240
LEAST_EVENTS = 600
PARAMETERS = {"Threshold": "50", "BatchWindowSeconds": "1", "Schedule": "rate(365 days)"}
"""The soak counts by itself. A low threshold lets each round's pairs enter, however few."""
REDELIVERY_SECONDS = 10


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, help=f"new events, at least {LEAST_EVENTS}; default {DEFAULT_EVENTS:,}")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES,
                        help=f"after so many, the soak ends with the round that it is in, and checks; default {DEFAULT_MINUTES}")
    parser.add_argument("--seed", type=int, help="the same seed makes the same events; default: random")
    parser.add_argument("--no-faults", action="store_true", help="no kills, and no faults of S3")
    parser.add_argument("--fresh", action="store_true", help="gives up a soak that was interrupted, and starts another")
    return parser.parse_args(arguments)


def main() -> int:
    arguments = parse()
    if arguments.events is not None and arguments.events < LEAST_EVENTS:
        raise Problem(f"{arguments.events} events are too few for rounds with a freeze each", f"make soak EVENTS={LEAST_EVENTS}, or more")
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.default_int_handler)  # a shell in the background makes SIGINT ignored
    with alone(FOLDER):
        report = soak(arguments, FOLDER, "soak")
    return 0 if report["holds"] else 1


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps a second soak out of the folder while one is at work. The kernel ends that with the process, however it ends."""
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("a soak is at work in this checkout", "wait for it, or stop it by Ctrl-C") from None
        yield


def soak(arguments: argparse.Namespace, folder: Path, name: str) -> dict:
    """Starts a soak or goes on with one, in a folder and on a cloud of that name; returns its report."""
    journal = Journal(folder)
    state = journal.state()
    cloud = LocalCloud.running(name)
    if state is None or state["finished"] or arguments.fresh:
        cloud, state = start(arguments, journal, cloud, name)
    elif cloud is None:
        raise Problem(f"the soak in {folder} was interrupted, and its cloud has ended since", "make soak FRESH=1 starts another")
    elif arguments.events not in (None, state["events"]):
        raise Problem(f"a soak of {state['events']:,} events is under way",
                      f"make soak EVENTS={state['events']} goes on with it; FRESH=1 starts another")
    journal.mend()
    stack = Stack(cloud, state["outputs"], Keys(state["key"]))
    try:
        report = go_on(stack, journal, state, arguments.minutes)
    except BaseException:
        say(f"\nstopped; the cloud {name} is left running. The same command goes on. To give up: python3 infra/local/cli.py down {name}")
        raise
    finally:
        if cloud.is_healthy():
            cloud.set_faults()
    journal.write_state(state | {"finished": True, "key": ""})
    cloud.stop()
    return report


def start(arguments: argparse.Namespace, journal: Journal, running: LocalCloud | None, name: str) -> tuple[LocalCloud, dict]:
    """Starts a cloud with a stack of its own for a new soak. It is not leashed: it outlives this process, so that the soak can go on."""
    template = build_and_stage()
    if running:
        running.stop()
    shutil.rmtree(journal.folder, ignore_errors=True)
    cloud = LocalCloud(name, enforce_iam=True).start(leashed=False)
    try:
        cloud.skip_waits()
        stack = raise_stack(cloud, template, PARAMETERS)
        redeliver_after(stack, REDELIVERY_SECONDS)
        stop_automatic_counts(stack)
    except BaseException:
        cloud.stop()
        raise
    seed = arguments.seed if arguments.seed is not None else secrets.randbelow(1_000_000)
    state = {"events": arguments.events or DEFAULT_EVENTS, "seed": seed, "faults": not arguments.no_faults, "outputs": dict(stack.outputs),
             "key": stack.keys.ingest, "finished": False}
    journal.write_state(state)
    return cloud, state


def go_on(stack: Stack, journal: Journal, state: dict, minutes: float) -> dict:
    """Carries out the rounds that are left, then checks and reports."""
    progress = Progress(journal)
    run = Soak(stack, Plan(state["seed"]), journal, progress, events=state["events"], with_faults=state["faults"])
    say(f"a soak of {state['events']:,} events, seed {state['seed']}" + (f"; {run.posted:,} are sent already" if run.posted else ""))
    if state["faults"]:
        stack.cloud.set_faults(**FAULTS)
    deadline = time.monotonic() + 60 * minutes
    with Watch(run):
        for of in left(state["events"], progress, deadline):
            run.carry_out(of)
    faults = dict(stack.cloud.faults())
    stack.cloud.set_faults()
    deaths = {name: stack.cloud.deaths_at_work(stack.outputs[f"{name}FunctionName"]) for name in ("Ingest", "Curate", "Freeze")}
    copy_lake(stack, journal.folder / "lake")
    checked = run_check(journal.folder)
    report = soak_report.summary(journal, checked, faults, deaths, dead_letters(stack))
    (journal.folder / "report.json").write_text(json.dumps(report, indent=1))
    soak_report.show(report)
    if not report["holds"]:
        say(f"\nthe law does not hold. What was acknowledged, the copy of the lake and the check's database are in {journal.folder}")
    return report


def left(events: int, progress: Progress, deadline: float) -> Iterator[Round]:
    """The rounds that are not done. After the deadline the next one is the closing one."""
    if progress.is_closed:
        return
    for of in rounds(events):
        if of.number <= progress.rounds:
            continue
        closes = of.number == progress.requests_of and "closing" in progress.stages
        if not of.is_closing and (closes or (time.monotonic() > deadline and of.number != progress.requests_of)):
            say(f"the time is up after {of.first:,} events: the closing round follows")
            of = Round(of.number, of.first, CLOSING_EVENTS, is_closing=True)
        yield of
        if of.is_closing:
            return


def copy_lake(stack: Stack, folder: Path) -> None:
    """Copies the log and the dataset for the check. Objects are written once, so those that are here already are left out."""
    lake = Lake(stack)
    with step("copying the lake") as outcome:
        copied = 0
        for prefix in (LOG_PREFIX, DATASET_PREFIX):
            for key in lake.keys(prefix):
                place = folder / key
                if not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    unfinished = place.with_name(place.name + ".partial")
                    unfinished.write_bytes(lake.read(key))
                    unfinished.rename(place)
                copied += 1
        outcome(f"{copied:,} objects")


def run_check(folder: Path) -> dict:
    """Runs the check in the readers' environment, which has no code of the product."""
    command = [str(program("readers", "python")), str(Path(__file__).with_name("soak_check.py")), str(folder)]
    with step("checking the law with DuckDB and deltalake"):
        ran = subprocess.run(command, env=plain_environment(), stdout=subprocess.PIPE, text=True)
    if ran.returncode != 0:
        raise Problem("the check itself failed", "see its words above")
    return json.loads(ran.stdout)


if __name__ == "__main__":
    sys.exit(run_main(main))
