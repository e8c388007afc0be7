"""Which training steps are timed for a set of trials, and what was measured: never from trials that ran side by side."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from studylib.machine import this_machine
from studylib.spec import SpeedSpec, TrialSpec, timed_step
from studylib.trials.cache import Task


def speed_steps(trials: Iterable[TrialSpec]) -> list[SpeedSpec]:
    """The measurement of trials that are compared with each other, on this machine; one of each shape, whatever seed or text.

    Empty where a trial spans several processes: such trials run alone, and their own speed is the measurement.
    """
    trials = list(trials)
    if not trials or any(trial.parallel.world_size > 1 for trial in trials):
        return []
    shapes = {
        _shape(trial): trial for trial in reversed(trials)
    }  # the first of each; its steps are made once, not a seed
    different = {_key(step): step for trial in shapes.values() for _, step in _pieces(trial)}
    return [SpeedSpec(trials=tuple(different[key] for key in sorted(different)), machine=this_machine())]


def speed_windows(trials: Iterable[TrialSpec], out: Path | str) -> dict[str, list[float]]:
    """Tokens/s of each timed window by ``size/variant``, for the same ``trials`` that `speed_steps` was asked about.

    Of a run in stages each context length was timed, and is weighted by its share of the run.

    Raises
    ------
    StudyError
        The measurement failed or was not made.
    """
    trials = list(trials)
    found: dict[str, list[float]] = {}
    for step in speed_steps(trials):
        measured = {one.trial: one.windows for one in Task.under(Path(out), step).made().speeds}
        windows = {_key(one): measured[one.hash] for one in step.trials}
        for trial in trials:
            pieces = [(share, windows[_key(piece)]) for share, piece in _pieces(trial)]
            shares = [share for share, _ in pieces]
            found[f"{trial.tags['size']}/{trial.tags['variant']}"] = [
                1 / sum(share / rate for share, rate in zip(shares, rates, strict=True))
                for rates in zip(*(rates for _, rates in pieces), strict=True)
            ]
    return found


def others_meanwhile(trials: Iterable[TrialSpec], out: Path | str) -> float | None:
    """Share of the cores that others took while the speeds of `speed_windows` were measured; None: not known, or nothing measured."""
    speeds = [one for step in speed_steps(trials) for one in Task.under(Path(out), step).made().speeds]
    known = [one.others_meanwhile for one in speeds if one.others_meanwhile is not None]
    return statistics.median(known) if known else None


def median_speeds(windows: Mapping[str, Sequence[float]]) -> dict[str, float] | None:
    """Tokens/s by ``size/variant``; None where nothing was measured alone."""
    return {name: statistics.median(rates) for name, rates in windows.items()} or None


def _key(step: TrialSpec) -> str:
    """Equal for steps that compute the same; runs of any length share a measurement."""
    return step.replace(train_steps=1).hash


def _shape(trial: TrialSpec) -> str:
    """Equal only for trials whose steps compute the same."""
    parts = {"model", "optimizer", "objective", "stages", "parallel", "compute", "train_steps", "global_batch_size"}
    return f"{trial.data.vocab_size} {trial.model_dump_json(include=parts)}"


def _pieces(trial: TrialSpec) -> list[tuple[float, TrialSpec]]:
    """The training steps that a run is made of, each with its share of the run's tokens: one for each context length."""
    shares: dict[int, float] = {}
    lengths = [stage.seq_len or trial.model.seq_len for stage in trial.stages] or [trial.model.seq_len]
    for length, start, end in zip(lengths, (0, *trial.stage_ends[:-1]), trial.stage_ends, strict=True):
        shares[length] = shares.get(length, 0.0) + (end - start) / trial.train_steps
    return [(share, timed_step(_at_context(trial, length))) for length, share in shares.items()]


def _at_context(trial: TrialSpec, length: int) -> TrialSpec:
    """The same step without stages at another context length: equal tokens, more sequences."""
    more = trial.model.seq_len // length
    changes = {"model.seq_len": length, "global_batch_size": trial.global_batch_size * more, "stages": (), "probes": ()}
    if trial.parallel.micro_batch_size not in (None, "auto"):
        changes["parallel.micro_batch_size"] = trial.parallel.micro_batch_size * more
    return trial.replace(**changes)
