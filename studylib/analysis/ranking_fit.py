"""The memory of rankings, fitted to effects of the same variants at several sizes (model in ``reliability``).

All variants and sizes of a series are jointly Gaussian: a level of each size that is not known (a flat prior: only contrasts count),
spread^2 times the process's correlation, and independent noise. Spread and noise are integrated out, so what is left is the likelihood
of the memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.linalg import helmert

from studylib.errors import invalid

MEMORY = np.geomspace(0.05, 200.0, 72)  # decades
_SPREAD = np.geomspace(0.02, 30.0, 32)  # percent of the loss; each as likely as another before
_NOISE = np.geomspace(0.01, 2.0, 22)  # percent of the loss: one run's
# Reruns of 190M to 3B differ by 0.02 to 0.04 % (OLMo ladder), smaller models by more: within a factor of 7 of 0.1 % with 95 %.
NOISE_MIDDLE, NOISE_SD = 0.1, 1.0
_NEEDED = ("choice", "variant", "params", "percent", "sd")


@dataclass(frozen=True)
class Series:
    """Effects of the same variants at several sizes, under one loss and one number of tokens a parameter.

    Attributes
    ----------
    choice, name
        What is chosen (its series are judged together), and which of its series this is.
    variants, sizes
        Names, and parameters of the sizes, smallest first.
    percent
        [V, S] effects, percent of the loss, about any level of a size; NaN where a variant was not trained.
    sd
        [V, S] standard deviations of their errors; None: one noise that is not known.
    """

    choice: str
    name: str
    variants: tuple[str, ...]
    sizes: np.ndarray
    percent: np.ndarray
    sd: np.ndarray | None = None

    def contrasts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """[n] contrasts inside sizes, [n, m] their weights, [2, m] variant and size of each effect that is there."""
        values, blocks, places = [], [], []
        for size in range(len(self.sizes)):
            there = np.flatnonzero(np.isfinite(self.percent[:, size]))
            if len(there) < 2:
                continue
            block = helmert(len(there))
            values.append(block @ self.percent[there, size])
            blocks.append(block)
            places += [(variant, size) for variant in there]
        weights = np.zeros((sum(map(len, blocks)), len(places)))
        row = column = 0
        for block in blocks:
            weights[row : row + block.shape[0], column : column + block.shape[1]] = block
            row, column = row + block.shape[0], column + block.shape[1]
        return np.concatenate(values) if values else np.zeros(0), weights, np.array(places, dtype=int).reshape(-1, 2).T


@dataclass(frozen=True)
class SeriesFit:
    """What a series says.

    Attributes
    ----------
    likelihood
        [G] log likelihood of each memory of `MEMORY`, up to a constant.
    spread, noise
        Posterior medians under a flat prior of log memory, percent of the loss; noise is that of one run.
    """

    likelihood: np.ndarray
    spread: float
    noise: float


def fit_series(series: Series) -> SeriesFit | None:
    """None where no two sizes have two variants in common: then it says nothing of the memory."""
    values, weights, (variant, size) = series.contrasts()
    if len(set(size)) < 2 or not _in_common(variant, size):
        return None
    distance = np.abs(np.subtract.outer(np.log10(series.sizes)[size], np.log10(series.sizes)[size]))
    same = np.equal.outer(variant, variant)
    known = series.sd is not None
    variance = np.square(series.sd[variant, size]) if series.sd is not None else np.ones(len(variant))
    root = np.linalg.cholesky(weights * np.maximum(variance, 1e-12) @ weights.T)
    noise = np.ones(1) if known else _NOISE
    white = np.linalg.solve(root, values)
    found = np.empty((len(MEMORY), len(_SPREAD), len(noise)))
    for place, memory in enumerate(MEMORY):
        process = weights @ (same * np.exp(-distance / memory)) @ weights.T
        inside = np.linalg.solve(root, np.linalg.solve(root, process).T)
        scale, axes = np.linalg.eigh((inside + inside.T) / 2)
        total = _SPREAD[:, None, None] ** 2 * np.maximum(scale, 0) + noise[None, :, None] ** 2
        found[place] = -0.5 * (np.log(total) + np.square(axes.T @ white) / total).sum(axis=-1)
    if not known:
        found += -0.5 * np.square(np.log(noise / NOISE_MIDDLE) / NOISE_SD)
    top = found.max()
    shares = np.exp(found - top)
    return SeriesFit(
        likelihood=top + np.log(shares.sum(axis=(1, 2))),
        spread=_median(_SPREAD, shares.sum(axis=(0, 2))),
        noise=_median(noise, shares.sum(axis=(0, 1))) if not known else float(np.sqrt(np.mean(variance))),
    )


def _in_common(variant: np.ndarray, size: np.ndarray) -> bool:
    held = [set(variant[size == one]) for one in sorted(set(size))]
    return any(len(a & b) >= 2 for n, a in enumerate(held) for b in held[n + 1 :])


def _median(grid: np.ndarray, shares: np.ndarray) -> float:
    return float(np.exp(np.interp(0.5, np.cumsum(shares) / shares.sum(), np.log(grid))))


def effective_series(all_series: list[Series]) -> float:
    """How many independent series these are worth: losses of the same models go together.

    (sum of eigenvalues)^2 / sum of their squares, of the matrix of correlations of the series' contrasts (Bretherton and others 1999,
    doi 10.1175/1520-0442(1999)012<1990:TENOSD>2.0.CO;2), over the contrasts that all have.
    """
    tables = []
    for one in all_series:
        places: dict[tuple[str, str, float], float] = {}
        for column, size in enumerate(one.sizes):
            for low in range(len(one.variants)):
                for high in range(low + 1, len(one.variants)):
                    gap = one.percent[low, column] - one.percent[high, column]
                    if np.isfinite(gap):
                        places[one.variants[low], one.variants[high], float(size)] = float(gap)
        tables.append(places)
    common = sorted(set.intersection(*(set(one) for one in tables))) if tables else []
    if len(tables) < 2 or len(common) < 2:
        return float(min(len(tables), 1))
    matrix = np.array([[one[key] for key in common] for one in tables])
    matrix = matrix / np.maximum(np.sqrt(np.mean(matrix**2, axis=1, keepdims=True)), 1e-12)
    eigenvalues = np.linalg.eigvalsh(matrix @ matrix.T / len(common))
    return float(eigenvalues.sum() ** 2 / np.square(eigenvalues).sum())


def fit_choice(all_series: list[Series]) -> tuple[np.ndarray, dict[str, SeriesFit]]:
    """[G] log likelihood of the memory of one choice over its series, each down-weighted to what they are worth together."""
    fits = {one.name: fit for one in all_series if (fit := fit_series(one)) is not None}
    if not fits:
        return np.zeros(len(MEMORY)), {}
    weight = effective_series([one for one in all_series if one.name in fits]) / len(fits)
    likelihood = weight * np.sum([fit.likelihood for fit in fits.values()], axis=0)
    return likelihood - likelihood.max(), fits


def series_of(effects: pl.DataFrame) -> Iterator[Series]:
    """From a table of effects (columns of `reliability.fit_reliability`, and ``series`` where a choice has several)."""
    effects = effects if "series" in effects.columns else effects.with_columns(pl.lit("").alias("series"))
    for (choice, name), own in effects.group_by(["choice", "series"], maintain_order=True):
        sizes, variants = own["params"].unique().sort(), own["variant"].unique(maintain_order=True)
        percent = np.full((len(variants), len(sizes)), np.nan)
        sd = np.full_like(percent, np.nan)
        place = {value: n for n, value in enumerate(variants)}, {value: n for n, value in enumerate(sizes)}
        for row in own.select("variant", "params", "percent", "sd").iter_rows():
            percent[place[0][row[0]], place[1][row[1]]] = row[2]
            sd[place[0][row[0]], place[1][row[1]]] = np.nan if row[3] is None else row[3]
        known = np.isfinite(sd[np.isfinite(percent)]).all()
        yield Series(
            str(choice),
            str(name),
            tuple(map(str, variants)),
            sizes.to_numpy().astype(float),
            percent,
            sd if known else None,
        )


def likelihood_of_effects(effects: pl.DataFrame, memory: np.ndarray) -> np.ndarray:
    """[K] weights, summing to 1, of draws of the memory by what these effects say of it.

    Raises
    ------
    StudyError
        A column is missing, or a standard deviation is below 0.
    """
    for name in _NEEDED:
        if name not in effects.columns:
            raise invalid(f"column {name!r}", effects.columns, "is missing from the table of effects", choices=_NEEDED)
    if (effects["sd"] < 0).any():
        raise invalid("sd", effects["sd"].min(), "is below 0")
    total = np.zeros(len(MEMORY))
    for one in series_of(effects):
        fit = fit_series(one)
        total += 0 if fit is None else fit.likelihood
    at = np.interp(np.log(memory), np.log(MEMORY), total)
    weights = np.exp(at - at.max())
    return weights / weights.sum()


_LEVEL = np.linspace(math.log(0.1), math.log(100.0), 61)
_BETWEEN = np.geomspace(0.1, 3.0, 30)
_BETWEEN_SD = 0.5


def memory_of_another(
    likelihoods: list[np.ndarray], *, middle: float, sd: float, between: float, draws: int
) -> np.ndarray:
    """[draws] quantiles of the memory of a choice that is not among those fitted.

    Log memories of choices scatter about a common level: level normal about ``middle`` with ``sd`` (of its log), the scatter log-normal
    about ``between``, never zero (where three choices agree a fourth may still differ). With no likelihood this is the prior.
    """
    log_memory = np.log(MEMORY)
    near = np.exp(-0.5 * np.square((log_memory - _LEVEL[:, None, None]) / _BETWEEN[:, None]))
    near /= near.sum(axis=-1, keepdims=True)
    weight = -0.5 * np.square((_LEVEL[:, None] - math.log(middle)) / sd) - 0.5 * np.square(
        np.log(_BETWEEN / between) / _BETWEEN_SD
    )
    for one in likelihoods:
        weight = weight + np.log(np.maximum(near @ np.exp(one - one.max()), 1e-300))
    weight = np.exp(weight - weight.max())
    shares = np.einsum("lb,lbm->m", weight, near)
    whole = np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
    half = (log_memory[1] - log_memory[0]) / 2
    ends = np.concatenate([log_memory - half, [log_memory[-1] + half]])
    return np.exp(np.interp((np.arange(draws) + 0.5) / draws, whole, ends))
