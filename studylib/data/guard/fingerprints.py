"""The third look: content. A text that shares a long run of characters with evaluation data is that data, renamed."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studylib.errors import invalid

RUN = (
    24  # characters after NFKC, without spaces: long enough that chance sharing is rare, short enough for one sentence
)
SHORTEST = 12  # a whole evaluation sentence of 12 to 23 characters counts when it stands as a whole sentence
_BLOOM_BITS = 24
_SENTENCE_END = re.compile(r"[。．！？!?\n\r\t]+")
_SEPARATOR = "\uffff"  # a noncharacter: never part of a run, since texts are looked at with it removed

_SPACE_CATEGORIES = {"Zs", "Zl", "Zp", "Cc", "Cf"}


def _invisible_table() -> np.ndarray:
    """For each code point up to U+FFFF, and the tags above, whether it is a space or invisible."""
    table = np.zeros(0x110000, dtype=bool)
    for point in (*range(0x10000), *range(0xE0000, 0xE0200)):
        table[point] = unicodedata.category(chr(point)) in _SPACE_CATEGORIES
    table[0xFE00:0xFE10] = True  # variation selectors
    return table


_tables: dict[str, np.ndarray] = {}


def _folded(text: str) -> str:
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _code_points(folded: str) -> np.ndarray:
    """uint32 code points of a text after NFKC, without spaces and invisible characters."""
    points = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if "invisible" not in _tables:
        _tables["invisible"] = _invisible_table()
    return points[~_tables["invisible"][points]]


def _mixed(values: np.ndarray) -> np.ndarray:
    values = values * np.uint64(0x9E3779B97F4A7C15)
    return values ^ (values >> np.uint64(29))


def _runs(points: np.ndarray, length: int = RUN) -> np.ndarray:
    """uint64 hash of every run of ``length`` (24) characters, by doubling: 1, 2, 4, 8, 16, then 16 + 8."""
    if length != RUN or len(points) < RUN:
        return np.empty(0, dtype=np.uint64)
    hashes = {1: _mixed(points.astype(np.uint64) + np.uint64(0x51ED27))}
    for size in (2, 4, 8, 16):
        half = hashes[size // 2]
        hashes[size] = _mixed(half[: len(half) - size // 2] * np.uint64(0xD6E8FEB86659FD93) + half[size // 2 :])
    last = len(points) - RUN + 1
    return _mixed(hashes[16][:last] * np.uint64(0xA24BAED4963EE407) + hashes[8][16 : 16 + last])


def _sentences(folded: str) -> Iterator[str]:
    """The short sentences of a text after NFKC, without spaces and invisible characters."""
    for sentence in _SENTENCE_END.split(folded):
        if SHORTEST <= len(sentence) < 4 * RUN:
            bare = "".join(sentence.split())
            if not bare.isprintable():  # holds invisible characters: the slow way, for the few
                bare = _code_points(bare).tobytes().decode("utf-32-le", "surrogatepass")
            if SHORTEST <= len(bare) < RUN:
                yield bare


class Fingerprints:
    """The runs and short sentences of the files that must not be trained on.

    Every string in a JSON or JSON-lines file counts, each record's strings also joined in their order; of other files
    the whole text.
    """

    def __init__(self, files: Sequence[str] = ()):
        runs: list[np.ndarray] = []
        self._sentences: set[str] = set()
        for file in files:
            for text in _texts(Path(file)):
                folded = _folded(text)
                runs.append(_runs(_code_points(folded)))
                self._sentences.update(_sentences(folded))
        self._runs = np.unique(np.concatenate(runs)) if runs else np.empty(0, dtype=np.uint64)
        self._bloom = np.zeros(1 << _BLOOM_BITS if len(self._runs) else 0, dtype=bool)
        if len(self._runs):
            self._bloom[self._runs >> np.uint64(64 - _BLOOM_BITS)] = True

    def __len__(self) -> int:
        return len(self._runs) + len(self._sentences)

    def overlapping(self, texts: Sequence[str]) -> np.ndarray:
        """Whether each text shares a run or a whole short sentence with the evaluation files; bool [len(texts)]."""
        found = np.zeros(len(texts), dtype=bool)
        if not len(self):
            return found
        folded = [_folded(text.replace(_SEPARATOR, "")) for text in texts]
        if len(self._runs):
            self._find_runs(folded, found)
        if self._sentences:
            for place, text in enumerate(folded):
                if not found[place]:
                    found[place] = any(one in self._sentences for one in _sentences(text))
        return found

    def _find_runs(self, folded: Sequence[str], found: np.ndarray) -> None:
        # One pass over all texts joined: a call per short text would cost more than its hashes.
        points = _code_points(_SEPARATOR.join(folded))
        hashes = _runs(points)
        suspects = np.flatnonzero(self._bloom[hashes >> np.uint64(64 - _BLOOM_BITS)])
        if not len(suspects):
            return
        places = np.searchsorted(self._runs, hashes[suspects])
        hits = suspects[self._runs[np.minimum(places, len(self._runs) - 1)] == hashes[suspects]]
        ends = np.flatnonzero(points == ord(_SEPARATOR))
        found[np.unique(np.searchsorted(ends, hits))] = True


def _texts(file: Path) -> Iterator[str]:
    """The texts of an evaluation file (parquet, JSON, JSON lines or plain text; .gz too)."""
    try:
        if file.suffix == ".parquet":
            yield from _parquet_texts(file)
            return
        raw = file.read_bytes()
        if file.suffix == ".gz":
            raw = gzip.decompress(raw)
        content = raw.decode()
    except (OSError, EOFError) as error:
        raise invalid("data.evaluation_only", str(file), f"cannot be read: {error}") from None
    except UnicodeDecodeError as error:
        raise invalid("data.evaluation_only", str(file), f"is not UTF-8 at byte {error.start}") from None
    records = _json_records(content)
    if records is None:
        yield content
    else:
        for record in records:
            yield from _record_texts(record)


def _json_records(content: str) -> list[Any] | None:
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        whole = json.loads(content)
        return whole if isinstance(whole, list) else [whole]
    except json.JSONDecodeError:
        pass
    try:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except json.JSONDecodeError:
        return None


def _record_texts(record: Any) -> Iterator[str]:
    strings = [one for one in _strings(record) if not one.isascii() or len(one) >= RUN]
    yield from strings
    if isinstance(record, dict) and len(strings) <= 16:
        # Short fields side by side make runs too, as when a question and its choices are written as one text.
        yield "".join(strings)


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _parquet_texts(file: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(file).iter_batches():
            for record in batch.to_pylist():
                yield from _record_texts(record)
    except pa.ArrowException as error:
        raise invalid("data.evaluation_only", str(file), f"is not a readable parquet file: {error}") from None
