"""Which value of every field the recipe takes.

The rule: a published value stands unless the study's own trials say with at least 90 % that another is better at the target. What they
compared at their largest size is carried there by the measured reliability of rankings. A published value that they did not try
cannot be compared, and stands. Where nothing is published the study's own leader stands. Fields that are chosen as one are taken
together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studylib.recipe.choices import Choices
from studylib.recipe.line import Line
from studylib.recipe.options import RecipeOptions
from studylib.recipe.published import ASPECT, VOCABULARY, Published, published
from studylib.recipe.shape import FIELDS as SHAPE
from studylib.recipe.shape import shape_of
from studylib.recipe.text import CONVERSATIONS, PAIRS, sources, told
from studylib.spec import CleanerSpec
from studylib.spec.setting import Phase, Setting, Value
from studylib.words import Text, Words

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability

SURE = 0.9  # P(better at the target) from which own trials overrule what is published
_MARGIN = 0.2  # percent of the loss: a decided value costs no more, as for every verdict at the target
_RIVAL = 0.05
_SAME = 1.25  # numbers no further apart than this factor count as one value that was tried
_SHAPE = "shape"

Key = tuple[Phase, str]

_SEVERAL = Words(
    en="{{ others | listed }} say otherwise; {{ taken }} is taken: a decided value goes first, then the larger size, then the lower regret",
    ja="{{ others | listed }} は別の値。決定済み、より大きな規模、より小さい損失増の順で {{ taken }} を採用",
)
_UNDER = Words(
    en="the published value is one for {{ of | listed }}, which is not what the recipe has{% if own %}; the study's own stands{% else %}; none is known{% endif %}",
    ja="公表値は {{ of | listed }} のためのもので、このレシピとは前提が異なる{% if own %}(本研究の値を採用){% else %}(既知の値なし){% endif %}",
)
_OWN_UNDER = Words(
    en="the study's own value was found with {{ of | listed }}, which the recipe does not have",
    ja="本研究の値は {{ of | listed }} でのもので、このレシピとは前提が異なる",
)
_ASKED = Text(en="as asked for", ja="指定値")


@dataclass(frozen=True)
class _Own:
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


@dataclass
class _Choice:
    """Fields that are taken together, and what is known of them."""

    name: str
    own: dict[Key, _Own] = field(default_factory=dict)
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


def lines(choices: Choices, reliability: Reliability, options: RecipeOptions) -> tuple[Line, ...]:
    """A line for every field that is published or that an idea hands on, in the published order; prices come later (`priced`)."""
    vocab = options.vocab_size or VOCABULARY
    found: tuple[Line, ...] = ()
    for _ in range(2):  # the shape needs the vocabulary and the structure, which are decided without it
        taken = {one.field: one.value for one in found if one.phase == "pre-training" and one.value is not None}
        vocab = options.vocab_size or taken.get("model.vocab_size", vocab)
        structure = {
            name: value for name, value in taken.items() if name.startswith("model.") and name not in _OF_SHAPE
        }
        shape, non_embedding = shape_of(options, ASPECT, vocab, structure)
        table = published(options, shape, non_embedding)
        found = _lines(choices, reliability, options, table, non_embedding, vocab, structure)
    return found


_KV_HEADS: Key = ("pre-training", "model.num_kv_heads")
_OF_SHAPE = (*SHAPE, "model.vocab_size", "model.seq_len")


def _lines(
    choices: Choices, reliability: Reliability, options: RecipeOptions, table: Mapping[Key, Published],
    non_embedding: int, vocab: int, structure: Mapping[str, Any],
) -> tuple[Line, ...]:  # fmt: skip
    own, made = _with_shape(_first(choices, table), options, vocab, structure)
    found = _grouped(own, table)
    asked = {("pre-training", "model.seq_len")}
    if "batch_tokens" in options.model_fields_set:
        asked.add(("pre-training", "global_batch_size"))
    if options.vocab_size is not None:
        asked |= {("pre-training", "model.vocab_size"), ("pre-training", "data.tokenizer.vocab_size")}
    for place, choice in enumerate(found):
        _carry(choice, reliability, non_embedding, place)
        choice.takes_own = bool(choice.own) and not asked & choice.own.keys() and _overrules(choice)
    rows = {
        key: _line(choice, key, table.get(key), asked) for choice in found for key in {**choice.published, **choice.own}
    }
    rows = _under_what_it_holds(rows, table, own)
    if any(choice.takes_own and ("pre-training", SHAPE[0]) in choice.own for choice in found):
        rows[_KV_HEADS] = rows[_KV_HEADS].replace(
            value=made[_KV_HEADS[1]]
        )  # as many as divide the heads that are taken
    for phase, text in {
        "pre-training": sources(options.tokens),
        "fine-tuning": CONVERSATIONS,
        "preferences": PAIRS,
    }.items():
        key = (phase, "data.sources")
        if key in rows and rows[key].value is None:
            rows[key] = rows[key].replace(value=told(text))
    order = [*table, *(key for key in rows if key not in table)]
    return tuple(rows[key] for key in order)


def _first(choices: Choices, table: Mapping[Key, Published]) -> dict[Key, _Own]:
    """Of every field the setting that goes first, with a note where others say something else.

    Only what was measured is the study's own word; what ideas take over from others the table says as well. What a measured value was
    compared with (a convention) comes along where the table has nothing.
    """
    every: dict[Key, list[_Own]] = {}
    for idea, settings in choices.settings.items():
        for one in settings:
            key = (one.phase, one.field)
            if one.value is not None and (
                one.evidence == "measured" or (one.evidence == "convention" and key not in table)
            ):
                every.setdefault(key, []).append(_Own(idea, one))
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


def _with_shape(
    own: dict[Key, _Own], options: RecipeOptions, vocab: int, structure: Mapping[str, Any]
) -> tuple[dict[Key, _Own], dict[str, int]]:
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
                "choice": _SHAPE,
                "alternatives": (),
            }
        )
        found[key] = replace(base, setting=setting)
    return found, made


def _grouped(own: Mapping[Key, _Own], table: Mapping[Key, Published]) -> list[_Choice]:
    """Published fields and own ones by what is chosen as one: own choices join the published fields that they set."""
    found: dict[tuple[Any, ...], _Choice] = {}
    for key, one in own.items():
        name = (key[0], one.idea, one.setting.decision)
        found.setdefault(name, _Choice(one.setting.decision)).own[key] = one
    for key, one in table.items():
        if key in own:
            found[key[0], own[key].idea, own[key].setting.decision].published[key] = one
        else:
            found.setdefault((key[0], "", key[1]), _Choice(one.choice or key[1])).published[key] = one
    return list(found.values())


def _carry(choice: _Choice, reliability: Reliability, non_embedding: int, place: int) -> None:
    """Draws of what was compared, at the target; and which variant the published values are."""
    compared = next((one.setting for one in choice.own.values() if one.setting.tried), None)
    if compared is None or compared.params is None:
        return
    behind, sd = [one.behind_percent for one in compared.tried], [one.sd_percent for one in compared.tried]
    factor = max(1.0, non_embedding / compared.params)
    choice.draws = reliability.carry(behind, sd, None, factor, np.random.default_rng(place))
    labels = [one.label for one in compared.tried]
    fits = [label for label in labels if _has_published(choice, label)]
    choice.known = labels.index(min(fits, key=lambda label: _distance(choice, label))) if fits else None


def _has_published(choice: _Choice, label: str) -> bool:
    return bool(choice.published) and _distance(choice, label) <= math.log(_SAME)


def _distance(choice: _Choice, label: str) -> float:
    """How far the variant's values are from the published ones: 0 for the same, a log ratio for numbers, else infinite."""
    worst = 0.0
    for key, one in choice.published.items():
        setting = choice.own[key].setting
        if not setting.tried:  # it comes with the one that was compared, as a rate does with its optimizer
            continue
        value = next((tried.value for tried in setting.tried if tried.label == label), None)
        wanted = one.value
        if setting.choice == _SHAPE:
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


def _overrules(choice: _Choice) -> bool:
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


def _line(choice: _Choice, key: Key, known: Published | None, asked: set[Key]) -> Line:
    phase, name = key
    own = choice.own.get(key)
    setting = own.setting if own is not None else None
    base: dict[str, Any] = {
        "field": name, "phase": phase, "choice": choice.name if choice.name != name else "",
        "name": known.name if known is not None else Text(en=name, ja=name),
    }  # fmt: skip
    if known is not None:
        base |= {
            "source": known.source,
            "conditions": known.conditions,
            "evidence": known.evidence,
            "value": known.value,
        }
    if key in asked:
        base |= {"evidence": "convention"} | ({"source": _ASKED} if name != "model.seq_len" else {})
    if setting is None:
        return Line(**base)
    base |= {
        "own_value": setting.value, "idea": own.idea, "sizes": setting.sizes, "conflict": own.conflict,
        "interval": setting.interval, "p_own": choice.p_own,
    }  # fmt: skip
    agrees = known is not None and (named(known.value) == named(setting.value) or choice.known == 0)
    if choice.takes_own or (known is None and not choice.published):
        base |= {"value": setting.value, "evidence": setting.evidence, "source": setting.source}
    elif known is None:  # an option of the value that was not taken
        base |= {"value": None, "evidence": setting.evidence, "source": setting.source}
    base |= _standing(choice, setting, agrees or base["value"] == setting.value)
    if base["decided"] and agrees and setting.sizes:
        base |= {"evidence": "measured"}
    return Line(**base)


def _standing(choice: _Choice, setting: Setting, is_own: bool) -> dict[str, Any]:
    """P(best), regret, alternatives and whether it is decided: of the value taken, among those tried, at the target."""
    place = choice.taken
    if choice.draws is not None and place is not None:
        best = np.bincount(choice.draws.argmin(axis=1), minlength=choice.draws.shape[1]) / len(choice.draws)
        regret = float((choice.draws[:, place] - choice.draws.min(axis=1)).mean())
        better = (choice.draws < choice.draws[:, [place]]).mean(axis=0)
        rivals = sorted((i for i in range(len(best)) if i != place and better[i] > _RIVAL), key=lambda i: -better[i])
        values = [setting.tried[i].value for i in rivals] if len(setting.tried) == len(best) else []
        others = tuple(dict.fromkeys(value for value in values if value not in (None, setting.tried[place].value)))
        p = float(best[place])
        decided = p >= SURE and regret <= _MARGIN
        return {"p_best": p, "regret_percent": regret, "alternatives": others, "decided": decided}
    if is_own:
        return {
            "p_best": setting.p_best, "regret_percent": setting.expected_regret_percent, "alternatives": setting.alternatives,
            "decided": setting.decided,
        }  # fmt: skip
    return {
        "alternatives": (setting.value, *(one for one in setting.alternatives if one != setting.value)),
        "decided": False,
    }


def _under_what_it_holds(
    rows: dict[Key, Line], table: Mapping[Key, Published], own: Mapping[Key, _Own]
) -> dict[Key, Line]:
    """A published value that was found with another optimizer or start gives way to the study's own, and the other way round."""
    of_pretraining = {name: line.value for (phase, name), line in rows.items() if phase == "pre-training"}
    found = dict(rows)
    for key, one in table.items():
        if not one.holds_with:
            continue
        line, idea = rows[key], own[key].idea if key in own else ""
        standing = of_pretraining | {name: other.value for (phase, name), other in rows.items() if phase == key[0]}
        theirs = {
            name: own["pre-training", name].setting.value
            for name in one.holds_with
            if ("pre-training", name) in own and own["pre-training", name].idea == idea
        }
        fits = all(standing.get(name) in values for name, values in one.holds_with.items())
        own_fits = line.own_value is not None and all(standing.get(name) == value for name, value in theirs.items())
        if not fits and line.value == one.value:
            of = [
                f"{name} {' / '.join(map(str, values))}"
                for name, values in one.holds_with.items()
                if standing.get(name) not in values
            ]
            changes: dict[str, Any] = {"value": None, "conflict": _UNDER(of=of, own=own_fits)}
            if own_fits:
                said = own[key].setting
                changes |= {
                    "value": said.value, "evidence": said.evidence, "source": said.source, "p_best": said.p_best,
                    "regret_percent": said.expected_regret_percent, "alternatives": said.alternatives, "decided": False,
                }  # fmt: skip
            found[key] = line.replace(**changes)
        elif fits and line.value != one.value and not own_fits:
            of = [f"{name} {value}" for name, value in theirs.items() if standing.get(name) != value]
            found[key] = line.replace(
                value=one.value, evidence=one.evidence, source=one.source, decided=False, p_best=None, regret_percent=None,
                conflict=_OWN_UNDER(of=of),
            )  # fmt: skip
    return found


def priced(found: Sequence[Line], level_bpb: float | None, slope: float, gpu_hours: float) -> tuple[Line, ...]:
    """Lines with their regret in bits per byte and GPU-hours.

    Parameters
    ----------
    level_bpb
        Predicted loss; None: not known.
    slope
        d log(loss) / d log(FLOPs) at the target, negative.
    gpu_hours
        Of the run.
    """
    return tuple(
        one if one.regret_percent is None else _priced(one, one.regret_percent / 100, level_bpb, slope, gpu_hours)
        for one in found
    )


def _priced(line: Line, regret: float, level_bpb: float | None, slope: float, gpu_hours: float) -> Line:
    longer = gpu_hours * math.expm1(math.log1p(regret) / -slope) if regret > 0 else 0.0
    return line.replace(regret_bpb=None if level_bpb is None else regret * level_bpb, regret_gpu_hours=longer)


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
