"""The objective: `dpo · sigmoid DPO + sft · NLL(chosen) + replay · NLL(replay)`.

Sigmoid DPO alone widens the margin by lowering both texts; the second term keeps the chosen one probable, and the third keeps the model's
earlier abilities. NLLs are means over the tokens of a batch. The reference of DPO is the base, which is the model with its adapter switched off.
"""

from __future__ import annotations

import random
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import DPOTrainer

from tokens import Sequence

IGNORED = -100


def collate(sequences: list[Sequence], pad: int, device: Any) -> dict[str, torch.Tensor]:
    """A batch of sequences, padded on the right. Labels are the completions' tokens."""
    length = max(len(each.prompt) + len(each.completion) for each in sequences)
    ids, attention, labels = [], [], []
    for each in sequences:
        tokens = each.prompt + each.completion
        padding = length - len(tokens)
        ids.append(tokens + [pad] * padding)
        attention.append([1] * len(tokens) + [0] * padding)
        labels.append([IGNORED] * len(each.prompt) + each.completion + [IGNORED] * padding)
    batch = {"input_ids": ids, "attention_mask": attention, "labels": labels}
    return {name: torch.tensor(values, device=device) for name, values in batch.items()}


class FlywheelTrainer(DPOTrainer):
    """TRL's DPO with the replay term, on tokenised rows."""

    def __init__(self, *args: Any, replay: list[Sequence], replay_weight: float, **named: Any) -> None:
        self.replay, self.replay_weight = replay, replay_weight
        self.replay_step, self.replay_micro = -1, 0
        # The tokens of this process, with prompts and without padding.
        self.trained_tokens = 0
        super().__init__(*args, **named)

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        # TRL would tokenise texts its own way, and silently drop those that are too long.
        return dataset

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        loss = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if model.training:
            self.trained_tokens += int(inputs["attention_mask"].sum())
        if not (self.replay and self.replay_weight and model.training):
            return loss
        rows = self.next_replay()
        self.trained_tokens += sum(len(row.prompt) + len(row.completion) for row in rows)
        nll = model(**collate(rows, self.processing_class.pad_token_id, self.accelerator.device)).loss
        self._metrics["train"]["replay_nll"].append(nll.item())
        return loss + self.replay_weight * nll

    def next_replay(self) -> list[Sequence]:
        """Returns as many rows as a batch has pairs. They follow from the seed and the step alone, so that a resumed run sees the same."""
        if self.state.global_step != self.replay_step:
            self.replay_step, self.replay_micro = self.state.global_step, 0
        drawn = random.Random(f"{self.args.seed} {self.replay_step} {self.replay_micro}")
        self.replay_micro += 1
        return drawn.sample(self.replay, min(len(self.replay), self.args.per_device_train_batch_size))


class NotFinite(Exception):
    """The loss is not a number: another step would only spoil the weights."""


class Guard(TrainerCallback):
    """Stops at the first loss that is no number, and at the end of the step once the process has to stop."""

    def __init__(self) -> None:
        self.interrupted = False

    def interrupt(self, *_: Any) -> None:
        """Handles a signal: the training stops at the end of the step."""
        self.interrupted = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        for name in ("loss", "grad_norm"):
            value = (logs or {}).get(name)
            if value is not None and not torch.isfinite(torch.tensor(float(value))):
                raise NotFinite(f"{name} is {value} at step {state.global_step}: lower training.learning_rate")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.interrupted:
            control.should_save = control.should_training_stop = True
