"""The run that would settle an open decision, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from studylib.analysis.noise import seeds_needed
from studylib.analysis.twoway import TwoWay
from studylib.result import Text


@dataclass(frozen=True)
class NextRun:
    """More seeds for the variants that are still open.

    Attributes
    ----------
    variants
        The leader and its rivals; all others are already out.
    seeds
        Seeds each should have in the end; None when more than 1000 would be needed.
    extra_trials
        Trials to add.
    flops, seconds
        Their cost, from the medians of the trials done; None when unknown.
    gap
        The difference those seeds would resolve with 80 % power.
    """

    variants: tuple[str, ...]
    seeds: int | None
    extra_trials: int
    flops: float | None
    seconds: float | None
    gap: float

    def text(self) -> Text:
        names = ", ".join(self.variants)
        if self.seeds is None:
            return Text(
                en=f"More than 1000 seeds would be needed to tell {names} apart: treat them as equal.",
                ja=f"{names} を区別するには 1000 を超えるシードが必要です。同等とみなしてください。",
            )
        cost_en, cost_ja = "", ""
        if self.flops is not None:
            cost_en, cost_ja = f", {self.flops:.2g} FLOPs", f"、{self.flops:.2g} FLOPs"
        if self.seconds is not None:
            cost_en += f", about {duration(self.seconds)} on one worker"
            cost_ja += f"、1 ワーカーで約 {duration(self.seconds)}"
        return Text(
            en=f"Run {names} with {self.seeds} seeds each ({self.extra_trials} more trials{cost_en}) to resolve "
            f"{self.gap:.4f} bits per byte with 80 % power.",
            ja=f"{names} を各 {self.seeds} シードで実行(追加 {self.extra_trials} 試行{cost_ja})すれば、"
            f"{self.gap:.4f} bits/byte の差を検出力 80 % で判定できます。",
        )


def plan_next_run(
    trials: pl.DataFrame, fit: TwoWay, basin: tuple[str, ...], gaps: dict[str, float], margin: float, *, variant: str
) -> NextRun | None:
    """Seeds for the smallest open gap that matters.

    A gap under the practical margin is not worth resolving, so the target is never smaller than the margin; the
    seeds needed are counted with the noise of all variants together.
    """
    rivals = [name for name in basin if name != basin[0]]
    if not rivals:
        return None
    target = max(min(abs(gaps[name]) for name in rivals), margin)
    seeds = seeds_needed(target, fit.sd, variants=len(basin)) if fit.sd > 0 else 2
    if seeds is not None:
        # Already that many and still open: the truth lies nearer than it looks, so double instead of stopping.
        fewest = min(len(fit.seeds[name]) for name in basin)
        seeds = seeds if seeds > fewest else 2 * fewest
    extra = {name: max(0, (seeds or 0) - len(fit.seeds[name])) for name in basin}
    costs: dict[str, float | None] = {}
    for column in ("flops", "seconds"):
        costs[column] = None
        if column in trials.columns:
            done = trials.with_columns(pl.col(variant).cast(pl.String)).filter(pl.col(column).is_finite())
            medians = dict(done.group_by(variant).agg(pl.col(column).median()).iter_rows())
            if all(name in medians for name in basin):
                costs[column] = float(sum(extra[name] * medians[name] for name in basin))
    return NextRun(basin, seeds, sum(extra.values()), costs["flops"], costs["seconds"], target)


def duration(seconds: float) -> str:
    """``90`` -> ``1.5 min``; units that both languages read."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
