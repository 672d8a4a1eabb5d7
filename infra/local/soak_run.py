"""Carries out the rounds of a soak on a running stack: posts, kills, freezes, and writes each finished step into the journal."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext

import processes
from killing import Killer, OccasionalKiller
from lake import LOG_PREFIX, Lake, Part
from progress import Problem, say
from settings import FUNCTIONS
from soak_journal import Journal, Progress
from soak_plan import Plan, Posting, Round, endpoint
from stack import Stack
from workflow import invoke, queue_depth, run_to_end, wait_until

CLIENTS = 4
"""Requests at the same time."""
FAULTS = {"errors": 0.02, "lost_answers": 0.01, "slow": 0.02, "slow_seconds": 0.5}
SECONDS_BETWEEN_KILLS = 4.0
KILLED_IN_A_FREEZE = 2
FREEZE_IS_KILLED_EVERY = 4
"""In each fourth round the freeze is killed. The others say how long a freeze takes, for each of the three sizes."""
ACKNOWLEDGED_WITHIN = 300.0
CURATED_WITHIN = 900.0
FROZEN_WITHIN = 1_800.0
REPORT_EVERY = 10.0
COUNTS = ("version", "rows", "duplicates", "near_duplicates", "superseded", "revised", "held", "waiting")
"""Of a freeze's report."""
MEMORY_EVERY = 0.5


class Soak:
    """A soak on a stack."""

    def __init__(self, stack: Stack, plan: Plan, journal: Journal, progress: Progress, *, events: int, with_faults: bool) -> None:
        self.stack, self.plan, self.journal, self.progress = stack, plan, journal, progress
        self.events, self.with_faults = events, with_faults
        self.lake = Lake(stack)
        self.posted = progress.events
        self.killed: Counter[str] = Counter()
        self.peaks: Counter[str] = Counter()
        """The most bytes of memory that a process of each function had."""
        self.processor_seconds: Counter[str] = Counter()
        """The processor time of each function's processes, in the round so far."""
        self.stopping = threading.Event()

    def carry_out(self, of: Round) -> None:
        """Carries out a round, without the steps that the journal has already."""
        started, sent = time.monotonic(), self.posted
        if of.is_closing:
            self.stage(of, "closing")
        with self.killing(("Ingest", "Curate")):
            posting = self.timed(self.post, of, "edits", "before")
            drain = self.timed(self.drain)
        freeze = self.timed(self.freeze, of) if not self.progress.is_past(of.number, "frozen") else 0.0
        with self.killing(("Ingest", "Curate")):
            posting += self.timed(self.post, of, "after")
            drain += self.timed(self.drain)
        seconds = time.monotonic() - started
        lines = sum(Part.of_key(key).rows for key in self.lake.keys(LOG_PREFIX))
        killed, self.killed = self.killed, Counter()
        used, self.processor_seconds = self.processor_seconds, Counter()
        self.stage(of, "round", events=of.events, sent=self.posted - sent, closing=of.is_closing,
                   resumed=self.progress.requests_of == of.number, seconds=round(seconds, 1), posting=round(posting, 1),
                   drain=round(drain, 1), freeze=round(freeze, 1), killed=killed, peaks=self.peaks,
                   processor_seconds={name: round(seconds, 2) for name, seconds in used.items()})
        say(f"✓ round {of.number} · {min(of.first + of.events, self.events):,} of {self.events:,} events · {self.posted:,} sent · "
            f"{of.events / seconds:,.0f} a second · {lines:,} lines · version {self.version()} · {sum(killed.values())} kills")

    def version(self) -> int:
        return ((self.lake.pointer() or {}).get("last_freeze") or {}).get("version", 0)

    def stage(self, of: Round, stage: str, **values: object) -> None:
        self.journal.stage(of.number, stage, **values)

    def timed(self, work, *arguments: object) -> float:
        started = time.monotonic()
        work(*arguments)
        return time.monotonic() - started

    # -- the front door ----------------------------------------------------------------------------------------------------

    def post(self, of: Round, *phases: str) -> None:
        """Posts phases, one after another. Within one, several clients post at the same time."""
        for phase in phases:
            with ThreadPoolExecutor(CLIENTS) as clients:
                try:
                    self.post_phase(of, phase, clients)
                except BaseException:
                    self.stopping.set()  # or the pool would wait until requests under way are acknowledged
                    raise

    def post_phase(self, of: Round, phase: str, clients: ThreadPoolExecutor) -> None:
        """Posts the requests of a phase that the journal does not have. Only those under way are in memory."""
        under_way: set[Future[None]] = set()
        for request, batch in enumerate(self.plan.phase(phase, of)):
            if self.progress.has(of.number, phase, request):
                continue
            if len(under_way) == CLIENTS:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for finished in done:
                    finished.result()
            under_way.add(clients.submit(self.acknowledged, of, phase, request, batch))
        for finished in under_way:
            finished.result()

    def acknowledged(self, of: Round, phase: str, request: int, batch: list[Posting]) -> None:
        """Posts a request until it is acknowledged, as a client does, and writes that down."""
        body = json.dumps({"events": [posting.event for posting in batch]}, ensure_ascii=False)
        deadline, tries = time.monotonic() + ACKNOWLEDGED_WITHIN, 0
        while True:
            tries += 1
            started = time.monotonic()
            if self.is_acknowledged(endpoint(batch[0]), body, len(batch)):
                break
            if self.stopping.is_set():
                raise Problem("stopped before an acknowledgement")
            if time.monotonic() > deadline:
                raise Problem(f"the front door acknowledged no request for {ACKNOWLEDGED_WITHIN:.0f} s", f"see {self.stack.cloud.log_file}")
            time.sleep(min(2.0, 0.1 * 2 ** tries))
        self.journal.acknowledged(of.number, phase, request, batch, 1_000 * (time.monotonic() - started), tries)
        self.posted += len(batch)

    def is_acknowledged(self, path: str, body: str, events: int) -> bool:
        """Posts once. `False` asks for another try; an answer of another kind is a fault, and raises."""
        headers = {"Authorization": f"Bearer {self.stack.keys.ingest}", "Content-Type": "application/json"}
        try:
            status, answer = self.stack.request("POST", path, body, headers)
        except (OSError, http.client.HTTPException):
            return False
        if status >= 500 or status == 429:
            return False
        found = json.loads(answer)
        if status == 207 and all(refused["error"]["code"] == "queue_unavailable" for refused in found["errors"]):
            return False
        if status != 202 or len(found["event_ids"]) != events:
            raise Problem(f"the front door answered {status} to a sound request", f"see {self.stack.cloud.log_file}",
                          answer.decode(errors="replace")[:500])
        return True

    # -- behind it ---------------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Waits until every acknowledged event is curated."""
        wait_until("an empty queue", lambda: queue_depth(self.stack, "EditsQueueUrl") == 0, CURATED_WITHIN, self.stack.cloud.log_file)

    def freeze(self, of: Round) -> None:
        """Counts, three at once, until nothing is pending, and follows the runs. Meanwhile clients post the phase `during`, so that a freeze
        and curation race."""
        is_killed = self.with_faults and of.number % FREEZE_IS_KILLED_EVERY == 0
        kills = {"within_seconds": 0.5, "wanted": KILLED_IN_A_FREEZE, "most": KILLED_IN_A_FREEZE}
        killer = Killer(self.stack, "Freeze", **kills) if is_killed else nullcontext()
        with ThreadPoolExecutor(1) as beside:
            late = beside.submit(self.post, of, "during")
            try:
                with killer:
                    self.follow_runs(of, killer)
            except BaseException:
                self.stopping.set()
                raise
            late.result()
        self.killed["Freeze"] += getattr(killer, "killed", 0)
        self.stage(of, "frozen")

    def follow_runs(self, of: Round, killer: object) -> None:
        """Writes down each run of a round at its end."""
        killed = 0
        for run in self.runs():
            of_run, killed = getattr(killer, "killed", 0) - killed, getattr(killer, "killed", 0)
            if run["status"] != "SUCCEEDED":
                raise Problem(f"run {run['name']} ended as {run['status']}: {run.get('error')}", f"see {self.stack.cloud.log_file}",
                              str(run.get("cause"))[:500])
            report = json.loads(run["output"])["freeze"]
            seconds = (run["stopDate"] - run["startDate"]).total_seconds()
            self.stage(of, "freeze", run=run["name"], seconds=round(seconds, 2), killed=of_run, **{name: report[name] for name in COUNTS})

    def runs(self) -> Iterator[dict]:
        """Starts runs while enough is pending, and yields each at its end."""
        deadline = time.monotonic() + FROZEN_WITHIN
        while time.monotonic() < deadline:
            with ThreadPoolExecutor(3) as counters:
                counts = list(counters.map(lambda _: invoke(self.stack, "Counter", {}), range(3)))
            decisions = {count["decision"] for count in counts}
            if started := {count["run"] for count in counts if count["decision"] in ("start", "already_running")}:
                if len(started) != 1:
                    raise Problem(f"three counters at once started {len(started)} runs: {sorted(started)}")
                yield run_to_end(self.stack, started.pop(), within=FROZEN_WITHIN)
            elif decisions == {"below_threshold"}:
                return
            elif not decisions <= {"below_threshold", "already_frozen"}:
                raise Problem(f"the counter answered {counts[0]['decision']}", "see docs/OPERATE.md", json.dumps(counts[0]))
        raise Problem(f"the freezes of a round did not end within {FROZEN_WITHIN:.0f} s", f"see {self.stack.cloud.log_file}")

    @contextmanager
    def killing(self, functions: tuple[str, ...]) -> Iterator[None]:
        """Kills processes of these functions now and then."""
        if not self.with_faults:
            yield
            return
        with OccasionalKiller(self.stack, functions, SECONDS_BETWEEN_KILLS) as killer:
            yield
        self.killed += killer.killed


class Watch:
    """Within its context, samples memory and processor time of all processes, and says now and then how far the soak is."""

    def __init__(self, soak: Soak) -> None:
        self.soak, self.cloud = soak, soak.stack.cloud
        self._names = {soak.stack.outputs[f"{name.capitalize()}FunctionName"]: name for name in FUNCTIONS}
        self._used: dict[int, float] = {}
        """The processor time of each living process at the last sample."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._sample()
        self.soak.processor_seconds.clear()  # that was before
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        said, before = time.monotonic(), self.soak.posted
        while not self._stopping.wait(MEMORY_EVERY):
            self._sample()
            if (now := time.monotonic()) - said >= REPORT_EVERY:
                say(f"  {self.soak.posted:,} sent · {(self.soak.posted - before) / (now - said):,.0f} a second · {self._queued()} on the queue")
                said, before = now, self.soak.posted

    def _sample(self) -> None:
        used = {}
        for pid in processes.members(self.cloud.pid or 0):
            function = processes.environment_of(pid).get("AWS_LAMBDA_FUNCTION_NAME", "")
            name = self._names.get(function, "the local cloud itself")
            self.soak.peaks[name] = max(self.soak.peaks[name], processes.peak_memory(pid) or 0)
            used[pid] = processes.processor_seconds(pid) or self._used.get(pid, 0.0)
            self.soak.processor_seconds[name] += max(0.0, used[pid] - self._used.get(pid, 0.0))
        self._used = used

    def _queued(self) -> str:
        try:
            return f"{queue_depth(self.soak.stack, 'EditsQueueUrl'):,}"
        except Exception:  # noqa: BLE001 - a line of progress is worth no failure
            return "?"


def stop_automatic_counts(stack: Stack) -> None:
    """Switches off the rules that count at the end of a run. A count between two phases would freeze events before their withdrawals arrive, and
    the check could not say which versions may have them."""
    events = stack.client("events")
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])


def dead_letters(stack: Stack) -> int:
    return queue_depth(stack, "EditsDlqUrl")

