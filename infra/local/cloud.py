"""A local cloud (ministack) as a child process. Standard library only."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import containers
import processes
from progress import Problem, step
from settings import CLOUDS, REGION, plain_environment
from tools import program

HEALTHY_WITHIN_SECONDS = 60.0
ROOT_KEY, ROOT_SECRET = "test", "test"


@dataclass(frozen=True)
class Record:
    """The record of a running cloud, by which later commands find or stop it."""

    pid: int
    started: str
    port: int
    enforces_iam: bool
    container_gateway: str


class LocalCloud:
    """One local cloud: a port, a folder, a process group.

    Use it as a context manager where it must not outlive the caller (it is then leashed: it ends with the caller, even if
    that is killed). `start(leashed=False)` leaves it running, for `make up`; `LocalCloud.running(name)` finds it again.
    """

    def __init__(self, name: str, *, port: int | None = None, enforce_iam: bool = False, for_containers: bool = False,
                 model_url: str = "") -> None:
        self.name = name
        self.port = port or free_port()
        self.enforce_iam = enforce_iam
        self.model_url = model_url
        """An OpenAI-compatible server that answers for every Bedrock model. Without one, models answer with canned text."""
        self.container_gateway = containers.gateway() if for_containers else ""
        self.folder = CLOUDS / name
        self.log_file = self.folder / "log"
        self._record: Record | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._deaths: dict[str, tuple[int, int]] = {}
        """By function: how far the log was read, and the deaths up to there."""

    @classmethod
    def running(cls, name: str) -> LocalCloud | None:
        """Returns the cloud of that name, if it still runs and its process is the recorded one."""
        record = read_record(CLOUDS / name)
        if record is None or processes.started_at(record.pid) != record.started:
            return None
        found = cls(name, port=record.port, enforce_iam=record.enforces_iam)
        found.container_gateway = record.container_gateway
        found._record = record
        return found

    # -- life ------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> LocalCloud:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, *, leashed: bool = True) -> LocalCloud:
        """Starts an empty cloud: nothing is kept from an earlier one of that name."""
        if running := LocalCloud.running(self.name):
            raise Problem(f"a local cloud named {self.name} already runs on port {running.port}",
                          f"python3 infra/local/cli.py down {self.name}")
        if is_taken(self.port):
            raise Problem(f"port {self.port} is in use", "stop what listens there, or choose another: make up PORT=4600")
        with step(f"starting the local cloud {self.name} on port {self.port}"):
            shutil.rmtree(self.folder, ignore_errors=True)
            (self.folder / "tmp").mkdir(parents=True)
            try:
                self._spawn(leashed)
                self._await_health()
            except BaseException:
                self.stop()
                raise
        return self

    def _spawn(self, leashed: bool) -> None:
        command = [str(program("cloud", "python")), str(Path(__file__).with_name("emulator.py"))]
        if leashed:
            command = [sys.executable, str(Path(__file__).with_name("leash.py")), *command]
        with self.log_file.open("wb") as log:
            self._child = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._server_environment(),
                stdin=subprocess.PIPE if leashed else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: the caller handles Ctrl-C at the terminal, and the group ends as a whole
            )
        started = processes.started_at(self._child.pid) or ""
        self._record = Record(self._child.pid, started, self.port, self.enforce_iam, self.container_gateway)
        write_record(self.folder, self._record)

    def _server_environment(self) -> dict[str, str]:
        """The functions inherit this, so it holds nothing of the caller's."""
        return plain_environment() | self.environment() | {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "CONTAINER_GATEWAY": self.container_gateway,
            "MINISTACK_BEDROCK_PROXY_URL": self.model_url,
            "TMPDIR": str(self.folder / "tmp"),
            "STATE_DIR": str(self.folder / "state"),
            "AUTH": "true" if self.enforce_iam else "false",
            "LAMBDA_EXECUTOR": "local",
            # It would remove containers that it takes for its own; it must not touch any.
            "DOCKER_HOST": f"unix://{self.folder}/no-docker.sock",
        }

    def _await_health(self) -> None:
        deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
        while not self.is_healthy():
            if self._child is not None and (status := self._child.poll()) is not None:
                raise Problem(f"the local cloud ended at once (status {status})", f"see {self.log_file}", self.log_tail())
            if time.monotonic() > deadline:
                raise Problem(f"the local cloud did not answer within {HEALTHY_WITHIN_SECONDS:.0f} s", f"see {self.log_file}",
                              self.log_tail())
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends the cloud and every function process that it started. Does nothing if it does not run."""
        record = self._record
        if record is None:
            return
        if processes.started_at(record.pid) == record.started or self._child is not None:
            processes.end_group(record.pid)
        if self._child is not None:
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child.wait()
        self._record = self._child = None
        record_file(self.folder).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    # -- for callers ----------------------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        # The address, not "localhost": the SDKs then use path-style bucket URLs, which need no name resolution.
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process group's leader; None if the cloud does not run."""
        return self._record.pid if self._record else None

    @property
    def endpoint_for_containers(self) -> str:
        """The same for a container on this machine, if the cloud was started `for_containers`."""
        return f"http://{self.container_gateway or 'host.docker.internal'}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The environment of an AWS client that talks to this cloud as its administrator (the account's root)."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def log_tail(self, lines: int = 30) -> str:
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def function_pids(self, function_name: str) -> list[int]:
        """Returns the processes that run a function now, warm ones included; for tests that kill one."""
        if self._record is None:
            return []
        return [pid for pid in processes.members(self._record.pid)
                if processes.environment_of(pid).get("AWS_LAMBDA_FUNCTION_NAME") == function_name]

    def deaths_at_work(self, function_name: str) -> int:
        """Counts the processes of a function that died before they had answered, by the cloud's own log. Each call reads what is new there."""
        died = f"Lambda {function_name}: Runtime exited before returning a response".encode()
        read, deaths = self._deaths.get(function_name, (0, 0))
        with self.log_file.open("rb") as log:
            log.seek(read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                read, deaths = read + len(line), deaths + line.count(died)
        self._deaths[function_name] = read, deaths
        return deaths

    def set_faults(self, **shares: float) -> Mapping[str, int]:
        """Makes S3 fail for functions (`faults.py` has the names); without shares it does not. Returns the faults so far."""
        return self._control("PUT", "/_flywheel/faults", json.dumps(shares).encode())

    def faults(self) -> Mapping[str, int]:
        """The faults so far, by kind, and the requests that could have had one."""
        return self._control("GET", "/_flywheel/faults", None)

    def _control(self, method: str, path: str, body: bytes | None) -> Mapping[str, int]:
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}{path}", data=body, method=method), timeout=30) as answer:
            return json.loads(answer.read())

    def skip_waits(self) -> None:
        """Makes the Wait states and retry pauses of state machines take no time."""
        body = json.dumps({"stepfunctions._SFN_WAIT_SCALE": 0}).encode()
        request = urllib.request.Request(f"{self.endpoint}/_ministack/config", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def recorded_clouds() -> list[str]:
    """The names of all clouds that were started and not stopped, in this checkout."""
    return sorted(record.parent.name for record in CLOUDS.glob("*/cloud.json"))


def record_file(folder: Path) -> Path:
    return folder / "cloud.json"


def read_record(folder: Path) -> Record | None:
    try:
        return Record(**json.loads(record_file(folder).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    unfinished = folder / "cloud.json.partial"
    unfinished.write_text(json.dumps(asdict(record)))
    os.replace(unfinished, record_file(folder))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
