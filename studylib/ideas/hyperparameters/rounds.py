"""What idea 7 trains after its first round: searches go on, and the rates they find are compared."""

from __future__ import annotations

from typing import Any

from studylib.ideas.hyperparameters.optimizers import compared_trials, tuning
from studylib.ideas.hyperparameters.recipe import RATE, base, with_tags
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.ideas.hyperparameters.trials import grid_of, searched
from studylib.search import SearchResult, search_result, search_round, trial_at
from studylib.spec import ComputeSpec, ParallelSpec, SearchSpec, TrialSpec
from studylib.trials.queue import Round

_CHECKED_WIDTH = 512


def rounds_of(params: HyperparametersParams) -> list[Round]:
    """Every search goes on with what it has found; behind each of an optimizer's, that optimizer on seeds of its own."""
    found: list[Round] = []
    for (name, width), (trial, spec) in _tunings(params).items():
        found.append(
            search_round(
                with_tags(trial, family="tuning", variant=name), spec, params.folder, expected=len(params.seeds),
                then=lambda one, key=(name, width): second_round(params, {key: one}),
            )
        )  # fmt: skip
    for name, spec in _searches(params).items():
        found.append(search_round(with_tags(searched(params), family="search", variant=name), spec, params.folder))
    return found


def tuned(params: HyperparametersParams) -> dict[tuple[str, int], SearchResult]:
    """What came of the search of every optimizer at every width where they are compared."""
    return {key: search_result(trial, spec, params.folder) for key, (trial, spec) in _tunings(params).items()}


def searches(params: HyperparametersParams) -> dict[str, SearchResult]:
    """What came of ``grid`` and ``pruned`` over one space, and ``explored`` over many fields; those that were asked for."""
    return {name: search_result(searched(params), spec, params.folder) for name, spec in _searches(params).items()}


def second_round(params: HyperparametersParams, tuned: dict[tuple[str, int], SearchResult]) -> list[TrialSpec]:
    """The tuned optimizers on their seeds; one of which no point finished is left out."""
    found: dict[tuple[str, int], dict[str, Any]] = {key: one.best.point for key, one in tuned.items() if one.finished}
    return compared_trials(params, found)


def _tunings(params: HyperparametersParams) -> dict[tuple[str, int], tuple[TrialSpec, SearchSpec]]:
    return {(name, width): tuning(params, name, width) for width in params.compare_at for name in params.optimizers}


def _searches(params: HyperparametersParams) -> dict[str, SearchSpec]:
    wanted = {} if params.pruned is None else {"grid": grid_of(params.pruned), "pruned": params.pruned}
    return wanted if params.explored is None else wanted | {"explored": params.explored}


def coordinates(params: HyperparametersParams) -> list[dict[str, Any]]:
    """The coordinate check of every parametrisation that is swept over widths: a few steps on a small batch, in this process.

    Widths beyond 512 are left out, so that it stays a matter of seconds on any machine.
    """
    from studylib.train.coordinates import coordinate_check

    widths = [width for width in sorted(params.widths) if width <= _CHECKED_WIDTH]
    if len(widths) < 2:
        return []
    found = []
    for init, axis in params.rates.items():
        trial = base(params, widths[0], params.seeds[0])
        small = {"model.init": init, "model.seq_len": min(params.seq_len, 64), RATE: axis.grid[len(axis.grid) // 2]}
        trial = trial_at(trial, small).replace(
            global_batch_size=4, parallel=ParallelSpec(), compute=ComputeSpec(device="cpu", compile="none")
        )
        found += coordinate_check(trial, widths, seeds=params.seeds)
    return found
