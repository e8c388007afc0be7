"""Idea 1's question put to a public ladder of shapes: what an aspect ratio costs at equal FLOPs, and at equal seconds."""

from __future__ import annotations

import numpy as np
import polars as pl

from studylib.analysis.public_rankings import shape_groups
from studylib.analysis.track_record import ShapeCost
from studylib.errors import StudyError


def shape_costs(ladder: pl.DataFrame, metric: str, least_tokens: float | None = None) -> list[ShapeCost]:
    """Classes of aspect ratios against the best one, by a fit of ``class + size`` to the losses of all sizes.

    Parameters
    ----------
    ladder
        Canonical columns with width, depth and seconds a step (comparable between rows).
    metric
        The losses of finished runs.
    least_tokens
        Runs of at least so many tokens (default: half of the most) are averaged; they are ends of the same runs, so they count as one
        for the error.

    Returns
    -------
    By rising aspect ratio. Percent of the loss; at equal FLOPs: the same FLOPs a token and the same tokens. At equal seconds a
    shape that reaches fewer FLOPs a second reads fewer tokens, which costs along its own curve of loss over tokens.
    """
    rows = shape_groups(ladder, metric)
    least_tokens = rows["tokens_about"].max() / 2 if least_tokens is None else least_tokens
    slopes = _tokens_slopes(rows.filter(pl.col("tokens_about") >= least_tokens / 2))
    own = rows.filter(pl.col("tokens_about") >= least_tokens).join(slopes, on="run")
    if own.is_empty():
        raise StudyError(f"metric {metric!r} has no runs of {least_tokens:.2g} tokens with a curve over tokens")
    speed = (pl.col("cost") / pl.col("seconds_per_step")).log()
    own = own.with_columns((speed - speed.mean().over("size", "tokens_about")).alias("speed")).with_columns(
        (pl.col("moved") + pl.col("slope") * pl.col("speed")).alias("at_seconds")
    )
    means = own.group_by("aspect_class", "size", maintain_order=True).agg(
        pl.col("moved").mean(), pl.col("at_seconds").mean()
    )
    flops, seconds = (_two_way(means, column) for column in ("moved", "at_seconds"))
    counts = dict(means.group_by("aspect_class").len().iter_rows())
    return [
        ShapeCost(
            aspect=name, sizes=counts[name], behind_flops=flops[name][0], behind_flops_error=flops[name][1],
            behind_seconds=seconds[name][0], behind_seconds_error=seconds[name][1],
        )
        for name in own.sort("aspect")["aspect_class"].unique(maintain_order=True)
    ]  # fmt: skip


def _tokens_slopes(rows: pl.DataFrame) -> pl.DataFrame:
    """By run: ``slope`` of 100 log loss over log tokens, a straight line through its ends."""
    x, y = pl.col("tokens").log(), 100 * pl.col("loss").log()
    return rows.group_by("run").agg((pl.cov(x, y) / x.var()).alias("slope")).filter(pl.col("slope").is_finite())


def _two_way(means: pl.DataFrame, column: str) -> dict[str, tuple[float, float]]:
    """By class: difference to the best class and its standard error, of the least-squares fit of class + size."""
    names, sizes = (means[key].unique(maintain_order=True).to_list() for key in ("aspect_class", "size"))
    design = np.zeros((len(means), len(names) + len(sizes)))
    for row, (name, size) in enumerate(means.select("aspect_class", "size").iter_rows()):
        design[row, names.index(name)] = design[row, len(names) + sizes.index(size)] = 1
    values = means[column].to_numpy()
    inverse = np.linalg.pinv(design.T @ design)
    effect = inverse @ design.T @ values
    free = len(values) - np.linalg.matrix_rank(design)
    variance = float(np.sum(np.square(values - design @ effect)) / free) if free > 0 else float("nan")
    best = int(np.argmin(effect[: len(names)]))
    found = {}
    for place, name in enumerate(names):
        contrast = np.zeros(len(effect))
        contrast[place] += 1
        contrast[best] -= 1
        found[name] = float(contrast @ effect), float(np.sqrt(max(contrast @ inverse @ contrast, 0) * variance))
    return found
