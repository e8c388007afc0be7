"""The learning rate of a run in stages. No torch."""

from __future__ import annotations

from studylib.choices.schedule import learning_rate_factor, warmup_steps
from studylib.spec import TrialSpec
from studylib.stages import stage_ends


def staged_rate_factor(spec: TrialSpec, step: int) -> float:
    """Share of the peak learning rate at ``step`` (the first is 0), with what the stages do to it.

    ``keep`` lets the trial's schedule go on. ``rewarm`` ends the schedule at the stage's border and begins it anew for
    the rest of the run: the warm-up then starts from where the rate stood. ``decay`` brings the rate down in a straight
    line to ``final_fraction`` by the stage's end, where it stays until a stage re-warms it.
    """
    schedule = spec.schedule
    if not spec.stages:
        return learning_rate_factor(schedule, step, spec.train_steps)
    ends = stage_ends(spec.stages, spec.train_steps, spec.tokens_per_step)
    starts = (0, *ends[:-1])
    cuts = [0] + [start for stage, start in zip(spec.stages, starts, strict=True) if stage.learning_rate == "rewarm"]
    begin = max(cut for cut in cuts if cut <= step)
    end = min((cut for cut in cuts if cut > begin), default=spec.train_steps)
    for stage, first, last in zip(spec.stages, starts, ends, strict=True):
        if stage.learning_rate == "decay" and begin <= first <= step:
            top = staged_rate_factor(spec, first - 1) if first else 1.0
            done = min((step - first + 1) / (last - first), 1.0)
            return top + (schedule.final_fraction - top) * done
    factor = learning_rate_factor(schedule, step - begin, end - begin)
    warmup = warmup_steps(schedule, end - begin)
    if begin and step - begin < warmup:
        before = staged_rate_factor(spec, begin - 1)
        factor = before + (1 - before) * factor
    return factor
