"""Idea 2: which structure? One choice at a time against a baseline, at several sizes, then the best of each together."""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.architecture.rounds import rounds_of
from studylib.ideas.architecture.schema import ArchitectureParams
from studylib.ideas.architecture.trials import baselines, plan
from studylib.result import Text

__all__ = ["architecture"]


architecture = Idea(
    name="architecture",
    number=2,
    notebook="02_architecture.ipynb",
    question=Text(
        en="Which activation, positional encoding, residual connection and normalisation are best, is another architecture "
        "better than the transformer, and do the gains add up?",
        ja="活性化関数・位置エンコーディング・残差接続・正規化はどれがよいか。トランスフォーマー以外の構造は勝るか。効果は足し合わせられるか。",
    ),
    params=ArchitectureParams,
    plan=plan,
    rounds=rounds_of,
    baselines_among=baselines,
    at_size=ArchitectureParams.at_size,
)
