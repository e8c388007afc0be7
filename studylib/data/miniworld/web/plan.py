"""What each page is, from its number alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, count

from studylib.data.miniworld.canaries import Canary
from studylib.data.miniworld.draw import Draw

COPIED = ("exact_copy", "near_copy")
_NEIGHBOURHOOD = 256  # documents in which a copy finds its original
_LONG = ("article", "table", "code", "dialogue", "numbers")  # forms of which copies are made, if there are any


class Plan:
    """Which fault or form a page has, of which page it is a copy, and which canaries are planted in it.

    Parameters
    ----------
    faults
        Shares of all pages; the rest is sound.
    forms
        Weights among the sound ones.
    canaries, among
        What is planted, in pages 0 to ``among - 1``.
    """

    def __init__(
        self, seed: int, faults: Mapping[str, float], forms: Mapping[str, float], canaries: Sequence[Canary], among: int
    ):
        self._seed = seed
        self._faults, self._fault_sums = tuple(faults), list(accumulate(faults.values()))
        self._forms, self._form_sums = tuple(forms), list(accumulate(forms.values()))
        wanted = {form for form, weight in forms.items() if weight > 0}
        self._copied_forms = wanted & set(_LONG) or wanted
        self.planted: dict[int, tuple[Canary, int]] = {}
        draw = Draw("planting", seed)
        for canary in canaries:
            places: list[int] = []
            while len(places) < canary.copies:
                place = draw.below(among)
                if place not in self.planted:
                    places.append(place)
                    self.planted[place] = (canary, places[0])

    def page(self, index: int) -> tuple[str, str]:
        """Fault and form; the form is that of a sound page, or of the one that a fault is made from."""
        if index in self.planted:
            canary, original = self.planted[index]
            copy = "exact_copy" if index % 2 else "near_copy"
            return copy if canary.duplicated and original != index else "", "article"
        unit = Draw("web page", self._seed, index).unit
        place = bisect_right(self._fault_sums, unit())
        fault = self._faults[place] if place < len(self._faults) else ""
        place = bisect_right(self._form_sums, unit() * self._form_sums[-1])
        return fault, self._forms[min(place, len(self._forms) - 1)]

    def originals(self, index: int, draw: Draw) -> Iterator[int]:
        """Sound pages that page ``index`` may be a copy of, the likeliest first; the first ones of a neighbourhood are
        copied most often, so that some have many copies. Never ends."""
        if index in self.planted:
            yield self.planted[index][1]
        first = index - index % _NEIGHBOURHOOD
        tried = (first + int(_NEIGHBOURHOOD * draw.unit() ** 2) for _ in range(_NEIGHBOURHOOD))
        for candidates in (tried, count(first)):
            for candidate in candidates:
                if candidate != index and candidate not in self.planted:
                    fault, form = self.page(candidate)
                    if fault == "" and form in self._copied_forms:
                        yield candidate
