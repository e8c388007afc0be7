"""What a task counts of each step, as JSON beside its block, and the sum of all tasks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studylib.data.clean import Batch
from studylib.data.document import Document
from studylib.spec import CleanerSpec
from studylib.spec.record_cleaned import Amount, Example, SpanCount

_EXAMPLES_A_REASON, _EXAMPLES, _EXAMPLE_CHARACTERS = 3, 6, 240
_BEHIND = 80  # more characters of it, so that personal data at the cut are known for what they are
_AMOUNTS = ("given", "dropped", "repeated", "removed")


@dataclass
class Tally:
    """Of one step.

    Attributes
    ----------
    amounts
        Documents and bytes, as [documents, bytes], by ``given``, ``dropped``, ``repeated`` (written again) and ``removed``
        (documents that stay and have other text, and the bytes by which they are shorter).
    places
        Of the documents dropped, in the raw block; only kept where labels are known.
    sources
        Documents given and dropped, as [given, dropped], by the source that they are from.
    examples
        By reason, those with the least hashes: the same ones however the text was cut and ordered.
    """

    amounts: dict[str, list[int]] = field(default_factory=lambda: {name: [0, 0] for name in _AMOUNTS})
    reasons: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    spans: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[str, list[list[Any]]] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    sources: dict[str, list[int]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, name: str, documents: int, size: int) -> None:
        amount = self.amounts[name]
        amount[0] += documents
        amount[1] += size

    def example(self, reason: str, text: str, origin: str, label: str, *, dropped: bool) -> None:
        """Keep it if its hash is among the least of its reason."""
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        kept = self.examples.setdefault(reason, [])
        kept.append([digest, origin, label, text[: _EXAMPLE_CHARACTERS + _BEHIND], dropped])
        kept.sort()
        del kept[_EXAMPLES_A_REASON:]

    def add_spans(self, found: Mapping[str, list[int]]) -> None:
        for kind, counts in found.items():
            before = self.spans.get(kind, [0] * len(counts))
            self.spans[kind] = [one + other for one, other in zip(before, counts, strict=True)]

    def add_sources(self, given: Mapping[str, int], dropped: Mapping[str, int]) -> None:
        for name, count in given.items():
            own = self.sources.setdefault(name, [0, 0])
            own[0] += count
            own[1] += dropped.get(name, 0)

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"reasons": dict(self.reasons), "counts": dict(self.counts)}

    def include(self, part: Mapping[str, Any]) -> None:
        """Add what another task has counted, but for places: those mean something within a block only."""
        for name, (documents, size) in part["amounts"].items():
            self.add(name, documents, size)
        self.reasons.update(part["reasons"])
        self.counts.update(part["counts"])
        self.add_spans(part["spans"])
        for name, (given, dropped) in part["sources"].items():
            self.add_sources({name: given}, {name: dropped})
        self.seconds += part["seconds"]
        for reason, some in part["examples"].items():
            kept = sorted([*self.examples.get(reason, []), *some])
            self.examples[reason] = kept[:_EXAMPLES_A_REASON]

    def amount(self, name: str) -> Amount:
        documents, size = self.amounts[name]
        return Amount(documents=documents, bytes=size)

    def span_counts(self) -> dict[str, SpanCount]:
        names = ("labelled", "covered", "found", "right")
        return {kind: SpanCount(**dict(zip(names, counts, strict=True))) for kind, counts in sorted(self.spans.items())}

    def shown(self) -> tuple[Example, ...]:
        """Examples of every reason in turn, frequent reasons first; with masks, since a record of cleaning must not spread personal data."""
        reasons = sorted(self.examples, key=lambda reason: (-self.reasons[reason] - self.counts[reason], reason))
        in_turn = [
            (reason, self.examples[reason][turn])
            for turn in range(_EXAMPLES_A_REASON)
            for reason in reasons
            if turn < len(self.examples[reason])
        ]
        chosen = in_turn[:_EXAMPLES]
        masked = CleanerSpec(cleaner="personal").built().judge(Batch([Document(one[3]) for _, one in chosen])).texts
        return tuple(
            Example(reason=reason, origin=origin, label=label, text=text[:_EXAMPLE_CHARACTERS], dropped=dropped)
            for (reason, (_, origin, label, _, dropped)), text in zip(chosen, masked, strict=True)
        )
