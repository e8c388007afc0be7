"""What idea 3 concludes: the verdict, what is carried to the target, and the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import CarriedOptimum, Decision, Valley, Valleys
from studylib.ideas._shared import next_run as following
from studylib.ideas._shared import optimum
from studylib.ideas._shared.differences import comparison_words
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.numbers import NOTHING
from studylib.ideas._shared.optimum import carried_words, choice_words, flat_words, not_carried, optima
from studylib.ideas.tokenizer.captions import pieces, pieces_span
from studylib.result import Text

misfit_words = optimum.misfit_words
SUBJECTS = {
    "sample": Text(en="Trained on a sample", ja="標本での学習"),
    "choice": Text(en="Other tokenizers of the same size", ja="同じ語彙数の別のトークナイザ"),
    "fine-tuning": Text(en="Fine-tuning with added pieces", ja="語彙を追加したファインチューニング"),
}


def compared_words(compared: Mapping[str, pl.DataFrame], baselines: Mapping[str, str]) -> list[Text]:
    """One sentence a family of trials that is held against a baseline; empty without trials of the family."""
    return [comparison_words(compared.get(name), baselines[name], subject) for name, subject in SUBJECTS.items()]


def verdict(
    decisions: Mapping[str, Decision],
    fits: Sequence[Valley],
    carried: CarriedOptimum | None,
    reason: Text | None,
) -> Text:
    """What stands at the head of the idea's page."""
    opening = leader_words(decisions, fits[-1].budget)
    target = NOTHING if reason is None else not_carried(reason)
    if carried is not None:
        low, middle, high = (pieces(value) for value in carried.optimum)
        begin, choice = carried_words(carried), choice_words(carried, carried.choose(), pieces)
        target = Text(
            en=f"{begin.en} the best vocabulary is {middle} ({low} to {high}). {choice.en}",
            ja=f"{begin.ja}最適語彙数は {middle}(区間 {low}〜{high})です。{choice.ja}",
        )
    return Text(en=f"{opening.en} {target.en}", ja=f"{opening.ja}{target.ja}")


def basin_words(fit: Valley) -> Text:
    """Which vocabularies cost less than the margin at this size."""
    return flat_words(fit, Text(en="vocabularies", ja="語彙数"), pieces_span)


def extrapolation(
    valleys: Valleys,
    text_valleys: Valleys,
    carried: CarriedOptimum | None,
    reason: Text | None,
    registers: Mapping[str, object],
) -> dict:
    """Optima by budget under both accountings, what is carried to the target, and every tokenizer on every kind of text."""
    return {
        **({"not_carried": reason} if carried is None else carried.as_dict()),
        "optimum_by_budget": optima(valleys.budgets, valleys.left_out),
        "optimum_by_budget_at_equal_text": optima(text_valleys.budgets, text_valleys.left_out),
        "tokenizers_by_kind_of_text": dict(registers),
    }


def next_run(decision: Decision, fits: Sequence[Valley], carried: CarriedOptimum | None) -> Text | None:
    """What would settle the largest budget, and what is missing before 10B is decided."""
    return following.next_run(decision, following.more_budgets(fits, carried, "tokenizer"))
