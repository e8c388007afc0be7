"""Idea 3: which tokenizer? Vocabulary sizes by budget, what it is trained on, and more pieces for fine-tuning text."""

from __future__ import annotations

from studylib.ideas._idea import Idea
from studylib.ideas.tokenizer.rounds import rounds_of
from studylib.ideas.tokenizer.schema import TokenizerParams
from studylib.ideas.tokenizer.trials import baselines, plan
from studylib.result import Text

__all__ = ["tokenizer"]


tokenizer = Idea(
    name="tokenizer",
    number=3,
    notebook="03_tokenizer.ipynb",
    question=Text(
        en="How many pieces should the tokenizer have at each model size, and is it better trained on all the text?",
        ja="トークナイザの語彙数はモデル規模ごとにいくつがよいか。また、標本ではなく全文で学習すべきか。",
    ),
    params=TokenizerParams,
    plan=plan,
    rounds=rounds_of,
    baselines_among=baselines,
    at_size=TokenizerParams.at_size,
)
