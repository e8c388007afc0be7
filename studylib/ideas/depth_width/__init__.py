"""Idea 1: how deep and how wide? Shapes of equal size at several budgets, and the number of heads."""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.depth_width.rounds import rounds_of
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.ideas.depth_width.trials import baselines, plan
from studylib.result import Text

__all__ = ["depth_width"]

depth_width = Idea(
    name="depth_width",
    number=1,
    notebook="01_depth_width.ipynb",
    question=Text(
        en="At a given number of parameters, how many layers and how wide should the model be, and how many heads?",
        ja="パラメータ数が決まっているとき、層の数と幅、アテンションのヘッド数はどう選ぶべきか。",
    ),
    params=DepthWidthParams,
    plan=plan,
    rounds=rounds_of,
    baselines_among=baselines,
    at_size=DepthWidthParams.at_size,
)
