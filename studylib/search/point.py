"""From a point of the space to the trial that it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studylib.errors import invalid
from studylib.spec import Frozen, TrialSpec


def trial_at(base: TrialSpec, point: Mapping[str, Any]) -> TrialSpec:
    """``base`` with the dotted fields of ``point``, trained on as many tokens.

    Another batch size or context length means another number of steps; validations and checkpoints keep their places.

    Raises
    ------
    StudyError
        A field that trials do not have, or a value that is not valid for it.
    """
    trial = _with(base, {tuple(key.split(".")): value for key, value in point.items()}, "")
    steps = max(1, round(base.train_tokens / trial.tokens_per_step))
    if steps == base.train_steps or "train_steps" in point:
        return trial
    per_step = steps / base.train_steps
    every = {
        name: max(1, round(getattr(base, name) * per_step)) if getattr(base, name) else 0
        for name in ("eval_every", "checkpoint_every")
    }
    return trial.replace(train_steps=steps, **every)


def _with(spec: Any, changes: Mapping[tuple[str, ...], Any], place: str) -> Any:
    fields = spec.known_fields() if isinstance(spec, Frozen) else []
    values, nested = {}, {}
    for (name, *rest), value in changes.items():
        if name not in fields:
            raise invalid("space", f"{place}{name}", "is not a field of trials", choices=fields or None, near=name)
        if rest:
            nested.setdefault(name, {})[tuple(rest)] = value
        else:
            values[name] = value
    for name, inner in nested.items():
        values[name] = _with(getattr(spec, name), inner, f"{place}{name}.")
    return spec.replace(**values)
