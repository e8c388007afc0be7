"""What a coordinate check says: how sizes go with the width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl

from studylib.errors import invalid

# A doubling of the width that moves sizes by less than a quarter either way counts as flat; muP's limit is reached from
# narrow models on, where finite widths still bend the curve.
FLAT = float(np.log2(1.25))


def growth_with_width(records: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """The power of the width with which what training added to activations goes, after the last step.

    Parameters
    ----------
    records
        From ``studylib.train.coordinates.coordinate_check``, of one or several initialisations.

    Returns
    -------
    polars.DataFrame
        ``init``, ``optimizer``, ``where``, ``power`` (slope of log change over log width, mean over seeds), ``low`` and
        ``high`` (least and greatest of the seeds), ``flat`` (a doubling of the width moves it by less than a quarter).

    Raises
    ------
    StudyError
        There are records of fewer than two widths.
    """
    frame = pl.DataFrame(list(records))
    last = frame["step"].max()
    rows = frame.filter((pl.col("step") == last) & (pl.col("change") > 0))
    if rows["width"].n_unique() < 2:
        raise invalid("records", last, f"is a step with {rows['width'].n_unique()} widths; a slope needs two")
    found = []
    for (init, optimizer, where), part in rows.group_by("init", "optimizer", "where", maintain_order=True):
        powers = [
            float(np.polyfit(np.log2(own["width"].to_numpy()), np.log2(own["change"].to_numpy()), 1)[0])
            for _, own in part.group_by("seed", maintain_order=True)
        ]
        mean = float(np.mean(powers))
        found.append(
            {
                "init": init, "optimizer": optimizer, "where": where, "power": mean, "low": min(powers),
                "high": max(powers), "flat": abs(mean) < FLAT,
            }
        )  # fmt: skip
    return pl.DataFrame(found)
