"""What deduplication has in common: which member of a cluster is kept, how often it is written, and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from studylib.data.clean import Arrays, Batch, Judged
from studylib.frozen import Frozen, Positive

_BOUNDS = (2, 3, 5, 10, 30, 100, 1000)

Rehydrate = Literal["none", "log2"] | Annotated[dict[Positive, Positive], Field(min_length=1)]


class Copies(Frozen):
    """Options of what drops copies."""

    rehydrate: Rehydrate = Field(
        default="none",
        description="how often the kept member of a cluster is written: none (once), log2 (1 + log2 of the cluster's size), "
        "or {size: times}, from that size on",
    )
    most_copies: Positive = Field(default=10, description="for log2: never more often")

    def copies_of(self, sizes: np.ndarray) -> np.ndarray | None:
        """How often members of clusters of these sizes are written; None: all once."""
        if self.rehydrate == "none":
            return None
        if self.rehydrate == "log2":
            return np.minimum(1 + np.log2(sizes).astype(np.int64), self.most_copies)
        bounds = np.array(sorted(self.rehydrate))
        times = np.array([1] + [self.rehydrate[one] for one in bounds.tolist()])
        return times[np.searchsorted(bounds, sizes, side="right")]


def bytes_of(texts: Sequence[str]) -> np.ndarray:
    """Bytes of UTF-8; uint64 [texts]."""
    return np.fromiter((len(text.encode("utf-8", "surrogatepass")) for text in texts), np.uint64, len(texts))


def joined(surveys: Iterable[Arrays], *names: str) -> list[np.ndarray]:
    """The arrays of all surveys by name, one survey behind the other."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for one in surveys:
        for name in names:
            parts[name].append(one[name])
    return [np.concatenate(part) if part else np.empty(0, dtype=np.uint64) for part in parts.values()]


def judged(batch: Batch, conclusion: Arrays, reasons: tuple[str, ...], options: Copies) -> Judged:
    """The judgement of a batch from a conclusion: ``kind`` uint8, a place in ``reasons``, and ``sizes`` of the clusters."""
    own = slice(batch.first, batch.first + len(batch))
    kinds, sizes = conclusion["kind"][own], conclusion["sizes"][own]
    copies = options.copies_of(sizes)
    return Judged(
        [reasons[kind] for kind in kinds.tolist()],
        copies=None if copies is None else copies.tolist(),
        counts=clusters_by_size(sizes[(kinds == 0) & (sizes > 1)]),
    )


def clusters_by_size(sizes: np.ndarray) -> Counter[str]:
    """How many clusters there are of two members, of three to four, ...; ``sizes``: of each one."""
    counts: Counter[str] = Counter()
    for low, high in zip(_BOUNDS, (*_BOUNDS[1:], None), strict=True):
        found = int(((sizes >= low) & (sizes < high)).sum() if high else (sizes >= low).sum())
        if found:
            counts[f"clusters of {low}" + ("" if high == low + 1 else f" to {high - 1}" if high else " and more")] = (
                found
            )
    return counts
