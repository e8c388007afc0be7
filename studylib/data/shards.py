"""Token shards: a side of a source as one memory-mapped array, with the documents' places in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from studylib.data.chat.conversation import Conversation, Preference
from studylib.data.chat.encode import ANSWER_BYTES, PROMPT_TOKENS, ConversationEncoder
from studylib.data.tokenizer import Tokenizer
from studylib.errors import invalid

LEARNT, LEARNT_OF_PAIRS = "learnt", "pairs"  # endings of the mask
One, Made = TypeVar("One"), TypeVar("Made")
_BATCH_BYTES = 1 << 20  # smaller ones wait for Python's lock more often than they save


def token_dtype(vocab_size: int) -> np.dtype:
    """uint16 where it fits, else uint32; little-endian."""
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def write_tokens(texts: Iterable[bytes], tokenizer: Tokenizer, stem: Path, *, workers: int = 1) -> None:
    """Encode ``texts`` (UTF-8) to ``stem.tokens``, each followed by EOS, and their sizes to ``stem.sizes.npy``.

    The sizes are int64 [documents, 2]: tokens with the EOS, and UTF-8 bytes of the original text. Encoding runs on
    ``workers`` threads (SentencePiece lets go of Python's lock) while this one reads and writes; the files do not depend
    on their number.
    """
    dtype = token_dtype(tokenizer.vocab_size)

    def encoded(batch: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
        chunks, counts = tokenizer.encode_chunks(batch)
        ends = np.zeros(len(chunks) + 1, dtype=np.int64)
        np.cumsum([len(chunk) for chunk in chunks], out=ends[1:])
        ends = ends[np.cumsum(counts)]  # of the documents
        tokens = np.concatenate([np.empty(0, dtype=np.int32), *chunks]).astype(dtype)
        sizes = np.stack([np.diff(ends, prepend=0) + 1, [len(text) for text in batch]], axis=1)
        return np.insert(tokens, ends, tokenizer.eos_id), sizes

    sizes = [np.empty((0, 2), dtype=np.int64)]
    with open(f"{stem}.tokens", "wb") as stream:
        for tokens, size in _on_threads(encoded, _batches(texts, len), workers):
            stream.write(tokens.data)
            sizes.append(size)
    np.save(f"{stem}.sizes.npy", np.concatenate(sizes))


def write_conversations(
    conversations: Iterable[Conversation | Preference],
    encoder: ConversationEncoder,
    dtype: np.dtype,
    stem: Path,
    *,
    pairs: bool = False,
    workers: int = 1,
) -> None:
    """As `write_tokens`, and to ``stem.learnt`` (of ``pairs`` to ``stem.pairs``) a byte for each token: 1 where it is learnt.
    Sizes have four columns, see `Encoded`."""
    sizes = [np.empty((0, 4), dtype=np.int64)]
    batches = _batches(conversations, lambda one: sum(4 * len(message.content) for message in one.messages))
    with open(f"{stem}.tokens", "wb") as stream, open(f"{stem}.{LEARNT_OF_PAIRS if pairs else LEARNT}", "wb") as mask:
        for made in _on_threads(encoder, batches, workers):
            stream.write(made.tokens.astype(dtype).data)
            mask.write(made.learnt.astype(np.uint8).data)
            sizes.append(made.sizes)
    np.save(f"{stem}.sizes.npy", np.concatenate(sizes))


def _on_threads(function: Callable[[list[One]], Made], batches: Iterable[list[One]], workers: int) -> Iterator[Made]:
    """``function`` of each batch, in their order."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Made]] = deque()
        for batch in batches:
            waiting.append(pool.submit(function, batch))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _batches(ones: Iterable[One], size_of: Callable[[One], int]) -> Iterator[list[One]]:
    batch: list[One] = []
    size = 0
    for one in ones:
        batch.append(one)
        size += size_of(one)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class TokenShard:
    """Documents as one run of tokens, joined by EOS; or conversations, each behind an EOS, with a mask of what is learnt.

    Of pairs of answers documents 2i and 2i + 1 are pair i: its prompt with the preferred answer, and with the other.

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
    def _sizes(self) -> np.ndarray:
        return np.load(f"{self._stem}.sizes.npy")

    @property
    def has_conversations(self) -> bool:
        return Path(f"{self._stem}.{LEARNT}").is_file()

    @property
    def has_pairs(self) -> bool:
        return Path(f"{self._stem}.{LEARNT_OF_PAIRS}").is_file()

    @cached_property
    def learnt(self) -> np.memmap:
        """Whether each token is learnt, for a shard of conversations or pairs; uint8 [num_tokens]."""
        ending = LEARNT_OF_PAIRS if self.has_pairs else LEARNT
        return np.memmap(f"{self._stem}.{ending}", dtype=np.uint8, mode="r")

    @property
    def answer_bytes(self) -> np.ndarray:
        """UTF-8 bytes of each conversation's answers; int64 [documents]."""
        return self._sizes[:, ANSWER_BYTES]

    @property
    def prompt_tokens(self) -> np.ndarray:
        """Tokens of each conversation before the first that is learnt; int64 [documents]."""
        return self._sizes[:, PROMPT_TOKENS]

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and bytes before each document, and at the end; int64 [documents + 1] each."""
        sizes = self._sizes[:, :2]
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
