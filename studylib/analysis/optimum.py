"""Where a swept setting (a learning rate, a batch size) is best, in one cell of a grid over model sizes and budgets."""

from __future__ import annotations

import polars as pl

from studylib.analysis.basin import BasinFit, fit_basin
from studylib.analysis.twoway import finished
from studylib.errors import StudyError

_WINDOW = 0.03
_LEAST = 4


def fit_optimum(
    trials: pl.DataFrame, setting: str, metric: str = "val_bpb", *, budget: str = "", margin: float | None = None,
    window: float = _WINDOW,
) -> BasinFit:  # fmt: skip
    """The bottom of loss against log ``setting``, fitted near it only.

    Loss is far from a parabola over the whole of a grid of rates: it climbs steeply where training gets unstable. So the
    parabola is fitted to the values whose mean loss is within ``window`` (relative) of the best, at least four around it
    where there are as many. A value at which a seed failed is no candidate, however well the others did.

    Returns
    -------
    BasinFit
        ``optimum`` None, with the reason, where the best of the values tried is the least or the greatest of them: the
        bottom then lies at the edge or beyond it, and a curve fitted to one side of it would make it up.

    Raises
    ------
    StudyError
        Fewer than three values or two seeds finished.
    """
    rows = finished(trials, metric, variant=setting).with_columns(pl.col(setting).cast(pl.Float64))
    seeds = rows["seed"].n_unique()
    means = (
        rows.group_by(setting, maintain_order=True)
        .agg(pl.col(metric).mean().alias("mean"), pl.len().alias("seeds"))
        .sort(setting)
    )
    means = means.filter(pl.col("seeds") == seeds)
    if len(means) < 3:
        raise StudyError(
            f"an optimum needs at least 3 values of {setting} with all seeds finished; there are {len(means)}"
        )
    values, losses = means[setting].to_list(), means["mean"].to_list()
    best = losses.index(min(losses))
    inside = [loss <= losses[best] * (1 + window) for loss in losses]
    first = last = best
    while first > 0 and (first == best or inside[first - 1]):  # one neighbour on each side in any case
        first -= 1
    while last < len(values) - 1 and (last == best or inside[last + 1]):
        last += 1
    while last - first + 1 < min(_LEAST, len(values)):
        below = losses[first - 1] if first > 0 else float("inf")
        above = losses[last + 1] if last < len(values) - 1 else float("inf")
        first, last = (first - 1, last) if below <= above else (first, last + 1)
    near = rows.filter(pl.col(setting).is_between(values[first], values[last]))
    fit = fit_basin(near, metric, aspect=setting, budget=budget, margin=margin)
    edge = {0: "least", len(values) - 1: "greatest"}.get(best)
    if edge is None:
        return fit
    reason = f"the best {setting.replace('_', ' ')} is the {edge} tried ({values[best]:.3g}); widen the range"
    return BasinFit(**(vars(fit) | {"optimum": None, "interval": None, "reason": reason}))
