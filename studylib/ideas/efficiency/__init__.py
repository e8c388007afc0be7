"""Idea 8: which efficient parts keep the loss, how much speed do they buy, and what does the speed buy in search?"""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.efficiency.schema import EfficiencyParams
from studylib.ideas.efficiency.trials import baselines, plan, rounds
from studylib.result import Text

__all__ = ["efficiency"]


efficiency = Idea(
    name="efficiency",
    number=8,
    notebook="08_efficiency.ipynb",
    question=Text(
        en="Which efficient parts keep the loss and buy how much speed, and what does the speed buy in search?",
        ja="損失を保つ効率化はどれで、どれだけ速くなるか。その速さで探索はどれだけ広がるか。",
    ),
    params=EfficiencyParams,
    plan=plan,
    rounds=rounds,
    baselines_among=baselines,
    at_size=EfficiencyParams.at_size,
)
