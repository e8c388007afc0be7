"""Do gains add up? The best choice of every factor together, against the sum of what each brought alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from studylib.analysis.carried import named_ends
from studylib.analysis.margin import MARGIN
from studylib.analysis.posterior import fit_posterior
from studylib.errors import invalid

Interval = tuple[float, float, float]  # low, middle, high
State = Literal["adds up", "less", "more", "unclear"]


def state_of(interaction: Interval, margin: float) -> State:
    """How a combination stands to the sum of its parts, by the interval of measured minus predicted; see `Additivity`."""
    low, _, high = interaction
    if -margin <= low and high <= margin:
        return "adds up"
    return "less" if low > 0 else "more" if high < 0 else "unclear"


@dataclass(frozen=True)
class Additivity:
    """A combination held against the sum of its parts; differences to the baseline in bits per byte, negative is better.

    Attributes
    ----------
    parts
        Own effect of each part.
    predicted
        Sum of the parts' own effects. The parts share the baseline's noise; the interval knows it.
    measured
        The combination's effect.
    interaction
        Measured minus predicted, from the same draws. Parts that were chosen as the best of their factor were lucky too; their
        effects are those of the posterior, which takes the luck back (``posterior.fit_posterior``).
    state
        ``less`` or ``more``: the combination brings clearly less or more than the sum. ``adds up``: the interaction lies
        within the margin. ``unclear``: the noise allows either.
    """

    size: str
    parts: dict[str, Interval]
    predicted: Interval
    measured: Interval
    interaction: Interval
    margin: float
    state: State

    def as_dict(self) -> dict[str, object]:
        """For ``IdeaResult.extrapolation``."""
        ends = {"predicted": self.predicted, "measured": self.measured, "interaction": self.interaction}
        return {
            "parts": {name: named_ends(own) for name, own in self.parts.items()},
            **{name: named_ends(own) for name, own in ends.items()},
            "state": self.state,
        }


def check_additivity(
    trials: pl.DataFrame,
    baseline: str,
    parts: Sequence[str],
    combined: str,
    *,
    size: str = "",
) -> Additivity:
    """Hold ``combined`` against the sum of ``parts``.

    Parameters
    ----------
    trials
        Of one size; all its variants inform the noise.

    Raises
    ------
    StudyError
        Fewer than two parts, or one of the variants has no finished trial.
    """
    if len(parts) < 2:
        raise invalid("parts", list(parts), "must be two or more: one part has nothing to add to")
    # The combination was not chosen among others, so it is no member of their scatter.
    seen = fit_posterior(trials, free=(combined,))
    for name in (baseline, *parts, combined):
        if name not in seen.variants:
            raise invalid("variant", name, "has no finished trial to compare with", choices=seen.variants)
    own = dict.fromkeys(parts, 1.0)
    predicted = own | {baseline: -float(len(parts))}
    measured = {combined: 1.0, baseline: -1.0}
    interaction = {combined: 1.0, baseline: len(parts) - 1.0} | dict.fromkeys(parts, -1.0)
    found = [seen.contrast(weights) for weights in (predicted, measured, interaction)]
    margin = MARGIN * abs(seen.level)  # as in ``decide``
    alone = {name: seen.contrast({name: 1.0, baseline: -1.0}) for name in parts}
    return Additivity(size, alone, *found, margin, state_of(found[2], margin))
