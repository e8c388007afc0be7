"""What idea 1 concludes: the verdict, what is carried to the target, and the next run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from studylib.analysis import BasinFit, BuildableShape, Decision, OptimumScaling
from studylib.ideas._shared import learning_rates
from studylib.ideas._shared import next_run as following
from studylib.ideas._shared.leaders import leader_words
from studylib.ideas._shared.numbers import number, span
from studylib.ideas._shared.optimum import carried, not_carried, optima
from studylib.ideas.depth_width.captions import SHAPE
from studylib.result import Text

learning_rate_words = partial(learning_rates.learning_rate_words, subject=SHAPE)


def heads_words(decision: Decision | None) -> Text:
    if decision is None:
        return Text(en="Head counts were not compared.", ja="ヘッド数は比較していません。")
    told = decision.text()
    return Text(en=f"Heads: {told.en}", ja=f"ヘッド数:{told.ja}")


def verdict(
    decisions: Mapping[str, Decision],
    fits: Sequence[BasinFit],
    scaling: OptimumScaling | None,
    reason: str,
    shape: BuildableShape | None,
) -> Text:
    """What stands at the head of the idea's page."""
    opening = leader_words(decisions, fits[-1].budget)
    target = not_carried(reason)
    if shape is not None and scaling is not None:
        low, _, high = scaling.aspect
        begin = carried(scaling)
        target = Text(
            en=f"{begin.en} the aspect ratio is {number(low)} to {number(high)}; the nearest buildable shape is "
            f"{shape.num_layers} layers x {shape.hidden_size}, {shape.num_heads} heads.",
            ja=f"{begin.ja}縦横比 {number(low)}〜{number(high)}、実装可能な最寄りの形状は {shape.num_layers} 層 × "
            f"{shape.hidden_size}、{shape.num_heads} ヘッドです。",
        )
    return Text(en=f"{opening.en} {target.en}", ja=f"{opening.ja}{target.ja}")


def basin_words(fit: BasinFit) -> Text:
    """Which shapes the fitted curve does not tell from the best."""
    return Text(
        en=f"On the fitted curve at {fit.budget}, aspect ratios {span(fit.flat)} lie within the detectable effect of the best "
        f"({fit.margin:.4f} bits per byte).",
        ja=f"{fit.budget} で当てはめた曲線の上で、縦横比 {span(fit.flat, '〜')} は最良との差が検出可能差({fit.margin:.4f} bits/byte)以内です。",
    )


def extrapolation(
    fits: Sequence[BasinFit], scaling: OptimumScaling | None, reason: str, shape: BuildableShape | None
) -> dict:
    """What result.json says about other sizes: each budget's optimum, and the line through them where there is one."""
    found = {"not_carried": reason} if scaling is None else scaling.as_dict()
    return found | {"optimum_by_budget": optima(fits)} | ({"buildable": shape.as_dict()} if shape else {})


def next_run(decision: Decision, fits: Sequence[BasinFit], scaling: OptimumScaling | None) -> Text | None:
    """What would settle the largest budget, and what is missing before anything can be carried to 10B."""
    return following.next_run(decision, following.more_budgets(fits, scaling, "depth_width"))
