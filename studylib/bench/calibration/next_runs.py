"""The list of next runs: what following it saves, and whether the regret it expects is the one that comes."""

from __future__ import annotations

import math

from studylib.analysis.simulated_budget import simulate_budget
from studylib.bench.calibration._table import Row

TITLE = "Following the list of next runs"
_WANTED = 1.5


def rows(studies: int, random_seed: int) -> list[Row]:
    found = simulate_budget(studies, random_seed=random_seed)
    usual = found.saved_usually()
    mean = math.exp(sum(math.log(ratio) for _, ratio in usual) / len(usual))
    asked = "compute of spreading evenly at any of the sizes and seeds, over the list's for the same regret"
    told = [Row("25 choices", asked, (_WANTED, math.inf), mean, studies, share=False)]
    for name, other in (("the best even spreading", found.even), ("a ladder of sizes", found.ladder)):
        low, middle, high = found.ratio(other)
        asked = f"compute of {name} over the list's, for the same regret"
        told.append(
            Row(f"25 choices, 95 %: {low:.2f} to {high:.2f}", asked, (_WANTED, math.inf), middle, studies, share=False)
        )
        told += [
            Row(f"at {hours:,.0f} GPU-hours", asked, (0, math.inf), ratio, studies, share=False) for hours, ratio in found.saved(other)
        ]  # fmt: skip
    return told
