"""Scores a model on the held-out rows: log-probabilities, and its own answers."""

from __future__ import annotations

import itertools
from typing import Any

import torch

from objective import IGNORED, collate
from tokens import Sequence


@torch.no_grad()
def log_probabilities(model: Any, sequences: list[Sequence], pad: int, batch_size: int) -> list[float]:
    """Σ ln p(token) over each completion, in nats, summed in f32 for a model of any type."""
    model.eval()
    sums: list[float] = []
    for start in range(0, len(sequences), batch_size):
        batch = collate(sequences[start : start + batch_size], pad, model.device)
        labels = batch.pop("labels")[:, 1:]
        logits = model(**batch).logits[:, :-1].float()
        chosen = logits.log_softmax(-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        sums += (chosen * (labels != IGNORED)).sum(1).tolist()
    return sums


@torch.no_grad()
def answers(model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int, batch_size: int) -> list[str]:
    """Greedy answers. Batches are padded on the left, because a model continues at the right."""
    model.eval()
    texts: list[str] = []
    positions, ends = model.config.max_position_embeddings, end_tokens(model, tokenizer)
    for start in range(0, len(prompts), batch_size):
        batch = prompts[start : start + batch_size]
        length = max(map(len, batch))
        ids = torch.tensor([[tokenizer.pad_token_id] * (length - len(prompt)) + prompt for prompt in batch])
        mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in batch])
        written = model.generate(
            input_ids=ids.to(model.device), attention_mask=mask.to(model.device), max_new_tokens=max_new_tokens,
            do_sample=False, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)
        for row, prompt in zip(written[:, length:].tolist(), batch, strict=True):
            # The positions that a prompt leaves, independent of the others in its batch.
            room = row[: max(0, positions - len(prompt))]
            answer = list(itertools.takewhile(lambda token: token not in ends, room))
            texts.append(tokenizer.decode(answer, skip_special_tokens=True))
    return texts


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: those of the base's configuration, which may be several, and the tokenizer's."""
    configured = model.config.eos_token_id
    configured = configured if isinstance(configured, list) else [configured]
    return sorted({token for token in [*configured, tokenizer.eos_token_id] if token is not None})
