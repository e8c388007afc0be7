"""What idea 1 concludes: the verdict, what is carried to the target, and the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from studylib.analysis import BuildableShape, CarriedOptimum, Decision, Valley, Valleys
from studylib.ideas._shared import learning_rates, optimum
from studylib.ideas._shared import next_run as following
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.numbers import number, span
from studylib.ideas._shared.optimum import carried_words, choice_words, flat_words, not_carried, optima
from studylib.ideas.depth_width.captions import SHAPE
from studylib.result import Text

misfit_words = optimum.misfit_words
learning_rate_words = partial(learning_rates.learning_rate_words, subject=SHAPE)


def heads_words(decision: Decision | None) -> Text:
    if decision is None:
        return Text(en="Head counts were not compared.", ja="ヘッド数は比較していません。")
    told = decision.text()
    return Text(en=f"Heads: {told.en}", ja=f"ヘッド数:{told.ja}")


def verdict(
    decisions: Mapping[str, Decision],
    fits: Sequence[Valley],
    carried: CarriedOptimum | None,
    reason: str,
    shape: BuildableShape | None,
) -> Text:
    """What stands at the head of the idea's page."""
    opening = leader_words(decisions, fits[-1].budget)
    target = not_carried(reason)
    if shape is not None and carried is not None:
        low, _, high = carried.optimum
        begin, choice = carried_words(carried), choice_words(carried, carried.choose(shape.aspect))
        target = Text(
            en=f"{begin.en} the best aspect ratio is {number(low)} to {number(high)}; the buildable shape that costs least is "
            f"{shape.num_layers} layers x {shape.hidden_size}, {shape.num_heads} heads. {choice.en}",
            ja=f"{begin.ja}最適縦横比は {number(low)}〜{number(high)}、損失増が最も少ない実装可能な形状は {shape.num_layers} 層 × "
            f"{shape.hidden_size}、{shape.num_heads} ヘッドです。{choice.ja}",
        )
    return Text(en=f"{opening.en} {target.en}", ja=f"{opening.ja}{target.ja}")


def basin_words(fit: Valley) -> Text:
    """Which shapes cost less than the margin at this size."""
    return flat_words(fit, Text(en="aspect ratios", ja="縦横比"), span)


def extrapolation(valleys: Valleys, carried: CarriedOptimum | None, reason: str, shape: BuildableShape | None) -> dict:
    """What result.json says about other sizes: each budget's optimum, and what is carried to the target, or why nothing is."""
    found = {"not_carried": reason} if carried is None else carried.as_dict(shape.aspect if shape else None)
    by_budget = {"optimum_by_budget": optima(valleys.budgets, valleys.left_out)}
    return found | by_budget | ({"buildable": shape.as_dict()} if shape else {})


def next_run(decision: Decision, fits: Sequence[Valley], carried: CarriedOptimum | None) -> Text | None:
    """What would settle the largest budget, and what is missing before 10B is decided."""
    return following.next_run(decision, following.more_budgets(fits, carried, "depth_width"))
