"""Reads infra/template.yaml as data. Needs PyYAML, which the local cloud's environment has."""

from __future__ import annotations

import yaml

from settings import REPOSITORY

TEMPLATE = REPOSITORY / "infra" / "template.yaml"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short functions: `!Ref X` loads as `{"Ref": "X"}`, `!Sub X` as `{"Fn::Sub": "X"}`."""


def function(loader: Loader, name: str, node: yaml.Node) -> dict:
    match node:
        case yaml.SequenceNode():
            value: object = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
        case _:
            value = loader.construct_scalar(node)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", function)


def parsed(text: str) -> dict:
    """Returns a template as data."""
    return yaml.load(text, Loader)


def template() -> dict:
    """Returns infra/template.yaml as data."""
    return parsed(TEMPLATE.read_text())
