"""`search`: propose, train on the first budget, let the best go on, and tell the sampler what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from studylib.registry import SAMPLERS
from studylib.search.point import trial_at
from studylib.search.rungs import Rung, rungs_of
from studylib.search.tried import Point, SearchResult, Tried
from studylib.spec import SearchSpec, TrialSpec
from studylib.trials.cache import Task
from studylib.trials.queue import Round

_BATCH = 4  # proposals of a sampler that learns; larger batches learn less often


def search(base: TrialSpec, spec: SearchSpec, out: Path | str, **launch: Any) -> SearchResult:
    """Try the points of ``spec`` on ``base``, which is the trial on the whole budget.

    Parameters
    ----------
    base
        Everything that is not searched. Its tokens are the whole budget, for any batch size.
    out
        Study folder. Trials are kept in ``out/trials`` with all others.
    launch
        As for ``run_steps`` (workers, timeout, launcher, ...).

    Returns
    -------
    SearchResult
        A trial that fails is told as failed and the search goes on.

    Raises
    ------
    StudyError
        A field or value that trials do not have, before anything is trained.
    """
    from studylib.trials.run import run_steps

    out = Path(out)
    trials, rounds = search_steps(base, spec, out)
    run_steps(trials, out, rounds=rounds, **launch)
    return search_result(base, spec, out)


def search_round(
    base: TrialSpec, spec: SearchSpec, out: Path, *, expected: int = 0,
    then: Callable[[SearchResult], Sequence[TrialSpec]] = lambda _: (),
) -> Round:  # fmt: skip
    """The whole search behind its `first_trials`, which somebody has to ask for.

    ``then`` makes further trials of its result, about ``expected``.
    """
    first = first_trials(base, spec)
    more = _most_trials(base, spec) - len(first) + expected
    name = f"search over {', '.join(spec.space)}"
    after = tuple(trial.name for trial in first)
    asked = frozenset(after)
    return Round(name, after, max(more, 0), lambda: search_steps(base, spec, out, then=then, asked=asked))


def search_steps(
    base: TrialSpec,
    spec: SearchSpec,
    out: Path,
    *,
    then: Callable[[SearchResult], Sequence[TrialSpec]] = lambda _: (),
    asked: frozenset[str] = frozenset(),
) -> tuple[list[TrialSpec], list[Round]]:
    """The trials of the search so far, those whose outcomes it waits for last, and the round that follows them.

    When the search is over, all of its trials, those that ``then`` makes of it, and no further round. Left out are those whose
    names are ``asked``.
    """
    tried: list[Tried] = []
    found: list[TrialSpec] = []
    known: set[str] = set()
    for trials in _stages(base, spec, out, tried):
        known |= {trial.hash for trial in trials}
        found += [trial for trial in trials if trial.name not in asked]
        if not all(_ended(trial, out) for trial in trials):
            after = tuple(trial.name for trial in trials)
            expected = max(_most_trials(base, spec) - len(known), 0)
            name = f"search over {', '.join(spec.space)}"
            go_on = partial(search_steps, base, spec, out, then=then, asked=asked)
            return found, [Round(name, after, expected, go_on)]
    return [*found, *then(SearchResult(tuple(tried)))], []


def search_result(base: TrialSpec, spec: SearchSpec, out: Path) -> SearchResult:
    """What came of a search whose trials have all ended."""
    tried: list[Tried] = []
    for trials in _stages(base, spec, Path(out), tried):
        if open_ := [trial for trial in trials if not _ended(trial, Path(out))]:
            raise RuntimeError(f"{open_[0].name} of the search has not ended")
    return SearchResult(tuple(tried))


def propose(spec: SearchSpec, tried: Sequence[Tried]) -> list[Point]:
    """The next batch; empty when the search is over."""
    wanted = spec.points or math.prod(len(axis.grid) for axis in spec.space.values())
    batch = spec.batch or (_BATCH if spec.sampler == "tpe" else wanted)
    count = min(wanted - len(tried), batch)
    return SAMPLERS[spec.sampler](spec).propose(tried, count) if count > 0 else []


def first_trials(base: TrialSpec, spec: SearchSpec) -> list[TrialSpec]:
    """What is known beforehand: the trials of the first batch's first rung. The rest depends on their losses."""
    return [trial for point in propose(spec, []) for trial in rungs_of(trial_at(base, point), spec.rungs)[0].trials]


def _most_trials(base: TrialSpec, spec: SearchSpec) -> int:
    """How many trials the search has if none fails."""
    left = spec.points or math.prod(len(axis.grid) for axis in spec.space.values())
    each = sum(len(rung.trials) for rung in rungs_of(base, spec.rungs)) / len(spec.rungs)
    total = 0.0
    for _ in spec.rungs:
        total += left * each
        left = math.ceil(left * spec.keep)
    return round(total)


def _stages(base: TrialSpec, spec: SearchSpec, out: Path, tried: list[Tried]) -> Iterator[list[TrialSpec]]:
    """The trials of one rung of a batch after another; those handed out must have ended before the next are asked for.

    Everything follows from outcomes on record, so a search that was cut off goes on where it stood. Points that are
    through are added to ``tried``.
    """
    while points := propose(spec, tried):
        climbed = [rungs_of(trial_at(base, point), spec.rungs) for point in points]
        values: list[list[float | None]] = [[] for _ in points]
        going = list(range(len(points)))
        for rung in range(len(spec.rungs)):
            if not going:
                break
            yield [trial for place in going for trial in climbed[place][rung].trials]
            for place in going:
                result = Task.under(out, climbed[place][rung].judged).result()
                values[place].append(None if result is None else result.val_bpb)
            # The best ``keep`` of all that ever reached this rung, and are in the batch, go on.
            before = [one.values[rung] for one in tried if len(one.values) > rung]
            going = promoted({place: values[place][rung] for place in going}, before, spec.keep)
        tried += [_tried(point, rungs, own, out) for point, rungs, own in zip(points, climbed, values, strict=True)]


def _ended(trial: TrialSpec, out: Path) -> bool:
    return Task.under(out, trial).state in ("done", "failed")


def promoted(reached: dict[int, float | None], before: Sequence[float | None], keep: float) -> list[int]:
    """Which of the batch are among the best ``keep`` (rounded up) of all points that reached this rung; failed ones never.

    Decided for the whole batch at once, so it does not matter in which order workers finish; Optuna's own halving pruner
    judges one by one and lets the first to finish pass.
    """
    known = sorted(value for value in [*reached.values(), *before] if value is not None)
    if not known:
        return []
    limit = known[min(math.ceil(keep * (len(reached) + len(before))), len(known)) - 1]
    return [place for place, value in reached.items() if value is not None and value <= limit]


def _tried(point: Point, rungs: Sequence[Rung], values: list[float | None], out: Path) -> Tried:
    trained = {trial.hash: Task.under(out, trial) for rung in rungs[: len(values)] for trial in rung.trials}
    failures = (trial.failure() for trial in trained.values()) if values[-1] is None else ()
    return Tried(
        point=point,
        values=tuple(values),
        rungs=len(rungs),
        hashes=tuple(rung.judged.hash for rung in rungs[: len(values)]),
        flops=sum(trial.flops for trial in trained.values()),
        message=next((failure.message for failure in failures if failure), ""),
    )
