"""Idea 7: how to train? Optimizer, learning rate, schedule, batch, decay, epochs and objective, each tuned before it is judged."""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.hyperparameters.rounds import rounds_of
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.ideas.hyperparameters.trials import baselines, plan
from studylib.result import Text

__all__ = ["hyperparameters"]


hyperparameters = Idea(
    name="hyperparameters",
    number=7,
    notebook="07_hyperparameters.ipynb",
    question=Text(
        en="Which optimizer, initialisation, learning rate, schedule, batch size, weight decay, number of epochs and "
        "objective should the 10B model be trained with?",
        ja="10B モデルは、どのオプティマイザ・初期化・学習率・スケジュール・バッチサイズ・重み減衰・エポック数・学習目的で学習させるべきか。",
    ),
    params=HyperparametersParams,
    plan=plan,
    rounds=rounds_of,
    baselines_among=baselines,
    at_size=HyperparametersParams.at_size,
)
