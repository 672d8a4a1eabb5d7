"""Deploys the staged template onto a local cloud, with the same `sam deploy` that deploys it to AWS."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cloud import LocalCloud
from progress import Problem, step
from settings import LOCAL, REGION, STACK_NAME, plain_environment
from tools import program

ARTIFACT_BUCKET = "flywheel-artifacts"


def host_architecture() -> str:
    return "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


def sam_environment(cloud: LocalCloud) -> dict[str, str]:
    """The environment of the SAM CLI: it keeps its state under `.local/`, and sends no reports."""
    return plain_environment() | cloud.environment() | {
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        "__SAM_CLI_APP_DIR": str(LOCAL / "sam"),
    }


def deploy(cloud: LocalCloud, template: Path, parameters: Mapping[str, str]) -> dict[str, str]:
    """Deploys or updates the stack; returns its outputs."""
    with step(f"deploying the stack {STACK_NAME}"):
        cloudformation = client(cloud, "cloudformation")
        make_artifact_bucket(cloud)
        deployed = subprocess.run(
            [str(program("sam", "sam")), "deploy",
             "--template-file", str(template),
             "--stack-name", STACK_NAME,
             "--s3-bucket", ARTIFACT_BUCKET,
             "--region", REGION,
             "--capabilities", "CAPABILITY_IAM",
             "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
             "--parameter-overrides", *(f"{name}={quoted(value)}" for name, value in parameters.items())],
            cwd=template.parent, env=sam_environment(cloud), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        if deployed.returncode != 0:
            raise Problem("sam deploy failed", f"the local cloud's log: {cloud.log_file}",
                          "\n".join([tail(deployed.stdout), tail(deployed.stderr), *failed_events(cloudformation)]))
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        # SAM silently drops a name that the template does not have.
        known = {parameter["ParameterKey"] for parameter in stack["Parameters"]}
        if unknown := set(parameters) - known:
            raise Problem(f"the template has no parameter {', '.join(sorted(unknown))}", f"one of {', '.join(sorted(known))}")
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def client(cloud: LocalCloud, service: str, credentials: Mapping[str, str] | None = None):
    """A boto3 client with the credentials of a role, or the administrator's. Only the tools' own environment has boto3, hence the late import."""
    import boto3

    known = credentials or {"AccessKeyId": cloud.environment()["AWS_ACCESS_KEY_ID"],
                            "SecretAccessKey": cloud.environment()["AWS_SECRET_ACCESS_KEY"]}
    return boto3.client(service, endpoint_url=cloud.endpoint, region_name=REGION, aws_access_key_id=known["AccessKeyId"],
                        aws_secret_access_key=known["SecretAccessKey"], aws_session_token=known.get("SessionToken"))


def make_artifact_bucket(cloud: LocalCloud) -> None:
    """Makes the bucket for packages. SAM's own would take another stack and seconds of waiting."""
    client(cloud, "s3").create_bucket(Bucket=ARTIFACT_BUCKET)


def quoted(value: str) -> str:
    """Quotes a parameter, because SAM splits it at spaces: `rate(5 minutes)`."""
    return '"' + value.replace('"', '\\"') + '"'


def failed_events(cloudformation) -> list[str]:
    """CloudFormation's errors, oldest first."""
    try:
        events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    except cloudformation.exceptions.ClientError:
        return []
    return [f"{event['LogicalResourceId']}: {event['ResourceStatus']}: {event.get('ResourceStatusReason', '')}"
            for event in reversed(events) if "FAILED" in event["ResourceStatus"]]


def tail(text: str, lines: int = 25) -> str:
    return "\n".join(text.splitlines()[-lines:])
