"""The best of each group of choices at one size, the baseline among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import decide_from, finished_variants, fit_posterior
from studylib.analysis.margin import MARGIN
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.words import Words


class FactorLeader(Frozen):
    """``regret``: bits per byte given away on average by choosing the ``leader``; ``rivals`` may still be better."""

    factor: str
    leader: str
    p: Fraction
    regret: float
    ahead: bool
    rivals: tuple[str, ...]


class FactorLeaders(Finding):
    name = "factors"
    words = Words(
        en="""At {{ size }} and equal FLOPs, the leading choice of each factor, with P(best) and the expected regret in bits per
            byte:
            {% for one in factors %}
            {{ one.factor }} {{ one.leader }} ({{ one.p | percent }}, {{ one.regret | fixed }}, {{ 'ahead' if one.ahead else 'open' }}
            {%- if one.rivals %}, {{ one.rivals | listed(3) }} may still be better{% endif %}){{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""{{ size }}・同一 FLOPs で各因子の首位の案(最良確率、期待損失 bits/byte):
            {% for one in factors %}
            {{ one.factor }} {{ one.leader }}({{ one.p | percent }}、{{ one.regret | fixed }}、{{ '首位確定' if one.ahead else '未決' }}
            {%- if one.rivals %}、{{ one.rivals | listed(3) }} が上回る可能性{% endif %}){{ '。' if loop.last else '、' }}
            {% endfor %}""",
    )

    size: str
    factors: tuple[FactorLeader, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, factors: Mapping[str, Sequence[str]], baseline: str) -> FactorLeaders:
        """``trials`` of one size, at equal FLOPs; ``factors``: the variants of each, told without their prefix ``factor: ``.

        The noise is that of all variants of the size: three tell little of it. A factor of which nothing finished is left out.
        """
        known, found, size = finished_variants(trials), [], str(trials["size"][0])
        asked = {factor: [name for name in names if name in known] for factor, names in factors.items()}
        if baseline not in known or not any(asked.values()):
            return cls(size=size, factors=())
        seen = fit_posterior(trials.filter(pl.col("variant").is_in(known)))
        for factor, own in asked.items():
            if not own:
                continue
            one = decide_from(seen.among([baseline, *own]), margin=MARGIN * abs(seen.level), at=size)
            found.append(
                FactorLeader(
                    factor=factor, leader=one.leader.removeprefix(f"{factor}: "), p=one.p_best[one.leader], regret=one.regret,
                    ahead=one.ahead, rivals=tuple(name.removeprefix(f"{factor}: ") for name in one.rivals),
                )
            )  # fmt: skip
        return cls(size=size, factors=tuple(found))
