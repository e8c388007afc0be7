"""The best value of what is swept, at every size and at the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from studylib.analysis import CarriedOptimum, Valley, Valleys
from studylib.findings._figures.style import INK, MUTED, canvas, look
from studylib.findings._finding import Finding, Interval
from studylib.findings._quantity import Quantity, powers_of_two
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.result import Text
from studylib.words import Words


class Best(Frozen):
    """Of one size."""

    size: str
    value: float | None


class Optimum(Finding):
    """``at_target`` (low, middle, high) is not there where ``reason`` says why nothing supports one.

    ``times``: how many times the largest size the target is. ``power``: of the size, that the optimum goes with over the sizes tried.
    """

    name = "optimum"
    title = Words(
        en="""
            {% if at_target is none and power is not none %}The best {{ quantity }} goes with the size to the power {{ power[1] | fixed(2) }}
            ({{ power[0] | fixed(2) }} to {{ power[2] | fixed(2) }}); it is not carried to {{ target | short }} parameters
            {% elif at_target is none %}The best {{ quantity }} is not carried to {{ target | short }} parameters yet
            {% else %}Carried to {{ target | short }} parameters, {{ times | num }} times the largest size, the best {{ quantity }} is
            {{ at_target | num }}{% endif %}""",
        ja="""
            {% if at_target is none and power is not none %}最適な{{ quantity }}は規模の {{ power[1] | fixed(2) }} 乗
            ({{ power[0] | fixed(2) }}〜{{ power[2] | fixed(2) }})に比例。{{ target | short }} パラメータへは外挿しない
            {% elif at_target is none %}最適な{{ quantity }}はまだ {{ target | short }} パラメータへ外挿できない
            {% else %}{{ target | short }} パラメータ(最大規模の {{ times | num }} 倍)へ外挿した最適な{{ quantity }}は
            {{ ' ' }}{{ at_target | num }}{% endif %}""",
    )
    alt = Words(
        en="""Best {{ quantity }} against model size:
            {% for one in best %}{{ one.size }} {{ 'not inside the range tried' if one.value is none else one.value | num }}
            {{- '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""モデル規模に対する最適な{{ quantity }}:
            {% for one in best %}{{ one.size }} {{ '範囲内になし' if one.value is none else one.value | num }}
            {{- '。' if loop.last else '、' }}{% endfor %}""",
    )
    words = Words(
        en="{% if reason is not none %}Nothing is carried to {{ target | short }} parameters: {{ reason }}.{% endif %}",
        ja="{% if reason is not none %}{{ target | short }} パラメータへの外挿はできません:{{ reason }}。{% endif %}",
    )

    quantity: Text
    target: float
    times: float
    best: tuple[Best, ...]
    power: Interval | None
    at_target: Interval | None
    reason: Text | None

    @classmethod
    def of(
        cls,
        valleys: Valleys,
        carried: CarriedOptimum | None,
        reason: Text | None,
        target: float,
        quantity: Quantity,
    ) -> Optimum:
        """``carried`` and ``reason`` from ``Valleys.carry``, ``target`` in parameters."""
        fits = valleys.budgets
        return cls(
            quantity=quantity.name, target=target, times=target / max(fit.params for fit in fits),
            power=valleys.exponents().get("params"),
            best=tuple(Best(size=fit.budget, value=fit.optimum) for fit in fits),
            at_target=carried.optimum if carried is not None else None, reason=reason,
        ).drawn_from(fits, carried, quantity)  # fmt: skip

    def draw(self, fits: Sequence[Valley], carried: CarriedOptimum | None, quantity: Quantity) -> Figure:
        """Of each size with its interval and flat basin, and carried on where that is supported; otherwise the figure says so."""
        figure, (ax,) = canvas(width=7.2, height=4.6)
        ax.set(xscale="log", yscale="log")
        ends = [fit.params for fit in fits]
        for index, fit in enumerate(fits):
            style = look(index)
            if fit.flat is not None:
                ax.plot([fit.params] * 2, fit.flat, color=style["color"], lw=9, alpha=0.18, solid_capstyle="butt")
            if fit.optimum is None or fit.interval is None:
                if fit.edge is not None:
                    mark = "v" if fit.edge == fit.sampled[0] else "^"
                    ax.plot(fit.params, fit.edge, marker=mark, ms=9, color=style["color"], mfc="white")
                continue
            error = np.array([[fit.optimum - fit.interval[0]], [fit.interval[1] - fit.optimum]])
            ax.errorbar(
                fit.params,
                fit.optimum,
                error,
                fmt=style["marker"],
                color=style["color"],
                ms=8,
                capsize=4,
                lw=1.6,
                zorder=4,
            )
        if any(fit.flat is not None for fit in fits):
            ax.fill_between([], [], color=MUTED, alpha=0.35, lw=0, label="flat basin")
        if any(fit.optimum is not None for fit in fits):
            ax.errorbar([], [], [], fmt="o", color=INK, capsize=4, label="optimum, 95 % interval")
        if any(fit.optimum is None and fit.edge is not None for fit in fits):
            ax.plot([], [], "^", mfc="white", color=INK, ms=8, label="optimum not bracketed, nearest end")
        if carried is not None:
            params, low, middle, high = carried.line
            ax.fill_between(params, low, high, color=MUTED, alpha=0.15, lw=0, label="95 % interval of the optimum")
            measured = params <= max(ends)
            ax.plot(params[measured], middle[measured], color=INK, lw=1.6)
            ax.plot(params, middle, color=INK, lw=1.6, ls="--", label="extrapolation")
            at_low, at, at_high = carried.optimum
            error = np.array([[at - at_low], [at_high - at]])
            ax.errorbar(self.target, at, error, fmt="*", ms=15, color=INK, capsize=5, lw=1.6, zorder=5)
            ax.annotate(
                f"{short(self.target)}: {short(at)}\n({short(at_low)} to {short(at_high)})", (self.target, at),
                (-12, 10), textcoords="offset points", ha="right", fontsize=10,
            )  # fmt: skip
        else:
            said = "not carried to larger sizes"
            ax.text(0.98, 0.04, said, transform=ax.transAxes, ha="right", fontsize=10, color=MUTED)
        if quantity.reference is not None:
            at = (quantity.reference_params, quantity.reference)
            ax.plot(*at, marker="P", ms=10, color=MUTED, ls="", label=quantity.reference_label, zorder=4)
        ax.set_xlim(min(ends) / 1.8, max(quantity.reference_params or 0, self.target) * 2.2)
        low, high = ax.get_ylim()
        low, high = (
            min(low, *(fit.sampled[0] for fit in fits)) / 1.1,
            max(high, *(fit.sampled[1] for fit in fits)) * 1.1,
        )
        ax.set_ylim(low, high)
        powers_of_two(ax.yaxis, low, high)
        ax.xaxis.set_major_formatter(lambda value, _: short(value))
        ax.set(xlabel="non-embedding parameters   (log scale)", ylabel=quantity.label)
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure
