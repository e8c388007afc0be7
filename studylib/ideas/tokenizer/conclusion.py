"""What idea 3 concludes: the verdict, what is carried to the target, and the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import BasinFit, Decision, OptimumScaling
from studylib.ideas._shared import next_run as following
from studylib.ideas._shared.differences import comparison_words
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.optimum import carried, not_carried, optima
from studylib.ideas.tokenizer.captions import pieces, pieces_span
from studylib.result import Text

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
    fits: Sequence[BasinFit],
    scaling: OptimumScaling | None,
    reason: str,
) -> Text:
    """What stands at the head of the idea's page."""
    opening = leader_words(decisions, fits[-1].budget)
    target = not_carried(reason)
    if scaling is not None:
        low, middle, high = (pieces(value) for value in scaling.aspect)
        begin = carried(scaling)
        target = Text(
            en=f"{begin.en} the best vocabulary is {middle} ({low} to {high}).",
            ja=f"{begin.ja}最適語彙数は {middle}(区間 {low}〜{high})です。",
        )
    return Text(en=f"{opening.en} {target.en}", ja=f"{opening.ja}{target.ja}")


def basin_words(fit: BasinFit) -> Text:
    """Which vocabularies the fitted curve does not tell from the best."""
    return Text(
        en=f"On the fitted curve at {fit.budget}, {pieces_span(fit.flat)} pieces lie within the detectable effect of the best "
        f"({fit.margin:.4f} bits per byte).",
        ja=f"{fit.budget} で当てはめた曲線の上で、語彙 {pieces_span(fit.flat, '〜')} は最良との差が検出可能差({fit.margin:.4f} bits/byte)以内です。",
    )


def extrapolation(
    fits: Sequence[BasinFit],
    text_fits: Sequence[BasinFit],
    scaling: OptimumScaling | None,
    reason: str,
    registers: Mapping[str, object],
) -> dict:
    """Optima by budget under both accountings, the line through them, and every tokenizer on every kind of text."""
    carried_on: dict = {"not_carried": reason}
    if scaling is not None:
        carried_on = scaling.as_dict()
        carried_on["vocab_size"] = carried_on.pop("aspect")
    found = {"optimum_by_budget": optima(fits), "optimum_by_budget_at_equal_text": optima(text_fits)}
    return carried_on | found | {"tokenizers_by_kind_of_text": dict(registers)}


def next_run(decision: Decision, fits: Sequence[BasinFit], scaling: OptimumScaling | None) -> Text | None:
    """What would settle the largest budget, and what is missing before anything can be carried to 10B."""
    return following.next_run(decision, following.more_budgets(fits, scaling, "tokenizer"))
