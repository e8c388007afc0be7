"""Which choices of the other ideas can be made together at a small size, what each brought alone, and why the rest stays out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from studylib.errors import StudyError
from studylib.ideas._shared.equal_size import experts_at_equal_flops, fitted
from studylib.ideas.decision.fields import acts_in_attention, why_not
from studylib.model.cost import parameter_count
from studylib.numbers import human
from studylib.recipe.choices import Choices
from studylib.registry import OBJECTIVES
from studylib.spec import Setting, TrialSpec
from studylib.spec.setting import field_label
from studylib.words import Text, Words

if TYPE_CHECKING:
    from studylib.analysis import Alone

_NO_VALUE = Text(en="the trials support no value yet", ja="試行から値が定まっていない")
_NOT_OWN = Text(en="no trials of the study chose it", ja="本研究の試行による選択ではない")
_AS_BASELINE = Text(en="the baseline has it already", ja="基準と同じ")
_NOT_COMPARED = Words(
    en="the baseline's {{ value }} was not among what was compared", ja="基準の値 {{ value }} が比較されていない"
)
_NO_ATTENTION = Text(en="it acts in attention, of which no layer is left", ja="作用先のアテンション層が残っていない")
_CLASH = Words(
    en="{{ other }} has another value for {{ field }}, compared at {{ size }} parameters",
    ja="{{ other }} が {{ field }} に別の値を選んだ(比較規模 {{ size }} パラメータ)",
)
_IMPOSSIBLE = Words(en="it does not go together with what is there: {{ why }}", ja="ほかの選択と両立しない:{{ why }}")


@dataclass(frozen=True)
class Part:
    """A choice that the baseline makes otherwise.

    Attributes
    ----------
    idea, choice
        Whose, and what is chosen as one (`Setting.decision`).
    name
        The fields and their values, as a table says them; ``instead_of`` those of the baseline.
    changes
        Values by field of a trial.
    effect, sd
        Of choosing it over the baseline's value, percent of the loss at the largest size where it was tried; negative is better.
        Posterior mean and standard deviation.
    params, noise, seeds
        Of that comparison: parameters without embeddings, SD of one trial in percent of the loss, trials a value.
    """

    idea: str
    choice: str
    name: str
    instead_of: str
    changes: dict[str, Any]
    effect: float
    sd: float
    params: float
    noise: float
    seeds: int

    @property
    def brief(self) -> str:
        """``optimizer muon``: the name without what goes with it."""
        return _named(dict([next(iter(self.changes.items()))]))

    @property
    def alone(self) -> Alone:
        """Its effect as `analysis.sum_of_effects` adds it up; what one idea compared at one size shares its baseline's trials."""
        from studylib.analysis import Alone

        return Alone(self.name, self.effect, self.sd, f"{self.idea} {self.params:.0f}", self.noise, self.seeds)


@dataclass(frozen=True)
class LeftOut:
    """A choice that is not made at small sizes, and why."""

    idea: str
    choice: str
    value: str
    why: Text


@dataclass(frozen=True)
class Combined:
    """All choices together.

    ``missing``: ideas whose choices are not known, because they were not run or their results cannot be read.
    """

    parts: tuple[Part, ...]
    left_out: tuple[LeftOut, ...]
    missing: tuple[str, ...]

    def applied_to(self, base: TrialSpec, ffn_multiple: int) -> TrialSpec:
        """``base`` with all parts; as large as it is, or with experts of its FLOPs.

        Raises
        ------
        StudyError
            The parts do not go together.
        """
        changes = {field: value for part in self.parts for field, value in part.changes.items()}
        if not changes:
            return base
        made = base.replace(**_with_room(changes, base))
        if made.model == base.model:
            return made
        model = made.model
        if model.moe is not None and model.moe.expert_size is None:
            model = experts_at_equal_flops(model, base.model)
        elif model.moe is None and parameter_count(model).non_embedding != parameter_count(base.model).non_embedding:
            model = fitted(model, base.model, multiple=ffn_multiple, name=self.parts[-1].name, field="together")
        return made.replace(model=model)

    def without(self, part: Part) -> Combined:
        """All parts but one."""
        return replace(self, parts=tuple(one for one in self.parts if one != part))

    def rows(self) -> list[dict[str, Any]]:
        """A row a choice: what is made of it."""
        rows = [
            {"idea": one.idea, "choice": one.choice, "value": one.name, "the baseline has": one.instead_of}
            | {
                "effect alone, percent": one.effect,
                "its SD": one.sd,
                "at parameters": round(one.params),
                "left out because": "",
            }
            for one in self.parts
        ]
        empty = {"the baseline has": "", "effect alone, percent": None, "its SD": None, "at parameters": None}
        return rows + [
            {"idea": one.idea, "choice": one.choice, "value": one.value} | empty | {"left out because": one.why.en}
            for one in self.left_out
        ]


def combined_of(choices: Choices, bases: Sequence[TrialSpec], ffn_multiple: int) -> Combined:
    """What of the ``choices`` can be made in all of the baselines ``bases``, one a size.

    Where two ideas choose a field, the one that compared it at the larger size is followed. Of parts that exclude each other those
    of the larger effect stay.
    """
    found: list[Part] = []
    left_out: list[LeftOut] = []
    for idea, settings in choices.settings.items():
        key = lambda one: (one.phase, one.decision)  # noqa: E731
        for _, group in groupby(sorted(settings, key=key), key):
            made = _part(idea, tuple(group), bases[0])
            (found if isinstance(made, Part) else left_out).append(made)
    taken: dict[str, Part] = {}
    standing: list[Part] = []
    for part in sorted(found, key=lambda one: (-one.params, one.effect)):
        clash = next((field for field in part.changes if field in taken), None)
        if clash is None:
            standing.append(part)
            taken |= dict.fromkeys(part.changes, part)
        elif any(taken[field].changes[field] != part.changes[field] for field in part.changes if field in taken):
            other = taken[clash]
            why = _CLASH(other=other.idea, field=clash, size=other.params)
            left_out.append(LeftOut(part.idea, part.choice, part.name, why))
        else:
            left_out.append(LeftOut(part.idea, part.choice, part.name, _AS_BASELINE))
    combined = Combined((), (), (*choices.missing, *choices.failed))
    for part in sorted(standing, key=lambda one: one.effect):
        if _unchanged(part, bases[0]):
            left_out.append(LeftOut(part.idea, part.choice, part.name, _AS_BASELINE))
            continue
        more = replace(combined, parts=(*combined.parts, part))
        try:
            for base in bases:
                more.applied_to(base, ffn_multiple)
        except StudyError as error:
            left_out.append(LeftOut(part.idea, part.choice, part.name, _IMPOSSIBLE(why=str(error))))
        else:
            combined = more
    if "attention" not in combined.applied_to(bases[0], ffn_multiple).model.mixers:
        idle = [part for part in combined.parts if acts_in_attention(part.changes)]
        left_out += [LeftOut(part.idea, part.choice, part.name, _NO_ATTENTION) for part in idle]
        combined = replace(combined, parts=tuple(part for part in combined.parts if part not in idle))
    return replace(combined, left_out=tuple(left_out))


def _part(idea: str, group: tuple[Setting, ...], base: TrialSpec) -> Part | LeftOut:
    """The choice that a group of settings makes, or why it is not made here."""
    values = {one.field: one.value for one in group}
    choice, name = group[0].decision, _named(values)
    why = next((why for one in group if (why := why_not(one, base)) is not None), None)
    if why is None and any(value is None for value in values.values()):
        why = _NO_VALUE
    compared = [one for one in group if one.tried]
    if why is None and not any(one.evidence == "measured" for one in group):
        why = _NOT_OWN
    if why is not None:
        return LeftOut(idea, choice, name, why)
    there = {field: _value_at(base, field) for field in values}
    against = _behind(compared, there)
    if against is None:
        if all(map(_same, values.values(), there.values())):
            return LeftOut(idea, choice, name, _AS_BASELINE)
        return LeftOut(idea, choice, name, _NOT_COMPARED(value=_named(there)))
    one = compared[0]
    return Part(
        idea=idea, choice=choice, name=name, instead_of=_named(there), changes=values, effect=-against[0], sd=against[1],
        params=float(one.params or 0), noise=float(one.noise_percent or 0), seeds=int(one.seeds or 1),
    )  # fmt: skip


def _behind(compared: Sequence[Setting], there: dict[str, Any]) -> tuple[float, float] | None:
    """How far the baseline's values are behind the settings' own, percent with its SD; None where they were not compared."""
    if not compared:
        return None
    for label in (one.label for one in compared[0].tried):
        of_label = {one.field: {tried.label: tried for tried in one.tried}.get(label) for one in compared}
        if all(tried is not None and _same(tried.value, there[field]) for field, tried in of_label.items()):
            tried = of_label[compared[0].field]
            return tried.behind_percent, tried.sd_percent
    return _between(compared[0], there[compared[0].field]) if len(compared) == 1 else None


def _between(setting: Setting, value: Any) -> tuple[float, float] | None:
    """Of a number between two that were tried: on the straight line between them, by the logarithm where all are positive."""
    points = sorted((one.value, one.behind_percent, one.sd_percent) for one in setting.tried if _is_number(one.value))
    if not _is_number(value) or len(points) < len(setting.tried):
        return None
    scale = math.log if points[0][0] > 0 and value > 0 else float
    for (low, *left), (high, *right) in pairwise(points):
        if low < value < high:
            share = (scale(value) - scale(low)) / (scale(high) - scale(low))
            behind, sd = (a + share * (b - a) for a, b in zip(left, right, strict=True))
            return behind, sd
    return None


def _with_room(changes: dict[str, Any], base: TrialSpec) -> dict[str, Any]:
    """With the rows of the token table that an objective's own tokens need."""
    if "objective.name" not in changes:
        return changes
    own = {
        field.removeprefix("objective."): value for field, value in changes.items() if field.startswith("objective.")
    }
    objective = type(base.objective)(**own)
    extra = OBJECTIVES[objective.name](objective).extra_tokens(base.model.seq_len)
    multiple = max(8, base.parallel.tp)
    return (
        changes | {"model.vocab_size": -(-(base.model.vocab_size + extra) // multiple) * multiple} if extra else changes
    )


def _unchanged(part: Part, base: TrialSpec) -> bool:
    return all(_same(value, _value_at(base, field)) for field, value in part.changes.items())


def _same(value: Any, other: Any) -> bool:
    if _is_number(value) and _is_number(other):
        return math.isclose(value, other, rel_tol=1e-9)
    return value == other


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value_at(part: Any, field: str) -> Any:
    for name in field.split("."):
        part = getattr(part, name, None)
    return part


def _named(values: dict[str, Any]) -> str:
    """``optimizer muon (learning_rate 0.01)``: the first field, and what goes with it."""
    first, *others = (f"{field_label(field)} {human(value)}" for field, value in values.items())
    return f"{first} ({', '.join(others)})" if others else first
