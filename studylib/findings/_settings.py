"""Settings from variants: which value of which field the best of each group stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from studylib.analysis import AtTarget, Compared, Valley
from studylib.analysis.compared import largest
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.spec import Setting, Tried
from studylib.spec.setting import Value


def settings_at_target(
    at: AtTarget,
    groups: Mapping[str, Mapping[str, Mapping[str, Any]]],
    base: Frozen,
    baseline: str,
    place: str = "model",
    under: Mapping[str, Text] | None = None,
) -> tuple[Setting, ...]:
    """Of every group the best at the target, the baseline among them: a setting for each field that the group changes.

    Parameters
    ----------
    groups
        By group, the changes to ``base`` of each variant, by the variant's name in ``at``.
    base
        The part of a trial's specification that is changed, at ``place`` in it; what ``baseline`` has.
    under
        By field, under what its value was found, where it means little without: a length in tokens.

    Returns
    -------
    Settings with P(best), regret and rivals inside the group, each with what was tried at the largest size; a group is one choice. A field that the best variant does not have (an option of another
    choice, a part that is not there) makes none.
    """
    found = []
    for group, changes in groups.items():
        every = {baseline: {}} | {name: _flat(own) for name, own in changes.items()}
        known = [name for name in every if name in at.p_best]
        if len(known) < 2:
            continue
        own = at.among(known)
        compared = largest(at.compared, known, own.leader)
        for field in dict.fromkeys(key for name in known for key in every[name]):
            values = {name: every[name].get(field, _value(base, field)) for name in known}
            value = values[own.leader]
            if value is None:
                continue
            others = [values[name] for name in own.rivals]
            others = [other for place, other in enumerate(others) if other not in (None, value, *others[:place])]
            found.append(
                Setting(
                    field=f"{place}.{field}" if place else field, value=value,
                    alternatives=tuple(others),
                    p_best=own.p_leader, expected_regret_percent=own.regret, basis="flops", evidence="measured",
                    sizes=tuple(own.sizes), source=(under or {}).get(field), decided=own.decided,
                    choice=group, **as_compared(compared, own.leader, values, own.behind(own.leader)),
                )
            )  # fmt: skip
    return tuple(found)


def as_compared(
    compared: Compared | None,
    own: str,
    values: Mapping[str, Value],
    there: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, Any]:
    """What a `Setting` says of how its value was compared with others: fields to give to it.

    Parameters
    ----------
    compared
        The variants at the largest size where they were; None, or one without ``own`` or with nothing beside it: says nothing.
    own
        The variant whose value the setting has.
    values
        Of the field, by variant; variants that are not among them are left out.
    there
        `AtTarget.behind`, where the variants were carried to the target.
    """
    here = None if compared is None else compared.among(values)
    if here is None or own not in here.variants:
        return {}
    return {
        "tried": tuple(
            Tried(label=name, value=values[name], behind_percent=mean, sd_percent=sd, there=(there or {}).get(name))
            for name, (mean, sd) in here.behind(own).items()
        ),
        "params": here.params, "noise_percent": here.noise_percent, "seeds": here.seeds, "trial_flops": here.trial_flops,
        "spread_percent": here.spread_percent,
    }  # fmt: skip


def along_valley(
    fits: Iterable[Valley], use: float, value_of: Callable[[float], Value], *, carried: bool = True
) -> dict[str, Any]:
    """`as_compared` of an optimum over a scale, from the valley of the largest size that has one.

    Parameters
    ----------
    fits
        Valleys, smallest size first.
    use
        What is used at the target. ``carried``: it is the optimum there, so values are told as they are to the optimum: what
        was tried at twice the optimum stands for twice ``use``. Otherwise values are what they are, and nothing is said of a
        ``use`` beyond those tried.
    value_of
        The value of the setting's field, by place on the scale.
    """
    known = [fit for fit in fits if fit.optimum is not None]
    if not known or not (carried or known[-1].sampled[0] <= use <= known[-1].sampled[1]):
        return {}
    fit = known[-1]
    moved = use / fit.optimum if carried else 1.0
    places = {f"{use:.3g}": use / moved} | {
        name: value for value in fit.values if (name := f"{moved * value:.3g}") != f"{use:.3g}"
    }
    return as_compared(
        fit.compared(places), f"{use:.3g}", {name: value_of(moved * one) for name, one in places.items()}
    )


def _flat(changes: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """``{"moe": {"experts": 8}}`` as ``{"moe.experts": 8}``."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        found |= _flat(value, f"{within}{name}.") if isinstance(value, Mapping) else {within + name: value}
    return found


def _value(base: Any, field: str) -> Any:
    for part in field.split("."):
        base = getattr(base, part, None)
    return base
