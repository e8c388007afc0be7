"""Idea 5: which cleaning of Japanese web text makes the better model, and one that invents less?"""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.data_quality.rounds import rounds_of
from studylib.ideas.data_quality.schema import DataQualityParams
from studylib.ideas.data_quality.trials import baselines, plan
from studylib.result import Text

__all__ = ["data_quality"]


data_quality = Idea(
    name="data_quality",
    number=5,
    notebook="05_data_quality.ipynb",
    question=Text(
        en="Which filtering, deduplication and masking of Japanese web text makes the better model, at equal training tokens, "
        "at equal raw text and at equal FLOPs, and does cleaner text make a model that invents less?",
        ja="日本語ウェブ文章のどのフィルタ・重複除去・個人情報マスクが、同一学習トークン数・同一の元文章量・同一 FLOPs でより良いモデルを作るか。"
        "文章がきれいになるとモデルの作り話は減るか。",
    ),
    params=DataQualityParams,
    plan=plan,
    rounds=rounds_of,
    baselines_among=baselines,
    at_size=DataQualityParams.at_size,
)
