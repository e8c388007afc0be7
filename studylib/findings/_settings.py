"""Settings from variants: which value of which field the best of each group stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studylib.analysis import AtTarget
from studylib.frozen import Frozen
from studylib.result import Text
from studylib.spec import Setting


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
    Settings with P(best), regret and rivals inside the group. A field that the best variant does not have (an option of another
    choice, a part that is not there) makes none.
    """
    found = []
    for changes in groups.values():
        every = {baseline: {}} | {name: _flat(own) for name, own in changes.items()}
        known = [name for name in every if name in at.p_best]
        if len(known) < 2:
            continue
        own = at.among(known)
        for field in dict.fromkeys(key for name in known for key in every[name]):
            value = every[own.leader].get(field, _value(base, field))
            if value is None:
                continue
            others = [every[name].get(field, _value(base, field)) for name in own.rivals]
            others = [other for place, other in enumerate(others) if other not in (None, value, *others[:place])]
            found.append(
                Setting(
                    field=f"{place}.{field}" if place else field, value=value,
                    alternatives=tuple(others),
                    p_best=own.p_leader, expected_regret_percent=own.regret, basis="flops", evidence="measured",
                    sizes=tuple(own.sizes), source=(under or {}).get(field), decided=own.decided,
                )
            )  # fmt: skip
    return tuple(found)


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
