"""The stages of a run: where each ends, and whether they fit the trial. No torch.

A stage is given as a share of the run's tokens, as a number of tokens, or as what the others leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studylib.errors import invalid

if TYPE_CHECKING:
    from studylib.spec import StageSpec, TrialSpec


def stage_ends(stages: Sequence[StageSpec], train_steps: int, tokens_per_step: int) -> tuple[int, ...]:
    """The step after each stage's last one; the last is ``train_steps``.

    Ends are rounded to whole steps from the exact cumulative lengths, so no rounding adds up.

    Raises
    ------
    StudyError
        The lengths do not fill the run to half a step, two stages leave theirs open, or a stage has no step.
    """
    wanted = [_steps(stage, train_steps, tokens_per_step) for stage in stages]
    open_ones = [place for place, steps in enumerate(wanted) if steps is None]
    known = sum(steps for steps in wanted if steps is not None)
    if len(open_ones) > 1:
        names = ", ".join(stages[place].name for place in open_ones)
        raise invalid("stages", names, "leave both fraction and tokens out; only one stage may take what is left")
    if open_ones:
        wanted[open_ones[0]] = train_steps - known
    elif abs(known - train_steps) > 0.5:
        why = f"have lengths that add up to {known / train_steps:.4g} of the run; they must fill it"
        raise invalid("stages", [stage.name for stage in stages], why)
    ends, total = [], 0.0
    for stage, steps in zip(stages, wanted, strict=True):
        total += steps or 0.0
        ends.append(round(total))
        if ends[-1] <= (ends[-2] if len(ends) > 1 else 0):
            raise invalid("stages", stage.name, f"has no whole step of the run's {train_steps}; lengthen it or the run")
    return (*ends[:-1], train_steps)


def _steps(stage: StageSpec, train_steps: int, tokens_per_step: int) -> float | None:
    if stage.fraction is not None:
        return stage.fraction * train_steps
    return None if stage.tokens is None else stage.tokens / tokens_per_step


def check_stages(spec: TrialSpec) -> None:
    """Raise a StudyError unless the stages fit the trial's sources, context length and batch."""
    labels = [source.label for source in spec.data.sources]
    for stage in spec.stages:
        field = f"stages.{stage.name}"
        for label, weight in stage.mixture.items():
            if label not in labels:
                raise invalid(f"{field}.mixture", label, "is not a source", choices=labels)
            if weight < 0:
                raise invalid(f"{field}.mixture.{label}", weight, "is negative")
        if stage.mixture and not any(stage.mixture.values()):
            raise invalid(f"{field}.mixture", stage.mixture, "has no positive weight")
        if stage.fraction is not None and stage.tokens is not None:
            raise invalid(field, stage.tokens, "gives tokens beside fraction; give one of them")
        if stage.seq_len is not None and (stage.seq_len > spec.model.seq_len or spec.model.seq_len % stage.seq_len):
            why = f"does not divide the model's seq_len {spec.model.seq_len}"
            raise invalid(f"{field}.seq_len", stage.seq_len, why)
    names = [stage.name for stage in spec.stages]
    for name in names:
        if names.count(name) > 1:
            raise invalid("stages", name, "names two stages; give each its own name")
    if spec.stages:
        stage_ends(spec.stages, spec.train_steps, spec.tokens_per_step)


def stage_at(ends: Sequence[int], step: int) -> int:
    """The number of the stage that makes step ``step`` (from 0)."""
    return next((place for place, end in enumerate(ends) if step < end), len(ends) - 1)
