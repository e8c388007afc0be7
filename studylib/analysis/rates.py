"""Does the best learning rate stay where it is while the model widens?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from studylib.analysis.valleys import Valleys
from studylib.errors import invalid
from studylib.words import Text, Words

_WIDTHS = 3
TOLERANCE = 0.5  # octaves that do not matter

LOST = Words(en="at {{ at }} {{ reason }}", ja="{{ at }} では{{ reason }}")
FEW_WIDTHS = Words(
    en="a shift needs {{ least }} widths; there are {{ known }}",
    ja="移動を測るには幅が {{ least }} つ必要(現在 {{ known }})",
)


@dataclass(frozen=True)
class RateTransfer:
    """The shift of the optimum from the narrowest to the widest model.

    Attributes
    ----------
    shift
        (low, middle, high) in octaves: 1 is a doubling of the best rate. None when not identified.
    tolerance
        Octaves that do not matter.
    state
        ``transfers``: the whole interval lies within the tolerance. ``moves``: it excludes 0 and its middle lies beyond
        the tolerance. ``open``: neither, or an optimum lies at the edge of what was tried.
    given_away
        What the narrowest model's best rate costs on the widest one: expected loss above its bottom, bits per byte.
    reason
        Why there is no shift; None when there is one.
    """

    shift: tuple[float, float, float] | None
    tolerance: float
    state: Literal["transfers", "moves", "open"]
    given_away: float | None
    reason: Text | None = None


def rate_transfer(valleys: Valleys) -> RateTransfer:
    """Read the joint fit of at least three widths, made with the one variable ``width``.

    The shift is that of the law of the optimum over the octaves between the widths. A claim that nothing moves is a claim of
    equivalence: an interval that merely includes 0 does not make it.

    Raises
    ------
    StudyError
        The valleys were fitted over something else than ``width``.
    """
    ordered = valleys.budgets
    lost = [one for one in ordered if one.optimum is None]
    if lost:
        return RateTransfer(None, TOLERANCE, "open", None, LOST(at=lost[0].budget, reason=lost[0].reason))
    if len(ordered) < _WIDTHS:
        return RateTransfer(None, TOLERANCE, "open", None, FEW_WIDTHS(least=_WIDTHS, known=len(ordered)))
    if list(valleys.centre) != ["width"]:
        raise invalid("valleys", ", ".join(valleys.centre), "were not fitted over width alone")
    narrow, wide = ordered[0], ordered[-1]
    drawn = valleys.draws.place[:, 1] * np.log2(wide.sizes["width"] / narrow.sizes["width"])
    low, middle, high = (float(v) for v in np.quantile(drawn, [0.025, 0.5, 0.975]))
    if low >= -TOLERANCE and high <= TOLERANCE:
        state: Literal["transfers", "moves", "open"] = "transfers"
    else:
        state = "moves" if (low > 0 or high < 0) and abs(middle) > TOLERANCE else "open"
    given_away = float((wide.regret(narrow.optimum) * wide.level).mean())
    return RateTransfer((low, middle, high), TOLERANCE, state, given_away)
