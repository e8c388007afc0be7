"""What a tokenizer does to a kind of text: how much a token carries, what falls back to bytes, what is used, how fast."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from studylib.data.tokenizer import Tokenizer
from studylib.errors import StudyError

_BATCH = 1 << 20  # characters encoded at once


@dataclass(frozen=True)
class TokenizerMetrics:
    """Of one tokenizer on one kind of text.

    Attributes
    ----------
    chars_per_token, bytes_per_token
        Characters, and bytes of UTF-8, of the original text for each token.
    byte_share
        Tokens that are a single byte of a character without a piece of its own, as a share of all.
    used_share
        Pieces of the vocabulary that occur at all in this much text.
    mb_per_s
        Encoding speed on one thread: megabytes (1e6) of UTF-8 a second; the faster of two runs.
    documents, tokens
        How much was measured.
    """

    chars_per_token: float
    bytes_per_token: float
    byte_share: float
    used_share: float
    mb_per_s: float
    documents: int
    tokens: int

    def as_dict(self) -> dict[str, float | int]:
        return asdict(self)


def measure_tokenizer(tokenizer: Tokenizer, texts: Iterable[str], *, max_bytes: int = 1_000_000) -> TokenizerMetrics:
    """Encode about ``max_bytes`` of ``texts`` and look at the result.

    Raises
    ------
    StudyError
        There is no text, or it holds a lone surrogate.
    """
    chosen: list[str] = []
    characters = size = 0
    for text in texts:
        chosen.append(text)
        characters += len(text)
        size += len(text.encode("utf-8", "surrogatepass"))
        if size >= max_bytes:
            break
    used = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    first = _encode(tokenizer, chosen, used)
    tokens = int(used.sum())
    if not tokens:
        raise StudyError("a tokenizer cannot be measured without text")
    seconds = min(first, _encode(tokenizer, chosen, np.zeros_like(used)))
    single = np.array([tokenizer.is_byte(token) for token in range(tokenizer.vocab_size)])
    return TokenizerMetrics(
        chars_per_token=characters / tokens,
        bytes_per_token=size / tokens,
        byte_share=float(used[single].sum() / tokens),
        used_share=float((used > 0).mean()),
        mb_per_s=size / 1e6 / seconds,
        documents=len(chosen),
        tokens=tokens,
    )


def _encode(tokenizer: Tokenizer, texts: Sequence[str], used: np.ndarray) -> float:
    """Add each token's number of uses to ``used``; processor seconds of encoding alone, which a neighbour does not lengthen."""
    seconds, begin = 0.0, 0
    while begin < len(texts):
        end, waiting = begin, 0
        while end < len(texts) and waiting < _BATCH:
            waiting += len(texts[end])
            end += 1
        start = time.process_time()
        encoded = tokenizer.encode_batch(texts[begin:end])
        seconds += time.process_time() - start
        for tokens in encoded:
            used += np.bincount(tokens, minlength=len(used))
        begin = end
    return seconds


def bytes_per_token(counts: Mapping[str, Mapping[str, Mapping[str, int]]], weights: Mapping[str, float]) -> float:
    """Bytes of training text behind a token of the mixture; ``counts`` as `prepared_counts` has them, ``weights`` are shares of
    the tokens, by source."""
    sides = {label: counts[label]["train"] for label, weight in weights.items() if weight > 0}
    rates = {label: side["bytes"] / side["tokens"] for label, side in sides.items()}
    return sum(weights[label] * rate for label, rate in rates.items()) / sum(weights[label] for label in rates)
