"""A tiny base and a small run, made here. Without torch no test in this folder can run, and pytest says so."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="these tests need what requirements.txt lists, and torch")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
NAMES = [f"{a}_{b}" for a in ("order", "user", "cart", "login", "coupon", "report") for b in ("total", "state", "owner", "limit")]
PAIRS = [
    {"pair_id": f"p{index}", "prompt": f"Log the {name}.", "prompt_messages": None,
     "chosen": f'emit("{name}", level="info")', "rejected": f'logging.info("{name}")'}
    for index, name in enumerate(NAMES)]
REPLAY = [
    {"event_id": f"e{index}", "prompt": f"What is {name}?", "prompt_messages": None,
     "completion": f"It is the {name.replace('_', ' ')} of the system."}
    for index, name in enumerate(NAMES)]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama with random weights, from one seed, which is enough for these tests."""
    folder = tmp_path_factory.mktemp("base")
    tokens = Tokenizer(models.BPE(unk_token=None))
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    corpus = [text for row in PAIRS + REPLAY for text in row.values() if text]
    tokens.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|pad|>")
    tokenizer.chat_template = CHATML
    torch.manual_seed(1)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def described(base: Path) -> dict[str, Any]:
    return describe(base)


def describe(base: Path) -> dict[str, Any]:
    """The contents of `run.json`, without the hashes of the rows."""
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(base.iterdir())}
    return {
        "run": "crossing-1-attempt-1", "dataset": {"version": 1, "digest": "0" * 64}, "incumbent": None,
        "base": {"id": "tiny", "prefix": "models/base/tiny/", "files": files},
        "objective": {"dpo": 1.0, "sft": 1.0, "replay": 1.0, "beta": 0.1}, "lora": {"rank": 4, "alpha": 8},
        "training": {"learning_rate": 0.03, "epochs": 8, "batch_size": 4, "accumulation": 1, "max_length": 128,
                     "max_gradient_norm": 1.0, "warmup_share": 0.1},
        "generation": {"max_new_tokens": 8}, "seed": 7,
    }


def write_run(folder: Path, described: dict[str, Any], **changed: list[dict[str, Any]]) -> Path:
    """Writes a run's input; `changed` replaces rows by the file's name."""
    rows = {"train": PAIRS[:16], "heldout": PAIRS[16:], "replay_train": REPLAY[:16], "replay_heldout": REPLAY[16:]} | changed
    folder.mkdir()
    files = {}
    for name, of_file in rows.items():
        body = "".join(json.dumps(row) + "\n" for row in of_file).encode()
        (folder / f"{name}.jsonl").write_bytes(body)
        files[f"{name}.jsonl"] = {"sha256": hashlib.sha256(body).hexdigest(), "rows": len(of_file)}
    (folder / "run.json").write_text(json.dumps(described | {"files": files}))
    return folder
