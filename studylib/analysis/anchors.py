"""The scoreboard: this study's estimates held against published findings."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import polars as pl

from studylib.analysis.next_run import MOST_SEEDS
from studylib.analysis.posterior import fit_posterior
from studylib.errors import invalid
from studylib.result import Anchor
from studylib.words import Text, Words

Outcome = Literal["agrees", "disagrees", "underpowered"]

UNKNOWN = Text(en="this study does not identify the quantity", ja="本研究ではこの量を同定できません")
EVIDENCE = Words(
    en="""here {{ mine | num }}{% if unit %} {{ unit }}{% endif %}; published
        {% if theirs[0] is none and theirs[1] is none %}any value
        {% elif theirs[0] is none %}below {{ theirs[1] | num }}
        {% elif theirs[1] is none %}above {{ theirs[0] | num }}
        {% else %}{{ theirs | num }}{% endif %}""",
    ja="""{% if unit %}{{ unit }}:{% endif %}本研究 {{ mine | num }}、公表値
        {%- if theirs[0] is none and theirs[1] is none %}は任意の値
        {%- elif theirs[0] is none %}は {{ theirs[1] | num }} 未満
        {%- elif theirs[1] is none %}は {{ theirs[0] | num }} 超
        {%- else %} {{ theirs | num }}{% endif %}""",
)

SETTLE = Words(
    en="""{% if seeds is none and size is none %}more than 200 seeds would be needed (now {{ now }}): the estimate is too near an end of the claim
        {%- else %}
        {%- if seeds is none %}more than 200 seeds{% else %}about {{ seeds }} seeds{% endif %} (now {{ now }})
        {%- if size %}, or sizes up to {{ size | short }} parameters,{% endif %}
        would settle it in 4 of 5 studies, if the truth is where the estimate is{% endif %}""",
    ja="""{% if seeds is none and size is none %}推定値が主張の端に近すぎ、200 シードを超える試行が必要(現在 {{ now }})
        {%- else %}推定値が真値なら、
        {%- if seeds is none %}200 を超えるシード{% else %}約 {{ seeds }} シード{% endif %}(現在 {{ now }})
        {%- if size %}、または {{ size | short }} パラメータまでの規模{% endif %}で 5 研究中 4 研究で決着{% endif %}""",
)
# Power of 80 % at 95 %: what must lie between the estimate and an end of the claim, over the half-width of the interval.
_POWER = 1 + 0.8416 / 1.96
_LARGEST = 1e11  # parameters: beyond that a size is no advice


def outcome(interval: tuple[float, float] | None, claimed: tuple[float, float]) -> Outcome:
    """Hold an interval against a claimed range.

    ``agrees`` when the whole interval lies in the claimed range, ``disagrees`` when it lies wholly outside, and
    ``underpowered`` when it straddles an end, is unknown (None) or is infinite: then the study cannot tell.
    A claim about a direction is a half-line: ``(-math.inf, 0)`` claims a negative difference.

    >>> outcome((-0.03, -0.01), (-math.inf, 0.0))
    'agrees'
    >>> outcome((-0.03, 0.01), (-math.inf, 0.0))
    'underpowered'
    """
    low, high = claimed
    if not low <= high:
        raise invalid("claimed", claimed, "is not a range (low, high)")
    if interval is None or not all(math.isfinite(end) for end in interval):
        return "underpowered"
    if interval[0] > interval[1]:
        raise invalid("interval", interval, "is not a range (low, high)")
    if low <= interval[0] and interval[1] <= high:
        return "agrees"
    if interval[1] < low or interval[0] > high:
        return "disagrees"
    return "underpowered"


def score(
    claim: Text,
    source: str,
    interval: tuple[float, float] | None,
    claimed: tuple[float, float],
    *,
    unit: Text | str = "",
    seeds: int | None = None,
    sizes: tuple[float, float] | None = None,
    logarithmic: bool = False,
    needs: Text | None = None,
) -> Anchor:
    """An ``Anchor`` for the scoreboard, with the evidence written out in both languages.

    Parameters
    ----------
    claim, source
        What was published, and where (arXiv number).
    interval
        This study's interval for the same quantity; None when it was not identified.
    claimed
        The published range; infinite ends for a claim about a direction only.
    seeds
        How many the interval is of: then an underpowered row says how many would settle it.
    sizes
        Smallest and largest number of parameters, where the quantity is a slope over sizes: then also which size would.
    logarithmic
        The quantity is a ratio, whose interval is even in its logarithm.
    needs
        What would identify the quantity where the interval is None.
    """
    verdict = outcome(interval, claimed)
    if interval is None or not all(math.isfinite(end) for end in interval):
        return Anchor(
            claim=claim,
            source=source,
            outcome=verdict,
            evidence=UNKNOWN,
            settle=needs,
        )
    told = EVIDENCE(mine=interval, theirs=[end if math.isfinite(end) else None for end in claimed], unit=unit)
    settle = None
    if verdict == "underpowered" and seeds:
        settle = _settle(_width(interval, claimed, logarithmic), seeds, sizes)
    return Anchor(claim=claim, source=source, outcome=verdict, evidence=told, settle=settle)


def _settle(width: float | None, now: int, sizes: tuple[float, float] | None) -> Text:
    """In words: seeds, or sizes for a slope, that make the interval so many times narrower."""
    seeds = None if width is None else max(now + 1, math.ceil(now * width**2))
    size = None
    if width is not None and sizes is not None and sizes[0] < sizes[1]:
        reach = width * math.log(sizes[1] / sizes[0])
        size = sizes[0] * math.exp(reach) if reach < math.log(_LARGEST / sizes[0]) else None
    return SETTLE(now=now, seeds=None if seeds is None or seeds > MOST_SEEDS else seeds, size=size)


def _width(interval: tuple[float, float], claimed: tuple[float, float], logarithmic: bool) -> float | None:
    """How many times narrower the interval must be to lie on one side of every end of the claim with 80 % power; None: its middle is on one.

    The half-width falls with the root of the seeds, and for a slope with the logarithm of the range of sizes.
    """
    (low, high), ends = interval, [end for end in claimed if math.isfinite(end)]
    if logarithmic:
        low, high, ends = math.log(low), math.log(high), [math.log(end) for end in ends if end > 0]
    room = min(abs((low + high) / 2 - end) for end in ends)
    return _POWER * (high - low) / 2 / room if room > 0 else None


def spread_interval(trials: pl.DataFrame) -> tuple[float, float]:
    """95 % interval of (worst - best) / mean over the variants of one size.

    The range of noisy means is never zero, so equal variants look spread out. The lower end is what remains after the range
    that noise alone would show (Tukey's studentised range, with each variant's own noise), and zero where nothing does; the
    upper end is a quantile of the range over joint draws that are shrunk towards each other as far as the data say.

    Raises
    ------
    StudyError
        Fewer than two variants or seeds (see ``fit_two_way``).
    """
    plain = fit_posterior(trials, exchangeable=False)
    mean = plain.samples.mean(axis=0)
    chance = np.quantile(np.ptp(plain.samples - mean, axis=1), 0.975)
    high = np.quantile(np.ptp(fit_posterior(trials).samples, axis=1), 0.975)
    low = max(0.0, float(np.ptp(mean) - chance))
    return low / abs(plain.level), max(low, float(high)) / abs(plain.level)
