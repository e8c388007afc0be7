"""Effects that were held: those of variants at a larger size, forecast from smaller ones by the model of ``hierarchy`` and by its parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.linalg import helmert
from scipy.special import logsumexp, ndtr

from studylib.analysis import hierarchy
from studylib.analysis.ranking_fit import NOISE_MIDDLE, NOISE_SD, Series
from studylib.analysis.track_record import HeldEffects

_NOISE = np.geomspace(0.02, 0.8, 8)  # percent of the loss, one run's
_ENDLESS = 1e9  # decades


def held_effects(choice: str, all_series: Iterable[Series], memory: np.ndarray) -> list[HeldEffects]:
    """What each form of the model forecast of every series' largest size, from its smallest sizes up to any one below.

    Parameters
    ----------
    memory
        [K] draws of the memory, not fitted to this choice.

    Returns
    -------
    A row a form: the mean log density of a contrast between variants, and how many lay inside the 90 % interval.
    """
    cases = [case for series in all_series for case in _cases(series)]
    if not cases:
        return []
    forms = {
        "forgotten, with local slopes": hierarchy.grid(memory),
        "forgotten": hierarchy.grid(memory, slopes=np.zeros(1)),
        "level and slope": hierarchy.grid(np.array([_ENDLESS])),
    }
    found = []
    for form, points in forms.items():
        density, inside = (
            np.concatenate(part) for part in zip(*(_forecast(*case, *points) for case in cases), strict=True)
        )
        found.append(
            HeldEffects(
                choice=choice, form=form, contrasts=len(density), inside=int(inside.sum()),
                log_density=float(f"{density.mean():.4g}"),
            )
        )  # fmt: skip
    return found


def _cases(series: Series) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """[P] log10 of the parameters and [V - 1, P] contrasts of the variants, the last size being the one to forecast."""
    there = np.isfinite(series.percent)
    last = len(series.sizes) - 1
    for largest in range(last):
        variants = there[:, largest] & there[:, last]
        if variants.sum() < 2:
            continue
        known = [size for size in range(largest + 1) if there[variants, size].all()]
        yield (
            np.log10(series.sizes)[[*known, last]],
            helmert(int(variants.sum())) @ series.percent[variants][:, [*known, last]],
        )


def _forecast(
    places: np.ndarray, contrasts: np.ndarray, known: np.ndarray, mass: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[V - 1] log densities, and whether each lay inside the 90 % interval; ``known`` and ``mass`` as `hierarchy.grid` gives them."""
    sizes = len(places) - 1
    scatter = hierarchy.scattered(known, places - (places[0] + places[-2]) / 2)
    full = (scatter[:, None] + _NOISE[:, None, None] ** 2 * np.eye(sizes + 1)).reshape(-1, sizes + 1, sizes + 1)
    log = np.log(mass)[:, None] - 0.5 * (np.log(_NOISE / NOISE_MIDDLE) / NOISE_SD) ** 2
    seen, later = contrasts[:, :sizes], contrasts[:, sizes]
    root = np.linalg.cholesky(full[:, :sizes, :sizes])
    white = np.linalg.solve(root, np.broadcast_to(seen.T, (len(root), *seen.T.shape)))  # [G, S, V - 1]
    spent = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    log = log.ravel() - len(seen) * spent - 0.5 * (white**2).sum(axis=(1, 2))
    log -= logsumexp(log)
    pull = np.linalg.solve(root, full[:, :sizes, sizes, None])[..., 0]  # [G, S]
    mean = np.einsum("gs,gsv->gv", pull, white)
    sd = np.sqrt(full[:, sizes, sizes] - (pull**2).sum(axis=1))[:, None]
    far = (later - mean) / sd
    density = logsumexp(log[:, None] - np.log(sd) - 0.5 * far**2, axis=0) - 0.5 * np.log(2 * np.pi)
    return density, np.abs(np.exp(log) @ ndtr(far) - 0.5) < 0.45
