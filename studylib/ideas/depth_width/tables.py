"""Tables that only idea 1 needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

ASKED = "asked"


def with_asked_aspect(trials: pl.DataFrame, aspects: Sequence[float]) -> pl.DataFrame:
    """With a column ``asked``: what a shape is called at every size, the nearest of the wanted aspects.

    ``3x24`` is another shape at each size, but the aspect of 8 that it stands for is wanted at all. Where two shapes of a size stand for one,
    the farther is called by its own aspect.
    """
    names: dict[tuple[str, str], str] = {}
    shapes = trials.unique(["size", "variant"], maintain_order=True)
    for (size,), own in shapes.group_by(["size"], maintain_order=True):
        rows = sorted(
            (abs(math.log(aspect / wanted)), variant, aspect, wanted)
            for variant, aspect in own.select("variant", "aspect").iter_rows()
            for wanted in [min(aspects, key=lambda one: abs(math.log(aspect / one)))]
        )
        taken: set[float] = set()
        for _, variant, aspect, wanted in rows:
            names[size, variant] = f"aspect {aspect if wanted in taken else wanted:.3g}"
            taken.add(wanted)
    called = pl.DataFrame([{"size": size, "variant": name, ASKED: said} for (size, name), said in names.items()])
    return trials.join(called, on=["size", "variant"], how="left", maintain_order="left")
