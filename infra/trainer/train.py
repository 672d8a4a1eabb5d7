#!/usr/bin/env python3
"""Trains a LoRA adapter from a run's files, scores it beside the live one, and writes adapter and scores. SageMaker calls it without arguments.

Exit code: 0 if the adapter and `run.json` are written, 1 if not (the reason is in the file `--failure`), 143 if it was asked to stop.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

# No downloads during training: SageMaker isolates the network, and a local run should fail in the same way.
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")

import torch
import transformers
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.trainer_utils import get_last_checkpoint
from trl import DPOConfig

import contract
from contract import Run, Unusable
from objective import FlywheelTrainer, Guard, NotFinite
from scoring import answers, log_probabilities
from templates import Today
from tokens import MEANINGS, Tokens

SAGEMAKER = Path("/opt/ml")
LONGEST_REASON = 1024
CHECKPOINTS_A_RUN = 20
SCORING_BATCH = 16


def main() -> int:
    arguments = parse_arguments()
    guard = Guard()
    signal.signal(signal.SIGTERM, guard.interrupt)
    try:
        check_job(arguments)
        train(arguments, guard)
    except Exception as error:  # any error: the workflow's history has to name it
        fail(arguments.failure, error)
        return 1
    return 143 if guard.interrupted else 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = SAGEMAKER / "input" / "data"
    defaults = {
        "input": (data / "input", "the run's files: run.json, train.jsonl, heldout.jsonl, replay_*.jsonl"),
        "base": (data / "base", "the base model, as Hugging Face lays it out"),
        "incumbent": (data / "incumbent", "the live adapter, if run.json names one"),
        "output": (SAGEMAKER / "model", "where the adapter, rows.jsonl and run.json go"),
        "checkpoints": (SAGEMAKER / "checkpoints", "where it goes on from if it was stopped"),
        "failure": (SAGEMAKER / "output" / "failure", "the reason of a failure"),
        "hyperparameters": (SAGEMAKER / "input" / "config" / "hyperparameters.json", "the job's hyper-parameters"),
    }
    for name, (default, what) in defaults.items():
        parser.add_argument(f"--{name}", type=Path, default=default, help=f"{what} [default: {default}]", metavar="PATH")
    parser.add_argument("--micro-batch", type=int, default=None, metavar="PAIRS",
                        help="pairs on the device at once; the rest of a batch is accumulated [default: the batch]")
    return parser.parse_args()


def check_job(arguments: argparse.Namespace) -> None:
    """SageMaker passes strings. `run` has to be the input's: a job on another run's data is a fault in the workflow."""
    if not arguments.hyperparameters.exists():
        return
    given = json.loads(arguments.hyperparameters.read_text())
    described = json.loads((arguments.input / "run.json").read_text()).get("run")
    if given.get("run", described) != described:
        raise Unusable(f"hyperparameters.run is {given['run']}, and run.json is of {described}")
    if "micro_batch" in given:
        arguments.micro_batch = int(given["micro_batch"])


def train(arguments: argparse.Namespace, guard: Guard) -> None:
    started = time.monotonic()
    run = contract.read_run(arguments.input)
    base_files = contract.check_base(arguments.base, run.description["base"]["files"])
    incumbent = incumbent_folder(run, arguments.incumbent)
    tokenizer = AutoTokenizer.from_pretrained(arguments.base)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokens = Tokens(tokenizer, longest(run, arguments.base), Today.at(run.description.get("prepared_at")))
    examination = Examination(run, tokens)
    say(f"run {run.name}: {len(run.train)} pairs to train on, {len(run.heldout)} held out")
    if equal := examination.equal:
        say(f"{equal} held-out pairs say nothing: {MEANINGS['equal']}")
    before = examination.sit(with_adapter(load(arguments.base), incumbent), tokenizer)
    say("the live model is scored")

    fitted = fit(run, arguments, load(arguments.base), tokenizer, tokens, guard)
    if not fitted:
        return
    finished, effort = fitted
    arguments.output.mkdir(parents=True, exist_ok=True)
    finished.save_pretrained(arguments.output)
    # The artefact is scored, not the model in memory.
    after = examination.sit(with_adapter(load(arguments.base), arguments.output), tokenizer)
    say("the candidate is scored")
    rows_sha256, rows = contract.write_rows(arguments.output, examination.rows(before, after))
    contract.write_report(arguments.output, {
        "run": run.name, "input_sha256": run.sha256, "base_files": base_files,
        "adapter_sha256": contract.file_sha256(arguments.output / contract.ADAPTER),
        "config_sha256": contract.file_sha256(arguments.output / contract.ADAPTER_CONFIG),
        "rows_sha256": rows_sha256, "rows": rows, "truncated": tokens.cut.truncated, "dropped": tokens.cut.dropped,
        **({"left_out": dict(tokens.cut.left_out)} if tokens.cut.left_out else {}),
        "trainer": {"name": "trl", "version": importlib.metadata.version("trl")},
        "seconds": round(time.monotonic() - started, 3), "summary": examination.summary(before, after) | effort,
    })


def fit(
    run: Run, arguments: argparse.Namespace, model: Any, tokenizer: Any, tokens: Tokens, guard: Guard
) -> tuple[PeftModel, dict[str, float]] | None:
    """Returns the trained model and its figures, or none if it was asked to stop."""
    objective, lora, training = (run.description[part] for part in ("objective", "lora", "training"))
    pairs = list(filter(None, map(tokens.pair, run.train)))
    replay = list(filter(None, map(tokens.single, run.replay_train)))
    for reason, count in tokens.cut.left_out.items():
        say(f"{count} rows are left out: {MEANINGS[reason]}")
    if tokens.cut.truncated:
        say(f"{tokens.cut.truncated} rows are cut to max_length")
    if not pairs:
        reasons = ", ".join(f"{count} rows {reason}" for reason, count in tokens.cut.left_out.items())
        raise Unusable(f"no pairs to train on: {reasons}")
    dataset = Dataset.from_list([
        {"prompt_ids": chosen.prompt, "chosen_ids": chosen.completion, "rejected_ids": rejected.completion}
        for chosen, rejected in pairs])
    batch = training["batch_size"]
    micro = min(arguments.micro_batch or batch, batch)
    accumulation = training["accumulation"] * -(-batch // micro)
    steps = -(-len(dataset) // (micro * accumulation)) * training["epochs"]
    trainer = FlywheelTrainer(
        model=model, processing_class=tokenizer, train_dataset=dataset, callbacks=[guard],
        replay=replay, replay_weight=objective["replay"],
        peft_config=LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], lora_dropout=0.0,
                               target_modules="all-linear", task_type="CAUSAL_LM"),
        args=DPOConfig(
            output_dir=str(arguments.checkpoints), seed=run.description["seed"], report_to="none", disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(), bf16=torch.cuda.is_available(),
            gradient_checkpointing=torch.cuda.is_available(),
            loss_type=["sigmoid", "sft"], loss_weights=[objective["dpo"], objective["sft"]], beta=objective["beta"],
            max_length=tokens.max_length, learning_rate=training["learning_rate"], lr_scheduler_type="cosine",
            warmup_steps=training["warmup_share"], max_grad_norm=training["max_gradient_norm"],
            num_train_epochs=training["epochs"], per_device_train_batch_size=micro,
            gradient_accumulation_steps=accumulation, logging_steps=max(1, steps // 50),
            save_strategy="steps", save_steps=max(1, steps // CHECKPOINTS_A_RUN), save_total_limit=2,
        ))
    checkpoint = get_last_checkpoint(str(arguments.checkpoints)) if arguments.checkpoints.is_dir() else None
    if checkpoint:
        say(f"goes on from {Path(checkpoint).name}")
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=checkpoint)
    effort = {"trained_tokens": trainer.trained_tokens, "training_seconds": round(time.monotonic() - started, 3)}
    return None if guard.interrupted else (trainer.accelerator.unwrap_model(trainer.model), effort)


class Examination:
    """The held-out rows, the same for incumbent and candidate."""

    def __init__(self, run: Run, tokens: Tokens) -> None:
        self.pairs = [(row, tokens.squeezed(row, row["chosen"], row["rejected"])) for row in run.heldout]
        self.replay = [(row, tokens.squeezed(row, row["completion"])[0]) for row in run.replay_heldout]
        # Both answers are the same tokens: they are scored once, and the row says so.
        self.equal = sum(chosen == rejected for _, (chosen, rejected) in self.pairs)
        self.longest_answer = run.description["generation"]["max_new_tokens"]

    def sit(self, model: Any, tokenizer: Any) -> dict[str, list[Any]]:
        score = lambda sequences: log_probabilities(model, sequences, tokenizer.pad_token_id, SCORING_BATCH)
        prompts = [chosen.prompt for _, (chosen, _) in self.pairs]
        scored = score([chosen for _, (chosen, _) in self.pairs])
        others = iter(score([rejected for _, (chosen, rejected) in self.pairs if chosen != rejected]))
        return {
            "chosen": scored,
            "rejected": [logp if chosen == rejected else next(others)
                         for logp, (_, (chosen, rejected)) in zip(scored, self.pairs, strict=True)],
            "outputs": answers(model, tokenizer, prompts, self.longest_answer, SCORING_BATCH),
            "replay": score([sequence for _, sequence in self.replay]),
        }

    def rows(self, before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[dict[str, Any]]:
        def of_pair(scores: dict[str, list[Any]], index: int) -> dict[str, Any]:
            return {"logp_chosen": scores["chosen"][index], "logp_rejected": scores["rejected"][index],
                    "output": scores["outputs"][index]}

        pairs = [
            {"kind": "pair", "pair_id": row["pair_id"], "chosen_tokens": len(chosen.completion),
             "rejected_tokens": len(rejected.completion), **({"equal": True} if chosen == rejected else {}),
             "incumbent": of_pair(before, index), "candidate": of_pair(after, index)}
            for index, (row, (chosen, rejected)) in enumerate(self.pairs)]
        replay = [
            {"kind": "replay", "event_id": row["event_id"], "tokens": len(sequence.completion),
             "incumbent": {"logp": before["replay"][index]}, "candidate": {"logp": after["replay"][index]}}
            for index, (row, sequence) in enumerate(self.replay)]
        return pairs + replay

    def summary(self, before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, float]:
        """Figures for people who read logs. The gate computes its own numbers from the rows."""
        mean = lambda values: sum(values) / max(1, len(values))
        return {f"{name}_{when}": mean(scores[name])
                for when, scores in (("before", before), ("after", after)) for name in ("chosen", "rejected", "replay")}


def longest(run: Run, base: Path) -> int:
    """The most tokens of a sequence: the run's limit, or the base's positions if they are fewer."""
    return min(run.description["training"]["max_length"], AutoConfig.from_pretrained(base).max_position_embeddings)


def load(base: Path) -> Any:
    """Loads the base. On a GPU it is in bf16, so that it fits; log-probabilities are still summed in f32."""
    on_gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16 if on_gpu else torch.float32)
    # Answers are the most probable tokens, without the base's recommended penalties and temperatures.
    model.generation_config = GenerationConfig()
    return model.to("cuda" if on_gpu else "cpu")


def incumbent_folder(run: Run, folder: Path) -> Path | None:
    incumbent = run.description.get("incumbent")
    if incumbent is None:
        return None
    # The configuration scales the weights: with another one, the candidate would be compared with another adapter.
    contract.check_files(folder, {contract.ADAPTER: incumbent["sha256"], contract.ADAPTER_CONFIG: incumbent["config_sha256"]})
    return folder


def with_adapter(model: Any, folder: Path | None) -> Any:
    if folder is None:
        return model
    adapted = PeftModel.from_pretrained(model, folder)
    for name, parameter in adapted.named_parameters():
        # A model with such a value answers nothing, which would pass for an empty answer.
        if "lora_" in name and not torch.isfinite(parameter).all():
            raise Unusable(f"{contract.ADAPTER}: {name} has a value that is infinite or no number")
    return adapted


def fail(path: Path, error: Exception) -> None:
    """SageMaker shows the file's first 1,024 characters. Errors of libraries may quote their input, which may be a user's text: for
    those only the kind and the place are written."""
    if isinstance(error, (Unusable, NotFinite)):
        reason = str(error)
    elif isinstance(error, torch.OutOfMemoryError):
        reason = "out of memory: set the hyper-parameter micro_batch lower, or training.max_length"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        reason = f"{type(error).__name__} at " + ", ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames[-4:])
    say(f"failed: {reason}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason[:LONGEST_REASON])


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    sys.exit(main())
