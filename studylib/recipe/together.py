"""Whether the study's own trials overrule what is published, for fields that are taken together.

A published value stands unless own trials say with at least 90 % that another is better at the target: by the idea's own verdict where
it carried what it compared there, else carried from the largest size by the measured reliability of rankings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from studylib.analysis.at_target import MARGIN
from studylib.analysis.posterior import Standing
from studylib.recipe.own import SHAPE_CHOICE, Key, Own, named
from studylib.recipe.published import Published
from studylib.recipe.shape import FIELDS as SHAPE
from studylib.spec.setting import Setting, Value

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability

SURE = 0.9  # P(better at the target) from which own trials overrule what is published
_SAME = 1.25  # numbers no further apart than this factor count as one value that was tried


@dataclass
class Together:
    """Fields that are taken together, and what is known of them."""

    name: str
    own: dict[Key, Own] = field(default_factory=dict)
    published: dict[Key, Published] = field(default_factory=dict)
    draws: np.ndarray | None = None  # [K, V] at the target; the setting's own value is the first variant
    known: int | None = None  # the variant that has the published values

    takes_own: bool = False

    @property
    def p_own(self) -> float | None:
        """P(the own value is better than the published one)."""
        if self.draws is None or self.known is None or self.known == 0:
            return None
        return float((self.draws[:, 0] < self.draws[:, self.known]).mean())

    @property
    def taken(self) -> int | None:
        """The variant that the recipe has."""
        return (0 if self.takes_own or not self.published else self.known) if self.draws is not None else None


def grouped(own: Mapping[Key, Own], table: Mapping[Key, Published]) -> list[Together]:
    """Published fields and own ones by what is chosen as one: own choices join the published fields that they set."""
    found: dict[tuple[Any, ...], Together] = {}
    for key, one in own.items():
        name = (key[0], one.idea, one.setting.decision)
        found.setdefault(name, Together(one.setting.decision)).own[key] = one
    for key, one in table.items():
        if key in own:
            found[key[0], own[key].idea, own[key].setting.decision].published[key] = one
        else:
            found.setdefault((key[0], "", key[1]), Together(one.choice or key[1])).published[key] = one
    return list(found.values())


def carry(choice: Together, reliability: Reliability, non_embedding: int, place: int) -> None:
    """Draws of what was compared, at the target; and which variant the published values are."""
    compared = next((one.setting for one in choice.own.values() if one.setting.tried), None)
    if compared is None or compared.params is None:
        return
    behind, sd = [one.behind_percent for one in compared.tried], [one.sd_percent for one in compared.tried]
    factor = max(1.0, non_embedding / compared.params)
    if compared.there is not None:  # the idea's own verdict, over all its sizes
        (behind, sd), factor = zip(*compared.there, strict=True), 1.0
    choice.draws = reliability.carry(behind, sd, compared.spread_percent, factor, np.random.default_rng(place))
    labels = [one.label for one in compared.tried]
    fits = [label for label in labels if _has_published(choice, label)]
    choice.known = labels.index(min(fits, key=lambda label: _distance(choice, label))) if fits else None


def _has_published(choice: Together, label: str) -> bool:
    return bool(choice.published) and _distance(choice, label) <= math.log(_SAME)


def _distance(choice: Together, label: str) -> float:
    """How far the variant's values are from the published ones: 0 for the same, a log ratio for numbers, else infinite."""
    worst = 0.0
    for key, one in choice.published.items():
        setting = choice.own[key].setting
        if not setting.tried:  # it comes with the one that was compared, as a rate does with its optimizer
            continue
        value = next((tried.value for tried in setting.tried if tried.label == label), None)
        wanted = one.value
        if setting.choice == SHAPE_CHOICE:
            layers, width = (choice.published["pre-training", name].value for name in SHAPE[:2])
            wanted = width / layers
        worst = max(worst, _apart(value, wanted))
    return worst


def _apart(value: Value, other: Value) -> float:
    if named(value) == named(other):
        return 0.0
    if all(isinstance(one, (int, float)) and not isinstance(one, bool) and one > 0 for one in (value, other)):
        return abs(math.log(value / other))
    return math.inf


def overrules(choice: Together) -> bool:
    """Whether the own values are taken."""
    if not choice.published:
        return True
    if choice.known == 0 or all(
        named(choice.own[key].setting.value) == named(one.value) for key, one in choice.published.items()
    ):
        return False  # they agree
    if choice.p_own is not None:
        return choice.p_own >= SURE
    # An optimum over a scale: what is published lies outside of what the trials leave open.
    said = [(choice.own[key].setting, one.value) for key, one in choice.published.items()]
    return any(
        one.decided
        and one.interval is not None
        and isinstance(value, (int, float))
        and not one.interval[0] <= value <= one.interval[1]
        for one, value in said
    )


def standing(choice: Together, setting: Setting, is_own: bool) -> dict[str, Any]:
    """P(best), regret, alternatives and whether it is decided: of the value taken, among those tried, at the target."""
    place = choice.taken
    if choice.draws is not None and place is not None:
        found = Standing.of(choice.draws, place)
        values = [setting.tried[i].value for i in found.rivals] if len(setting.tried) == len(found.best) else []
        others = tuple(dict.fromkeys(value for value in values if value not in (None, setting.tried[place].value)))
        return {
            "p_best": float(found.best[place]), "regret_percent": found.regret, "alternatives": others,
            "decided": found.state(SURE, MARGIN) == "ahead",
        }  # fmt: skip
    if is_own:
        return {
            "p_best": setting.p_best, "regret_percent": setting.expected_regret_percent, "alternatives": setting.alternatives,
            "decided": setting.decided,
        }  # fmt: skip
    return {
        "alternatives": (setting.value, *(one for one in setting.alternatives if one != setting.value)),
        "decided": False,
    }
