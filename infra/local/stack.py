"""A deployed Flywheel stack, for its clients: the front door, the lake, the keys, the outputs."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import deploy
from cloud import LocalCloud
from settings import ENV_FILE


@dataclass(frozen=True)
class Keys:
    """The secrets of one local stack's clients. Random, and useless outside it; still never printed."""

    ingest: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @classmethod
    def kept_in(cls, file: Path) -> Keys:
        """Reads the keys from a file, or makes it: a redeployment must not lock its clients out."""
        if file.exists():
            return cls(json.loads(file.read_text())["ingest"])
        keys = cls()
        write_private(file, json.dumps({"ingest": keys.ingest}))
        return keys

    def as_parameters(self) -> dict[str, str]:
        """The keys as the template's parameters: the ingest key only as its digest, under a label."""
        return {"IngestKeys": f"local:{hashlib.sha256(self.ingest.encode()).hexdigest()}"}


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    cloud: LocalCloud
    outputs: Mapping[str, str]
    keys: Keys

    @property
    def api_id(self) -> str:
        """The API's id: the first label of the URL in the template's output."""
        return (urlsplit(self.outputs["ApiUrl"]).hostname or "").partition(".")[0]

    @property
    def api_host(self) -> str:
        """The API's virtual host on the local cloud."""
        return f"{self.api_id}.execute-api.localhost:{self.cloud.port}"

    @property
    def api_url(self) -> str:
        """The URL for every client. It has an address and no name: curl and browsers resolve `*.localhost`, other clients do not."""
        return f"{self.cloud.endpoint}/_aws/execute-api/{self.api_id}"

    @property
    def lake(self) -> str:
        return f"s3://{self.outputs['LakeBucket']}"

    def contributor_key(self) -> str:
        """The key of the contributors' pseudonyms, as an operator reads it."""
        secret = self.outputs["ContributorSecretArn"]
        return self.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]

    def client(self, service: str, credentials: Mapping[str, str] | None = None):
        """A boto3 client with the credentials of a role, or the account's administrator's."""
        return deploy.client(self.cloud, service, credentials)

    def assume(self, role: str) -> Mapping[str, str]:
        """The credentials of a role, by its ARN."""
        return self.client("sts").assume_role(RoleArn=role, RoleSessionName="local")["Credentials"]

    def request(self, method: str, path: str, body: bytes | str | None = None,
                headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Sends one HTTP request to the front door, with exactly the given headers (and Host). Returns status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.cloud.port, timeout=60)
        try:
            connection.request(method, path, body.encode() if isinstance(body, str) else body,
                               {"Host": self.api_host, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post_edits(self, payload: object) -> tuple[int, dict]:
        """Posts one edit event, or `{"events": [...]}`, with the stack's key. Returns status and the parsed body."""
        return self.post_raw(json.dumps(payload, ensure_ascii=False))

    def post_raw(self, body: bytes | str, path: str = "/v1/edits") -> tuple[int, dict]:
        """Posts a body unchanged, with the stack's key."""
        status, answer = self.request("POST", path, body, {
            "Authorization": f"Bearer {self.keys.ingest}", "Content-Type": "application/json"})
        return status, json.loads(answer or b"{}")

    def environment(self) -> dict[str, str]:
        """The variables by which a shell uses the stack; `make up` writes them to `.local/env`."""
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        return {name: self.cloud.environment()[name] for name in names} | {
            "FLYWHEEL_API_URL": self.api_url,
            "FLYWHEEL_INGEST_KEY": self.keys.ingest,
            "FLYWHEEL_LAKE": self.lake,
        }

    def write_env_file(self) -> Path:
        lines = [f"export {name}={shlex.quote(value)}" for name, value in self.environment().items()]
        write_private(ENV_FILE, "\n".join(lines) + "\n")
        return ENV_FILE


def raise_stack(cloud: LocalCloud, template: Path, parameters: Mapping[str, str] | None = None,
                keys: Keys | None = None) -> Stack:
    """Deploys onto a running cloud. `parameters` are the template's own, by name; the others have their defaults."""
    used = keys or Keys()
    chosen = {"Architecture": deploy.host_architecture()} | used.as_parameters() | dict(parameters or {})
    return Stack(cloud, deploy.deploy(cloud, template, chosen), used)


def write_private(file: Path, text: str) -> None:
    """Replaces a file with one that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(file.name + ".partial")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    os.replace(unfinished, file)
