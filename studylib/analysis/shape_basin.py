"""What an aspect ratio costs, by classes of it: on a public ladder of shapes, and in trials of one's own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from studylib.analysis.public_rankings import aspect_class, shape_groups
from studylib.analysis.seed_effects import draw_noise
from studylib.analysis.track_record import Interval, ShapeCost
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


def own_shape_costs(
    trials: pl.DataFrame, errors: Mapping[str, np.ndarray] | None = None, *, draws: int = 4000
) -> dict[str, dict[str, Interval]]:
    """By size and class: percent of the loss above the class that is best on average there (95 %), which has 0 itself.

    A class with several shapes at a size is their mean, as on the ladder. Seeds are paired. Sizes share one model of the noise, so one
    with a single seed has intervals too.

    Parameters
    ----------
    trials
        One row a trial at one accounting: ``size, variant, aspect, seed, val_bpb``; those that did not finish are left out.
    errors
        [K] joint draws of the error that moving a shape to the accounting made, in bits per byte, by ``size/variant``.

    Raises
    ------
    StudyError
        No two shapes share two seeds at any size: nothing tells the noise.
    """
    rows = trials.filter(pl.col("val_bpb").is_finite().fill_null(False)).with_columns(
        aspect_class(pl.col("aspect")).alias("class"), (100 * pl.col("val_bpb").log()).alias("percent")
    )
    sizes = rows["size"].unique(maintain_order=True).to_list()
    shapes = rows.select("size", "variant", "aspect", "class").unique(["size", "variant"]).sort("size", "aspect")
    # A class's first shape at one size and at another share how noisy they are.
    shapes = shapes.with_columns(
        pl.format("{} {}", "class", pl.int_range(pl.len()).over("size", "class")).alias("shape")
    )
    rows = rows.join(shapes.select("size", "variant", "shape"), on=["size", "variant"])
    names = shapes["shape"].unique().sort().to_list()
    arrays = [
        np.array([known.index(one) for one in rows[column]])
        for column, known in (("shape", names), ("size", sizes), ("seed", rows["seed"].unique().sort().to_list()))
    ]
    if _freedom(rows) < 1:
        raise StudyError("no two shapes of a size share two seeds, so nothing tells the noise")
    generator = np.random.default_rng(0)
    noise = draw_noise(rows["percent"].to_numpy(), *arrays, draws=draws, generator=generator)
    error = np.sqrt(noise.variance / np.maximum(noise.count, 1))
    losses = noise.mean + error * generator.standard_normal(noise.mean.shape)
    levels = dict(rows.group_by("size", "variant").agg(pl.col("val_bpb").mean()).select(pl.format("{}/{}", "size", "variant"), "val_bpb").rows())  # fmt: skip
    for size, variant, shape in shapes.select("size", "variant", "shape").rows():
        moved = (errors or {}).get(f"{size}/{variant}")
        if moved is not None:
            percent = 100 * np.resize(moved, len(losses)) / levels[f"{size}/{variant}"]
            losses[:, names.index(shape), sizes.index(size)] += percent
    found: dict[str, dict[str, Interval]] = {}
    for size in sizes:
        of_class = {
            str(name): losses[:, [names.index(one) for one in own["shape"]], sizes.index(size)].mean(axis=1)
            for (name,), own in shapes.filter(pl.col("size") == size).group_by(["class"], maintain_order=True)
        }
        best = min(of_class.values(), key=lambda one: float(one.mean()))
        found[size] = {name: _ends(one - best) for name, one in of_class.items()}
    return found


def _freedom(rows: pl.DataFrame) -> int:
    """Degrees of freedom that are left to the noise when shapes and, within a size, seeds have had theirs."""
    left = 0
    for _, own in rows.group_by("size"):
        shape, seed = (np.unique(own[column].to_numpy(), return_inverse=True)[1] for column in ("variant", "seed"))
        design = np.hstack([np.eye(shape.max() + 1)[shape], np.eye(seed.max() + 1)[seed]])
        left += len(own) - int(np.linalg.matrix_rank(design))
    return left


def _ends(draws: np.ndarray) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(draws.mean()), float(high)


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
