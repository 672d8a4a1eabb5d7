"""A base of random weights, larger than the tiny one and with its tokenizer. Its adapters are of no use, but cost as much as for a real model of that size."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path

from small_world import TINY_BASE

SHAPE = {
    "hidden_size": 512, "intermediate_size": 1_408, "num_hidden_layers": 8, "num_attention_heads": 8, "num_key_value_heads": 4,
}


def write(folder: Path) -> Path:
    """Writes the base: the tiny one's files with another shape and other weights."""
    shutil.copytree(TINY_BASE, folder, ignore=shutil.ignore_patterns("*.md", "model.safetensors"))
    config = json.loads((folder / "config.json").read_text()) | SHAPE
    (folder / "config.json").write_text(json.dumps(config))
    header, end = {}, 0
    for name, shape in shapes(config):
        begin, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [begin, end]}
    described = json.dumps(header).encode()
    described += b" " * (-len(described) % 8)
    source = random.Random(1)
    # One tensor after the other: this process's peak memory counts as that of its children.
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(described).to_bytes(8, "little") + described)
        for tensor in header.values():
            file.write(numbers(math.prod(tensor["shape"]), source if len(tensor["shape"]) > 1 else None))
    return folder


def shapes(config: dict) -> list[tuple[str, list[int]]]:
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    keys = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    linear = {
        "self_attn.q_proj": [hidden, hidden], "self_attn.k_proj": [keys, hidden], "self_attn.v_proj": [keys, hidden],
        "self_attn.o_proj": [hidden, hidden], "mlp.gate_proj": [inner, hidden], "mlp.up_proj": [inner, hidden],
        "mlp.down_proj": [hidden, inner], "input_layernorm": [hidden], "post_attention_layernorm": [hidden],
    }
    layers = [
        (f"model.layers.{layer}.{part}.weight", shape)
        for layer in range(config["num_hidden_layers"]) for part, shape in linear.items()]
    return [("model.embed_tokens.weight", [config["vocab_size"], hidden]), *layers, ("model.norm.weight", [hidden])]


def numbers(count: int, source: random.Random | None) -> bytes:
    """Returns `count` 16-bit floats: ones, or random ones of either sign between 1/64 and 1/32. Their deviation is about Llama's 0.02."""
    one = 0x3C00.to_bytes(2, "little")
    if source is None:
        return one * count
    # The sign and the ten bits of the fraction are random, the exponent is that of 1/64: all at once, as one large integer.
    keep, exponent = 0x83FF.to_bytes(2, "little") * count, (9 << 10).to_bytes(2, "little") * count
    bits = source.getrandbits(16 * count) & int.from_bytes(keep, "little") | int.from_bytes(exponent, "little")
    return bits.to_bytes(2 * count, "little")


def parameters(base: Path) -> int:
    """Returns the number of a base's weights."""
    with (base / "model.safetensors").open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
