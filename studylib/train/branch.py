"""Going on from another trial's state in the middle of its run: weights, optimizer state and place in the text.

What comes after is what a run of its own from the first step would have done, to the last bit on the same layout, because
both trials agree in all that matters up to there. That is checked, not assumed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studylib.errors import invalid
from studylib.files import read_json
from studylib.model.gpt import GPT
from studylib.parallel import World
from studylib.spec import TrialSpec, validated
from studylib.train import checkpoint
from studylib.train.kept import checkpoint_folder, checkpoints, finished_steps
from studylib.train.optimizer_state import Optimizer
from studylib.train.stage_rates import staged_rate_factor

# Whatever else a specification holds must be equal: it could change the numbers before the branch.
FREE = {
    "branch_from", "branch_step", "checkpoint_every", "compute", "eval_every", "eval_tokens", "keep_steps", "parallel",
    "probes", "schedule", "stages", "tags", "train_steps",
}  # fmt: skip


def branch_off(
    model: GPT, optimizer: Optimizer, spec: TrialSpec, trials: Path, world: World
) -> checkpoint.Progress:  # fmt: skip
    """Fill model and optimizer from ``trials/<spec.branch_from>`` after ``spec.branch_step`` steps; all ranks call it.

    Raises
    ------
    StudyError
        The other trial is not there, differs in what comes before the branch, or kept no sound checkpoint of that step.
    """
    folder = trials / spec.branch_from
    if not (folder / "spec.json").is_file():
        raise invalid("branch_from", spec.branch_from, f"is not a trial of this study ({trials} has none such)")
    trunk = validated(TrialSpec, read_json(folder / "spec.json"), file=folder / "spec.json")
    check_common_past(trunk, spec)
    found = checkpoint_folder(folder, spec.branch_step)
    if not found.is_dir():
        kept = [finished_steps(path) for path in checkpoints(found.parent)]
        why = (
            f"was not kept by trial {spec.branch_from}, which has {kept or 'none'}; train that one anew with keep_steps"
        )
        raise invalid("branch_step", spec.branch_step, why)
    problem = checkpoint.problem_with(found, trunk.recipe_hash)
    if problem:
        raise invalid("branch_from", spec.branch_from, f"cannot be gone on with: {found.name}: {problem}")
    return checkpoint.load_one(found, model, optimizer, world)


def check_common_past(trunk: TrialSpec, spec: TrialSpec) -> None:
    """Raise a StudyError unless both trials do the same in the first ``spec.branch_step`` steps."""
    ours, theirs = spec.model_dump(mode="json"), trunk.model_dump(mode="json")
    for field in sorted((ours.keys() | theirs.keys()) - FREE):
        if ours.get(field) != theirs.get(field):
            raise invalid(field, ours.get(field), f"differs from trial {spec.branch_from}, which this one goes on with")
    if spec.branch_step > trunk.train_steps:
        raise invalid(
            "branch_step", spec.branch_step, f"is beyond the {trunk.train_steps} steps of trial {spec.branch_from}"
        )
    if _stages_before(spec, spec.branch_step) != _stages_before(trunk, spec.branch_step):
        raise invalid("stages", [stage.name for stage in spec.stages], f"differ before step {spec.branch_step}")
    for step in range(spec.branch_step):
        here, there = staged_rate_factor(spec, step), staged_rate_factor(trunk, step)
        if here != there:
            why = (
                f"has {here:.4g} of the peak rate at step {step} where trial {spec.branch_from} has {there:.4g}; "
                "branch off before, and warm up over the same warmup_steps"
            )
            raise invalid("schedule", spec.schedule.name, why)


def _stages_before(spec: TrialSpec, step: int) -> list[Any]:
    """What is read before ``step``; a sorted stage depends on its whole length."""
    if not spec.stages:
        return []
    found, start = [], 0
    for stage, end in zip(spec.stages, spec.stage_ends, strict=True):
        if start < step:
            found.append(
                [stage.mixture, stage.order, stage.seq_len, min(end, step) if stage.order == "random" else end]
            )
        start = end
    return found
