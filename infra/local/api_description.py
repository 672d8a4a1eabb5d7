"""Reads infra/openapi.yaml, and validates values against its schemas. Needs PyYAML and jsonschema, which the local cloud's environment has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import jsonschema
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from settings import REPOSITORY

DESCRIPTION_FILE = REPOSITORY / "infra" / "openapi.yaml"
JSON = "application/json"
METHODS = ("get", "post", "put", "patch", "delete")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

formats = jsonschema.FormatChecker(())


@formats.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    seconds = re.sub(r"\.\d+", "", value.upper())
    return RFC3339.fullmatch(value) is not None and datetime.fromisoformat(seconds) is not None


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    content: dict

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


class Description:
    """The description, with references resolved on demand."""

    def __init__(self) -> None:
        self.document: dict = yaml.safe_load(DESCRIPTION_FILE.read_text())

    @property
    def schemas(self) -> dict[str, dict]:
        return self.document["components"]["schemas"]

    @cached_property
    def operations(self) -> list[Operation]:
        paths = self.document["paths"].items()
        return [Operation(method.upper(), path, item[method])
                for path, item in paths if path.startswith("/") for method in METHODS if method in item]

    def resolved(self, value: dict) -> dict:
        """Returns the value itself, or the target of its reference."""
        while reference := value.get("$ref"):
            value = self.document
            for name in reference.removeprefix("#/").split("/"):
                value = value[name]
        return value

    def responses(self, operation: Operation) -> dict[str, dict]:
        """The responses of an operation by status."""
        return {status: self.resolved(response) for status, response in operation.content["responses"].items()}

    def responses_apart(self) -> Iterator[tuple[str, str, dict]]:
        """Yields the responses of no operation: place, status, response. Each path has one for wrong methods; one is for wrong paths."""
        for path, item in self.document["paths"].items():
            if path == "x-other-paths":
                response = self.resolved(item)
                yield "other paths", response["x-status"], response
            elif reference := item.get("x-other-methods"):
                response = self.resolved(reference)
                yield path, response["x-status"], response

    def errors(self, schema: dict, value: object) -> list[str]:
        """The faults of a value. Empty for a valid one."""
        resource = DRAFT202012.create_resource(self.document)
        registry = Registry().with_resource("urn:openapi", resource)
        validator = jsonschema.Draft202012Validator(absolute(schema), registry=registry, format_checker=formats)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def absolute(schema: object) -> object:
    """Returns the schema with absolute references into the description, so that it can be validated anywhere."""
    if isinstance(schema, list):
        return [absolute(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: f"urn:openapi{item}" if key == "$ref" else absolute(item) for key, item in schema.items()}
