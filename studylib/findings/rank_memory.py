"""What the ranks of each pipeline stage hold, against the card's memory."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.style import HATCHES, INK, MUTED, PALETTE, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.recipe.dry_run import RanksSummary
from studylib.result import Text
from studylib.words import Words

# Of a rank, in the order in which they are stacked; ``weights`` with autocast's copies.
PARTS = ("weights", "gradients", "optimizer", "activations", "logits")


class StageHolds(Frozen):
    """The heaviest rank of a stage, in GB; ``stage`` from 1. With recomputation ``total`` is less than the parts together."""

    stage: int
    layers: int
    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    total: float


class RankMemory(Finding):
    """``ranks`` were built on the meta device.

    ``usable`` GB of the card's are for the model; ``mean`` is what a count over all stages says; ``balance`` is the mean stage's
    FLOPs over the busiest's; what the busiest rank sends in a step, in GB: to tensor-parallel ranks, stages and replicas.
    """

    name = "rank-memory"
    title = Words(
        en="""The heaviest of {{ ranks }} ranks holds {{ stages | map(attribute='total') | max | num }} GB of the {{ card }}'s {{ memory | num }},
            on pipeline stage {{ (stages | sort(attribute='total') | last).stage }} of {{ stages | length }}""",
        ja="""{{ ranks }} ランク中で最も重いものは {{ card }} の {{ memory | num }} GB のうち
            {{ ' ' }}{{ stages | map(attribute='total') | max | num }} GB を使う(パイプライン {{ stages | length }} 段の第
            {{ ' ' }}{{ (stages | sort(attribute='total') | last).stage }} 段)""",
    )
    alt = Words(
        en="""GB on the heaviest rank of each pipeline stage, by what they are for; lines at the card's {{ memory | num }} GB and the
            {{ ' ' }}{{ usable | num }} GB of it that are usable.
            {% for one in stages %}
            Stage {{ one.stage }}, {{ one.layers }} {{ 'layer' | plural(one.layers) }}:
            weights {{ one.weights | num }}, gradients {{ one.gradients | num }}, optimizer {{ one.optimizer | num }},
            activations {{ one.activations | num }}, logits {{ one.logits | num }}, at the peak {{ one.total | num }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""パイプライン各段で最も重いランクの GB を用途別に示す。線はカードの {{ memory | num }} GB と使える {{ usable | num }} GB。
            {% for one in stages %}
            第 {{ one.stage }} 段({{ one.layers }} 層):重み {{ one.weights | num }}、勾配 {{ one.gradients | num }}、
            最適化器 {{ one.optimizer | num }}、活性 {{ one.activations | num }}、ロジット {{ one.logits | num }}、ピーク {{ one.total | num }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""All {{ ranks }} ranks of {{ layout }} were built as the engine builds them, on the meta device: they {{ 'fit' if fits else 'do not fit' }}
            into {{ usable | num }} GB a card. A count over all stages says {{ mean | num }} GB. The pipeline's mean stage computes {{ balance | percent }} of
            what the busiest does, and a stage waits {{ bubble | percent }} of its time. In one step the busiest rank sends {{ tensor | num }} GB to
            tensor-parallel ranks, {{ pipeline | num }} GB to other stages and {{ data | num }} GB to replicas.""",
        ja="""{{ layout }} の全 {{ ranks }} ランクをエンジンと同じ手順で meta デバイス上に構築しました。1 枚あたり {{ usable | num }} GB に
            {{- '収まります' if fits else '収まりません' }}。全段の平均として数えると {{ mean | num }} GB です。平均的な段の計算量は最も忙しい段の {{ balance | percent }}、
            段の待ち時間は {{ bubble | percent }} です。最も忙しいランクが 1 ステップに送る量は、テンソル並列へ {{ tensor | num }} GB、
            ほかの段へ {{ pipeline | num }} GB、複製へ {{ data | num }} GB です。""",
    )

    layout: Text
    card: str
    ranks: int
    stages: tuple[StageHolds, ...]
    memory: float
    usable: float
    mean: float
    fits: bool
    balance: Fraction
    bubble: Fraction
    tensor: float
    pipeline: float
    data: float

    @classmethod
    def of(cls, ranks: pl.DataFrame, summary: RanksSummary, layout: Text, card: str) -> RankMemory:
        """``ranks`` and ``summary`` from ``studylib.recipe.dry_run``; ``layout`` in words and the ``card``'s label."""
        heaviest = ranks.sort("pp", "total_bytes", descending=[False, True]).unique(
            "pp", keep="first", maintain_order=True
        )
        stages = []
        for row in heaviest.iter_rows(named=True):
            held = {part: row[f"{part}_bytes"] / 1e9 for part in (*PARTS, "total")}
            held["weights"] += row["copies_bytes"] / 1e9
            stages.append(StageHolds(stage=row["pp"] + 1, layers=row["layers"], **held))
        return cls(
            layout=layout, card=card, ranks=summary.ranks, stages=tuple(stages), memory=summary.card_bytes / 1e9,
            usable=summary.usable_bytes / 1e9, mean=summary.mean_bytes / 1e9, fits=summary.fits, balance=summary.balance,
            bubble=summary.bubble_share, tensor=summary.tensor_bytes / 1e9, pipeline=summary.pipeline_bytes / 1e9,
            data=summary.data_bytes / 1e9,
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        figure, (ax,) = canvas(width=7.6, height=1.7 + 0.42 * max(2, len(self.stages)))
        places = np.arange(len(self.stages))
        left = np.zeros(len(self.stages))
        for index, part in enumerate(PARTS):
            sizes = np.array([getattr(one, part) for one in self.stages])
            ax.barh(
                places, sizes, left=left, height=0.62, color=PALETTE[index], hatch=HATCHES[index], edgecolor="white", lw=0.5,
                label="weights and copies" if part == "weights" else part,
            )  # fmt: skip
            left += sizes
        for place, one, end in zip(places, self.stages, left, strict=True):
            ax.annotate(
                f"{one.total:.3g}",
                (end, place),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9.5,
                color=INK,
            )
        ax.axvline(self.memory, color=INK, lw=1.4)
        ax.axvline(self.usable, color=MUTED, lw=1.2, ls="--")
        for edge, said, side in ((self.memory, f"{self.memory:.3g} GB", "left"), (self.usable, "usable", "right")):
            ax.annotate(
                said, (edge, 1), (4 if side == "left" else -4, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
                ha=side, va="top", fontsize=9, color=INK if side == "left" else MUTED,
            )  # fmt: skip
        ax.set_yticks(places, [f"stage {one.stage}: {one.layers} layers" for one in self.stages])
        ax.set_ylim(len(self.stages) - 0.4, -0.85)
        ax.set_xlim(0, 1.12 * max(self.memory, left.max()))
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("GB on the heaviest rank of the stage; at its end the peak")
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=len(PARTS), fontsize=9)
        return figure
