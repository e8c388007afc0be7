"""What the ideas of a study say of each field: of several the one that goes first, and its shape made for this size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from studylib.recipe.choices import Choices
from studylib.recipe.options import RecipeOptions
from studylib.recipe.published import Published
from studylib.recipe.shape import FIELDS as SHAPE
from studylib.recipe.shape import shape_of
from studylib.spec import CleanerSpec
from studylib.spec.setting import Phase, Setting, Value
from studylib.words import Text, Words

Key = tuple[Phase, str]
SHAPE_CHOICE = "shape"

_SEVERAL = Words(
    en="{{ others | listed }} say otherwise; {{ taken }} is taken: a decided value goes first, then the larger size, then the lower regret",
    ja="{{ others | listed }} は別の値。決定済み、より大きな規模、より小さい損失増の順で {{ taken }} を採用",
)


@dataclass(frozen=True)
class Own:
    """What one idea says of one field."""

    idea: str
    setting: Setting
    conflict: Text | None = None

    @property
    def order(self) -> tuple[bool, float, float]:
        """Who goes first where several speak of a field: the smallest."""
        one = self.setting
        regret = one.expected_regret_percent
        return not one.decided, -(one.params or 0.0), math.inf if regret is None else regret


def first_settings(choices: Choices, table: Mapping[Key, Published]) -> dict[Key, Own]:
    """Of every field the setting that goes first, with a note where others say something else.

    Only what was measured is the study's own word; what ideas take over from others the table says as well. What comes along with a measured
    choice, or what it was compared with where the table has nothing, is a convention.
    """
    every: dict[Key, list[Own]] = {}
    for idea, settings in choices.settings.items():
        for one in settings:
            key = (one.phase, one.field)
            if one.value is not None and (
                one.evidence == "measured" or (one.evidence == "convention" and (one.choice or key not in table))
            ):
                every.setdefault(key, []).append(Own(idea, one))
    found = {}
    for key, said in every.items():
        first, *others = sorted(said, key=lambda one: one.order)
        differing = [one for one in others if one.setting.value != first.setting.value]
        if differing:
            names = [f"{one.idea} ({shown(one.setting.value)})" for one in differing]
            first = replace(
                first, conflict=_SEVERAL(others=names, taken=f"{first.idea} ({shown(first.setting.value)})")
            )
        found[key] = first
    return found


def with_shape(
    own: dict[Key, Own], options: RecipeOptions, vocab: int, structure: Mapping[str, Any]
) -> tuple[dict[Key, Own], dict[str, int]]:
    """The idea's shape made for this size, vocabulary and cluster: what it says is an aspect ratio. And all fields of that shape."""
    deep, wide = (own.get(("pre-training", name)) for name in ("model.num_layers", "model.hidden_size"))
    if deep is None or wide is None or deep.idea != wide.idea:
        return {key: one for key, one in own.items() if key[1] not in SHAPE}, {}
    made, _ = shape_of(options, wide.setting.value / deep.setting.value, vocab, structure)
    layers = {one.label: one.value for one in deep.setting.tried}
    aspects = {one.label: one.value / layers[one.label] for one in wide.setting.tried if layers.get(one.label)}
    found = dict(own)
    for name in SHAPE:
        key = ("pre-training", name)
        base = own.get(key, deep)
        # A range or list of widths is one for the idea's own target; the aspect ratios tried say the same for any.
        tried = tuple(one.replace(value=aspects.get(one.label)) for one in deep.setting.tried) if aspects else ()
        setting = base.setting.model_copy(
            update={
                "field": name,
                "value": made[name],
                "tried": tried,
                "params": deep.setting.params,
                "choice": SHAPE_CHOICE,
                "alternatives": (),
            }
        )
        found[key] = replace(base, setting=setting)
    return found, made


def named(value: Value) -> Value:
    """Steps of cleaning by their names: what is published of them names no options."""
    return (
        tuple(one.cleaner if isinstance(one, CleanerSpec) else one for one in value)
        if isinstance(value, tuple)
        else value
    )


def shown(value: Value) -> str:
    """A value in a sentence."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000 else str(value)
