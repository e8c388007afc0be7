"""What idea 7 trains after its first round: searches go on, and the rates they find are compared."""

from __future__ import annotations

from typing import Any

from studylib.ideas.hyperparameters.optimizers import compared_trials, tuning
from studylib.ideas.hyperparameters.recipe import with_tags
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.ideas.hyperparameters.trials import coordinate_steps, grid_of, searched
from studylib.search import SearchResult, search_result, search_round
from studylib.spec import SearchSpec, TrialSpec
from studylib.trials.cache import Task
from studylib.trials.queue import Round


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
    """What the coordinate checks found, for ``analysis.growth_with_width``; of one that failed nothing."""
    records = (Task.under(params.folder, step).result() for step in coordinate_steps(params))
    return [one.model_dump() for record in records if record is not None for one in record.coordinates]
