"""Effects of choices at several sizes, from public ladders: tables for ``ranking_fit``."""

from __future__ import annotations

import numpy as np
import polars as pl

from studylib.errors import StudyError
from studylib.ladders import Choices

# Shapes of similar size are compared by their aspect ratio (width over depth), in classes about these: from, to below.
ASPECT_CLASSES = {
    "<6": (0.0, 6.0),
    "~11": (6.0, 22.0),
    "~35": (22.0, 55.0),
    "~85": (55.0, 160.0),
    ">160": (160.0, np.inf),
}
_TOGETHER = 1.3  # sizes within this factor are one size
SCHEMA = {"choice": pl.String, "series": pl.String, "variant": pl.String, "params": pl.Float64, "percent": pl.Float64,
          "sd": pl.Float64}  # fmt: skip


_SHAPE = ("width", "depth", "total_params", "non_embedding_params", "seconds_per_step")
_LEAST_SHAPES = 6


def compared_in(rows: pl.DataFrame) -> tuple[Choices, ...]:
    """What a ladder of a user's own compares, by its columns: shapes where all that they need is there, else variants."""
    shapes = rows.select("width", "depth").n_unique()
    if shapes >= _LEAST_SHAPES and not rows.select(pl.any_horizontal(pl.col(*_SHAPE).is_null()).any()).item():
        metric = (
            rows.group_by("metric", maintain_order=True)
            .len()
            .sort("len", descending=True, maintain_order=True)["metric"][0]
        )
        return (Choices("shapes", "shapes", (metric,)),)
    return (Choices("variants", "variants"),) if (rows["variant"] != "").any() else ()


def variant_effects(ladder: pl.DataFrame, choice: str) -> tuple[pl.DataFrame, dict[str, str]]:
    """Of a ladder whose variants were trained at equal sizes and tokens: effects, and the metric of each series.

    Effects are logarithms of losses, percent; levels of a size are left in. A series is a metric at one ratio of tokens to
    parameters (to two digits), over the sizes where at least two variants are there. Runs with the same of all these are one (the mean).
    """
    rows = ladder.filter(~pl.col("rerun") & (pl.col("variant") != "")).with_columns(
        (pl.col("tokens") / pl.col("params")).round_sig_figs(2).alias("ratio"),
        (100 * pl.col("loss").log()).alias("percent"),
    )
    means = rows.group_by("metric", "ratio", "variant", "params", maintain_order=True).agg(pl.col("percent").mean())
    named = means.with_columns(pl.format("{} at {} tokens a parameter", "metric", "ratio").alias("series"))
    found = named.select(
        pl.lit(choice).alias("choice"), "series", "variant", "params", "percent", pl.lit(None).alias("sd")
    )
    return _table(found), dict(named.select("series", "metric").unique().iter_rows())


def shape_effects(ladder: pl.DataFrame, choice: str, metric: str) -> pl.DataFrame:
    """Of a ladder over widths and depths: effects of classes of the aspect ratio by tokens, at equal FLOPs a token.

    A class with several shapes at a size is their mean.
    """
    means = (
        shape_groups(ladder, metric)
        .group_by("tokens_about", "size", "aspect_class", maintain_order=True)
        .agg(pl.col("moved").mean().alias("percent"), pl.col("middle").first().alias("params"))
    )
    return _table(
        means.select(
            pl.lit(choice).alias("choice"), _tokens_name(), pl.col("aspect_class").alias("variant"), "params", "percent",
            pl.lit(None).alias("sd"),
        )
    )  # fmt: skip


def shape_groups(ladder: pl.DataFrame, metric: str) -> pl.DataFrame:
    """The rows of ``metric`` with ``cost`` and ``tokens_about`` (`with_cost`), and at each number of tokens ``size`` (a number),
    ``middle`` (its FLOPs a token), ``aspect``, ``aspect_class`` and ``moved``: 100 log loss at the size's middle.

    Losses are moved along the slope of log loss over log FLOPs a token, which a parabola over all shapes at these tokens gives.
    Tokens with fewer than six shapes are left out.
    """
    rows = with_cost(ladder.filter((pl.col("metric") == metric) & ~pl.col("rerun")))
    aspect = pl.col("width") / pl.col("depth")
    parts = []
    for _, own in rows.group_by(["tokens_about"], maintain_order=True):
        if len(own) < _LEAST_SHAPES:
            continue
        cost, loss = own["cost"].log().to_numpy(), 100 * own["loss"].log().to_numpy()
        slope = np.polynomial.Polynomial.fit(cost, loss, 2).deriv()(cost)
        size = _groups(own["total_params"].log().to_numpy())
        middle = np.array([cost[size == one].mean() for one in size])
        parts.append(
            own.with_columns(
                pl.Series("size", size), pl.Series("middle", np.exp(middle)), pl.Series("moved", loss - slope * (cost - middle)),
                aspect.alias("aspect"), aspect_class(aspect).alias("aspect_class"),
            )
        )  # fmt: skip
    if not parts:
        raise StudyError(f"metric {metric!r} has no number of tokens with {_LEAST_SHAPES} shapes or more")
    return pl.concat(parts)


def aspect_class(aspect: pl.Expr) -> pl.Expr:
    """The name in `ASPECT_CLASSES` of an aspect ratio."""
    return pl.coalesce(
        *(pl.when((aspect >= low) & (aspect < high)).then(pl.lit(name)) for name, (low, high) in ASPECT_CLASSES.items())
    )


def rate_effects(ladder: pl.DataFrame, choice: str, metrics: tuple[str, str]) -> pl.DataFrame:
    """Of a ladder with two rates (``metrics``): the mean difference over shapes of a size, by tokens."""
    rows = with_cost(ladder.filter(pl.col("metric").is_in(metrics)))
    pairs = rows.select(
        "metric", "variant", "tokens_about", "cost", "total_params", (100 * pl.col("loss").log()).alias("percent")
    )
    both = pairs.filter(pl.len().over("variant", "tokens_about") == 2)
    if both.is_empty():
        return _table(pl.DataFrame(schema=SCHEMA))
    both = both.with_columns(pl.Series("size", _groups(both["total_params"].log().to_numpy())))
    means = both.group_by("metric", "tokens_about", "size", maintain_order=True).agg(pl.col("percent").mean())
    middle = both.group_by("size").agg(pl.col("cost").log().mean().exp().alias("params"))
    return _table(
        means.join(middle, on="size").select(
            pl.lit(choice).alias("choice"), _tokens_name(),
            pl.col("metric").alias("variant"), "params", "percent", pl.lit(None).alias("sd"),
        )
    )  # fmt: skip


def with_cost(rows: pl.DataFrame, context: int = 2048) -> pl.DataFrame:
    """``cost``: a sixth of the training FLOPs a token (matrix multiplications of layers and head, and causal attention), which is
    a number of parameters; ``tokens_about``: tokens to two digits."""
    head = (pl.col("total_params") - pl.col("non_embedding_params")) / 2
    attention = pl.col("depth") * pl.col("width") * context
    return rows.with_columns(
        (pl.col("non_embedding_params") + head + attention).alias("cost"),
        pl.col("tokens").round_sig_figs(2).alias("tokens_about"),
    )


def _tokens_name() -> pl.Expr:
    return pl.format("{} tokens", "tokens_about").alias("series")


def _groups(log_params: np.ndarray) -> np.ndarray:
    """[n] number of the size that each belongs to: a new one where the next larger is further than `_TOGETHER`."""
    order = np.argsort(log_params)
    jumps = np.diff(log_params[order]) > np.log(_TOGETHER)
    found = np.empty(len(log_params), dtype=int)
    found[order] = np.concatenate([[0], np.cumsum(jumps)])
    return found


def _table(rows: pl.DataFrame) -> pl.DataFrame:
    """Only sizes with at least two variants."""
    rows = rows.cast(SCHEMA) if len(rows) else pl.DataFrame(schema=SCHEMA)
    return rows.filter(pl.col("variant").n_unique().over("series", "params") > 1)
