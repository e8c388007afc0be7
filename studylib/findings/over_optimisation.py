"""Whether the model's reward goes on rising where the true score falls: both over the distance from the start."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import optimisation_table
from studylib.findings._figures.style import INK, MUTED, PALETTE, canvas, look
from studylib.findings._finding import Finding, Interval, interval
from studylib.frozen import Frozen
from studylib.words import Words

_NAMED = 6  # points of a method whose names fit


class Moved(Frozen):
    """A model ``kl`` nats from its start: changes of the ``reward`` that a model gives and of the true ``score``, in standard deviations of
    the start's answers, with 95 %. ``fell``: of the score from where it is highest nearer to the start; ``turned``: that is beyond
    chance, and the reward is no lower there."""

    variant: str
    kl: float
    reward: Interval
    score: Interval
    fell: Interval
    turned: bool


class Path(Frozen):
    """The models of one method, by their distance."""

    method: str
    models: tuple[Moved, ...]


class OverOptimisation(Finding):
    name = "over-optimisation"
    title = Words(
        en="""
            {% for path in paths %}
            {% set turned = path.models | selectattr('turned') | list %}{% set far = path.models | last %}
            {{ path.method }}: {% if turned %}the true score falls from {{ turned[0].kl | num }} nats on while the model's reward does not
            {%- else %}over-optimisation not seen up to {{ far.kl | num }} nats{% endif %}{{ '' if loop.last else '; ' }}
            {%- endfor %}""",
        ja="""
            {% for path in paths %}
            {% set turned = path.models | selectattr('turned') | list %}{% set far = path.models | last %}
            {{ path.method }}:{% if turned %}{{ turned[0].kl | num }} nats から、報酬は下がらないのに真の得点が下がる
            {%- else %}{{ far.kl | num }} nats まで過剰最適化は見られない{% endif %}{{ '' if loop.last else '。' }}
            {%- endfor %}""",
    )
    alt = Words(
        en="""The model's reward and the true score over the distance (KL, nats) from the start, in standard deviations of its {{ prompts }} answers:
            {% for path in paths %}{% for one in path.models %}
            {{ path.method }} {{ one.variant }} at {{ one.kl | num }}: reward {{ one.reward | signed(2) }}, score {{ one.score | signed(2) }}
            {{- '; ' if not loop.last else '' }}
            {%- endfor %}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""学習前からの距離(KL、nats)に対する報酬モデルの報酬と真の得点(学習前の {{ prompts }} 回答の標準偏差を単位とする):
            {%- for path in paths %}{% for one in path.models %}
            {{ path.method }} {{ one.variant }} は {{ one.kl | num }} で報酬 {{ one.reward | signed(2) }}、得点 {{ one.score | signed(2) }}
            {{- ';' if not loop.last else '' }}
            {%- endfor %}{{ '。' if loop.last else ';' }}{% endfor %}""",
    )
    words = Words(
        en="""
            {% set lower = [] %}{% for path in paths %}{% for one in path.models %}{% if one.turned or one.fell[1] < 0 %}
            {{- lower.append((path.method, one)) or '' -}}
            {% endif %}{% endfor %}{% endfor %}
            {% if lower %}The true score below its highest nearer to the start, standard deviations:
            {% for method, one in lower %}
            {{ method }} {{ one.variant }} {{ one.fell | signed(2) }}, {{ 'beyond chance' if one.turned else 'within the noise' }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}
            {% else %}Nowhere is the true score below what it is nearer to the start.{% endif %}
            {% if seeds == 1 %}One seed: the intervals are of other prompts only.{% else %}Intervals are over prompts and {{ seeds }} seeds.{% endif %}""",
        ja="""
            {% set lower = [] %}{% for path in paths %}{% for one in path.models %}{% if one.turned or one.fell[1] < 0 %}
            {{- lower.append((path.method, one)) or '' -}}
            {% endif %}{% endfor %}{% endfor %}
            {% if lower %}学習前に近い側での最高点を下回る真の得点(標準偏差単位):
            {%- for method, one in lower %}
            {{ method }} {{ one.variant }} {{ one.fell | signed(2) }}、{{ '有意' if one.turned else 'ノイズの範囲内' }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}
            {% else %}真の得点が学習前に近い側より低い点はありません。{% endif %}
            {% if seeds == 1 %}1 シードのみで、区間は別のプロンプトに関するものです。{% else %}区間はプロンプトと {{ seeds }} シードに関するものです。{% endif %}""",
    )

    prompts: int
    seeds: int
    paths: tuple[Path, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, starts: pl.DataFrame) -> OverOptimisation | None:
        """None with fewer than two models beside the start, or where no reward model was asked.

        Parameters
        ----------
        rows
            A row a trial (or place along a run) and prompt (`analysis.read_evaluation_rows` of ``written`` with ``reference`` and
            ``reward_model``): ``method`` (dpo, rloo, ...; a line each), ``variant`` (a point each: a beta, a step), ``start`` (name of what it
            began with), ``seed``, ``item``, ``kl`` (nats: log p/p_ref of what was written), ``reward`` (the model's), ``score`` (the judge's,
            0 to 1). Rows without ``kl`` or ``reward`` do not count.
        starts
            The same of the models that they began with, at the same seeds: ``start`` (their own name), ``seed``, ``item``, ``reward``,
            ``score``. They are the point at 0.
        """
        if (
            rows.is_empty()
            or starts.is_empty()
            or not {"kl", "reward"} <= set(rows.columns)
            or "reward" not in starts.columns
        ):
            return None
        table = optimisation_table(rows.drop_nulls(["kl", "reward"]), starts.drop_nulls("reward"))
        if len(table) < 2:
            return None
        paths = tuple(
            Path(
                method=method,
                models=tuple(
                    Moved(
                        variant=row["variant"], kl=row["kl"], turned=row["turned"],
                        **{name: interval(row, name) for name in ("reward", "score", "fell")},
                    )
                    for row in own.iter_rows(named=True)
                ),
            )
            for (method,), own in table.group_by(["method"], maintain_order=True)
        )  # fmt: skip
        return cls(prompts=table["items"][0], seeds=table["seeds"].max(), paths=paths).drawn_from()

    def draw(self) -> Figure:
        """A panel a method: both changes over the square root of the distance, from the start at 0."""
        figure, axes = canvas(1, len(self.paths), width=max(7.2, 1.2 + 3.6 * len(self.paths)), height=4.4, sharey=True)
        for ax, path in zip(axes, self.paths, strict=True):
            ax.axhline(0, color=INK, lw=1)
            # Gao et al. 2023 (arXiv 2210.10760): scores bend regularly over the root of the divergence; an estimate may be below 0.
            x = [0.0, *(max(one.kl, 0.0) ** 0.5 for one in path.models)]
            for index, value in enumerate(("reward", "score")):
                style, found = look(index), [(0.0, 0.0, 0.0), *(getattr(one, value) for one in path.models)]
                ax.fill_between(
                    x,
                    [low for low, _, _ in found],
                    [high for _, _, high in found],
                    color=style["color"],
                    alpha=0.13,
                    lw=0,
                )
                ax.plot(
                    x,
                    [middle for _, middle, _ in found],
                    color=style["color"],
                    ls=style["linestyle"],
                    marker=style["marker"],
                    ms=6,
                )
            for before, place, one in zip(x, x[1:], path.models, strict=False):
                if one.turned:
                    ax.plot(place, one.score[1], "v", color=PALETTE[1], ms=13, mfc="none", mew=1.6)
                ax.plot([place, place], [one.reward[1], one.score[1]], color=MUTED, lw=0.8, ls=":", zorder=1)
                if len(path.models) <= _NAMED:
                    ax.annotate(
                        one.variant, (place, 0), (0, 4), xycoords=("data", "axes fraction"), textcoords="offset points",
                        rotation=90, va="bottom", ha="left" if place - before < 0.05 * x[-1] else "right", fontsize=8, color=INK,
                    )  # fmt: skip
            ax.set_xlabel(f"{path.method}: square root of the KL divergence\nfrom the start (nats)")
        axes[0].set_ylabel("change since the start\n(standard deviations of its answers)")
        low, high = axes[0].get_ylim()
        axes[0].set_ylim(low - 0.5 * (high - low), high)  # the names stand below what is drawn
        for index, label in enumerate(("reward of the reward model", "true score of the judge")):
            axes[0].plot([], [], **look(index), ms=6, label=label)
        axes[0].plot(
            [],
            [],
            "v",
            color=PALETTE[1],
            ms=11,
            mfc="none",
            mew=1.6,
            ls="",
            label="score fell, reward did not (beyond chance)",
        )
        title = f"bands: 95 % over {self.prompts} prompts" + (
            f" and {self.seeds} seeds" if self.seeds > 1 else " of one seed"
        )
        figure.legend(
            loc="outside lower center",
            ncols=3 if len(self.paths) > 1 else 2,
            fontsize=9,
            title=title,
            title_fontsize=9,
            handlelength=3.2,
        )
        return figure
