"""Idea 4: in which order should the data come, and can made text stretch what is scarce?"""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.ideas.data_order.trials import baselines, plan
from studylib.result import Text

__all__ = ["data_order"]


data_order = Idea(
    name="data_order",
    number=4,
    notebook="04_data_order.ipynb",
    question=Text(
        en="In which order should Japanese, English and code come, do short texts help before long ones, and can text that "
        "a model or a rule makes stretch scarce Japanese?",
        ja="日本語・英語・コードはどの順で学習させるべきか。短い文章から長い文章への順序は有効か。モデルや規則で作った疑似データは不足する日本語を補えるか。",
    ),
    params=DataOrderParams,
    plan=plan,
    baselines_among=baselines,
    at_size=DataOrderParams.at_size,
)
