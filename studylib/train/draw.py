"""Tokens that a trained model writes: documents from nothing, or what follows a prompt; by temperature and top-p."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from studylib.choices.precision import at_least_fp32
from studylib.data import Tokenizer
from studylib.data.chat.encode import control_tokens
from studylib.data.pseudo import SamplingSpec
from studylib.errors import invalid
from studylib.model.gpt import GPT
from studylib.model.reading import Reading
from studylib.parallel import dist
from studylib.train.compute import Compute

Written = tuple[np.ndarray, bool]
"""Token ids without the end, and whether the model ended it."""
Drawing = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Of logits [n, vocabulary], the rows that they are of and how much each has written (int64 [n] both), a token each, int64 [n]."""

# At 0.95 one token in twenty is drawn again at most, so sorting is left to small top_p.
DRAWS = 8


def draw_documents(
    model: GPT, compute: Compute, tokenizer: Tokenizer, seq_len: int, sampling: SamplingSpec, number: int, *,
    reading: Callable[[GPT], Reading] = Reading,
) -> list[Written]:  # fmt: skip
    """Batch ``number`` of documents as token ids, each from an EOS (which stands before every text) to the next.

    The flag says whether the model ended it, or the context did. ``reading`` is how the model reads, for comparisons.
    """
    random = torch.Generator().manual_seed(sampling.seed * 1_000_003 + number)
    prompts = [[tokenizer.eos_id]] * sampling.batch_documents
    draw = _by_top_p(sampling, random)
    most = sampling.max_tokens or seq_len
    return _go_on(reading(model), compute, tokenizer, prompts, seq_len, most, draw, tokenizer.eos_id)


def draw_continuations(
    model: GPT, compute: Compute, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], seq_len: int,
    sampling: SamplingSpec, *, end: int | None = None,
) -> list[Written]:  # fmt: skip
    """What ``model`` writes behind each prompt, as token ids up to its end, and whether the model ended it.

    On several tensor-parallel ranks all call it, and all are told the same. A model built with ``prefixes`` reads a prompt both ways;
    one without reads it as text. Prompts may differ in length; each batch of ``sampling.batch_documents`` takes those of nearly
    the same, which costs least.

    Parameters
    ----------
    prompts
        Token ids. Nothing is put before them: a text's beginning is an EOS.
    seq_len
        The context, in tokens, of prompt and what is written; the last token that is written need not fit.
    sampling
        ``max_tokens`` counts what is written.
    end
        The token that ends what is written: of an answer what its template says (``ConversationEncoder.end_id``), else the
        EOS. No other control token is ever drawn.

    Raises
    ------
    StudyError
        A prompt is empty or longer than the context.
    """
    for place, prompt in enumerate(prompts):
        if not 1 <= len(prompt) <= seq_len:
            raise invalid(f"prompts[{place}]", f"{len(prompt)} tokens", f"must have 1 to {seq_len}, the context")
    draw = _by_top_p(sampling, torch.Generator().manual_seed(sampling.seed))
    most, last = sampling.max_tokens or seq_len, tokenizer.eos_id if end is None else end
    written: dict[int, Written] = {}
    for batch in _batches(prompts, sampling.batch_documents, 0 if model.prefixes else most):
        chosen = [prompts[row] for row in batch]
        drawn = _go_on(Reading(model), compute, tokenizer, chosen, seq_len, most, draw, last)
        written |= zip(batch, drawn, strict=True)
    return [written[row] for row in range(len(prompts))]


def draw_answers(
    model: GPT, compute: Compute, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], uniform: np.ndarray, *,
    end: int, temperature: float = 1.0, batch: int = 1024,
) -> list[Written]:  # fmt: skip
    """As `draw_continuations`, each answer by its own numbers, whatever is written beside it; from all of the vocabulary.

    Parameters
    ----------
    uniform
        float64 [prompts, tokens], each in [0, 1): by them tokens are found in their distribution. An answer has as many tokens at
        most, its end among them; the context must hold it.
    end
        The token that ends an answer.
    batch
        Answers that are written together at most.
    """
    longest = max((len(prompt) for prompt in prompts), default=0) + uniform.shape[1]
    written: dict[int, Written] = {}
    for rows in _batches(prompts, batch, 0 if model.prefixes else uniform.shape[1]):
        chosen, draw = [prompts[row] for row in rows], _by_numbers(torch.from_numpy(uniform[rows]), temperature)
        drawn = _go_on(Reading(model), compute, tokenizer, chosen, longest, uniform.shape[1], draw, end)
        written |= zip(rows, drawn, strict=True)
    return [written[row] for row in range(len(prompts))]


def _batches(prompts: Sequence[Sequence[int]], most: int, gap: int) -> Iterator[list[int]]:
    """Numbers of prompts, the shortest first, at most ``most`` together, of which none is more than ``gap`` tokens longer than the next
    shorter one: to read those alone would take longer than to begin anew."""
    batch: list[int] = []
    for row in sorted(range(len(prompts)), key=lambda row: len(prompts[row])):
        if batch and (len(batch) == most or len(prompts[row]) - len(prompts[batch[-1]]) > gap):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@torch.no_grad()
def _go_on(
    reading: Reading, compute: Compute, tokenizer: Tokenizer, prompts: Sequence[Sequence[int]], seq_len: int,
    max_tokens: int, draw: Drawing, end: int,
) -> list[Written]:  # fmt: skip
    """All rows stand at the same position: where a prompt is longer than the shortest, its tokens are read instead of drawn."""
    device, given = compute.torch_device, torch.tensor([len(prompt) for prompt in prompts])
    ends = (given + max_tokens).clamp(max=seq_len + 1)
    ids = torch.full((len(prompts), int(ends.max())), end)
    for row, prompt in zip(ids, prompts, strict=True):
        row[: len(prompt)] = torch.as_tensor(prompt)
    running = torch.ones(len(prompts), dtype=torch.bool)
    rows = torch.arange(len(prompts))  # those that are read
    place = int(given.min())
    prefix_len = given.to(device) if reading.gpt.prefixes else None
    with compute.autocast():  # once for all tokens, so that it keeps the weights it has cast
        logits = _next_logits(reading, ids[:, :place].to(device), prefix_len)
        marks = _marks(tokenizer, logits.shape[-1], end)
        while True:
            writes = running[rows] & (given[rows] <= place)
            if writes.any():
                writing, behind = rows[writes], logits.cpu()[writes]
                behind[:, marks] = -torch.inf
                drawn = draw(behind, writing, place - given[writing])
                ids[writing, place] = drawn
                running[writing] = (drawn != end) & (place + 1 < ends[writing])
            if not running.any():
                break
            # What is kept of ended rows is left behind when they are many: each time, what is kept of the others is copied.
            if 4 * running[rows].sum() <= 3 * len(rows):
                reading.select(running[rows].nonzero()[:, 0].to(device))
                rows = rows[running[rows]]
            logits = _next_logits(reading, ids[rows, place, None].to(device))
            place += 1
    documents = []
    for row, start, stop in zip(ids.numpy(), given.tolist(), ends.tolist(), strict=True):
        text = row[start:stop]
        marked = np.flatnonzero(text == end)
        documents.append((text[: marked[0]], True) if len(marked) else (text, False))
    return documents


def _next_logits(reading: Reading, input_ids: torch.Tensor, prefix_len: torch.Tensor | None = None) -> torch.Tensor:
    """Of the whole vocabulary, the same bits on every tensor-parallel rank, so that all draw the same tokens."""
    logits, group = reading.next_logits(input_ids, prefix_len), reading.gpt.parallel_context.tp_pg
    if group.size() == 1:
        return logits
    parts = [torch.empty_like(logits) for _ in range(group.size())]
    dist.all_gather(parts, logits.contiguous(), group=group)
    return torch.cat(parts, dim=-1)


def _by_numbers(uniform: torch.Tensor, temperature: float) -> Drawing:
    """By the inverse of the cumulative distribution; ``uniform`` is float64 [rows, tokens]."""

    def draw(logits: torch.Tensor, rows: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
        shares = torch.softmax(at_least_fp32(logits) / temperature, dim=-1).cumsum(dim=-1, dtype=torch.float64)
        return torch.searchsorted(shares, uniform[rows, written, None] * shares[:, -1:], right=True)[:, 0]

    return draw


def _by_top_p(sampling: SamplingSpec, random: torch.Generator) -> Drawing:
    return lambda logits, rows, written: draw_tokens(logits.float(), sampling, random)


def draw_tokens(logits: torch.Tensor, sampling: SamplingSpec, random: torch.Generator) -> torch.Tensor:
    """One token a row of ``logits`` [rows, vocabulary], from the smallest set whose probability reaches ``top_p``.

    A token is in the set if those likelier than it (of equals, those before it) do not reach ``top_p``; so the likeliest
    always is. Tokens are drawn from all and drawn again until they are in the set: sorting the vocabulary for every token took
    longer than the model. Where a few draws do not hit, ``top_p`` being small, the set is sorted out after all.
    """
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
    """Tokens that are no text, and so never to be drawn: those that say who speaks among them. The ``end`` stays."""
    marks = {tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id, 0, *control_tokens(tokenizer)}
    return [*sorted(marks - {end}), *range(tokenizer.vocab_size, vocab_size)]
