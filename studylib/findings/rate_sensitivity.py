"""What a wrong learning rate costs each variant."""

from __future__ import annotations

import math

import polars as pl

from studylib.analysis import compare_to_baseline, learning_rate_sensitivity
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Basin(Frozen):
    """Means over seeds: ``cost`` above the best rate, bits per byte, over all rates tried; ``octaves`` within 1 % of the best.

    ``to_baseline``: the cost above the baseline's, at the same seeds; None for the baseline, and with one seed.
    """

    variant: str
    cost: float
    octaves: float
    to_baseline: Interval | None


class RateSensitivity(Finding):
    """``basins`` from the least sensitive to the most (arXiv 2309.14322, section 2.2); a diverged run costs the loss at the start."""

    name = "rate-sensitivity"
    words = Words(
        en="""Over the rates tried a wrong learning rate costs, in bits per byte,
            {% for one in basins %}
            {{ one.variant }} {{ one.cost | fixed }}{% if one.to_baseline is not none %}, {{ one.to_baseline | signed }} above
            {{ baseline }}{% endif %}, {{ one.octaves | fixed(1) }} octaves within 1 % of the best{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""試した学習率でのずれによる平均損失(bits/byte):
            {% for one in basins %}
            {{ one.variant }} {{ one.cost | fixed }}{% if one.to_baseline is not none %}、{{ baseline }} との差 {{ one.to_baseline | signed }}
            {%- endif %}、最良から 1 % 以内の幅 {{ one.octaves | fixed(1) }} オクターブ{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    baseline: str
    basins: tuple[Basin, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, vocab_size: int, baseline: str) -> RateSensitivity | None:
        """``trials`` of one size at several ``lr_factor``; None without any."""
        if trials.is_empty():
            return None
        table = learning_rate_sensitivity(trials, start=_start_loss(trials, vocab_size))
        apart: dict[str, Interval] = {}
        if table["seed"].n_unique() > 1 and table["variant"].n_unique() > 1:
            differences = compare_to_baseline(table, baseline, "sensitivity").drop_nulls("low")
            apart = {row[0]: row[1:] for row in differences.select("variant", "low", "difference", "high").rows()}
        means = table.group_by("variant", maintain_order=True).agg(pl.col("sensitivity", "width").mean())
        basins = tuple(
            Basin(variant=name, cost=cost, octaves=width, to_baseline=apart.get(name))
            for name, cost, width in means.sort("sensitivity").rows()
        )
        return cls(baseline=baseline, basins=basins)

    def to_baseline(self, variant: str | None) -> Interval | None:
        return next((one.to_baseline for one in self.basins if one.variant == variant), None)


def _start_loss(trials: pl.DataFrame, vocab_size: int) -> float:
    """Bits per byte of a model that knows nothing: ln(vocabulary) nats a token."""
    ratio = (trials["val_bpb"] / trials["val_loss"]).drop_nans().drop_nulls()
    return math.log(vocab_size) * float(ratio.median())
