"""What idea 1 trains after its first round: the next shape out where the best is the last on its side, and equal seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from studylib.ideas._shared.lengths import equal_seconds_rounds, other_lengths
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.ideas.depth_width.trials import families, middle_shapes, shape_label, shape_trials
from studylib.model.family import next_shape_out
from studylib.spec import ModelSpec, Step
from studylib.trials.cache import Task
from studylib.trials.queue import Round
from studylib.trials.speeds import speed_steps

Shapes = Mapping[int, Sequence[ModelSpec]]  # by budget, of falling depth


def rounds_of(params: DepthWidthParams) -> list[Round]:
    """Shapes beyond the edges once those of the plan are trained, then the speed of all, then equal seconds."""
    if params.edge_rounds:
        return [_beyond_the_edges(params, families(params), params.edge_rounds)]
    return equal_seconds_rounds(params, shape_trials(params, families(params)), middle_shapes(params))


def _beyond_the_edges(params: DepthWidthParams, shapes: Shapes, left: int) -> Round:
    race = shape_trials(params, shapes)

    def then() -> tuple[list[Step], list[Round]]:
        wider = {budget: with_next_out(params, budget, family) for budget, family in shapes.items()} if left else shapes
        if wider == shapes:
            return list(speed_steps(race)), equal_seconds_rounds(params, race, middle_shapes(params))
        more = shape_trials(params, wider)
        return [*more, *other_lengths(params, more, middle_shapes(params))], [
            _beyond_the_edges(params, wider, left - 1)
        ]

    most = left * sum(len(params.seeds_of(budget)) for budget in shapes) + len(speed_steps(race))
    most += sum(one.expected for one in equal_seconds_rounds(params, race, middle_shapes(params)))
    most += left * len(params.seeds_of(params.deciding_budget)) * len(params.equal)  # of that size, once more for each
    return Round("the next shape out, where the best is the last", tuple(spec.name for spec in race), most, then)


def with_next_out(params: DepthWidthParams, budget: int, shapes: Sequence[ModelSpec]) -> list[ModelSpec]:
    """``shapes``, and the next one out on the side of the best (mean loss over the seeds) if that is the last there.

    A shape of which a seed failed is no candidate. None is added where a model of one layer is the best: nothing is wider; nor one that
    is to be left out.
    """
    done = {shape: loss for shape in shapes if (loss := _mean_loss(params, budget, shape)) is not None}
    best = min(done, key=done.__getitem__, default=None)
    if len(shapes) < 2 or best not in (shapes[0], shapes[-1]):
        return list(shapes)
    deeper = best == shapes[0]
    out = next_shape_out(budget, shapes, deeper=deeper, head_dim=params.head_dim, ffn_multiple=params.ffn_multiple)
    if out is None or shape_label(out) in params.leave_out:
        return list(shapes)
    return [out, *shapes] if deeper else [*shapes, out]


def _mean_loss(params: DepthWidthParams, budget: int, shape: ModelSpec) -> float | None:
    results = [Task.under(params.folder, spec).result() for spec in shape_trials(params, {budget: [shape]})]
    return None if None in results else fmean(one.val_bpb for one in results)
