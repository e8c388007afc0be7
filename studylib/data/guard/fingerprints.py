"""Fingerprints of texts that must not be trained on: salted, shortened hashes, from which no text can be read back.

A sentence or row of up to 48 characters is one entry. A longer text is several, of 32 characters each: a passage counts when half
of them are found, any other when two thirds are. An entry
holds the number of its characters, a 32-bit hash of all of them and a 128-bit mask of the pairs of neighbours among them. By three
strings of 4 characters (30-bit hashes) that do not overlap a text is suspected. Of short sentences all that can be left when a
character or two are cut is known as well (`cuts`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from studylib.data.guard.cuts import cut_hashes
from studylib.data.guard.fields import KINDS, Field
from studylib.data.guard.fold import fold
from studylib.data.guard.hashing import GRAM, characters, digests, distinct, keys, masks, pairs
from studylib.errors import invalid
from studylib.files import digest_of_state, write_bytes

FORMAT = 2
SUFFIX = ".npz"
LONGEST = 48  # characters of an entry
_PART = 32  # of a longer text
_APART = 3  # strings of four that give an entry away; two characters cut leave one whole
# A string of four in more entries than this tells nothing, unless it is the best an entry has.
_TOO_COMMON = 100
# Choices of a row, whatever their order. Three are left where the others are digits, Latin letters or labels; of few characters
# they are no row, nor are those such as 1月, 2月, 3月, one piece many times over.
ROW_PIECES = (3, 4, 5, 6, 7)
_ROW_DISTINCT, _ROW_CHARACTERS = 4, 10
_ARRAYS = (
    "gram_keys",
    "gram_entries",
    "gram_offsets",
    "sizes",
    "digests",
    "masks",
    "groups",
    "needs",
    "kinds",
    "rows",
    "cuts",
)


@dataclass(frozen=True)
class Fingerprints:
    """Entries, the strings by which they are suspected, and rows by their choices.

    Attributes
    ----------
    gram_keys, gram_entries, gram_offsets
        30-bit hash, sorted; the entry that has it; where in the entry. uint32, uint32, uint8 [strings].
    sizes, digests, masks, groups
        Characters, hash, pairs, and the text an entry is a part of. uint8, uint32, uint64 [entries, 2], uint32 [entries].
    needs, kinds
        Parts that must be found, and the place in ``KINDS``, of each text. uint16, uint8 [texts].
    rows
        Sum of the hashes of a row's choices, sorted; uint64 [rows].
    cuts
        Hashes of what can be left of short sentences, sorted; uint64 [strings], of 36 bits.
    files
        BLAKE2b of each file that they were made from, by its name.
    """

    gram_keys: np.ndarray
    gram_entries: np.ndarray
    gram_offsets: np.ndarray
    sizes: np.ndarray
    digests: np.ndarray
    masks: np.ndarray
    groups: np.ndarray
    needs: np.ndarray
    kinds: np.ndarray
    rows: np.ndarray
    cuts: np.ndarray
    files: dict[str, str]

    def __len__(self) -> int:
        return len(self.needs) + len(self.rows)

    @classmethod
    def of(cls, fields: Iterable[Field], files: dict[str, str] | None = None) -> Fingerprints:
        """Fingerprints of texts; equal ones count once, and those under four characters not at all."""
        texts: dict[bytes, tuple[np.ndarray, int]] = {}
        rows: list[np.uint64] = []
        for kind, points, piece_keys in _folded(fields):
            if len(points) >= GRAM:
                texts.setdefault(points.tobytes(), (points, KINDS.index(kind)))
            if kind == "row" and len(piece_keys) in ROW_PIECES and _tells_a_row(points, piece_keys):
                rows.append(piece_keys.sum(dtype=np.uint64))
        parts: list[np.ndarray] = []
        groups, needs, kinds = [], [], []
        for group, (points, kind) in enumerate(texts.values()):
            own = _parts(points)
            parts += own
            groups += [group] * len(own)
            needs.append(-(-len(own) // 2) if KINDS[kind] == "passage" else -(-2 * len(own) // 3))
            kinds.append(kind)
        grams = _grams(parts)
        return cls(
            *grams,
            *_described(parts),
            np.array(groups, dtype=np.uint32),
            np.array(needs, dtype=np.uint16),
            np.array(kinds, dtype=np.uint8),
            distinct(np.array(rows, dtype=np.uint64)),
            cut_hashes(points for points, kind in texts.values() if KINDS[kind] == "sentence"),
            files or {},
        )

    @classmethod
    def joined(cls, sets: Sequence[Fingerprints]) -> Fingerprints:
        """Several sets as one."""
        if len(sets) == 1:
            return sets[0]
        sets = [cls.of([]), *sets]
        entries = np.cumsum([0, *(len(one.sizes) for one in sets)])
        texts = np.cumsum([0, *(len(one.needs) for one in sets)])
        whole = {name: np.concatenate([getattr(one, name) for one in sets]) for name in _ARRAYS}
        whole["gram_entries"] = np.concatenate(
            [one.gram_entries + np.uint32(shift) for one, shift in zip(sets, entries[:-1], strict=True)]
        )
        whole["groups"] = np.concatenate(
            [one.groups + np.uint32(shift) for one, shift in zip(sets, texts[:-1], strict=True)]
        )
        order = np.argsort(whole["gram_keys"], kind="stable")
        for name in ("gram_keys", "gram_entries", "gram_offsets"):
            whole[name] = whole[name][order]
        for name in ("rows", "cuts"):
            whole[name] = distinct(whole[name])
        return cls(**whole, files={name: digest for one in sets for name, digest in one.files.items()})

    def save(self, file: Path) -> None:
        """Write them as a NumPy archive."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays["gram_keys"] = np.diff(self.gram_keys, prepend=np.uint32(0))  # small numbers pack well
        arrays["groups"] = np.diff(self.groups, prepend=np.uint32(0)).astype(np.uint8)
        # A row for each byte, as most of the high ones are 0.
        bytes_of = np.diff(self.cuts, prepend=np.uint64(0)).view(np.uint8).reshape(-1, 8)
        arrays["cuts"] = np.ascontiguousarray(bytes_of.T)
        about = json.dumps({"format": FORMAT, "files": self.files}, sort_keys=True)
        packed = io.BytesIO()
        np.savez_compressed(packed, about=np.frombuffer(about.encode(), dtype=np.uint8), **arrays)
        write_bytes(file, packed.getvalue())

    @classmethod
    def load(cls, file: Path) -> Fingerprints:
        """Read what `save` wrote.

        Raises
        ------
        StudyError
            It cannot be read, or is of another format.
        """
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in _ARRAYS}
                about = json.loads(archive["about"].tobytes())
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise invalid("fingerprints", str(file), f"cannot be read: {error}") from None
        if about["format"] != FORMAT:
            raise invalid("fingerprints", str(file), f"has format {about['format']}, not {FORMAT}; make it again")
        arrays["gram_keys"] = np.cumsum(arrays["gram_keys"], dtype=np.uint32)
        arrays["groups"] = np.cumsum(arrays["groups"], dtype=np.uint32)
        arrays["cuts"] = np.cumsum(np.ascontiguousarray(arrays["cuts"].T).view(np.uint64).ravel(), dtype=np.uint64)
        return cls(**arrays, files=about["files"])


def file_digest(file: Path, *, field: str = "fingerprints") -> str:
    """BLAKE2b of a file's content.

    Raises
    ------
    StudyError
        The file is missing or cannot be read.
    """
    if not file.is_file():
        raise invalid(field, str(file), "is not a file")
    return digest_of_state(file, field=field)  # a plan asks for that of the shipped ones for every source


def _folded(fields: Iterable[Field]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(kind, characters, hashes of pieces) of each field."""
    waiting = iter(fields)
    while batch := list(islice(waiting, 4096)):
        yield from _batch(batch, with_labels=False)
        # With spaces between its characters a label is not known as one, nor is a choice that is called like one.
        yield from _batch([field for field in batch if field.kind == "row"], with_labels=True)


def _batch(batch: list[Field], *, with_labels: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    if batch:
        folded = fold([field.text for field in batch], with_labels=with_labels)
        edges = np.concatenate([[0], folded.ends])
        pieces = np.searchsorted(folded.pieces, edges)
        for place, field in enumerate(batch):
            points = folded.points[edges[place] : edges[place + 1]]
            yield field.kind, points, folded.keys[pieces[place] : pieces[place + 1]]


def _tells_a_row(points: np.ndarray, piece_keys: np.ndarray) -> bool:
    distinct = len(set(piece_keys.tolist()))
    return distinct >= _ROW_DISTINCT or (distinct == ROW_PIECES[0] and len(points) >= _ROW_CHARACTERS)


def _parts(points: np.ndarray) -> list[np.ndarray]:
    if len(points) <= LONGEST:
        return [points]
    starts = range(0, len(points) - _PART // 2, _PART)
    return [points[start : start + _PART] for start in starts]


def _padded(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.array([len(one) for one in parts], dtype=np.int64)
    points = np.zeros((len(parts), LONGEST), dtype=np.uint32)
    for row, one in zip(points, parts, strict=True):
        row[: len(one)] = one
    return points, sizes


def _described(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, sizes = _padded(parts)
    ones = characters(points.ravel())
    twos = np.append(pairs(ones), np.zeros(min(1, len(ones)), dtype=np.uint64)).reshape(points.shape)
    inside = np.arange(LONGEST) < sizes[:, None] - 1
    starts = LONGEST * np.arange(len(parts))
    return sizes.astype(np.uint8), digests(ones, starts, sizes), masks(twos, inside)


def _grams(parts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strings of four that give each entry away: the rarest of each third, or all of a short entry."""
    own = [keys(pairs(characters(one))) for one in parts]
    if not own:
        return np.empty(0, np.uint32), np.empty(0, np.uint32), np.empty(0, np.uint8)
    _, inverse, counts = np.unique(np.concatenate(own), return_inverse=True, return_counts=True)
    found_keys, entries, offsets = [], [], []
    at = 0
    for entry, one in enumerate(own):
        frequency = counts[inverse[at : at + len(one)]]
        at += len(one)
        for offset in _chosen(frequency, len(one) + GRAM - 1):
            found_keys.append(one[offset])
            entries.append(entry)
            offsets.append(offset)
    found = np.array(found_keys, dtype=np.uint32)
    order = np.argsort(found, kind="stable")
    return found[order], np.array(entries, dtype=np.uint32)[order], np.array(offsets, dtype=np.uint8)[order]


def _chosen(frequency: np.ndarray, size: int) -> list[int]:
    """Offsets of the strings kept: of a short entry all, of others the rarest that do not overlap."""
    offsets = range(len(frequency)) if size < _APART * GRAM else _rarest_apart(np.log(frequency).tolist())
    telling = [offset for offset in offsets if frequency[offset] <= _TOO_COMMON]
    return telling or [int(np.argmin(frequency))]


def _rarest_apart(costs: list[float]) -> list[int]:
    """Offsets of `_APART` strings, none overlapping another, of least cost together."""
    # best[n]: cost and offsets of n strings among those seen so far, each at least GRAM before the next.
    history: list[list[tuple[float, tuple[int, ...]]]] = []
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ()), *[(float("inf"), ())] * _APART]
    for offset, cost in enumerate(costs):
        before = history[offset - GRAM] if offset >= GRAM else [(0.0, ()), *[(float("inf"), ())] * _APART]
        best = [
            best[0],
            *(min(best[n], (before[n - 1][0] + cost, (*before[n - 1][1], offset))) for n in range(1, _APART + 1)),
        ]
        history.append(best)
    return list(best[_APART][1])
