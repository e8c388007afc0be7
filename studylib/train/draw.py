"""Tokens that a trained model writes: documents from nothing, or what follows a prompt; by temperature and top-p."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch

from studylib.data import Tokenizer
from studylib.data.pseudo import SamplingSpec
from studylib.errors import invalid
from studylib.model.gpt import GPT
from studylib.model.reading import Reading
from studylib.train.compute import Compute

# At 0.95 one token in twenty is drawn again at most, so sorting is left to small top_p.
DRAWS = 8


def draw_documents(
    model: GPT, compute: Compute, tokenizer: Tokenizer, seq_len: int, sampling: SamplingSpec, number: int, *,
    reading: Callable[[GPT], Reading] = Reading,
) -> list[tuple[np.ndarray, bool]]:  # fmt: skip
    """Batch ``number`` of documents as token ids, each from an EOS (which stands before every text) to the next.

    The flag says whether the model ended it, or the context did. ``reading`` is how the model reads, for comparisons.
    """
    random = torch.Generator().manual_seed(sampling.seed * 1_000_003 + number)
    prompts = [[tokenizer.eos_id]] * sampling.batch_documents
    return _go_on(reading(model), compute, tokenizer, prompts, seq_len, sampling, random)


def draw_continuations(
    model: GPT, compute: Compute, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], seq_len: int,
    sampling: SamplingSpec, *, end: int | None = None,
) -> list[tuple[np.ndarray, bool]]:  # fmt: skip
    """What ``model`` writes behind each prompt, as token ids up to ``end``, and whether the model ended it.

    A model built with ``prefixes`` reads a prompt both ways; one without reads it as text. Prompts may differ in length; each
    batch of ``sampling.batch_documents`` takes those of nearly the same, which costs least.

    Parameters
    ----------
    prompts
        Token ids. Nothing is put before them: a text's beginning is an EOS.
    seq_len
        The context, in tokens, of prompt and what is written; the last token that is written need not fit.
    sampling
        ``max_tokens`` counts what is written.
    end
        The token that ends a text; default: the EOS.

    Raises
    ------
    StudyError
        A prompt is empty or longer than the context.
    """
    for place, prompt in enumerate(prompts):
        if not 1 <= len(prompt) <= seq_len:
            raise invalid(f"prompts[{place}]", f"{len(prompt)} tokens", f"must have 1 to {seq_len}, the context")
    random = torch.Generator().manual_seed(sampling.seed)
    written: dict[int, tuple[np.ndarray, bool]] = {}
    for batch in _batches(prompts, sampling.batch_documents, same_length=model.prefixes):
        chosen = [prompts[row] for row in batch]
        drawn = _go_on(Reading(model), compute, tokenizer, chosen, seq_len, sampling, random, end)
        written |= zip(batch, drawn, strict=True)
    return [written[row] for row in range(len(prompts))]


def _batches(prompts: Sequence[Sequence[int]], most: int, *, same_length: bool) -> Iterator[list[int]]:
    """Numbers of prompts, the shortest first, at most ``most`` together."""
    by_length = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    groups = [by_length]
    if same_length:
        groups = [list(rows) for _, rows in groupby(by_length, key=lambda row: len(prompts[row]))]
    for rows in groups:
        for start in range(0, len(rows), most):
            yield rows[start : start + most]


@torch.no_grad()
def _go_on(
    reading: Reading, compute: Compute, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], seq_len: int,
    sampling: SamplingSpec, random: torch.Generator, end: int | None = None,
) -> list[tuple[np.ndarray, bool]]:  # fmt: skip
    """All rows stand at the same position: where a prompt is longer than the shortest, its tokens are read instead of drawn."""
    end = tokenizer.eos_id if end is None else end
    device, given = compute.torch_device, torch.tensor([len(prompt) for prompt in prompts])
    ends = (given + (sampling.max_tokens or seq_len)).clamp(max=seq_len + 1)
    ids = torch.full((len(prompts), int(ends.max())), end)
    for row, prompt in zip(ids, prompts, strict=True):
        row[: len(prompt)] = torch.as_tensor(prompt)
    running = torch.ones(len(prompts), dtype=torch.bool)
    rows = torch.arange(len(prompts))  # those that are read
    place = int(given.min())
    prefix_len = given.to(device) if reading.gpt.prefixes else None
    with compute.autocast():  # once for all tokens, so that it keeps the weights it has cast
        logits = reading.next_logits(ids[:, :place].to(device), prefix_len)
        marks = _marks(tokenizer, logits.shape[-1], end)
        while True:
            writes = running[rows] & (given[rows] <= place)
            if writes.any():
                drawn = draw_tokens(logits.float().cpu()[writes], sampling, random, exclude=marks)
                ids[rows[writes], place] = drawn
                running[rows[writes]] = (drawn != end) & (place + 1 < ends[rows[writes]])
            if not running.any():
                break
            # What is kept of ended rows is left behind when they are many: each time, what is kept of the others is copied.
            if 4 * running[rows].sum() <= 3 * len(rows):
                reading.select(running[rows].nonzero()[:, 0].to(device))
                rows = rows[running[rows]]
            logits = reading.next_logits(ids[rows, place, None].to(device))
            place += 1
    documents = []
    for row, start, stop in zip(ids.numpy(), given.tolist(), ends.tolist(), strict=True):
        text = row[start:stop]
        marked = np.flatnonzero(text == end)
        documents.append((text[: marked[0]], True) if len(marked) else (text, False))
    return documents


def draw_tokens(
    logits: torch.Tensor, sampling: SamplingSpec, random: torch.Generator, *, exclude: list[int] | None = None
) -> torch.Tensor:
    """One token a row of ``logits`` [rows, vocabulary], from the smallest set whose probability reaches ``top_p``.

    A token is in the set if those likelier than it (of equals, those before it) do not reach ``top_p``; so the likeliest
    always is. Tokens are drawn from all and drawn again until they are in the set: sorting the vocabulary for every token took
    longer than the model. Where a few draws do not hit, ``top_p`` being small, the set is sorted out after all.
    """
    if exclude:
        logits[:, exclude] = -torch.inf
    if sampling.top_p * logits.shape[-1] <= 1:  # the likeliest alone reaches it
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits / sampling.temperature, dim=-1)
    reached, place = probabilities.cumsum(dim=-1, dtype=torch.float64), torch.arange(logits.shape[-1])
    tokens, left = torch.empty(len(logits), dtype=torch.int64), torch.arange(len(logits))
    for _ in range(DRAWS):
        of_all = torch.rand(len(left), 1, dtype=torch.float64, generator=random) * reached[left, -1:]
        drawn = torch.searchsorted(reached[left], of_all, right=True)
        share, its = probabilities[left], probabilities[left].gather(1, drawn)
        before = (share > its) | ((share == its) & (place < drawn))
        tokens[left] = drawn[:, 0]
        left = left[torch.where(before, share, 0.0).sum(dim=-1) >= sampling.top_p]
        if not len(left):
            return tokens
    ordered, places = probabilities[left].sort(dim=-1, descending=True, stable=True)
    ordered = ordered.masked_fill(ordered.cumsum(dim=-1) - ordered >= sampling.top_p, 0.0)
    tokens[left] = places.gather(1, torch.multinomial(ordered, 1, generator=random))[:, 0]
    return tokens


def _marks(tokenizer: Tokenizer, vocab_size: int, end: int) -> list[int]:
    """Tokens that are no text: never to be drawn. What ends a text stays."""
    marks = [token for token in (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id, 0) if token != end]
    return [*marks, *range(tokenizer.vocab_size, vocab_size)]
