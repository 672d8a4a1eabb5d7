#!/usr/bin/env bash
# transformers 5 does not load a Llama 2 tokenizer as tokenizer.json has it. It builds one from the code of LlamaTokenizer.
#
# A tokenizer.json of that family writes `▁` before every text, also before one that follows a special token. The class does so only at the
# beginning of a prompt if tokenizer_config.json says `legacy: false`, which is also its default. So one prompt is two rows of tokens,
# depending on who loads the folder: the `tokenizers` library, or AutoTokenizer.
#
# Run by hand. It installs pinned packages into a temporary folder, and fails if the behaviour is another one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - "$folder/base" <<'PYTHON'
import importlib.metadata
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig

folder = Path(sys.argv[1])
folder.mkdir()
pieces = ["<unk>", "<s>", "</s>", "▁", "h", "i", "▁h", "hi", "▁hi"]
tokenizer = {
    "version": "1.0", "truncation": None, "padding": None, "post_processor": None, "pre_tokenizer": None,
    "added_tokens": [
        {"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for number, token in enumerate(pieces[:3])],
    "normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    "decoder": {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
              "fuse_unk": True, "byte_fallback": False, "ignore_merges": False,
              "vocab": {piece: number for number, piece in enumerate(pieces)}, "merges": [["h", "i"], ["▁", "hi"]]},
}
(folder / "tokenizer.json").write_text(json.dumps(tokenizer))
LlamaConfig().save_pretrained(folder)

text = "<s>hi</s>"
as_written = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).tokens


def loaded(**config: object) -> list[str]:
    named = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named | config))
    auto = AutoTokenizer.from_pretrained(folder)
    return auto.convert_ids_to_tokens(auto(text, add_special_tokens=False)["input_ids"])


found = {
    "tokenizers, tokenizer.json": as_written,
    "AutoTokenizer, PreTrainedTokenizerFast": loaded(tokenizer_class="PreTrainedTokenizerFast"),
    "AutoTokenizer, LlamaTokenizer, legacy true": loaded(tokenizer_class="LlamaTokenizer", legacy=True),
    "AutoTokenizer, LlamaTokenizer, legacy false": loaded(tokenizer_class="LlamaTokenizer", legacy=False),
    "AutoTokenizer, LlamaTokenizer, no legacy": loaded(tokenizer_class="LlamaTokenizer"),
}
print(*(f"{name} {importlib.metadata.version(name)}" for name in ("transformers", "tokenizers")), sep=", ")
print(f"tokens of {text!r}:")
for who, tokens in found.items():
    print(f"  {who:<45} {' '.join(tokens)}")
print("The first three write ▁ after <s>. The last two do not: transformers has built another tokenizer than the file's.")
with_space, without = ["<s>", "▁hi", "</s>"], ["<s>", "hi", "</s>"]
sys.exit(list(found.values()) != [with_space] * 3 + [without] * 2)
PYTHON
