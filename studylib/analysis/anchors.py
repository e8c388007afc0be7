"""The scoreboard: this study's estimates held against published findings."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import polars as pl

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
    """
    verdict = outcome(interval, claimed)
    if interval is None or not all(math.isfinite(end) for end in interval):
        return Anchor(
            claim=claim,
            source=source,
            outcome=verdict,
            evidence=UNKNOWN,
        )
    told = EVIDENCE(mine=interval, theirs=[end if math.isfinite(end) else None for end in claimed], unit=unit)
    return Anchor(claim=claim, source=source, outcome=verdict, evidence=told)


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
