"""Lines that come back in many documents: menus, notices, signatures."""

from __future__ import annotations

import re
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, BinaryIO, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose, Span
from studylib.data.fold import Folded
from studylib.frozen import Frozen, Positive, as_integer

__all__ = ["LineCopies"]

_NO_LETTER = re.compile(r"[\W_]+")
_FENCE = re.compile(r"\s*(?:```|~~~)")
# Indented, or beginning with a word of the usual languages, or ending as statements and blocks do.
_CODE = re.compile(r"\t| {4}|\s*(?:#include|#define|import|from|def|class|return|using|package|public|private)\b")
_CODE_ENDS = ("{", "}", ";", "\\")
_AT_ONCE = 1 << 22  # lines counted at once: 32 MB


class LineCopies(Cleaner):
    """Takes out the lines that stand in many documents, wherever they stand; a document of nothing else is dropped.

    Lines are compared folded. Short ones are left alone (こんにちは。 is no boilerplate), and so is code, whose lines
    come back by nature. It counts documents, so it belongs behind the steps that drop copies of whole documents.
    """

    class Options(Frozen):
        documents: Annotated[int, BeforeValidator(as_integer), Field(ge=2, strict=True)] = Field(
            default=7, description="a line that is in so many documents is taken out"
        )
        min_characters: Positive = Field(default=10, description="letters and digits of a line that is compared")
        code: bool = Field(default=False, description="also compare lines of code")

    options: Options
    purpose: ClassVar[Purpose] = "deduplicate"
    reference: ClassVar[str] = (
        "Llama 3 (arXiv 2407.21783, 3.1.1): lines more than 6 times; short lines and code: this study"
    )
    surveys: ClassVar[bool] = True

    def survey(self, batch: Batch) -> dict[str, np.ndarray]:
        """``lines``: 64 bits of each different line of each document."""
        places, _, digests = self._compared([text.split("\n") for text in batch.texts])
        order = np.lexsort((digests, places))
        places, digests = places[order], digests[order]
        again = (places[1:] == places[:-1]) & (digests[1:] == digests[:-1])
        return {"lines": digests[np.concatenate([np.ones(min(len(digests), 1), dtype=bool), ~again])]}

    def conclude(self, surveys: Iterator[Arrays]) -> dict[str, np.ndarray]:
        """``lines``: those to take out, ascending; uint64."""
        with tempfile.TemporaryFile() as stream:
            total = 0
            for one in surveys:
                stream.write(np.ascontiguousarray(one["lines"]).data)
                total += len(one["lines"])
            parts = -(-total // _AT_ONCE)
            edges = [number * (1 << 64) // max(parts, 1) for number in range(parts + 1)]
            found = [np.empty(0, dtype=np.uint64)]
            for low, high in pairwise(edges):
                lines, times = np.unique(_between(stream, low, high - 1), return_counts=True)
                found.append(lines[times >= self.options.documents])
        return {"lines": np.concatenate(found)}

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        lines = [text.split("\n") for text in batch.texts]
        places, numbers, digests = self._compared(lines)
        copied = np.isin(digests, conclusion["lines"])
        out: dict[int, list[int]] = {}
        for place, line in zip(places[copied].tolist(), numbers[copied].tolist(), strict=True):
            out.setdefault(place, []).append(line)
        judged = Judged([""] * len(batch), list(batch.texts))
        for place, some in out.items():
            ends = np.cumsum([len(line) + 1 for line in lines[place]]).tolist()
            length = len(batch.texts[place])
            judged.spans[place] = [
                Span(ends[one] - len(lines[place][one]) - 1, min(ends[one], length), "copied line") for one in some
            ]
            gone = set(some)
            judged.texts[place] = "\n".join(line for one, line in enumerate(lines[place]) if one not in gone)
            if not _NO_LETTER.sub("", judged.texts[place]):
                judged.reasons[place] = "nothing but copied lines"
        if out:
            judged.counts["lines taken out"] = sum(map(len, out.values()))
        return judged

    def _compared(self, documents: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the lines that are compared their documents, their numbers there, and 64 bits; [lines] each."""
        places, numbers, lines = array("q"), array("q"), []
        code, least = self.options.code, self.options.min_characters
        for place, some in enumerate(documents):
            fenced = False
            for number, line in enumerate(some):
                if not code and _FENCE.match(line):
                    fenced = not fenced
                elif fenced or len(line) < least:
                    continue
                elif code or not (_CODE.match(line) or line.rstrip().endswith(_CODE_ENDS)):
                    places.append(place)
                    numbers.append(number)
                    lines.append(line)
        folded = Folded(lines)
        enough = folded.letters() >= least
        return tuple(np.array(one)[enough] for one in (places, numbers, folded.digests()))


def _between(stream: BinaryIO, low: int, high: int) -> np.ndarray:
    """The values from ``low`` to ``high`` in a file of uint64."""
    stream.seek(0)
    found = [np.empty(0, dtype=np.uint64)]
    while read := stream.read(8 * _AT_ONCE):
        part = np.frombuffer(read, dtype=np.uint64)
        found.append(part[(part >= np.uint64(low)) & (part <= np.uint64(high))])
    return np.concatenate(found)
