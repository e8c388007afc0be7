"""The way to the end: validation along training."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis.noise import NoiseFloor
from studylib.findings._finding import Finding
from studylib.report.figures.curves import learning_curves
from studylib.result import Text
from studylib.words import Words


class Curves(Finding):
    """``gap_percent``: how far the worst ends above the best, of the loss; ``detectable_percent``: the least that would be seen."""

    name = "curves"
    title = Words(
        en="""
            {{ best }} ends {{ gap_percent | fixed(1) }} % below {{ worst }}
            {%- if gap_percent < detectable_percent %}, within the noise ({{ detectable_percent | fixed(1) }} %){% endif %}""",
        ja="""
            最終損失は {{ best }} が {{ worst }} より {{ gap_percent | fixed(1) }} % 低い
            {%- if gap_percent < detectable_percent %}(誤差内、検出限界 {{ detectable_percent | fixed(1) }} %){% endif %}""",
    )
    alt = Words(
        en="Validation bits per byte along training at {{ size }}, mean and range over seeds, a line a {{ subject }}.",
        ja="{{ size }} の学習中の検証 bits/byte。シード平均と範囲、{{ subject }}ごとに 1 本の線。",
    )

    subject: Text
    size: str
    best: str
    worst: str
    gap_percent: float
    detectable_percent: float

    @classmethod
    def of(cls, trials: pl.DataFrame, curves: pl.DataFrame, subject: Text, noise: NoiseFloor) -> Curves:
        """``trials`` of one size; ``curves`` from ``analysis.read_curves``, of more trials perhaps."""
        means = (
            trials.group_by("variant", maintain_order=True).agg(pl.col("val_bpb").mean()).drop_nulls().sort("val_bpb")
        )
        (best, low), (worst, high) = means.row(0), means.row(-1)
        own = curves.filter(pl.col("hash").is_in(trials["hash"].to_list()))
        return cls(
            subject=subject, size=str(trials["size"][0]), best=best, worst=worst, gap_percent=100 * (high / low - 1),
            detectable_percent=100 * noise.mde / low,
        ).drawn_from(own)  # fmt: skip

    def draw(self, curves: pl.DataFrame) -> Figure:
        return learning_curves(curves)
