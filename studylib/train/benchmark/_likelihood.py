"""How likely a model finds texts as answers to what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch

from studylib.choices.precision import at_least_fp32
from studylib.data.chat.conversation import Conversation, Message
from studylib.data.chat.encode import TOKENS, ConversationEncoder
from studylib.model.reading import Reading
from studylib.rows import Row
from studylib.train.trained import Trained
from studylib.train.validation import EVALUATION_TOKENS

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


def log_likelihoods(trained: Trained, rows: Sequence[Row]) -> np.ndarray:
    """Log-probability of ``tokens[start:stop]`` behind those before, in nats: float64 [rows]; 0 of none.

    What several rows begin with, as choices do, is read once; and only what is asked for passes the model's head.
    """
    found = np.zeros(len(rows))
    asked = [number for number, row in enumerate(rows) if row.stop > row.start]
    prompts = {number: rows[number].tokens[: rows[number].start].tobytes() for number in asked}
    if 2 * len(set(prompts.values())) <= len(asked):
        order = sorted(asked, key=lambda number: (rows[number].start, prompts[number], rows[number].stop))
        batches, measure = _batches([rows[number] for number in order], same_start=True), _behind_prompts
    else:
        order = sorted(asked, key=lambda number: rows[number].stop)
        batches, measure = _batches([rows[number] for number in order], same_start=False), _as_wholes
    for places in batches:
        numbers = [order[place] for place in places]
        found[numbers] = measure(trained, [rows[number] for number in numbers])
    return found


def _batches(rows: Sequence[Row], *, same_start: bool) -> Iterator[range]:
    """Of rows in their order, so many together that they hold about ``EVALUATION_TOKENS``; with ``same_start`` only such."""
    start = longest = 0
    for number, row in enumerate(rows):
        longest = max(longest, row.stop)
        full = (number + 1 - start) * longest > EVALUATION_TOKENS
        if number > start and (full or (same_start and row.start != rows[start].start)):
            yield range(start, number)
            start, longest = number, row.stop
    if rows:
        yield range(start, len(rows))


@torch.no_grad()
def _as_wholes(trained: Trained, rows: Sequence[Row]) -> np.ndarray:
    """Each row read from its beginning; float64 [rows]."""
    ids = _padded([row.tokens[: row.stop - 1] for row in rows])
    with trained.compute.autocast():
        hidden = trained.model.model.hidden_states(torch.from_numpy(ids).to(trained.compute.torch_device))
        asked = [hidden[place, row.start - 1 : row.stop - 1] for place, row in enumerate(rows)]
        return _summed(trained, rows, torch.cat(asked))


@torch.no_grad()
def _behind_prompts(trained: Trained, rows: Sequence[Row]) -> np.ndarray:
    """Rows whose prompts are equally long, those of one prompt side by side; float64 [rows]."""
    device, start = trained.compute.torch_device, rows[0].start
    prompts, owners = np.unique(np.stack([row.tokens[:start] for row in rows]), axis=0, return_inverse=True)
    owners = torch.from_numpy(owners.reshape(-1)).to(device)
    reading = Reading(trained.model)
    with trained.compute.autocast():
        first = reading.hidden_states(torch.from_numpy(prompts.astype(np.int64)).to(device))[owners, -1:]
        reading.select(owners)
        ids = _padded([row.tokens[start : row.stop - 1] for row in rows])
        if ids.shape[1]:
            first = torch.cat([first, reading.hidden_states(torch.from_numpy(ids).to(device))], dim=1)
        return _summed(trained, rows, torch.cat([first[place, : row.stop - start] for place, row in enumerate(rows)]))


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids


def _summed(trained: Trained, rows: Sequence[Row], hidden: torch.Tensor) -> np.ndarray:
    """By the states that predict them, [all asked tokens, hidden], row after row."""
    labels = np.concatenate([row.tokens[row.start : row.stop] for row in rows]).astype(np.int64)
    logits = at_least_fp32(trained.model.model.lm_head.pp_block.logits(hidden))
    nats = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels).to(logits.device), reduction="none")
    owner = np.repeat(np.arange(len(rows)), [row.stop - row.start for row in rows])
    return -np.bincount(owner, weights=nats.double().cpu().numpy(), minlength=len(rows))
