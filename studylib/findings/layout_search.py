"""The fastest layouts of the model over the cluster, and where their steps spend their time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from studylib.findings._figures.style import HATCHES, INK, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.recipe.layouts import LayoutCost
from studylib.result import Text
from studylib.words import Words

_MOST = 8
# Of a step, in the order in which they are stacked.
_PARTS = {
    "computing": "computing", "tensor": "tensor-parallel ranks", "pipeline": "between stages", "bubble": "waiting in the pipeline",
    "replicas": "replicas and optimizer",
}  # fmt: skip


class Laid(Frozen):
    """Seconds of one step and where they go, GB of the heaviest rank, share of the cards' dense bf16 peak."""

    layout: Text
    seconds: float
    computing: float
    tensor: float
    pipeline: float
    bubble: float
    replicas: float
    gigabytes: float
    utilisation: Fraction


class LayoutSearch(Finding):
    """Of ``compared`` layouts on ``gpus`` cards those that are ``fitting``; the ``fastest`` of them, by rising seconds."""

    name = "layout-search"
    title = Words(
        en="""{{ fastest[0].layout }} is the fastest of {{ fitting }} layouts that fit {{ gpus }} × {{ card }}: {{ fastest[0].seconds | num }} s a step,
            {{ fastest[0].utilisation | percent }} of the peak""",
        ja="""{{ card }} {{ gpus }} 枚に収まる {{ fitting }} 通りの配置で最速は {{ fastest[0].layout }}:1 ステップ {{ fastest[0].seconds | num }} 秒、
            ピークの {{ fastest[0].utilisation | percent }}""",
    )
    alt = Words(
        en="""Seconds of one step by where they go, for the fastest layouts that fit, by the cost model:
            {% for one in fastest %}
            {{ one.layout }}: {{ one.seconds | num }} s, of them computing {{ one.computing | num }}, tensor-parallel ranks {{ one.tensor | num }}, between
            stages {{ one.pipeline | num }}, waiting {{ one.bubble | num }}, replicas and optimizer {{ one.replicas | num }};
            {{ one.gigabytes | num }} GB, {{ one.utilisation | percent }} of the peak{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""費用モデルによる、収まる配置のうち速いものの 1 ステップの秒数の内訳:
            {% for one in fastest %}
            {{ one.layout }}:{{ one.seconds | num }} 秒(計算 {{ one.computing | num }}、テンソル並列 {{ one.tensor | num }}、段の間 {{ one.pipeline | num }}、
            待ち {{ one.bubble | num }}、複製と最適化器 {{ one.replicas | num }})、{{ one.gigabytes | num }} GB、
            ピークの {{ one.utilisation | percent }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""{{ compared }} layouts were compared by the cost model; {{ fitting }} of them fit into the memory of a {{ card }}.""",
        ja="""費用モデルで {{ compared }} 通りの配置を比べ、{{ fitting }} 通りが {{ card }} のメモリに収まりました。""",
    )

    gpus: int
    card: str
    compared: int
    fitting: int
    fastest: tuple[Laid, ...]

    @classmethod
    def of(cls, layouts: Sequence[LayoutCost], card: str) -> LayoutSearch | None:
        """``layouts`` from ``search_layouts``, the ``card``'s label; None where none fits."""
        fitting = [one for one in layouts if one.fits]
        if not fitting:
            return None
        return cls(
            gpus=fitting[0].parallel.world_size, card=card, compared=len(layouts), fitting=len(fitting),
            fastest=tuple(map(_laid, fitting[:_MOST])),
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        figure, (ax,) = canvas(width=7.6, height=1.5 + 0.5 * len(self.fastest))
        places, left = np.arange(len(self.fastest)), np.zeros(len(self.fastest))
        for index, (part, said) in enumerate(_PARTS.items()):
            sizes = np.array([getattr(one, part) for one in self.fastest])
            ax.barh(
                places, sizes, left=left, height=0.66, color=PALETTE[index], hatch=HATCHES[index], edgecolor="white", lw=0.5,
                label=said,
            )  # fmt: skip
            left += sizes
        for place, one in zip(places, self.fastest, strict=True):
            said = f"{one.seconds:.3g} s, {100 * one.utilisation:.0f} %, {one.gigabytes:.3g} GB"
            ax.annotate(
                said, (one.seconds, place), (5, 0), textcoords="offset points", va="center", fontsize=9, color=INK
            )
        ax.set_yticks(places, [_in_lines(one.layout.en) for one in self.fastest], fontsize=9)
        ax.set_ylim(len(self.fastest) - 0.4, -0.6)
        ax.set_xlim(0, 1.45 * max(one.seconds for one in self.fastest))
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("seconds of one step; share of the peak; heaviest rank")
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
        return figure


def _in_lines(layout: str) -> str:
    """Broken behind a comma only."""
    return wrapped(layout.replace(", ", ",\n").replace(" ", "\u00a0").replace("\n", " "), 28)


def _laid(one: LayoutCost) -> Laid:
    cost = one.cost
    return Laid(
        layout=one.said(), seconds=cost.seconds, computing=cost.compute, tensor=cost.tensor, pipeline=cost.pipeline, bubble=cost.bubble,
        replicas=cost.data + cost.optimizer, gigabytes=one.memory_bytes / 1e9, utilisation=cost.utilisation,
    )  # fmt: skip
