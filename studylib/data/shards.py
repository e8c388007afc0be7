"""Token shards: a side of a source as one memory-mapped array, with the documents' places in it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np

from studylib.data.tokenizer import Tokenizer
from studylib.errors import invalid

_BATCH_BYTES = 1 << 20


def token_dtype(vocab_size: int) -> np.dtype:
    """uint16 where it fits, else uint32; little-endian."""
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def write_tokens(texts: Iterable[str], tokenizer: Tokenizer, stem: Path) -> None:
    """Encode ``texts`` to ``stem.tokens``, each followed by EOS, and their sizes to ``stem.sizes.npy``.

    The sizes are int64 [documents, 2]: tokens with the EOS, and UTF-8 bytes of the original text.
    """
    dtype = token_dtype(tokenizer.vocab_size)
    eos = np.array([tokenizer.eos_id], dtype=dtype)
    sizes: list[tuple[int, int]] = []
    with open(f"{stem}.tokens", "wb") as stream:
        batch: list[str] = []
        waiting = 0

        def flush() -> None:
            for tokens, text in zip(tokenizer.encode_batch(batch), batch, strict=True):
                stream.write(tokens.astype(dtype).tobytes())
                stream.write(eos.tobytes())
                sizes.append((len(tokens) + 1, len(text) if text.isascii() else len(text.encode())))
            batch.clear()

        for text in texts:
            batch.append(text)
            waiting += len(text)
            if waiting >= _BATCH_BYTES:
                flush()
                waiting = 0
        flush()
    np.save(f"{stem}.sizes.npy", np.array(sizes, dtype=np.int64).reshape(-1, 2))


class TokenShard:
    """Documents as one run of tokens, joined by EOS.

    Parameters
    ----------
    stem
        Path without the endings ``.tokens`` and ``.sizes.npy``.
    dtype
        uint16 or uint32.
    label
        Names the shard in errors.
    """

    def __init__(self, stem: Path, dtype: np.dtype, label: str = ""):
        self._stem, self._dtype = stem, dtype
        self.label = label or stem.name
        size = Path(f"{stem}.tokens").stat().st_size
        if not size:
            raise invalid("data.sources", self.label, "has a shard of zero tokens")
        self.num_tokens: int = size // dtype.itemsize

    @cached_property
    def tokens(self) -> np.memmap:
        """Token ids, uint16 or uint32 [num_tokens]; read from disk as they are used."""
        return np.memmap(f"{self._stem}.tokens", dtype=self._dtype, mode="r")

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and bytes before each document, and at the end; int64 [documents + 1] each."""
        sizes = np.load(f"{self._stem}.sizes.npy")
        edges = np.zeros((len(sizes) + 1, 2), dtype=np.int64)
        np.cumsum(sizes, axis=0, out=edges[1:])
        return np.ascontiguousarray(edges[:, 0]), np.ascontiguousarray(edges[:, 1])

    @property
    def num_documents(self) -> int:
        return len(self._edges[0]) - 1

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the original text, before any normalisation."""
        return int(self._edges[1][-1])

    @property
    def document_starts(self) -> np.ndarray:
        """Token offset of each document, and the end; int64 [documents + 1]."""
        return self._edges[0]

    def bytes_in(self, start: int, stop: int) -> float:
        """UTF-8 bytes of the text behind ``tokens[start:stop]``, linear inside a document."""
        low, high = np.interp([start, stop], *self._edges)
        return float(high - low)
