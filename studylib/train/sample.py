"""Text from a trained model: what it draws (``studylib.train.draw``), filtered, written as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from studylib.data.pseudo import Filter, SamplingSpec, write_made_text
from studylib.errors import StudyError
from studylib.spec import TrialSpec
from studylib.train.draw import draw_documents
from studylib.train.trained import Trained, load_trained

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
    trained = load_trained(trial, folder, data_folder)
    keep = Filter(
        min_characters=sampling.min_characters, most_repeated=sampling.most_repeated, most_shared=sampling.most_shared
    )
    say = progress or (lambda line: None)
    record = write_made_text(file, _kept(trained, sampling, keep, say))
    return record | {"filter": dict(keep.counts)}


def _kept(trained: Trained, sampling: SamplingSpec, keep: Filter, say: Callable[[str], None]) -> Iterator[str]:
    model, compute, tokenizer, seq_len = trained.model, trained.compute, trained.tokenizer, trained.seq_len
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
