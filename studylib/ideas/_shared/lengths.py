"""Runs of other lengths, for what is held equal beside FLOPs. No torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from studylib.ideas._shared.sizes import SizesParams
from studylib.numbers import short
from studylib.spec import TrialSpec
from studylib.trials.queue import Round
from studylib.trials.speeds import median_speeds, speed_steps, speed_windows

LENGTH = "length"  # family of these trials; their variant and size are those of the race
_SAME = math.log(1.02)  # lengths nearer than this are one: the loss is moved the rest of the way
_SEEDS = 2  # that learn what more tokens bring; who is best is not asked of them


def other_lengths(
    params: SizesParams, race: Sequence[TrialSpec], reference: Mapping[str, str] | str
) -> list[TrialSpec]:
    """What is known beforehand: the reference at ``params.lengths``, and, where asked for, all of the size that decides at its tokens.

    Parameters
    ----------
    race
        The trials at equal FLOPs.
    reference
        The variant, of all sizes or by size, whose tokens are those of the parameters.
    """
    specs = [
        _of_length(spec, max(2, round(share * spec.train_steps)))
        for spec in race
        if spec.tags["variant"] == _at(reference, spec) and spec.seed in params.seeds[:_SEEDS]
        for share in params.lengths
    ]
    if "tokens" in params.equal:
        deciding = at_deciding_size(params, race)
        steps = _reference_steps(deciding, reference)
        specs += [_of_length(spec, steps) for spec in deciding if _differ(spec.train_steps, steps)]
    return specs


def equal_seconds_rounds(
    params: SizesParams, race: Sequence[TrialSpec], reference: Mapping[str, str] | str
) -> list[Round]:
    """`equal_seconds`, once the speeds of ``race`` are measured; none where that is not asked for, or cannot be measured."""
    after = tuple(step.name for step in speed_steps(race))
    if "seconds" not in params.equal or not after:
        return []

    def then() -> tuple[list[TrialSpec], list[Round]]:
        return equal_seconds(params, race, median_speeds(speed_windows(race, params.folder)), reference), []

    expected = sum(spec.tags["variant"] != _at(reference, spec) for spec in at_deciding_size(params, race))
    return [Round("equal seconds", after, expected, then)]


def equal_seconds(
    params: SizesParams,
    race: Sequence[TrialSpec],
    throughput: Mapping[str, float] | None,
    reference: Mapping[str, str] | str,
) -> list[TrialSpec]:
    """The size that decides once more, each variant for the reference's time; empty unless ``params.equal`` asks for it.

    ``throughput``: tokens/s by ``size/variant``; without a measurement made alone nothing is planned.
    """
    if "seconds" not in params.equal or throughput is None:
        return []
    deciding = at_deciding_size(params, race)
    steps = _reference_steps(deciding, reference)
    rate = throughput[f"{deciding[0].tags['size']}/{_at(reference, deciding[0])}"]
    found = []
    for spec in deciding:
        own = max(2, round(steps * throughput[f"{spec.tags['size']}/{spec.tags['variant']}"] / rate))
        if _differ(spec.train_steps, own):
            found.append(_of_length(spec, own))
    return found


def at_deciding_size(params: SizesParams, race: Iterable[TrialSpec]) -> list[TrialSpec]:
    """Those of ``race`` that are of `SizesParams.deciding_budget`."""
    size = short(params.deciding_budget)
    return [spec for spec in race if spec.tags["size"] == size]


def _of_length(spec: TrialSpec, steps: int) -> TrialSpec:
    return spec.replace(train_steps=steps, eval_every=0, probes=(), tags=spec.tags | {"family": LENGTH})


def _reference_steps(deciding: Sequence[TrialSpec], reference: Mapping[str, str] | str) -> int:
    return next(spec.train_steps for spec in deciding if spec.tags["variant"] == _at(reference, spec))


def _at(reference: Mapping[str, str] | str, spec: TrialSpec) -> str:
    return reference if isinstance(reference, str) else reference[str(spec.tags["size"])]


def _differ(steps: int, other: int) -> bool:
    return abs(math.log(steps / other)) > _SAME
