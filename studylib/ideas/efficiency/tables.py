"""What idea 8 counts and measures: parts at equal FLOPs and in equal seconds, FLOPs saved, and layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from studylib.analysis import (
    CarriedEffect,
    LossSurface,
    Moved,
    compare_to_baseline,
    speed_ratio,
    time_saved,
)
from studylib.ideas._shared.variants import BASELINE
from studylib.ideas.efficiency.schema import EfficiencyParams
from studylib.spec import LayoutSpec
from studylib.trials.cache import Task


def two_accountings(accounts: Mapping[str, Moved], size: str, windows: Mapping[str, Sequence[float]]) -> pl.DataFrame:
    """A row a variant: difference to the baseline (bits per byte) at equal FLOPs and in equal seconds, and its speed, by ``windows``
    timed alone or, without any, as the trials ran.

    Columns ``variant``, ``flops, flops_low, flops_high``, ``seconds, seconds_low, seconds_high`` (95 %, the error of the move
    included; null where the move was refused) and ``speed`` (of the baseline's).
    """
    parts = []
    for basis in ("flops", "seconds"):
        moved = accounts[basis]
        refused = [*moved.refused, *moved.bounded]
        key = pl.concat_str("size", "variant", separator="/")
        own = moved.trials.filter((pl.col("size") == size) & ~key.is_in(refused))
        empty = dict.fromkeys((basis, f"{basis}_low", f"{basis}_high"), pl.Float64)
        if BASELINE not in own["variant"] or own["variant"].n_unique() < 2:
            parts.append(pl.DataFrame(schema={"variant": pl.String} | empty))
            continue
        table = compare_to_baseline(own, BASELINE)
        at = moved.errors
        wider = {name: float((at[f"{size}/{name}"] - at[f"{size}/{BASELINE}"]).std()) for name in table["variant"]}
        beside = 1.96 * pl.col("variant").replace_strict(wider, return_dtype=pl.Float64)
        low, high = pl.col("difference") - pl.col("low"), pl.col("high") - pl.col("difference")
        parts.append(
            table.select(
                "variant",
                pl.col("difference").alias(basis),
                (pl.col("difference") - (low**2 + beside**2).sqrt()).alias(f"{basis}_low"),
                (pl.col("difference") + (high**2 + beside**2).sqrt()).alias(f"{basis}_high"),
            )
        )
    own = accounts["flops"].trials.filter(pl.col("size") == size)
    rates = dict(own.group_by("variant").agg(pl.col("tokens_per_s").median()).iter_rows())
    times = {name: rate / rates[BASELINE] for name, rate in rates.items()}
    if windows:
        found = {name: speed_ratio(windows, f"{size}/{name}", f"{size}/{BASELINE}") for name in rates}
        times = {name: one[1] if one else None for name, one in found.items()}
    joined = parts[0].join(parts[1], on="variant", how="left", maintain_order="left")
    return joined.with_columns(speed=pl.col("variant").replace_strict(times, return_dtype=pl.Float64))


def flops_saved(effect: tuple[float, float, float], slope: tuple[float, float, float]) -> tuple[float, float] | None:
    """How many times the FLOPs the baseline needs for the same loss, as an interval; None where more may bring nothing.

    Parameters
    ----------
    effect
        (low, middle, high) in percent of the baseline's loss at equal FLOPs.
    slope
        (low, middle, high) of what the baseline gains from tokens, ``LossSurface.slope``.
    """
    if slope[0] <= 0:
        return None
    found = [(1 + change / 100) ** (-1 / rate) for change in (effect[0], effect[2]) for rate in (slope[0], slope[2])]
    return min(found), max(found)


def measured_layouts(step: LayoutSpec, out: Path) -> pl.DataFrame:
    """Trials an hour by layout of workers and threads: ``variant`` (workers x threads), ``round``, ``trials_an_hour``, and
    ``others``, the share of the cores that others took meanwhile.

    Raises
    ------
    StudyError
        The measurement failed or was not made.
    """
    variant = pl.format("{} x {}", "workers", "threads")
    found = pl.DataFrame([one.model_dump() for one in Task.under(out, step).made().layouts])
    return found.select(variant.alias("variant"), "round", "trials_an_hour", pl.col("others").cast(pl.Float64))


def for_anchors(
    params: EfficiencyParams,
    carried: Sequence[CarriedEffect],
    surface: LossSurface,
    largest: pl.DataFrame,
    windows: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """What the scoreboard of published findings asks for, by the argument names of ``published.anchors``.

    ``largest``: the trials of the size that decides, which ``surface`` and ``windows`` know.
    """
    size = str(largest["size"][0])
    tokens = float(largest.filter(pl.col("variant") == BASELINE)["tokens"][0])
    slope = surface.slope(size, BASELINE, tokens)
    by_name = {one.variant: one for one in carried}
    mixtures = [by_name[name] for name in params.with_experts if name in by_name]
    best = min(mixtures, key=lambda one: list(one.measured.values())[-1][1], default=None)
    named = [name for name, own in params.variants.items() if own == {"norm": "layernorm"}]
    norm = next((by_name[name] for name in named if name in by_name), None)
    baseline = f"{size}/{BASELINE}"
    speed = speed_ratio(windows, f"{size}/{best.variant}", baseline) if best else None
    return {
        "experts": best,
        "saved": flops_saved(list(best.measured.values())[-1], slope) if best else None,
        "expert_speed": (speed[0], speed[2]) if speed else None,
        "norm_time": time_saved(windows, f"{size}/{norm.variant}", baseline) if norm else None,
        "norm": norm,
    }
