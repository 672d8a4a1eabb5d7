"""Runs every sample in `events/` through its function, without deploying the function: `sam local`, with and without Docker.

    sam_local.py        on a local cloud of its own; exits with 0 only if every sample was answered

It runs the same samples in two ways:
* the Lambda runtime interface emulator that comes inside the SAM CLI, around the local build. Always (on Linux);
* `sam local invoke`, where a Docker engine answers. The local build is linked against this machine's C library, newer than
  the Lambda image's, so the container gets an image of this machine's libraries: nothing is pulled.

`prepare` writes the files that `sam local` needs for a running stack; `make up` calls it, for use by hand.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import containers
import processes
from cloud import LocalCloud, free_port
from deploy import host_architecture, sam_environment, tail
from progress import Problem, run_main, say, step
from settings import FUNCTIONS, LOCAL, REPOSITORY, STAGE
from stack import Stack, raise_stack, write_private
from stage import TEMPLATE, build_and_stage
from tools import environment

FOLDER = STAGE / "sam-local"
TEMPLATE_FOR_SAM_LOCAL = FOLDER / "template.yaml"
VARIABLES_FILE = FOLDER / "variables.json"
CARGO_LAMBDA_FILE = FOLDER / "cargo-lambda.env"
IMAGE = "flywheel-local/provided:host"
ANSWER_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Sample:
    """One file of `events/`, named `<function>.<name>.json`."""

    file: Path

    @property
    def function(self) -> str:
        return self.file.name.partition(".")[0]

    @property
    def logical_id(self) -> str:
        return f"{self.function.capitalize()}Function"


def samples() -> list[Sample]:
    found = [Sample(file) for name in FUNCTIONS for file in sorted((REPOSITORY / "events").glob(f"{name}.*.json"))]
    if missing := set(FUNCTIONS) - {sample.function for sample in found}:
        raise Problem(f"events/ has no sample for {', '.join(sorted(missing))}")
    return found


# -- the functions' environment -------------------------------------------------------------------------------------------


def sample_keys() -> str:
    """The bearer keys of the samples, in the template's form, so that the samples work unchanged."""
    labelled = []
    for sample in samples():
        headers = json.loads(sample.file.read_text()).get("headers", {})
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and "unauthorized" not in sample.file.name:
            labelled.append(f"sample:{hashlib.sha256(key.encode()).hexdigest()}")
    return ",".join(sorted(set(labelled)))


def variables(stack: Stack) -> dict[str, dict[str, str]]:
    """Returns each function's deployed environment, by its logical id in the template, with the samples' key added."""
    lambda_client = stack.client("lambda")
    found = {}
    for name in FUNCTIONS:
        logical_id = f"{name.capitalize()}Function"
        deployed = lambda_client.get_function_configuration(FunctionName=stack.outputs[f"{logical_id}Name"])
        found[logical_id] = deployed.get("Environment", {}).get("Variables", {})
    keys = found["IngestFunction"]["FLYWHEEL_INGEST_KEYS"]
    found["IngestFunction"]["FLYWHEEL_INGEST_KEYS"] = ",".join(part for part in (keys, sample_keys()) if part)
    return found


def template_for_sam_local(template: str) -> str:
    """Returns the template in a form that `sam local` accepts.

    SAM gives a container only the variables that its template names, hence AWS_ENDPOINT_URL. It refuses an authorizer that a
    condition chooses, even if the condition is false, hence the routes without one: ingest checks the keys.
    """
    edits = (
        ("Globals → Function → Environment → Variables",
         r"(?m)^(Globals:\n(?:[ #].*\n|\n)*?([ ]+)Variables:\n)", r'\g<1>\g<2>  AWS_ENDPOINT_URL: ""\n', 1),
        ("EditsRoute and FeedbackRoute → AuthorizationType",
         r"AuthorizationType: !If \[UseJwt, JWT, NONE\]", "AuthorizationType: NONE", 2),
        ("EditsRoute and FeedbackRoute → AuthorizerId", r"(?m)^ +AuthorizerId: !If \[UseJwt, .*\n", "", 2),
    )
    for place, pattern, replacement, places in edits:
        template, count = re.subn(pattern, replacement, template)
        if count != places:
            raise Problem(f"infra/template.yaml: {place} is not where it was", "teach template_for_sam_local where it is now")
    return template


def prepare(stack: Stack) -> None:
    """Writes the files that `sam local` needs for a running stack: a template, the functions' variables, and its options, which
    it takes from the samconfig.toml beside the template. Imports the image, if Docker runs. Also writes the file for `cargo lambda`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    TEMPLATE_FOR_SAM_LOCAL.write_text(template_for_sam_local(TEMPLATE.read_text()))
    shutil.copyfile(TEMPLATE.with_name("finetune.asl.json"), FOLDER / "finetune.asl.json")
    known = variables(stack)
    endpoint = {"AWS_ENDPOINT_URL": stack.cloud.endpoint_for_containers}
    write_private(VARIABLES_FILE, json.dumps({name: values | endpoint for name, values in known.items()}, indent=2))
    # One environment for all functions: a variable has the same value in each function that has it.
    together = {name: value for values in known.values() for name, value in values.items()} | stack.cloud.environment()
    write_private(CARGO_LAMBDA_FILE, "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(together.items())))
    options = {
        "env_vars": str(VARIABLES_FILE),
        "invoke_image": [IMAGE],
        "skip_pull_image": True,
        "parameter_overrides": f"Architecture={host_architecture()}",
    }
    # JSON's strings, lists and booleans are TOML's, too.
    lines = [f"{name} = {json.dumps(value)}" for name, value in options.items()]
    sections = [[f"[default.{command}.parameters]", *lines, ""] for command in ("local_invoke", "local_start_api")]
    (FOLDER / "samconfig.toml").write_text("\n".join(["version = 0.1", ""] + [line for section in sections for line in section]))
    if containers.engine_answers():
        import_host_image()


# -- without Docker -------------------------------------------------------------------------------------------------------


def emulator() -> Path | None:
    """The runtime interface emulator for this machine, from inside the SAM CLI."""
    if platform.system() != "Linux":
        return None
    architecture = host_architecture()
    found = list(environment("sam").glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}"))
    return found[0] if found else None


@contextmanager
def emulated(program: Path, stack: Stack, sample: Sample, values: dict[str, str]) -> Iterator[str]:
    """A function behind the emulator; yields the URL to invoke it at."""
    port = free_port()
    log = LOCAL / f"sam-local-{sample.function}.log"
    surroundings = sam_environment(stack.cloud) | values | {
        "AWS_LAMBDA_FUNCTION_NAME": stack.outputs[f"{sample.logical_id}Name"],
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(ANSWER_WITHIN_SECONDS),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    }
    command = [str(program), "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
               "--runtime-api-address", f"127.0.0.1:{free_port()}", "./bootstrap"]
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=STAGE / "target" / "lambda" / sample.function, env=surroundings,
                                 stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        processes.end_group(child.pid)
        child.wait()


def post_when_listening(url: str, body: bytes) -> bytes:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=ANSWER_WITHIN_SECONDS) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise Problem(f"the runtime emulator does not listen at {url}") from None
            time.sleep(0.05)


def invoke_with_emulator(stack: Stack, sample: Sample) -> object:
    """Returns the function's answer to a sample."""
    program = emulator()
    if program is None:
        raise Problem("the SAM CLI has no runtime emulator for this machine")
    with emulated(program, stack, sample, variables(stack)[sample.logical_id]) as url:
        return json.loads(post_when_listening(url, sample.file.read_bytes()))


# -- with Docker ----------------------------------------------------------------------------------------------------------


def libraries_of(program: Path) -> set[Path]:
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
    return {Path(path) for path in re.findall(r"(/\S+)", listed)}


def import_host_image() -> None:
    """Imports an image of the libraries that the functions are linked against on this machine, and a shell by which SAM adds its emulator."""
    programs = [Path(shutil.which(name) or f"/bin/{name}") for name in ("sh", "mv", "chmod")]
    bootstraps = [STAGE / "target" / "lambda" / name / "bootstrap" for name in FUNCTIONS]
    wanted = set(programs).union(*(libraries_of(program) for program in [*programs, *bootstraps]))
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for directory in ("tmp", "var/task", "var/runtime"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
        for file in sorted(wanted | ({certificates} if certificates.exists() else set())):
            if file.name == "bootstrap":
                continue
            tar.add(file.resolve(), arcname=str(file).lstrip("/"), recursive=False)
        for program in programs:
            tar.add(program.resolve(), arcname=f"bin/{program.name}", recursive=False)
    imported = containers.docker("import", "-", IMAGE, stdin=archive.getvalue())
    if imported.returncode != 0:
        raise Problem("docker import failed", "", imported.stderr.decode(errors="replace"))


def invoke_with_docker(stack: Stack, sample: Sample) -> object:
    """Runs `sam local invoke` as by hand."""
    invoked = subprocess.run(
        [str(environment("sam") / "bin" / "sam"), "local", "invoke", sample.logical_id,
         "--template-file", str(TEMPLATE_FOR_SAM_LOCAL), "--event", str(sample.file)],
        cwd=REPOSITORY, env=sam_environment(stack.cloud) | {key: os.environ[key] for key in ("DOCKER_HOST",) if key in os.environ},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )
    if invoked.returncode != 0 or not invoked.stdout.strip():
        raise Problem(f"sam local invoke {sample.logical_id} failed", "", tail(invoked.stderr))
    return json.loads(invoked.stdout.strip().splitlines()[-1])


# -- all samples ----------------------------------------------------------------------------------------------------------


STATUS = {
    "ingest.health.json": 200,
    "ingest.post-autosaves.json": 202,
    "ingest.post-batch.json": 207,
    "ingest.post-chat-edit.json": 202,
    "ingest.post-edit-mapped.json": 202,
    "ingest.post-edit.json": 202,
    "ingest.post-feedback-batch.json": 207,
    "ingest.post-feedback.json": 202,
    "ingest.post-tool-calls.json": 202,
    "ingest.post-withdrawal.json": 202,
    "ingest.unauthorized.json": 401,
}


def is_expected(sample: Sample, answer: dict) -> bool:
    """Returns the expectations of `events/README.md` for each sample."""
    match sample.function:
        case "ingest":
            return answer.get("statusCode") == STATUS[sample.file.name]
        case "curate":
            return len(answer.get("batchItemFailures", ())) == 1
        case "counter":
            return answer.get("decision") == "below_threshold"
        case "freeze":
            # A second request, in another way, gets the same answer.
            return (answer.get("crossing"), answer.get("version")) == (1, 1)
        case "prepare":
            return answer.get("errorType") == "NoBase"
        case "promote":
            return answer.get("errorType") == "NotPrepared"
    return False


def run_all(stack: Stack, way: str) -> int:
    """Runs every sample in one way; returns the number of failures."""
    invoke = {"emulator": invoke_with_emulator, "docker": invoke_with_docker}[way]
    failed = 0
    for sample in samples():
        started = time.monotonic()
        answer = invoke(stack, sample)
        expected = isinstance(answer, dict) and is_expected(sample, answer)
        failed += not expected
        shown = json.dumps(answer, ensure_ascii=False)
        print(f"{'✓' if expected else '✗'} {way:8} {sample.file.name:28} {time.monotonic() - started:5.1f} s  {shown[:150]}", flush=True)
    return failed


def main() -> int:
    template = build_and_stage()
    with LocalCloud("sam-local", for_containers=True) as cloud:
        # Only the samples may call the functions here: no tick of the schedule, no execution that freezes.
        stack = raise_stack(cloud, template, {"Threshold": "5000", "Schedule": "rate(12 hours)"})
        prepare(stack)
        failed = 0
        if emulator() is None:
            say("SKIPPED: the runtime emulator in the SAM CLI runs on Linux only")
        else:
            failed += run_all(stack, "emulator")
        if containers.engine_answers():
            failed += run_all(stack, "docker")
        else:
            say("SKIPPED: sam local invoke needs a Docker engine on Linux, and none answers (docker info)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_main(main))
