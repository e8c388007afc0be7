"""How likely a model finds texts as answers to what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from studylib.choices.precision import at_least_fp32
from studylib.data.chat.conversation import Conversation, Message
from studylib.data.chat.encode import TOKENS, ConversationEncoder
from studylib.rows import Row
from studylib.train.evaluate import EVALUATION_TOKENS
from studylib.train.trained import Trained

Prompt = tuple[Message, ...]


def prompt_tokens(encoder: ConversationEncoder, prompts: Sequence[Prompt]) -> list[np.ndarray]:
    """What a model reads before it answers: int32 [tokens] of each, from the mark that begins a text to where an answer begins."""
    return [row.tokens[: row.start] for row in answer_rows(encoder, prompts, [""] * len(prompts))]


def answer_rows(
    encoder: ConversationEncoder, prompts: Sequence[Prompt], answers: Sequence[str], *, ended: bool = False
) -> list[Row]:
    """Each prompt with its answer; asked for are the answer's tokens and, if ``ended``, the one that ends it."""
    asked = [
        Conversation((*prompt, Message("assistant", answer))) for prompt, answer in zip(prompts, answers, strict=True)
    ]
    encoded = encoder(asked)
    rows = []
    for start, stop in pairwise(np.concatenate([[0], encoded.sizes[:, TOKENS].cumsum()])):
        tokens, learnt = encoded.tokens[start:stop], encoded.learnt[start:stop]
        first = int(np.flatnonzero(~learnt)[-1]) + 1
        last = len(tokens) if ended else len(tokens) - 1
        rows.append(Row(tokens[:last], first, last))
    return rows


def fits(trained: Trained, row: Row) -> bool:
    """Whether the context holds all that predicts the row's answer."""
    return len(row.tokens) <= trained.seq_len + 1


@torch.no_grad()
def log_likelihoods(trained: Trained, rows: Sequence[Row]) -> np.ndarray:
    """Log-probability of ``tokens[start:stop]`` behind those before, in nats: float64 [rows]; 0 of none.

    Rows of nearly equal length are read together, and only what is asked for passes the model's head.
    """
    model, device = trained.model, trained.compute.torch_device
    found = np.zeros(len(rows))
    by_length = sorted((number for number, row in enumerate(rows) if row.stop > row.start), key=lambda n: rows[n].stop)
    for numbers in _batches([rows[number].stop for number in by_length]):
        chosen = [rows[by_length[number]] for number in numbers]
        ids = np.zeros((len(chosen), max(row.stop for row in chosen) - 1), dtype=np.int64)
        for place, row in enumerate(chosen):
            ids[place, : row.stop - 1] = row.tokens[: row.stop - 1]
        places = [np.arange(row.start - 1, row.stop - 1) + place * ids.shape[1] for place, row in enumerate(chosen)]
        labels = np.concatenate([row.tokens[row.start : row.stop] for row in chosen]).astype(np.int64)
        with trained.compute.autocast():
            hidden = model.model.hidden_states(torch.from_numpy(ids).to(device))
            asked = hidden.flatten(0, 1)[torch.from_numpy(np.concatenate(places)).to(device)]
            logits = model.model.lm_head.pp_block.logits(asked)
        nats = torch.nn.functional.cross_entropy(
            at_least_fp32(logits), torch.from_numpy(labels).to(device), reduction="none"
        )
        owner = np.repeat(np.arange(len(chosen)), [row.stop - row.start for row in chosen])
        sums = np.bincount(owner, weights=nats.double().cpu().numpy(), minlength=len(chosen))
        found[[by_length[number] for number in numbers]] = -sums
    return found


def _batches(lengths: Sequence[int]) -> list[range]:
    """Of ascending ``lengths``, so many together that they hold about ``EVALUATION_TOKENS``."""
    found, start = [], 0
    for number, length in enumerate(lengths):
        if number > start and (number + 1 - start) * length > EVALUATION_TOKENS:
            found.append(range(start, number))
            start = number
    return [*found, range(start, len(lengths))] if lengths else []
