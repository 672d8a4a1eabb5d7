#!/usr/bin/env python3
"""Makes the golden files of the embedded trainer: a tiny model, an adapter, a run's files, and the results of PyTorch, peft and TRL.

    python golden.py ../../crates/trainer/tests/golden

There are two models: one of ChatML and bytes, and in `llama2` one with the tokenizer of the Llama 2 family, which transformers builds differently from
`tokenizer.json`. Everything follows from one seed. It was run with the versions in `requirements.txt`; the folder is committed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig

import contract
from golden_templates import sentencepiece
from objective import FlywheelTrainer
from scoring import log_probabilities
from tokens import Tokens

SEED = 20
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
NAMES = [f"{a}_{b}" for a in ("order", "user", "cart", "login") for b in ("total", "state", "owner")]
MESSAGES = [{"role": "system", "content": "You write code."}, {"role": "user", "content": "Log it, naïvely: ☃"}]
OBJECTIVE = {"dpo": 0.7, "sft": 1.3, "replay": 0.9, "beta": 0.2}
STEP = 6


def main(folder: Path) -> None:
    torch.manual_seed(SEED)
    write_base(folder / "base")
    write_input(folder / "input", folder / "base")
    write_adapter(folder / "adapter", folder / "base")
    write_expected(folder, {"base": measure(folder, None), "adapter": measure(folder, folder / "adapter")})
    llama2 = folder / "llama2"
    write_llama2(llama2 / "base", (folder / "templates" / "llama2.jinja").read_text())
    write_input(llama2 / "input", llama2 / "base")
    write_expected(llama2, {"base": measure(llama2, None)})
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder}: {size / 1024:.0f} KiB", file=sys.stderr)


def write_expected(folder: Path, expected: dict[str, Any]) -> None:
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def write_model(folder: Path, tokens: int, **special: int | None) -> None:
    """Random weights, large enough that the model distinguishes all tokens. Grouped queries, its own rope base, untied embeddings."""
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=tokens, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=False, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0}, initializer_range=0.3, **special))
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def write_llama2(folder: Path, template: str) -> None:
    """`tokenizer.json` as it comes with models of that family, and a `tokenizer_config.json` from which transformers builds another one."""
    written = sentencepiece()
    write_model(folder, len(written["model"]["vocab"]), eos_token_id=2, pad_token_id=None, bos_token_id=1)
    config = {"tokenizer_class": "LlamaTokenizer", "legacy": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
              "chat_template": template}
    (folder / "tokenizer.json").write_text(json.dumps(written, ensure_ascii=False) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_base(folder: Path) -> None:
    """Bytes, and ChatML."""
    tokens = Tokenizer(models.BPE(unk_token=None))
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    corpus = [text for row in pairs() + replay() for text in row.values() if isinstance(text, str)]
    tokens.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|pad|>")
    tokenizer.chat_template = CHATML
    write_model(folder, len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None)
    tokenizer.save_pretrained(folder)


def pairs() -> list[dict[str, Any]]:
    rows = [{"pair_id": f"p{n}", "prompt": f"Log the {name}.", "prompt_messages": None,
             "chosen": f'emit("{name}", level="info")', "rejected": f'logging.info("{name}")'}
            for n, name in enumerate(NAMES)]
    return rows + [{"pair_id": "chat", "prompt": "", "prompt_messages": MESSAGES, "chosen": "☃", "rejected": "…\n"}]


def replay() -> list[dict[str, Any]]:
    return [{"event_id": f"e{n}", "prompt": f"What is {name}?", "prompt_messages": None,
             "completion": f"It is the {name.replace('_', ' ')}."} for n, name in enumerate(NAMES)]


def write_input(folder: Path, base: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"train": pairs(), "heldout": pairs()[:2], "replay_train": replay(), "replay_heldout": replay()[:2]}
    files = {}
    for name, of_file in rows.items():
        body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in of_file).encode()
        (folder / f"{name}.jsonl").write_bytes(body)
        files[f"{name}.jsonl"] = {"sha256": hashlib.sha256(body).hexdigest(), "rows": len(of_file)}
    described = {
        "run": "golden", "dataset": {"version": 1, "digest": None}, "incumbent": None,
        "base": {"id": "golden", "prefix": "models/golden/", "files": {
            name: contract.file_sha256(base / name)
            for name in sorted(path.name for path in base.iterdir() if path.is_file())}},
        "files": files, "objective": OBJECTIVE, "lora": {"rank": 4, "alpha": 8},
        "training": {"learning_rate": 0.001, "epochs": 1, "batch_size": STEP, "accumulation": 1, "max_length": 128,
                     "max_gradient_norm": 1.0, "warmup_share": 0.1},
        "generation": {"max_new_tokens": 8}, "seed": SEED,
    }
    (folder / "run.json").write_text(json.dumps(described, indent=1) + "\n")


def write_adapter(folder: Path, base: Path) -> None:
    """An adapter with an effect: a new one has none."""
    model = get_peft_model(load(base), lora())
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter.data, std=0.2)
    model.save_pretrained(folder)
    config = json.loads((folder / contract.ADAPTER_CONFIG).read_text())
    # peft writes the base's folder into the file.
    (folder / contract.ADAPTER_CONFIG).write_text(json.dumps(config | {"base_model_name_or_path": "golden"}, indent=2) + "\n")
    (folder / "README.md").unlink(missing_ok=True)


def measure(folder: Path, adapter: Path | None) -> dict[str, Any]:
    run = contract.read_run(folder / "input")
    tokenizer = AutoTokenizer.from_pretrained(folder / "base")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokens = Tokens(tokenizer, run.description["training"]["max_length"])
    of_pairs, of_replay = [tokens.pair(row) for row in run.train], [tokens.single(row) for row in run.replay_train]
    model = PeftModel.from_pretrained(load(folder / "base"), adapter) if adapter else load(folder / "base")
    score = lambda sequences: log_probabilities(model, sequences, tokenizer.pad_token_id, 4)
    chosen, rejected = (score([pair[side] for pair in of_pairs]) for side in (0, 1))
    return {
        "pairs": [
            {"chosen_tokens": len(pair[0].completion), "rejected_tokens": len(pair[1].completion), "logp_chosen": w, "logp_rejected": l}
            for pair, w, l in zip(of_pairs, chosen, rejected, strict=True)],
        "replay": [
            {"tokens": len(each.completion), "logp": logp} for each, logp in zip(of_replay, score(of_replay), strict=True)],
        "step": step(folder, adapter, tokenizer, of_pairs[:STEP], of_replay[:STEP]),
    }


def step(folder: Path, adapter: Path | None, tokenizer: Any, of_pairs: list[Any], of_replay: list[Any]) -> dict[str, float]:
    """The loss of one step, and its gradient's norm, by TRL's own trainer. Each term alone is TRL's with the others' weights at 0."""
    terms = {"dpo": (1.0, 0.0, 0.0), "sft": (0.0, 1.0, 0.0), "replay_nll": (0.0, 0.0, 1.0),
             "loss": (OBJECTIVE["dpo"], OBJECTIVE["sft"], OBJECTIVE["replay"])}
    losses: dict[str, float] = {"pairs": len(of_pairs), "replay": len(of_replay)}
    for name, (dpo, sft, replay_weight) in terms.items():
        with tempfile.TemporaryDirectory() as scratch:
            trainer = FlywheelTrainer(
                model=load(folder / "base"), processing_class=tokenizer, replay=of_replay, replay_weight=replay_weight,
                train_dataset=Dataset.from_list([
                    {"prompt_ids": w.prompt, "chosen_ids": w.completion, "rejected_ids": l.completion} for w, l in of_pairs]),
                peft_config=lora(),
                args=DPOConfig(output_dir=scratch, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
                               beta=OBJECTIVE["beta"], loss_type=["sigmoid", "sft"], loss_weights=[dpo, sft], max_length=128,
                               per_device_train_batch_size=STEP, disable_tqdm=True))
        if adapter:
            set_peft_model_state_dict(trainer.model, load_file(adapter / contract.ADAPTER))
        trainer.model.train()
        loss = trainer.compute_loss(trainer.model, trainer.data_collator(list(trainer.train_dataset)))
        losses[name] = loss.item()
    loss.backward()
    gradients = [parameter.grad for parameter in trainer.model.parameters() if parameter.grad is not None]
    losses["gradient_norm"] = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients])).item()
    return losses


def lora() -> LoraConfig:
    return LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")


def load(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
