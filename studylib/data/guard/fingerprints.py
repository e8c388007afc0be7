"""The third look: content. A text that shares a long run of characters with evaluation data is that data, renamed."""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studylib.errors import invalid

# Counted after NFKC, without spaces: long enough that chance sharing is rare, short enough for one sentence.
RUN = 24
# An evaluation sentence of 8 to 23 characters counts when all of it occurs.
SHORTEST = 8
_BLOOM_BITS = 24
_END = "。．！？!?"
# Fields whose strings are sentences even without a mark at the end.
_SENTENCE_FIELDS = frozenset({"question", "sentence", "sentence1", "sentence2", "premise", "hypothesis", "instruction"})
_SEPARATOR = "\uffff"  # a noncharacter, put between texts; taken out of them first

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


def _runs(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint64 hashes of every run of SHORTEST and of RUN characters, by doubling: 2, 4, 8, 16, then 16 + 8."""
    hashes = {1: _mixed(points.astype(np.uint64) + np.uint64(0x51ED27))}

    def joined(first: int, second: int, factor: int) -> np.ndarray:
        count = max(0, len(points) - first - second + 1)
        return _mixed(hashes[first][:count] * np.uint64(factor) + hashes[second][first : first + count])

    for size in (1, 2, 4, 8):
        hashes[2 * size] = joined(size, size, 0xD6E8FEB86659FD93)
    return hashes[SHORTEST], joined(16, RUN - 16, 0xA24BAED4963EE407)


class _Table:
    """Membership of many hashes at once: a bit by the leading bits first, since nearly all are absent."""

    def __init__(self, hashes: np.ndarray):
        self.hashes = np.unique(hashes)
        self._bloom = np.zeros(1 << _BLOOM_BITS if len(self.hashes) else 0, dtype=bool)
        self._bloom[self.hashes >> np.uint64(64 - _BLOOM_BITS)] = True

    def places(self, hashes: np.ndarray) -> np.ndarray:
        """Where in ``hashes`` there are members; int64."""
        if not len(self.hashes):
            return np.empty(0, dtype=np.int64)
        suspects = np.flatnonzero(self._bloom[hashes >> np.uint64(64 - _BLOOM_BITS)])
        found = np.minimum(np.searchsorted(self.hashes, hashes[suspects]), len(self.hashes) - 1)
        return suspects[self.hashes[found] == hashes[suspects]]


def _string(points: np.ndarray) -> str:
    return points.tobytes().decode("utf-32-le", "surrogatepass")


class Fingerprints:
    """The runs and short sentences of the files that must not be trained on.

    Every string in a JSON or JSON-lines file counts, each record's strings also joined in their order; of other files
    the whole text. A string of 8 to 23 characters counts when it is a sentence: it ends in a mark such as 。or ?, or is a
    question or the like by its field.
    """

    def __init__(self, files: Sequence[str] = ()):
        runs: list[np.ndarray] = [np.empty(0, dtype=np.uint64)]
        starts: list[np.ndarray] = [np.empty(0, dtype=np.uint64)]
        self._sentences: dict[int, set[str]] = {}
        for file in files:
            for text, is_sentence in _texts(Path(file)):
                points = _code_points(_folded(text))
                start, run = _runs(points)
                runs.append(run)
                bare = _string(points).rstrip(_END)
                if (is_sentence or len(bare) < len(points)) and SHORTEST <= len(bare) < RUN:
                    starts.append(start[:1])
                    self._sentences.setdefault(int(start[0]), set()).add(bare)
        self._runs, self._starts = _Table(np.concatenate(runs)), _Table(np.concatenate(starts))

    def __len__(self) -> int:
        return len(self._runs.hashes) + len(self._sentences)

    def overlapping(self, texts: Sequence[str]) -> np.ndarray:
        """Whether each text shares a run or a whole short sentence with the evaluation files; bool [len(texts)]."""
        found = np.zeros(len(texts), dtype=bool)
        if not len(self) or not texts:
            return found
        # One pass over all texts joined: a call per short text would cost more than its hashes.
        points = _code_points(_SEPARATOR.join([_folded(text.replace(_SEPARATOR, "")) for text in texts]))
        ends = np.flatnonzero(points == ord(_SEPARATOR))
        starts, runs = _runs(points)
        found[np.searchsorted(ends, self._runs.places(runs))] = True
        for place in self._starts.places(starts):
            document = np.searchsorted(ends, place)
            if not found[document]:
                here = _string(points[place : place + RUN])
                found[document] = any(here.startswith(one) for one in self._sentences[int(starts[place])])
        return found


def _texts(file: Path) -> Iterator[tuple[str, bool]]:
    """(text, whether it is a sentence) of an evaluation file: parquet, JSON, JSON lines or plain text; .gz too."""
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
        yield content, False
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
        pass  # not one value: perhaps one a line
    try:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except json.JSONDecodeError:
        return None


def _record_texts(record: Any) -> Iterator[tuple[str, bool]]:
    strings = [(key, one) for key, one in _strings("", record) if not one.isascii() or len(one) >= RUN]
    for key, one in strings:
        yield one, key in _SENTENCE_FIELDS
    if isinstance(record, dict) and len(strings) <= 16:
        # Short fields side by side make runs too, as when a question and its choices are written as one text.
        yield "".join(one for _, one in strings), False


def _strings(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """(field, string) of every string in a record, however deep."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from _strings(str(inner_key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(key, inner)


def _parquet_texts(file: Path) -> Iterator[tuple[str, bool]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(file).iter_batches():
            for record in batch.to_pylist():
                yield from _record_texts(record)
    except pa.ArrowException as error:
        raise invalid("data.evaluation_only", str(file), f"is not a readable parquet file: {error}") from None
