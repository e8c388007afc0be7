"""Idea 9: what is to be built? The recipe for 10B from all other ideas, what it will cost and reach, and what to run next."""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.decision.rounds import rounds_of
from studylib.ideas.decision.schema import DecisionParams
from studylib.ideas.decision.trials import baselines, plan
from studylib.result import Text

__all__ = ["decision"]


decision = Idea(
    name="decision",
    number=9,
    notebook="09_decision.ipynb",
    question=Text(
        en="How is the 10B Japanese model to be built, how sure is every line of that, what will it cost and reach, and what is to be "
        "run next?",
        ja="10B 日本語モデルをどう作るか。各項目はどこまで確かか。費用と到達する損失はどれだけか。次に何を実行すべきか。",
    ),
    params=DecisionParams,
    plan=plan,
    after_all=True,
    rounds=rounds_of,
    baselines_among=baselines,
)
