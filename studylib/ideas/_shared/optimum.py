"""An optimum that moves with size, and what it says about the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studylib.analysis import BasinFit, OptimumScaling
from studylib.ideas._shared.numbers import number
from studylib.result import Text


def scaling_title(
    scaling: OptimumScaling | None, target: float, subject: Text, quantity: Text, form: Callable[[float], str] = number
) -> Text:
    """``subject``: what is chosen (shape, 最適な形状); ``quantity``: the figure that says which (aspect ratio, 最適縦横比)."""
    size = f"{target / 1e9:.3g}B"
    if scaling is None:
        return Text(
            en=f"The best {subject.en} is not carried to {size} yet", ja=f"{subject.ja}はまだ {size} へ外挿できない"
        )
    low, middle, high = (form(value) for value in scaling.aspect)
    return Text(
        en=f"Carried to {size}, the best {quantity.en} is {middle}, anywhere from {low} to {high}",
        ja=f"{size} へ外挿した{quantity.ja}は {middle}(区間 {low}〜{high})",
    )


def scaling_alt(fits: Sequence[BasinFit], reason: str, quantity: Text, form: Callable[[float], str] = number) -> Text:
    """``reason``: why nothing is carried, empty otherwise."""
    known = ", ".join(f"{fit.budget} {form(fit.optimum)}" for fit in fits if fit.optimum is not None)
    return Text(
        en=f"Best {quantity.en} against model size. Optima found: {known or 'none'}. {reason}".strip(),
        ja=f"モデル規模に対する{quantity.ja}。求まった最適点:{known or 'なし'}。",
    )


def carried(scaling: OptimumScaling) -> Text:
    """Opens a sentence about the target."""
    return Text(
        en=f"Carried to {scaling.target_params:.3g} parameters ({scaling.factor:.0f} times the largest size here)",
        ja=f"{scaling.target_params:.3g} パラメータ(本研究の最大規模の {scaling.factor:.0f} 倍)への外挿では",
    )


def not_carried(reason: str) -> Text:
    return Text(
        en=f"Nothing is carried to 10B: {reason}.",
        ja="10B への外挿はできません(最適点の定まった予算が 3 つ以上必要です)。",
    )


def optima(fits: Sequence[BasinFit]) -> dict[str, dict]:
    """Each budget's optimum and how far its curve can be trusted, for result.json."""
    kept = ("optimum", "interval", "flat", "reason", "at_edge", "lack_of_fit")
    return {fit.budget: {name: getattr(fit, name) for name in kept} for fit in fits}
