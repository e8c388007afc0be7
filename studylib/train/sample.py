"""Text from a trained model: ancestral sampling with temperature and top-p, filtered, written as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studylib.data import Tokenizer, prepare
from studylib.data.pseudo import Filter, SamplingSpec, write_made_text
from studylib.errors import StudyError
from studylib.model.gpt import GPT, build_gpt
from studylib.parallel import load_model_weights, world
from studylib.spec import ParallelSpec, TrialSpec
from studylib.train import checkpoint
from studylib.train.compute import Compute, resolve

_SENTENCE_ENDS = "。.!?！？\n"


def sample_text(
    trial: TrialSpec,
    folder: Path,
    data_folder: Path,
    sampling: SamplingSpec,
    file: Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Sample from the last checkpoint in ``folder`` (that of ``trial``) and write ``file``.

    The same trial, sampling and machine give the same file.

    Returns
    -------
    dict
        The counts of the filter, documents and bytes.

    Raises
    ------
    StudyError
        There is no checkpoint, or the filter keeps too little of what the model writes.
    """
    one = trial.replace(parallel=ParallelSpec(), compute=trial.compute.replace(compile="none"))
    compute = resolve(one)
    prepared = prepare(trial.data, data_folder)
    tokenizer = Tokenizer.load(prepared.tokenizer_file)
    found = checkpoint.newest_usable(folder / "checkpoints", trial.recipe_hash)
    if found is None:
        raise StudyError(f"{folder}: has no checkpoint to sample from; train the trial with checkpoint_every above 0")
    keep = Filter(
        min_characters=sampling.min_characters, most_repeated=sampling.most_repeated, most_shared=sampling.most_shared
    )
    say = progress or (lambda line: None)
    with world(one.parallel, compute.torch_device) as processes:
        model = build_gpt(one.model, processes, seed=0)
        load_model_weights(model, processes, found)
        model.eval()
        texts = _kept(model, compute, tokenizer, one.model.seq_len, sampling, keep, say)
        record = write_made_text(file, texts)
    return record | {"filter": dict(keep.counts)}


def _kept(
    model: GPT, compute: Compute, tokenizer: Tokenizer, seq_len: int, sampling: SamplingSpec, keep: Filter,
    say: Callable[[str], None],
) -> Iterator[str]:  # fmt: skip
    size = attempts = 0
    number = 0
    while size < sampling.bytes:
        for tokens, finished in draw_documents(model, compute, tokenizer, seq_len, sampling, number):
            attempts += 1
            text = tokenizer.decode(tokens)
            if (
                not finished and sampling.whole_sentences
            ):  # the end of the context cut it: up to its last whole sentence
                text = text[: max(text.rfind(end) for end in _SENTENCE_ENDS) + 1]
            if keep.keeps(text):
                yield text
                size += len(text.encode())
        number += 1
        say(f"sampling: {size / 1e3:.0f} of {sampling.bytes / 1e3:.0f} kB kept, {dict(keep.counts)}")
        if attempts > sampling.max_attempts * max(keep.counts["kept"], sampling.batch_documents):
            raise StudyError(
                f"of {attempts} documents that the model wrote only {keep.counts['kept']} were kept "
                f"({dict(keep.counts)}); train it longer, or loosen the filters"
            )


@torch.no_grad()
def draw_documents(
    model: GPT, compute: Compute, tokenizer: Tokenizer, seq_len: int, sampling: SamplingSpec, number: int
) -> list[tuple[np.ndarray, bool]]:
    """Batch ``number`` of documents as token ids, each from an EOS (which stands before every text) to the next.

    The flag says whether the model ended it, or the context did.

    The whole context is read again for every token: slower than keeping keys and values, but the same for every kind of
    model. Only the last position goes through the output head.
    """
    count, device = sampling.batch_documents, compute.torch_device
    random = torch.Generator().manual_seed(sampling.seed * 1_000_003 + number)
    length = min(sampling.max_tokens or seq_len, seq_len)
    ids = torch.full((count, length + 1), tokenizer.eos_id, dtype=torch.int64, device=device)
    running = torch.arange(count, device=device)  # rows not finished yet
    for place in range(1, length + 1):
        with compute.autocast():
            hidden = model.model.hidden_states(ids[running, :place])
            logits = model.model.lm_head.pp_block.logits(hidden[:, -1:])[:, 0]
        drawn = draw_tokens(logits.float().cpu(), sampling, random, exclude=_marks(tokenizer, logits.shape[-1])).to(
            device
        )
        ids[running, place] = drawn
        running = running[drawn != tokenizer.eos_id]
        if not len(running):
            break
    documents = []
    for row in ids[:, 1:].cpu().numpy():
        ends = np.flatnonzero(row == tokenizer.eos_id)
        documents.append((row[: ends[0]], True) if len(ends) else (row, False))
    return documents


def draw_tokens(
    logits: torch.Tensor, sampling: SamplingSpec, random: torch.Generator, *, exclude: list[int] | None = None
) -> torch.Tensor:
    """One token a row of ``logits`` [rows, vocabulary], from the smallest set whose probability reaches ``top_p``."""
    if exclude:
        logits[:, exclude] = -torch.inf
    probabilities = torch.softmax(logits / sampling.temperature, dim=-1)
    ordered, places = probabilities.sort(dim=-1, descending=True, stable=True)
    # A token is in the set if those before it do not reach top_p; so the likeliest always is.
    ordered = ordered.masked_fill(ordered.cumsum(dim=-1) - ordered >= sampling.top_p, 0.0)
    drawn = torch.multinomial(ordered, 1, generator=random)
    return places.gather(1, drawn)[:, 0]


def _marks(tokenizer: Tokenizer, vocab_size: int) -> list[int]:
    """Tokens that are no text: never to be drawn. EOS ends a document and stays."""
    marks = [token for token in (tokenizer.bos_id, tokenizer.pad_id, 0) if token != tokenizer.eos_id]
    return [*marks, *range(tokenizer.vocab_size, vocab_size)]
