"""An optimum that moves with size, and what it says about the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from studylib.analysis import CarriedOptimum, Choice, Valley
from studylib.ideas._shared.numbers import NOTHING, number
from studylib.result import Text


def carried_title(
    carried: CarriedOptimum | None, target: float, subject: Text, quantity: Text, form: Callable[[float], str] = number
) -> Text:
    """``subject``: what is chosen (shape, 最適な形状); ``quantity``: the figure that says which (aspect ratio, 最適縦横比)."""
    size = f"{target / 1e9:.3g}B"
    if carried is None:
        return Text(
            en=f"The best {subject.en} is not carried to {size} yet", ja=f"{subject.ja}はまだ {size} へ外挿できない"
        )
    low, middle, high = (form(value) for value in carried.optimum)
    return Text(
        en=f"Carried to {size}, the best {quantity.en} is {middle}, anywhere from {low} to {high}",
        ja=f"{size} へ外挿した{quantity.ja}は {middle}(区間 {low}〜{high})",
    )


def carried_alt(
    fits: Sequence[Valley], reason: Text | None, quantity: Text, form: Callable[[float], str] = number
) -> Text:
    """``reason``: why nothing is carried, empty otherwise."""
    known = ", ".join(f"{fit.budget} {form(fit.optimum)}" for fit in fits if fit.optimum is not None)
    return Text(
        en=f"Best {quantity.en} against model size. Optima found: {known or 'none'}. {reason.en if reason else ''}".strip(),
        ja=f"モデル規模に対する{quantity.ja}。求まった最適点:{known or 'なし'}。",
    )


def carried_words(carried: CarriedOptimum) -> Text:
    """Opens a sentence about the target."""
    params, factor = carried.target["params"], carried.factor["params"]
    return Text(
        en=f"Carried to {params:.3g} parameters ({factor:.0f} times the largest size here)",
        ja=f"{params:.3g} パラメータ(本研究の最大規模の {factor:.0f} 倍)への外挿では",
    )


def choice_words(carried: CarriedOptimum, choice: Choice, form: Callable[[float], str] = number) -> Text:
    """What the value to be used at the target gives away, and whether that decides it."""
    regret, within, margin = 100 * choice.regret, 100 * choice.p_within, 100 * carried.margin
    state = ("decided", "決定") if choice.decided else ("not decided", "未決")
    return Text(
        en=f"Using {form(choice.value)} there costs {regret:.2g} % of the loss on average, and less than {margin:.2g} % with "
        f"{within:.0f} % probability: {state[0]}.",
        ja=f"{form(choice.value)} を選んだときの損失増は平均 {regret:.2g} %、{margin:.2g} % 未満である確率は {within:.0f} %:{state[1]}。",
    )


def flat_words(fit: Valley, values: Text, form: Callable[[tuple[float, float], str], str]) -> Text:
    """Which values cost less than the margin; ``values``: what they are (aspect ratios, 縦横比)."""
    if fit.flat is None:
        return Text(
            en=f"At {fit.budget} no {values.en} are known to cost less than {fit.margin:.4f} bits per byte more than the best.",
            ja=f"{fit.budget} では、最良との差が {fit.margin:.4f} bits/byte 未満と言える{values.ja}はまだありません。",
        )
    return Text(
        en=f"At {fit.budget}, {values.en} {form(fit.flat, ' to ')} each cost less than {fit.margin:.4f} bits per byte more than the "
        "best, with 95 % probability.",
        ja=f"{fit.budget} では、{values.ja} {form(fit.flat, '〜')} はいずれも 95 % の確率で最良との差が {fit.margin:.4f} bits/byte 未満です。",
    )


def misfit_words(fits: Sequence[Valley]) -> Text:
    """Budgets whose mean losses a valley does not describe; empty without any."""
    names = [fit.budget for fit in fits if fit.lack_of_fit < 0.01]
    if not names:
        return NOTHING
    return Text(
        en=f"The fitted valley misses the means at {', '.join(names)} (p < 0.01); its intervals are widened by what it misses.",
        ja=f"{'、'.join(names)} では谷の曲線が平均値に合いません(p < 0.01)。区間はその分だけ広げてあります。",
    )


def not_carried(reason: Text) -> Text:
    return Text(
        en=f"Nothing is carried to 10B: {reason.en}.",
        ja=f"10B への外挿はできません:{reason.ja}。",
    )


def optima(fits: Sequence[Valley], left_out: Mapping[str, str] | None = None) -> dict[str, dict]:
    """Each budget's optimum and how far its curve can be trusted, for result.json."""
    kept = ("optimum", "interval", "flat", "reason", "outside", "lack_of_fit")
    found = {fit.budget: {name: getattr(fit, name) for name in kept} for fit in fits}
    return found | {name: {"optimum": None, "reason": reason} for name, reason in (left_out or {}).items()}
