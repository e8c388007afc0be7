"""Which mixture of kinds is best: a surface over the simplex, and the region where its lowest point lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from pydantic import PrivateAttr

from studylib.analysis import Compared, MixtureSurface, fit_mixture, noise_floor
from studylib.analysis.compared import costs
from studylib.analysis.margin import MARGIN
from studylib.analysis.twoway import finished
from studylib.errors import StudyError
from studylib.findings._figures.mixtures import along, slices
from studylib.findings._finding import Finding, Interval
from studylib.findings._settings import as_compared
from studylib.frozen import Fraction, Frozen
from studylib.spec import Setting, StageSpec
from studylib.words import Words

_SURE = 0.9
_RIVAL = 0.05
USED = "mixture to use"
_NARROW = 0.1  # of all mixtures
State = Literal["even", "found", "better", "undecided"]


class Part(Frozen):
    """``share`` of a kind in the mixture to use, and at the optimum: 5 % quantile, mean, 95 % quantile."""

    kind: str
    share: Fraction
    optimum: Interval


class Tried(Frozen):
    """A mixture that was trained: its shares in the order of the kinds, mean loss, and probability of being best of those tried."""

    variant: str
    shares: tuple[Fraction, ...]
    loss: float
    p: Fraction


class Mixture(Finding):
    """``tried`` from the lowest loss; ``region``: part of all mixtures where the optimum lies with 90 %.

    Regrets are expected, percent of the loss: of the mixture to use, and of equal shares; ``beats_even``: probability.
    ``noise``: paired SD of a trial, ``detectable``: the difference that these seeds find in 4 of 5 studies, bits per byte.
    ``misfit``: p of the quadratic's lack of fit; None: too few mixtures to tell.

    ``state``: even (equal shares give away less than the margin); found (so does the mixture to use, and only that, or the region is
    narrow); better (it beats equal shares, but may give away more, and the region is not narrow); undecided.
    """

    name = "mixture"
    title = Words(
        en="""
            {% set first = tried | sort(attribute='p') | last %}
            {% macro told() %}{% for one in parts %}{{ one.kind }} {{ (100 * one.share) | fixed(0) }} %{{ '' if loop.last else ', ' }}{% endfor %}{% endmacro %}
            {% if state == 'even' %}Equal shares are as good as any mixture at {{ size }}: they give away {{ even_regret_percent | fixed(2) }} % of the loss
            {% elif state == 'found' %}Best mixture at {{ size }}: {{ told() }} ({{ region | percent }} of all mixtures may be it); it gives away
            {{ regret_percent | fixed(2) }} % of the loss
            {% elif state == 'better' %}{{ told() }} beats equal shares at {{ size }} ({{ beats_even | percent }}), but the best may lie
            anywhere in {{ region | percent }} of all mixtures
            {% else %}The best mixture at {{ size }} is undecided: it may lie anywhere in {{ region | percent }} of all mixtures; of those tried
            {{ first.variant }} leads ({{ first.p | percent }}){% endif %}""",
        ja="""
            {% set first = tried | sort(attribute='p') | last %}
            {% macro told() %}{% for one in parts %}{{ one.kind }} {{ (100 * one.share) | fixed(0) }} %{{ '' if loop.last else '、' }}{% endfor %}{% endmacro %}
            {% if state == 'even' %}{{ size }} では等分の混合がどの混合にも劣らない(損失増は平均 {{ even_regret_percent | fixed(2) }} %)
            {% elif state == 'found' %}{{ size }} で最良の混合:{{ told() }}(全混合の {{ region | percent }} が候補、損失増は平均 {{ regret_percent | fixed(2) }} %)
            {% elif state == 'better' %}{{ size }} では {{ told() }} が等分に勝る({{ beats_even | percent }})が、最良点の範囲は全混合の {{ region | percent }}
            {% else %}{{ size }} で最良の混合は未決:全混合の {{ region | percent }} のどこかにある。試した中では {{ first.variant }} が首位({{ first.p | percent }}){% endif %}""",
    )
    alt = Words(
        en="""Predicted bits per byte of held-out answers over mixtures, with the region where the best one lies with 90 %. Measured, in shares of
            {{ parts | map(attribute='kind') | listed }}:
            {% for one in tried %}
            {{ one.variant }} ({% for share in one.shares %}{{ (100 * share) | fixed(0) }}{{ '' if loop.last else '/' }}{% endfor %} %)
            {{ one.loss | fixed }}, best of those tried with {{ one.p | percent }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""混合比ごとの、未学習の回答の予測損失(bits/byte)と、最良点が 90 % の確率で含まれる領域。実測(割合は
            {{ parts | map(attribute='kind') | listed }} の順):
            {%- for one in tried %}
            {{ one.variant }}({% for share in one.shares %}{{ (100 * share) | fixed(0) }}{{ '' if loop.last else '/' }}{% endfor %} %)は
            {{ ' ' }}{{ one.loss | fixed }}、最良の確率 {{ one.p | percent }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""With 90 % probability the best mixture has
            {% for one in parts %}
            {{ (100 * one.optimum[0]) | fixed(0) }} to {{ (100 * one.optimum[2]) | fixed(0) }} % {{ one.kind }} (mean {{ (100 * one.optimum[1]) | fixed(0) }} %)
            {{- '' if loop.last else ', ' }}
            {% endfor %}
            and lies in {{ region | percent }} of all mixtures. With the least expected regret:
            {% for one in parts %}{{ (100 * one.share) | fixed(0) }} % {{ one.kind }}{{ '' if loop.last else ', ' }}{% endfor %},
            which gives away {{ regret_percent | fixed(3) }} % of the loss on average, and equal shares {{ even_regret_percent | fixed(3) }} %; it
            beats them with {{ beats_even | percent }} probability.
            {% if state == 'undecided' %}Nothing is decided: the regret is not known to be small, nor the gain to be there.{% endif %}
            A trial's noise is {{ noise | fixed }} bits per byte
            {%- if detectable is not none %}; a difference of {{ detectable | fixed }} is found in 4 of 5 studies, a smaller one is within the noise
            {%- endif %}.
            {% if misfit is none %}There are too few mixtures to see whether a quadratic surface fits.
            {% elif misfit < 0.05 %}A quadratic surface alone does not fit (p {{ '< 0.001' if misfit < 0.001 else '= %.3f' % misfit }}); what it lacks is in the region.
            {% else %}A quadratic surface fits (p {{ '< 0.001' if misfit < 0.001 else '= %.3f' % misfit }} of its lack of fit).{% endif %}""",
        ja="""最良の混合は 90 % の確率で
            {%- for one in parts %}
            {{ one.kind }} が {{ (100 * one.optimum[0]) | fixed(0) }}〜{{ (100 * one.optimum[2]) | fixed(0) }} %(平均 {{ (100 * one.optimum[1]) | fixed(0) }} %)
            {{- '' if loop.last else '、' }}
            {%- endfor %}
            にあり、全混合の {{ region | percent }} を占めます。期待損失増が最小なのは
            {%- for one in parts %}{{ one.kind }} {{ (100 * one.share) | fixed(0) }} %{{ '' if loop.last else '、' }}{% endfor %}
            で、損失増は平均 {{ regret_percent | fixed(3) }} %、等分では {{ even_regret_percent | fixed(3) }} %。等分に勝る確率は
            {{ ' ' }}{{ beats_even | percent }} です。
            {% if state == 'undecided' %}損失増が小さいとも、等分に勝るとも言えず、未決です。{% endif %}
            試行のノイズは {{ noise | fixed }} bits/byte
            {%- if detectable is not none %}、検出可能差は {{ detectable | fixed }} で、それより小さい差はノイズの範囲内です{% endif %}。
            {% if misfit is none %}二次曲面が合うかを見るには混合が足りません。
            {% elif misfit < 0.05 %}二次曲面だけでは合いません(p {{ '< 0.001' if misfit < 0.001 else '= %.3f' % misfit }})。不足分は領域に含めてあります。
            {% else %}二次曲面は合っています(当てはまりの欠如 p {{ '< 0.001' if misfit < 0.001 else '= %.3f' % misfit }})。{% endif %}""",
    )

    size: str
    state: State
    parts: tuple[Part, ...]
    tried: tuple[Tried, ...]
    region: Fraction
    regret_percent: float
    even_regret_percent: float
    beats_even: Fraction
    noise: float
    detectable: float | None
    misfit: float | None

    _compared: Compared | None = PrivateAttr(default=None)  # mixtures that were tried, and the one to use

    @classmethod
    def of(cls, trials: pl.DataFrame, kinds: Sequence[str], metric: str = "val_bpb") -> Mixture | None:
        """None where the finished trials carry no surface: fewer than two mixtures with two seeds in common.

        Parameters
        ----------
        trials
            Of one size, a row a trial: ``size``, ``variant`` (name of the mixture), ``seed``, ``status``, ``metric`` (what decides: the mean
            over kinds of bits per byte of held-out answers, lower is better), and for each of ``kinds`` a number
            ``share of <kind>``; the shares of a trial add up to 1.
        kinds
            Two to five, in the order of the corners.
        """
        asked = trials.with_columns(pl.col(metric).alias("val_bpb"))
        finished(asked, "val_bpb")  # two results of one seed are a mistake, not too few trials
        try:
            floor = noise_floor(asked.drop("size"))
        except StudyError:  # too few trials finished
            return None
        surface = fit_mixture(asked, kinds)
        even = np.full(len(kinds), 1 / len(kinds))
        regret, even_regret = surface.regret(surface.use), surface.regret(even)
        beats = surface.beats(surface.use, even)
        region, margin = float(surface.region.mean()), 100 * MARGIN
        state: State = "better" if beats >= _SURE else "undecided"
        if even_regret <= margin:
            state = "even"
        elif regret <= margin or region <= _NARROW:
            state = "found"
        parts = zip(kinds, surface.use, surface.shares, strict=True)
        tried = [
            Tried(variant=name, shares=tuple(shares), loss=loss, p=p)
            for name, shares, loss, p in zip(
                surface.variants, surface.designed.tolist(), surface.losses, surface.standing.best, strict=True
            )
        ]
        found = cls(
            size=trials["size"][0],
            state=state,
            parts=tuple(Part(kind=kind, share=share, optimum=optimum) for kind, share, optimum in parts),
            tried=tuple(sorted(tried, key=lambda one: one.loss)), region=region, regret_percent=regret,
            even_regret_percent=even_regret, beats_even=beats, noise=floor.paired_sd,
            detectable=floor.mde if np.isfinite(floor.mde) else None, misfit=surface.misfit,
        ).drawn_from(surface, asked)  # fmt: skip
        found._compared = _compared(surface, found._use, asked, floor.paired_sd)
        return found

    def draw(self, surface: MixtureSurface, trials: pl.DataFrame) -> Figure:
        """Two or five kinds: a curve a kind. Three: a triangle; four: triangles at the fourth one's shares."""
        return slices(surface) if len(surface.kinds) in (3, 4) else along(surface, trials)

    def settings(self) -> tuple[Setting, ...]:
        """The stage of a tuning that reads this mixture; where equal shares are as good, those."""
        if self.state == "undecided":
            return ()
        even, shares = self.state == "even", self._use
        rivals = [one for one in self.tried if one.p > _RIVAL and not np.allclose(one.shares, shares, atol=0.01)]
        values = {USED: self._stages(shares)} | {one.variant: self._stages(one.shares) for one in self.tried}
        return (
            Setting(
                field="stages", phase="fine-tuning", value=values[USED], alternatives=tuple(values[one.variant] for one in rivals),
                expected_regret_percent=self.even_regret_percent if even else self.regret_percent, basis="tokens",
                evidence="measured", sizes=(self.size,), decided=False, choice="mixture", **as_compared(self._compared, USED, values),
            ),
        )  # fmt: skip

    @property
    def _use(self) -> list[float]:
        """Shares to use: equal ones where they are as good."""
        return [1 / len(self.parts) if self.state == "even" else one.share for one in self.parts]

    def _stages(self, shares: Sequence[float]) -> tuple[StageSpec, ...]:
        mixture = {one.kind: round(share, 4) for one, share in zip(self.parts, shares, strict=True)}
        return (StageSpec(name="answers", mixture=mixture),)


def _compared(surface: MixtureSurface, shares: Sequence[float], trials: pl.DataFrame, noise: float) -> Compared | None:
    """Other mixtures that were tried, and the one to use, by the surface; None where trials do not say how large their models are."""
    if "non_embedding_params" not in trials.columns:
        return None
    others = [n for n, own in enumerate(surface.designed) if not np.allclose(own, shares, atol=0.01)]
    samples = surface.at(np.vstack([shares, surface.designed[others]]))
    scale = 100 / surface.level
    names = (USED, *(surface.variants[n] for n in others))
    return Compared(names, scale * samples, scale * noise, *costs(finished(trials, "val_bpb")))
