"""Who is ahead, from records alone: enough to say what is trained next, and quick, since every plan asks. No torch, no statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from studylib.errors import StudyError
from studylib.spec import TrialSpec
from studylib.trials.cache import Task


def behind(race: Iterable[TrialSpec], reference: str, folder: Path) -> dict[str, float]:
    """Mean over the seeds of how many bits per byte a variant is behind ``reference`` at the same seed; below 0 where it is ahead.

    Parameters
    ----------
    race
        Trials of one size; their tag ``variant`` says whose.
    folder
        The study's, where their records are.

    Returns
    -------
    By variant; of those that finished fewer than two seeds that the reference finished too, nothing.

    Raises
    ------
    StudyError
        There is no such variant.
    """
    losses: dict[str, dict[int, float]] = {}
    for spec in race:
        result = Task.under(folder, spec).result()
        if result is not None and math.isfinite(result.val_bpb):
            losses.setdefault(str(spec.tags["variant"]), {})[spec.seed] = result.val_bpb
    base = losses.pop(reference, {})
    pairs = {
        name: [loss - base[seed] for seed, loss in found.items() if seed in base] for name, found in losses.items()
    }
    found = {name: fmean(differences) for name, differences in pairs.items() if len(differences) > 1}
    if not found:
        raise StudyError(
            f"no variant finished two seeds that {reference!r} finished too, so none can be said to be ahead"
        )
    return found
