"""`search`: propose, train on the first budget, let the best go on, and tell the sampler what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studylib.files import content_hash, write_json
from studylib.registry import SAMPLERS
from studylib.search.point import trial_at
from studylib.search.rungs import Rung, rungs_of
from studylib.search.tried import Point, SearchResult, Tried
from studylib.spec import SearchSpec, TrialSpec
from studylib.trials.cache import Trial

_BATCH = 4  # proposals of a sampler that learns; larger batches learn less often


def search(base: TrialSpec, spec: SearchSpec, out: Path | str, **launch: Any) -> SearchResult:
    """Try the points of ``spec`` on ``base``, which is the trial on the whole budget.

    Parameters
    ----------
    base
        Everything that is not searched. Its tokens are the whole budget, for any batch size.
    out
        Study folder. Trials are kept in ``out/trials`` with all others; ``out/search/<hash>.json`` lists the points for
        readers and is written anew by each run.
    launch
        As for ``run_trials`` (workers, timeout, launcher, ...).

    Returns
    -------
    SearchResult
        A trial that fails is told as failed and the search goes on.

    Raises
    ------
    StudyError
        A field or value that trials do not have, before anything is trained.
    """
    out = Path(out)
    tried: list[Tried] = []
    while points := propose(spec, tried):
        climbed = [rungs_of(trial_at(base, point), spec.rungs) for point in points]
        tried += _climb(points, climbed, spec, tried, out, launch)
        record(base, spec, tried, out)
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


def _climb(
    points: Sequence[Point], climbed: Sequence[Sequence[Rung]], spec: SearchSpec, tried: Sequence[Tried], out: Path,
    launch: dict[str, Any],
) -> list[Tried]:  # fmt: skip
    """Train a batch rung by rung; the best ``keep`` of all that ever reached a rung, and are in the batch, go on."""
    from studylib.trials.run import run_trials

    values: list[list[float | None]] = [[] for _ in points]
    going = list(range(len(points)))
    for rung in range(len(spec.rungs)):
        if not going:
            break
        run_trials([trial for place in going for trial in climbed[place][rung].trials], out, **launch)
        for place in going:
            result = Trial.under(out, climbed[place][rung].judged).result()
            values[place].append(None if result is None else float(result["val_bpb"]))
        before = [one.values[rung] for one in tried if len(one.values) > rung]
        going = promoted({place: values[place][rung] for place in going}, before, spec.keep)
    return [_tried(point, rungs, own, out) for point, rungs, own in zip(points, climbed, values, strict=True)]


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
    trained = {trial.hash: Trial.under(out, trial) for rung in rungs[: len(values)] for trial in rung.trials}
    failures = (trial.failure() for trial in trained.values()) if values[-1] is None else ()
    return Tried(
        point=point,
        values=tuple(values),
        rungs=len(rungs),
        hashes=tuple(rung.judged.hash for rung in rungs[: len(values)]),
        flops=sum(trial.flops for trial in trained.values()),
        message=next((failure["message"] for failure in failures if failure), ""),
    )


def record(base: TrialSpec, spec: SearchSpec, tried: Sequence[Tried], out: Path) -> Path:
    """List the points in a file, for readers: nothing reads it back."""
    content = {
        "base": base.model_dump(mode="json"),
        "search": spec.model_dump(mode="json"),
        "points": [
            {"point": one.point, "values": one.values, "state": one.state, "trials": one.hashes, "flops": one.flops}
            for one in tried
        ],
    }
    name = content_hash({"base": base.hash, "search": spec.model_dump(mode="json")})
    path = out / "search" / f"{name}.json"
    write_json(path, content)
    return path
