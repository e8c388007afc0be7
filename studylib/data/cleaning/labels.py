"""Steps held against what is known of the documents: which faults go, which sound forms are lost, which spans are found."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from studylib.data.clean import Span

_COPIES = ("exact_copy", "near_copy")
_LABELLED, _COVERED, _FOUND, _RIGHT = range(4)


def label_of(labels: Mapping[str, Any]) -> str:
    """What one document is, for an example: ``fault:menu``, ``form:haiku``, ``from:wiki``, or nothing."""
    for name in ("fault", "form", "from"):
        if value := labels.get(name):
            return f"{name}:{value}"
    return ""


class Labelled:
    """Documents of which something is known, by a number of their own, and what they count as.

    A document with a fault counts as that, a sound one as its form. Of a cluster of copies one
    document counts as the original, and the others as copies: the one that is kept, whichever it is. (So a step that drops the
    original and keeps a copy has done right, and one that drops both has lost a sound document.) Where several are kept, or
    none, the original is the one that the others were made of.

    Memory grows with the documents that have labels.
    """

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._clusters: dict[str, list[int]] = defaultdict(list)
        self._copies: dict[int, str] = {}

    def add(self, number: int, labels: Mapping[str, Any]) -> None:
        fault, form = labels.get("fault", ""), labels.get("form", "")
        own = f"fault:{fault}" if fault and fault not in _COPIES else f"form:{form}" if form else ""
        copy = labels.get("copy") or (fault if fault in _COPIES else "")
        if labels.get("cluster"):
            self._clusters[str(labels["cluster"])].append(number)
            self._copies[number] = f"copy:{copy}" if copy else ""
            own = "" if copy else own
        if own:
            self._names[number] = own

    def counted(self, dropped: Collection[int], gone: Collection[int] = ()) -> dict[str, tuple[int, int]]:
        """By label, how many were given and how many of them dropped; those ``gone`` before were not given."""
        given, out = Counter[str](), Counter[str]()
        for number, name in self._names.items():
            if number not in gone and number not in self._copies:
                given[name] += 1
                out[name] += number in dropped
        for members in self._clusters.values():
            for name, is_out in self._in_cluster([one for one in members if one not in gone], members, dropped):
                given[name] += 1
                out[name] += is_out
        return {name: (count, out[name]) for name, count in sorted(given.items())}

    def _in_cluster(
        self, given: Sequence[int], members: Sequence[int], dropped: Collection[int]
    ) -> Iterable[tuple[str, bool]]:
        if not given:
            return
        name = next((self._names[one] for one in members if one in self._names), "")
        kept = [one for one in given if one not in dropped]
        stays = min(kept or given, key=lambda one: (self._copies[one], one))
        if name:
            yield name, stays in dropped
        for one in given:
            if one != stays:
                yield self._copies[one] or self._copies[stays] or "copy:exact", one in dropped


def spans_of_a_mask(labelled: Sequence[Span], found: Sequence[Span]) -> dict[str, list[int]]:
    """By kind: labelled, covered, found, right. Two belong together if their kinds are equal and each covers half the other."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for place, (own, others) in ((_LABELLED, (labelled, found)), (_FOUND, (found, labelled))):
        for one in own:
            counts[one.kind][place] += 1
            counts[one.kind][place + 1] += any(one.kind == other.kind and _same(one, other) for other in others)
    return dict(counts)


def spans_of_a_correction(labelled: Sequence[Span], found: Sequence[Span]) -> dict[str, list[int]]:
    """By kind of either: labelled, covered, found, right. Kinds do not matter: one belongs if half of it lies in the others."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * 4)
    for place, (own, others) in ((_LABELLED, (labelled, found)), (_FOUND, (found, labelled))):
        for one in own:
            inside = sum(_overlap(one, other) for other in others)
            counts[one.kind][place] += 1
            counts[one.kind][place + 1] += 2 * inside >= one.stop - one.start
    return dict(counts)


def _overlap(one: Span, other: Span) -> int:
    return max(0, min(one.stop, other.stop) - max(one.start, other.start))


def _same(one: Span, other: Span) -> bool:
    shared = 2 * _overlap(one, other)
    return shared >= one.stop - one.start and shared >= other.stop - other.start
