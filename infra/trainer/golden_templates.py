#!/usr/bin/env python3
"""Renders templates and tokenizes texts with transformers. The embedded trainer has to give the same results.

    python golden_templates.py ../../crates/trainer/tests/golden

reads `templates/*.jinja` there, which are written for this, and writes `templates/expected.json` and `tokenizers.json`. It was run with the
versions in `requirements.txt`; its output is committed. It needs no torch.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, LlamaConfig, MistralConfig, PreTrainedTokenizerFast

from contract import Unusable
from templates import Today, render

PREPARED_AT = "2026-11-05T21:03:07.250Z"
USER = {"role": "user", "content": "Where is the order amber_lot?"}
ANSWER = {"role": "assistant", "content": "At the pier."}
SYSTEM = {"role": "system", "content": "Be brief.\n"}
CONVERSATIONS: dict[str, list[dict[str, str]]] = {
    "question": [USER],
    "system": [SYSTEM, USER],
    "turns": [USER, ANSWER, {"role": "user", "content": "And  now?\n\n"}],
    "system and turns": [SYSTEM, USER, ANSWER, {"role": "user", "content": "  Since when?"}, ANSWER, USER],
    "unicode": [{"role": "system", "content": "Naïve ☃, <b>&\"it's\" 👍🏽"}, {"role": "user", "content": "Wörter\u00a0{{ 7 * 7 }} {% x %}\u2028日本語 \\n"}],
    "trailing answer": [USER, ANSWER],
    "thoughts": [USER, {"role": "assistant", "content": "<think>\nIt was amber.\n</think>\n\nAt the pier."}, USER,
                 {"role": "assistant", "content": "<think>a</think>b</think>\nc\n"}],
    "empty": [{"role": "system", "content": ""}, {"role": "user", "content": ""}],
    "two questions": [USER, USER],
    "answer first": [ANSWER, USER],
    "tool": [USER, ANSWER, {"role": "tool", "content": "{\"at\": \"pier\"}"}, ANSWER],
    "modes": [{"role": "system", "content": "Be brief. /no_think "}, USER, {"role": "assistant", "content": "\nYes."}, USER],
    "only": [{"role": "system", "content": "/only Say it. /system"}, USER],
}
NAMED = {"bos_token": "<s>", "eos_token": "</s>"}


def main(folder: Path) -> None:
    versions = {name: importlib.metadata.version(name) for name in ("transformers", "tokenizers", "jinja2")}
    write(folder / "templates" / "expected.json", {
        "versions": versions, "prepared_at": PREPARED_AT, "named": NAMED, "conversations": CONVERSATIONS,
        "rendered": {path.stem: rendered(path.read_bytes().decode()) for path in sorted((folder / "templates").glob("*.jinja"))}})
    written = {"pieces": sentencepiece(), "bytes": bytes_only(), "digits": bytes_only(digits=True)}
    write(folder / "tokenizers.json", {
        "versions": versions, "texts": TEXTS, "written": {name: json.dumps(each, ensure_ascii=False) for name, each in written.items()},
        "bases": bases(written)}, indent=None)


def write(path: Path, value: Any, indent: int | None = 1) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def rendered(source: str) -> dict[str, Any]:
    """Returns the text of each conversation, or the reason for its refusal."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **NAMED)
    tokenizer.chat_template = source

    def of(messages: list[dict[str, str]]) -> dict[str, str]:
        try:
            return {"text": render(tokenizer, messages, Today.at(PREPARED_AT))}
        except Unusable as error:
            return {"refused": str(error)}

    return {name: of(messages) for name, messages in CONVERSATIONS.items()}


TEXTS = [
    "<s>[INST] Log the order of the day. [/INST]", " the user", "It is said", "<s> a</s>b <unk>", "naïve ☃ order 2024", "", " ", "\n\nthe  order\n",
    "<|im_start|>user\nsay it 12 34<|im_end|>\n", "▁the▁order", "<new> text<new>text", "it's the user's",
]
CORPUS = ["Log the order of the day.", "the user wrote a text of 12 words", "[INST] say it [/INST] it is said", "naïve ☃ order 2024"] * 5


def bases(written: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Yields bases of every distinguished kind, with the tokens by transformers and their texts."""
    llama, gpt2 = {"tokenizer_class": "LlamaTokenizer"}, {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>"}
    new = {"content": "<new>", "lstrip": False, "rstrip": True, "normalized": False, "single_word": False, "special": False}
    named = {**NAMED, "unk_token": "<unk>"}
    first_new = str(len(written["pieces"]["model"]["vocab"]))
    cases: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("sentencepiece as written", "pieces", {"tokenizer_class": "PreTrainedTokenizerFast", **named}, {}),
        ("sentencepiece without a class", "pieces", named, {}),
        ("llama 2", "pieces", {**llama, **named, "legacy": False}, {}),
        ("llama 2, fast, without legacy", "pieces", {"tokenizer_class": "LlamaTokenizerFast"}, {}),
        ("llama 2, null", "pieces", {**llama, "legacy": None, "add_prefix_space": None, "pad_token": None}, {}),
        ("llama 2, legacy", "pieces", {**llama, **named, "legacy": True}, {}),
        ("llama 2, no prefix", "pieces", {**llama, **named, "legacy": False, "add_prefix_space": False}, {}),
        ("llama 2, class in config.json", "pieces", named, {"tokenizer_class": "LlamaTokenizer"}),
        ("llama 2, tokens in the configuration", "pieces", {**llama, **named, "legacy": False, "added_tokens_decoder": {
            "0": {"content": "<unk>", "special": True}, "1": {"content": "<s>", "special": True, "rstrip": True},
            "2": {"content": "</s>", "special": True}, first_new: new}}, {}),
        ("mistral", "pieces", {**llama, **named, "legacy": False}, {"model_type": "mistral"}),
        ("llama 3, by the class of llama 2", "bytes", {**llama, "eos_token": "<|im_end|>"}, {}),
        ("bytes as written", "digits", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}, {}),
        ("bytes by GPT-2", "digits", gpt2, {}),
        ("bytes by GPT-2, prefix", "digits", {**gpt2, "tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True, "bos_token": "<|im_start|>"}, {}),
        ("bytes by GPT-2 in a mistral", "digits", gpt2, {"model_type": "mistral"}),
        ("tokens with other properties", "digits", {"eos_token": "<|im_end|>", "added_tokens_decoder": {
            "1": {"content": "<|im_start|>", "lstrip": True, "rstrip": True, "normalized": False, "special": False}, "500": new}}, {}),
        ("tokens in files of their own", "digits", {"eos_token": "<|im_end|>"}, {
            "special_tokens_map": {"eos_token": {"content": "<|endoftext|>", "lstrip": False, "rstrip": False, "normalized": False},
                                   "bos_token": "<|im_start|>", "additional_special_tokens": ["it's"]},
            "added_tokens": {"<new>": 400}}),
        ("files of their own that do not count", "digits", {"eos_token": "<|im_end|>", "added_tokens_decoder": {}},
         {"special_tokens_map": {"eos_token": "<|endoftext|>"}, "added_tokens": {"<new>": 400}}),
        ("tokens that are new", "digits", {"eos_token": "<|over|>", "additional_special_tokens": ["<new>"], "image_token": "<image>"}, {}),
        ("special tokens as text", "digits", {"eos_token": "<|im_end|>", "split_special_tokens": True}, {}),
    ]
    return [made(written, *case) for case in cases]


def made(
    written: dict[str, dict[str, Any]], name: str, tokenizer: str, config: dict[str, Any], more: dict[str, Any]
) -> dict[str, Any]:
    model = MistralConfig() if more.get("model_type") == "mistral" else LlamaConfig(tokenizer_class=more.get("tokenizer_class"))
    files = {"tokenizer_config.json": config,
             **{f"{file}.json": more[file] for file in ("special_tokens_map", "added_tokens") if file in more}}
    with tempfile.TemporaryDirectory() as folder:
        for file, value in (files | {"tokenizer.json": written[tokenizer]}).items():
            (Path(folder) / file).write_text(json.dumps(value))
        model.save_pretrained(folder)
        loaded = AutoTokenizer.from_pretrained(folder)
    tokens = [loaded(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    return {
        "name": name, "class": type(loaded).__name__, "model_type": model.model_type, "tokenizer_class": more.get("tokenizer_class"),
        "written": tokenizer, "files": {file: json.dumps(value, ensure_ascii=False) for file, value in files.items()},
        "named": loaded.special_tokens_map, "tokens": tokens,
        "decoded": [loaded.decode(each, skip_special_tokens=True) for each in tokens],
    }


def sentencepiece() -> dict[str, Any]:
    """A BPE of characters with bytes for the rest, like the Llama 2 family's: `▁` for a space, and one before every text."""
    tokens = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokens.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokens.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
    tokens.train_from_iterator([text.replace(" ", " ▁") for text in CORPUS], trainers.BpeTrainer(
        vocab_size=360, special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))], show_progress=False))
    written = json.loads(tokens.to_str())
    # As in SentencePiece: bytes are tokens of the vocabulary, and no text is cut at white space.
    written["added_tokens"], written["pre_tokenizer"] = written["added_tokens"][:3], None
    written["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    return written


def bytes_only(*, digits: bool = False) -> dict[str, Any]:
    """A byte-level BPE, which may cut off each digit, as SmolLM's does, although it has tokens of two digits."""
    tokens = Tokenizer(models.BPE(unk_token=None))
    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.pre_tokenizer, tokens.decoder = by_bytes, decoders.ByteLevel()
    tokens.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    if digits:
        tokens.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), by_bytes])
    written = json.loads(tokens.to_str())
    for left, right in ("12", "34"):
        written["model"]["vocab"][left + right] = len(written["model"]["vocab"])
        written["model"]["merges"].append([left, right])
    return written


if __name__ == "__main__":
    main(Path(sys.argv[1]))
