"""From losses to a decision at one place: P(best), expected regret, what is equivalent, and the run that would settle it.

Whoever is ahead *at one size* is the best of those tried there. What is decided for the target is another question; it is
asked of the same function, with draws carried to the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import polars as pl

from studylib.analysis.margin import MARGIN
from studylib.analysis.next_run import NextRun, plan_next_run
from studylib.analysis.posterior import Posterior, Standing, State, fit_posterior
from studylib.errors import invalid
from studylib.notebook import line, records
from studylib.numbers import percent
from studylib.result import Text, Verdict
from studylib.words import Words

Basis = Literal["flops", "tokens", "text", "seconds", "memory", "target_tokens"]

_SURE = 0.95  # equivalent: costs less than the margin with this probability
AHEAD = 0.9  # P(best) from which the leader is ahead

TOLD = Words(
    en="""
        {% if state == 'ahead' %}{{ leader }} is the best of those tried{% if at %} at {{ at }}{% endif %}, with {{ p | percent }} probability
        {%- elif p < 0.5 %}Undecided{% if at %} at {{ at }}{% endif %}, leading so far: {{ leader }}, {{ p | percent }}
        {%- else %}{{ leader }} leads{% if at %} at {{ at }}{% endif %} with P(best) {{ p | percent }}{% endif %}
        {%- if looks > 1 %} (look {{ looks }} at growing data: {{ bar | percent }} was asked for){% endif %}
        {%- if state != 'ahead' %}; {{ others }} {{ 'other' | plural(others) }} may be better
        {%- if state == 'equivalent' %}, but choosing it gives away only {{ regret | fixed }} bits per byte on average{% endif %}{% endif %}.""",
    ja="""
        {{ at ~ ' ' if at else 'この規模' }}で
        {%- if state == 'ahead' %}試した中では {{ leader }} が {{ p | percent }} の確率で最良です
        {%- elif p < 0.5 %}は未決、現時点の首位は {{ leader }}({{ p | percent }})です
        {%- else %}は {{ leader }} が首位(最良確率 {{ p | percent }})です{% endif %}
        {%- if looks > 1 %}(データを増やしながらの {{ looks }} 回目の判定のため基準は {{ bar | percent }}){% endif %}。
        {%- if state != 'ahead' %}ほかの {{ others }} 案のほうが良い可能性があります
        {%- if state == 'equivalent' %}が、これを選ぶ損失は平均 {{ regret | fixed }} bits/byte にすぎません{% endif %}。{% endif %}""",
)


@dataclass(frozen=True)
class Decision:
    """What the draws say about which variant is best.

    Attributes
    ----------
    leader
        The variant with the lowest posterior mean.
    p_best
        Probability that each variant is best; sums to 1.
    regret
        Expected loss given away by choosing the leader now, in units of the metric (bits per byte).
    basin
        Equivalent variants, leader first: those that cost less than the margin more than the best with 95 % probability.
        Among them other costs may choose.
    rivals
        Variants that may still be better than the leader (probability above 5 %), the likeliest first. Not told apart is not equivalent.
    margin
        Practical equivalence: differences below it do not matter.
    state
        As `Standing.state` has it.
    effects
        Posterior mean of each variant's difference to the leader.
    sd
        Noise of one trial, the median over the variants.
    at
        Size (or target) that this is about.
    bar
        P(best) that was asked for.
    looks
        Which look at growing data this is; the bar rises with it.
    samples
        [K, V] the draws, in the order of ``p_best``.
    next_run
        The cheapest run that would settle it; None when there is nothing to settle.
    """

    leader: str
    p_best: dict[str, float]
    regret: float
    basin: tuple[str, ...]
    rivals: tuple[str, ...]
    margin: float
    state: State
    effects: dict[str, float]
    sd: float
    at: str
    bar: float
    samples: np.ndarray = field(repr=False)
    looks: int = 1
    next_run: NextRun | None = None

    @property
    def ahead(self) -> bool:
        return self.state == "ahead"

    def verdict(self, basis: Basis) -> Verdict:
        """The row of the report for one accounting."""
        return Verdict(
            basis=basis,
            winner=self.leader,
            ahead=self.ahead,
            p_best=self.p_best,
            expected_regret_bpb=self.regret,
            text=self.text(),
            basin=self.basin,
            rivals=self.rivals,
        )

    def row(self) -> dict[str, object]:
        """What a table of decisions says of it."""
        return {
            "at": self.at, "leader": self.leader, "P(best)": percent(self.p_best[self.leader]), "asked for": percent(self.bar),
            "state": self.state, "expected regret": self.regret, "margin": self.margin, "rivals": len(self.rivals),
        }  # fmt: skip

    def _repr_html_(self) -> str:
        """In a notebook: the words, and a row a variant, the likeliest first."""
        standing = {name: "leads" if name == self.leader else "rival" for name in (self.leader, *self.rivals)}
        rows = [
            {
                "variant": name, "P(best)": percent(p), "above the leader, bits per byte": self.effects[name],
                "standing": standing.get(name, "out"), "costs less than the margin": "yes" if name in self.basin else "",
            }
            for name, p in sorted(self.p_best.items(), key=lambda item: -item[1])
        ]  # fmt: skip
        then = "" if self.next_run is None else self.next_run._repr_html_()
        return line(self.text().en) + records(rows) + then

    def text(self) -> Text:
        return TOLD(
            leader=self.leader, at=self.at, p=self.p_best[self.leader], others=len(self.rivals), state=self.state,
            regret=self.regret, looks=self.looks, bar=self.bar,
        )  # fmt: skip


def bar_at(looks: int, confidence: float) -> float:
    """P(best) to ask for at the given look.

    Looking again after more seeds is another chance to be wrong: of the error that one look is allowed, the k-th is given the
    share ``k ** -1.5`` (a spending function as in Lan and DeMets 1983, doi 10.1093/biomet/70.3.659, for looks whose number is
    not planned). So a study looked at once owes nothing. Simulated with two equal variants, one is called ahead in 14 % of the
    studies at the first look and in 18 % at one of six (nominal: 20 %, as either may be called ahead); with the same bar at
    each look it is 41 %.
    """
    return 1 - (1 - confidence) / looks**1.5


def decide(
    trials: pl.DataFrame,
    metric: str = "val_bpb",
    *,
    variant: str = "variant",
    at: str = "",
    confidence: float = AHEAD,
    margin: float | None = None,
    errors: Mapping[str, np.ndarray] | None = None,
    looks: int = 1,
    draws: int = 8_000,
    random_seed: int = 0,
) -> Decision:
    """Which variant is the best of those tried, how sure is that, and what would make it surer?

    Parameters
    ----------
    trials
        One row a trial, of one size or budget, adjusted to the accounting wanted (``studylib.analysis.equalise``).
        Lower ``metric`` is better. Trials that did not finish are left out, never imputed.
    at
        The size, for the words; default the one in the column ``size``.
    confidence
        P(best) from which the leader counts as ahead, at the first look.
    margin
        Practical equivalence in units of the metric; default 0.2 % of the mean loss.
    errors
        [K] joint draws of the error of each variant's adjustment, in units of the metric, by variant (``Posterior.moved``).
    looks
        How many times these trials were judged as they grew, this one included (``result.looks``).

    Raises
    ------
    StudyError
        Fewer than two variants or seeds (see ``fit_two_way``), or a setting out of range.
    """
    if looks < 1:
        raise invalid("looks", looks, "is less than 1: this look counts")
    if not at and "size" in trials.columns and trials["size"].n_unique() == 1:
        at = str(trials["size"][0])
    seen = fit_posterior(trials, metric, variant=variant, draws=draws, random_seed=random_seed)
    margin = MARGIN * abs(seen.level) if margin is None else margin
    found = decide_from(seen.moved(errors or {}), confidence=confidence, margin=margin, at=at, looks=looks)
    if found.state != "open":
        return found
    following = plan_next_run(
        seen,
        (found.leader, *found.rivals),
        bar=bar_at(looks + 1, confidence),
        margin=margin,
        errors=errors or {},
        trials=trials,
        variant=variant,
    )
    return replace(found, next_run=following)


def decide_from(seen: Posterior, *, confidence: float = AHEAD, margin: float, at: str, looks: int = 1) -> Decision:
    """The decision that draws of the losses stand for: those of one size, or those carried to the target.

    Raises
    ------
    StudyError
        A setting is out of range.
    """
    if not 0.5 < confidence < 1:
        raise invalid("confidence", confidence, "is not between 0.5 and 1")
    if margin < 0:
        raise invalid("margin", margin, "is negative")
    samples, names = seen.samples, seen.variants
    mean = samples.mean(axis=0)
    standing = Standing.of(samples)
    lead = standing.lead
    order = [lead, *(int(i) for i in np.argsort(mean, kind="stable") if i != lead)]
    least = samples.min(axis=1)
    near = (samples - least[:, None] <= margin).mean(axis=0)
    bar = bar_at(looks, confidence)
    return Decision(
        leader=names[lead],
        p_best={name: float(p) for name, p in zip(names, standing.best, strict=True)},
        regret=standing.regret,
        basin=tuple(names[i] for i in order if i == lead or near[i] >= _SURE),
        rivals=tuple(names[i] for i in standing.rivals),
        margin=margin,
        state=standing.state(bar, margin),
        effects={name: float(value - mean[lead]) for name, value in zip(names, mean, strict=True)},
        sd=float(np.median(list(seen.sd.values()))) if seen.sd else 0.0,
        at=at,
        bar=bar,
        samples=samples,
        looks=looks,
    )
