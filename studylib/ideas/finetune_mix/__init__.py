"""Idea 6: which mixture of fine-tuning data, how often, at what rate; and what it costs in what was learnt before?"""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.finetune_mix.rounds import rounds_of
from studylib.ideas.finetune_mix.schema import FinetuneMixParams
from studylib.ideas.finetune_mix.trials import baselines, plan
from studylib.result import Text

__all__ = ["finetune_mix"]


finetune_mix = Idea(
    name="finetune_mix",
    number=6,
    notebook="06_finetune_mix.ipynb",
    question=Text(
        en="Which mixture of kinds of fine-tuning data, at what ratios, for how many epochs and at what rate makes the best model, "
        "and what does it cost in what was learnt before?",
        ja="どの種類のファインチューニングデータを、どの比率・エポック数・学習率で混ぜると最良のモデルになるか。"
        "その代わりに事前学習で得たものをどれだけ失うか。",
    ),
    params=FinetuneMixParams,
    plan=plan,
    rounds=rounds_of,
    baselines_among=baselines,
    at_size=FinetuneMixParams.at_size,
)
