"""Effects of choices at several sizes, from public ladders: tables for ``ranking_fit``."""

from __future__ import annotations

import numpy as np
import polars as pl

# Shapes of similar size are compared by their aspect ratio (width over depth), in classes about these.
_CLASSES = {"about 11": (0.0, 22.0), "about 35": (22.0, 55.0), "about 85": (55.0, 160.0), "above 200": (160.0, np.inf)}
_TOGETHER = 1.3  # sizes within this factor are one size
SCHEMA = {"choice": pl.String, "series": pl.String, "variant": pl.String, "params": pl.Float64, "percent": pl.Float64,
          "sd": pl.Float64}  # fmt: skip


def variant_effects(ladder: pl.DataFrame, choice: str) -> pl.DataFrame:
    """Of a ladder whose variants were trained at equal sizes and tokens: effects by metric and tokens a parameter.

    Effects are logarithms of losses, percent; levels of a size are left in. A series is a metric at one ratio of tokens to
    parameters (to two digits), over the sizes where at least two variants are there.
    """
    rows = ladder.filter(~pl.col("rerun")).with_columns(
        (pl.col("tokens") / pl.col("params")).round_sig_figs(2).alias("ratio"),
        (100 * pl.col("loss").log()).alias("percent"),
    )
    return _table(
        rows.select(
            pl.lit(choice).alias("choice"), pl.format("{} at {} tokens a parameter", "metric", "ratio").alias("series"),
            "variant", "params", "percent", pl.lit(None).alias("sd"),
        )
    )  # fmt: skip


def shape_effects(ladder: pl.DataFrame, choice: str, metric: str) -> pl.DataFrame:
    """Of a ladder over widths and depths: effects of classes of the aspect ratio by tokens, at equal FLOPs a token.

    Inside a size losses are moved to the size's middle along the slope of log loss over log FLOPs a token, which a parabola over all
    shapes at these tokens gives. A class with several shapes is their mean.
    """
    rows = with_cost(ladder.filter((pl.col("metric") == metric) & ~pl.col("rerun")))
    found = []
    for (tokens,), own in rows.group_by(["tokens_about"], maintain_order=True):
        if len(own) < 6:
            continue
        cost, loss = own["cost"].log().to_numpy(), 100 * own["loss"].log().to_numpy()
        line = np.polynomial.Polynomial.fit(cost, loss, 2)
        slope = line.deriv()(cost)
        group = _groups(cost)
        aspect = (own["width"] / own["depth"]).to_numpy()
        for number in sorted(set(group)):
            inside = group == number
            middle = float(cost[inside].mean())
            moved = loss - slope * (cost - middle)
            for name, (low, high) in _CLASSES.items():
                chosen = inside & (aspect >= low) & (aspect < high)
                if chosen.any():
                    percent = float(moved[chosen].mean())
                    found.append((choice, f"{tokens / 1e9:.0f}B tokens", name, float(np.exp(middle)), percent, None))
    return _table(pl.DataFrame(found, schema=SCHEMA, orient="row"))


def rate_effects(ladder: pl.DataFrame, choice: str, metrics: tuple[str, str]) -> pl.DataFrame:
    """Of a ladder with two rates (``metrics``): the mean difference over shapes of a size, by tokens."""
    rows = with_cost(ladder.filter(pl.col("metric").is_in(metrics)))
    pairs = rows.select("metric", "variant", "tokens_about", "cost", (100 * pl.col("loss").log()).alias("percent"))
    both = pairs.filter(pl.len().over("variant", "tokens_about") == 2)
    if both.is_empty():
        return _table(pl.DataFrame(schema=SCHEMA))
    both = both.with_columns(pl.Series("size", _groups(both["cost"].log().to_numpy())))
    means = both.group_by("metric", "tokens_about", "size", maintain_order=True).agg(
        pl.col("percent").mean(), pl.col("cost").log().mean().exp().over(pl.lit(0)).first()
    )
    middle = both.group_by("size").agg(pl.col("cost").log().mean().exp().alias("params"))
    return _table(
        means.drop("cost").join(middle, on="size").select(
            pl.lit(choice).alias("choice"), pl.format("{}B tokens", (pl.col("tokens_about") / 1e9).cast(pl.Int64)).alias("series"),
            pl.col("metric").alias("variant"), "params", "percent", pl.lit(None).alias("sd"),
        )
    )  # fmt: skip


def with_cost(rows: pl.DataFrame, context: int = 2048) -> pl.DataFrame:
    """``cost``: a sixth of the training FLOPs a token (matrix multiplications of layers and head, and causal attention), which is
    a number of parameters; ``tokens_about``: tokens to the next 10 B."""
    head = (pl.col("total_params") - pl.col("non_embedding_params")) / 2
    attention = pl.col("depth") * pl.col("width") * context
    return rows.with_columns(
        (pl.col("non_embedding_params") + head + attention).alias("cost"),
        ((pl.col("tokens") / 1e10).round() * 1e10).alias("tokens_about"),
    )


def _groups(log_cost: np.ndarray) -> np.ndarray:
    """[n] number of the size that each belongs to: a new one where the next larger is further than `_TOGETHER`."""
    order = np.argsort(log_cost)
    jumps = np.diff(log_cost[order]) > np.log(_TOGETHER)
    found = np.empty(len(log_cost), dtype=int)
    found[order] = np.concatenate([[0], np.cumsum(jumps)])
    return found


def _table(rows: pl.DataFrame) -> pl.DataFrame:
    """Only sizes with at least two variants."""
    rows = rows.cast(SCHEMA) if len(rows) else pl.DataFrame(schema=SCHEMA)
    return rows.filter(pl.col("variant").n_unique().over("series", "params") > 1)
