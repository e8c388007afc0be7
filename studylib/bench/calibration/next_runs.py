"""The list of next runs: how much compute other ways to spend it need for the regret that the list reaches."""

from __future__ import annotations

import math

from studylib.analysis.simulated_budget import simulate_budget
from studylib.bench.calibration._table import Row

TITLE = "Following the list of next runs"
_EVEN, _LADDER = 1.5, 1.0  # promised: what even spreading needs at least; a ladder, a good plan itself, needs no less
_ASKED = "its compute over the list's"


def rows(studies: int, random_seed: int) -> list[Row]:
    found = simulate_budget(studies, random_seed=random_seed)
    usual = found.saved_usually()
    mean = math.exp(sum(math.log(ratio) for _, ratio in usual) / len(usual))
    told = [Row("evenly, every size and number of seeds", _ASKED, (_EVEN, math.inf), mean, studies, share=False)]
    plans = (("evenly, best size and seeds", found.even, _EVEN), ("a ladder of sizes", found.ladder, _LADDER))
    for name, other, wanted in plans:
        low, middle, high = found.ratio(other)
        told.append(
            Row(f"{name} (95 %: {low:.2f} to {high:.2f})", _ASKED, (wanted, math.inf), middle, studies, share=False)
        )
        told += [
            Row(f"{name}, {hours:,.0f} GPU-hours", _ASKED, (0, math.inf), ratio, studies, share=False) for hours, ratio in found.saved(other)
        ]  # fmt: skip
    return told
