"""One loss surface over model size and training tokens: what more tokens bring, at each size and for each variant.

    L(N, D) = E + A N^-a + B D^-b

(Hoffmann et al. 2022, arXiv 2203.15556.) Variable projection (``loss_law.projection``) finds where to look, and weighted draws
from there find how far else it may lie. Only whole runs count: a point on the way of a longer run has not been annealed.

Along D a size may fall faster or slower than the surface by a share, and so may a variant beyond its size. Given the surface, both
shares are linear in the logs, so they are drawn exactly: near what was measured where there are runs of several lengths,
from the prior where there are none. Levels are free: what is learnt is what length does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from studylib.analysis.loss_law.projection import project
from studylib.analysis.twoway import fit_two_way
from studylib.errors import StudyError

SPREAD = 0.1  # of the slopes of log loss among sizes, and among variants that differ in a part or in shape

_LEVEL = (
    0.05  # how far a size's level may lie from A N^-a: shapes of several sizes are not one family to the last digit
)
_FORM = 3e-4  # how far a log loss may lie from any such curve
_EXPONENTS = np.geomspace(0.1, 1.0, 10)
# Prior of log(share of E, of A N^-a, of B D^-b in the loss at the middle of the runs), log a, log b: wide on purpose.
_CENTRE, _WIDTH = np.log([0.4, 0.3, 0.3, 0.35, 0.35]), np.array([1.0, 1.0, 1.0, 0.5, 0.5])
_ROUNDS, _TRIED = 4, 800  # of weighted draws, each about where the last ones weighed most

Cell = tuple[str, str]  # size, variant


@dataclass(frozen=True)
class LossSurface:
    """A fitted surface, as draws.

    Attributes
    ----------
    terms
        [5, K] draws of the logs of E, A N^-a and B D^-b at ``middle`` (shares of the loss there), and of a and b.
    sizes
        [K] draws by size: by what share its log loss falls faster with tokens than the surface.
    cells
        [K] draws by (size, variant), beyond those of its size.
    several
        The cells that were trained at several lengths; of the others the prior alone speaks.
    middle
        Log parameters and log tokens about which the terms are written.
    params
        Parameters N by size.
    """

    terms: np.ndarray
    sizes: Mapping[str, np.ndarray]
    cells: Mapping[Cell, np.ndarray]
    several: frozenset[Cell]
    middle: tuple[float, float]
    params: Mapping[str, float]

    def measured(self, size: str) -> bool:
        """Whether any variant of this size was trained at several lengths."""
        return any(own == size for own, _ in self.several)

    def change(self, size: str, variant: str, start: float, end: float | np.ndarray) -> np.ndarray:
        """[K] draws of ``log(loss at end / loss at start)``, in tokens; ``end`` may differ from draw to draw."""
        n = np.log(self.params[size]) - self.middle[0]
        before, after = (_log_loss(self.terms, n, np.log(tokens) - self.middle[1]) for tokens in (start, end))
        return (1 + self.sizes[size] + self.cells[size, variant]) * (after - before)

    def slope(self, size: str, variant: str, tokens: float) -> tuple[float, float, float]:
        """``-d log(loss) / d log(tokens)`` at ``tokens``: 95 % interval and median, as (low, middle, high)."""
        falls = -self.change(size, variant, tokens, tokens * 1.01) / np.log(1.01)
        low, middle, high = np.quantile(falls, [0.025, 0.5, 0.975])
        return float(low), float(middle), float(high)


def fit_loss_surface(
    trials: pl.DataFrame,
    *,
    reference: Mapping[str, str] | str | None = None,
    spread: float = SPREAD,
    draws: int = 2000,
) -> LossSurface:
    """Fit the surface to finished, whole runs.

    Parameters
    ----------
    trials
        All sizes and lengths, one row a trial: ``size, variant, seed, tokens, non_embedding_params`` and ``val_bpb``.
    reference
        The variant, of all sizes or by size, whose level says what a larger model brings; default: the first of each size.
    spread
        Standard deviation, before runs of another length are seen, of the share by which a variant's log loss falls faster
        or slower with tokens than the others'.

    Raises
    ------
    StudyError
        As ``fit_two_way``: too few variants at some size, or at none seeds enough; sizes with one seed take their noise from others.
    """
    sizes, variants, middle = _lengths(trials, reference)
    generator = np.random.default_rng(0)
    terms = _drawn_terms(sizes, spread, draws, generator)
    of_sizes, of_cells, several = {}, {}, set()
    for name, size in sizes.items():
        of_sizes[name], known = size.shares(terms, spread, generator)
        several |= {(name, variant) for variant in known}
        for variant in variants[name]:
            share = known[variant] if variant in known else spread * generator.standard_normal(draws)
            of_cells[name, variant] = share
    params = {name: size.params for name, size in sizes.items()}
    return LossSurface(terms, of_sizes, of_cells, frozenset(several), middle, params)


def reference_at(reference: Mapping[str, str] | str | None, size: str) -> str | None:
    """The reference of a size."""
    return reference.get(size) if isinstance(reference, Mapping) else reference


def _log_loss(terms: np.ndarray, n: np.ndarray | float, d: np.ndarray | float) -> np.ndarray:
    level, of_size, of_tokens, a, b = terms
    return np.log(np.exp(level) + np.exp(of_size - np.exp(a) * n) + np.exp(of_tokens - np.exp(b) * d))


@dataclass(frozen=True)
class _Size:
    """Mean log losses of one size, a run of one variant and length each: the reference's, and all of several lengths.

    Attributes
    ----------
    params, n
        Parameters, and their log about the middle of the runs.
    variants, d, losses
        [R] by run: name, log tokens about the middle, and mean log loss over seeds about the mean of all.
    errors
        [R, R] covariance of ``losses``.
    """

    params: float
    n: float
    variants: tuple[str, ...]
    d: np.ndarray
    losses: np.ndarray
    errors: np.ndarray

    def _parts(self) -> tuple[np.ndarray, np.ndarray]:
        """[C, R] which runs are of which variant (the reference first), and [R] the mean log tokens of their variant."""
        names = np.array(self.variants)
        member = np.stack([names == name for name in dict.fromkeys(self.variants)]).astype(float)
        return member, member.T @ (member @ self.d / member.sum(axis=1))

    def expected(self, terms: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For [5, K] terms: [K, R] expected losses, [K, R] changes along the surface, [K, R, R] their covariance."""
        member, middle = self._parts()
        at = _log_loss(terms[:, :, None], self.n, self.d)
        centre = _log_loss(terms[:, :, None], self.n, middle)
        change = at - centre
        same = member.T @ member
        known = np.diag([_LEVEL**2] + [1.0] * (len(member) - 1))  # only the reference's level is the surface's
        covariance = self.errors + member.T @ known @ member
        outer = change[:, :, None] * change[:, None, :]
        return centre * member[0] + change, change, covariance + outer * (SPREAD**2 + spread**2 * same)

    def log_evidence(self, terms: np.ndarray, spread: float) -> np.ndarray:
        """[K] log probability of the losses, all shares and levels averaged over."""
        mean, _, covariance = self.expected(terms, spread)
        root = np.linalg.cholesky(covariance)
        rest = np.linalg.solve(root, (self.losses - mean)[:, :, None])[:, :, 0]
        return -0.5 * (rest**2).sum(axis=1) - np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)

    def shares(
        self, terms: np.ndarray, spread: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """[K] draws of the size's share and of each variant's, given the surface and the losses (Matheron's rule)."""
        member, _ = self._parts()
        mean, change, covariance = self.expected(terms, spread)
        count = terms.shape[1]
        of_size = SPREAD * generator.standard_normal(count)
        of_cells = spread * generator.standard_normal((count, len(member)))
        levels = np.array([_LEVEL] + [1.0] * (len(member) - 1)) * generator.standard_normal((count, len(member)))
        noise = generator.standard_normal((count, len(self.d))) @ np.linalg.cholesky(self.errors).T
        drawn = mean + change * (of_size[:, None] + of_cells @ member) + levels @ member + noise
        pull = np.linalg.solve(covariance, (self.losses - drawn)[:, :, None])[:, :, 0] * change
        of_size = of_size + SPREAD**2 * pull.sum(axis=1)
        of_cells = of_cells + spread**2 * (pull @ member.T)
        several = [i for i, runs in enumerate(member) if runs.sum() > 1]
        names = list(dict.fromkeys(self.variants))
        return of_size, {names[i]: of_cells[:, i] for i in several}


def _lengths(
    trials: pl.DataFrame, reference: Mapping[str, str] | str | None
) -> tuple[dict[str, _Size], dict[str, list[str]], tuple[float, float]]:
    """Every size's runs, the names of all its variants, and (log parameters, log tokens) at the middle of the runs."""
    rows = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
    rows = rows.unique(["size", "variant", "seed", "tokens"], maintain_order=True, keep="first").with_columns(
        pl.format("{}|{}", pl.col("tokens").cast(pl.Int64), "variant").alias("_run"),
        pl.col("val_bpb").log().alias("_log"),
    )
    own = {str(size): part for (size,), part in rows.group_by(["size"], maintain_order=True)}
    params = {size: float(part["non_embedding_params"].median()) for size, part in own.items()}
    fits = {size: fit_two_way(part, "_log", variant="_run", own_noise=False) for size, part in own.items()}
    dof = sum(fit.dof for fit in fits.values())
    if dof < 1:
        raise StudyError("a comparison needs at least 2 variants with 2 seeds in common at some size to know its noise")
    # Seeds are few: the variance of a t distribution.
    heavier = dof / (dof - 2) if dof > 2 else 3.0
    variance = heavier * sum(fit.sd**2 * fit.dof for fit in fits.values()) / dof
    runs = {size: [name.split("|", 1) for name in fit.variants] for size, fit in fits.items()}
    logs = {size: np.array([np.log(float(tokens)) for tokens, _ in one]) for size, one in runs.items()}
    middle = float(np.mean(np.log(list(params.values())))), float(np.concatenate(list(logs.values())).mean())
    level = float(np.concatenate([fit.effects for fit in fits.values()]).mean())
    found, variants = {}, {}
    for size, fit in fits.items():
        names = [name for _, name in runs[size]]
        asked = reference_at(reference, size)
        main = asked if asked in names else names[0]
        kept = sorted(
            (i for i, name in enumerate(names) if name == main or names.count(name) > 1),
            key=lambda i: (names[i] != main, names[i]),
        )
        variants[size] = list(dict.fromkeys(names))
        # The seeds' common part is not known and does not matter beside levels that are free: 1 % of it.
        errors = variance * fit.covariance[np.ix_(kept, kept)] + 1e-4 + _FORM**2 * np.eye(len(kept))
        found[size] = _Size(
            params[size], float(np.log(params[size]) - middle[0]), tuple(names[i] for i in kept),
            logs[size][kept] - middle[1], fit.effects[kept] - level, errors,
        )  # fmt: skip
    return found, variants, middle


def _drawn_terms(sizes: Mapping[str, _Size], spread: float, draws: int, generator: np.random.Generator) -> np.ndarray:
    """[5, K] draws of the surface's terms: weighted ones about the projection's, each round about where the last weighed most."""
    centre, root = _projected(sizes.values()), np.diag(_WIDTH)
    for turn in range(_ROUNDS):
        count = _TRIED if turn < _ROUNDS - 1 else draws
        # Multivariate t with 4 degrees of freedom: no draw far out weighs more than all others.
        away = generator.standard_normal((5, count)) * np.sqrt(4 / generator.chisquare(4, count))
        terms = centre[:, None] + root @ away
        low, high = _CENTRE - 6 * _WIDTH, _CENTRE + 6 * _WIDTH  # beyond them lies nothing but overflow
        inside = ((low < terms.T) & (high > terms.T)).all(axis=1)
        terms = np.clip(terms.T, low, high).T
        log = 4.5 * np.log1p((away**2).sum(axis=0) / 4) - 0.5 * (((terms.T - _CENTRE) / _WIDTH) ** 2).sum(axis=1)
        log += sum(one.log_evidence(terms, spread) for one in sizes.values())
        weight = np.exp(np.where(inside, log, -np.inf) - log[inside].max())
        weight /= weight.sum()
        if turn < _ROUNDS - 1:
            centre = terms @ weight
            spread_of = (terms - centre[:, None]) * np.sqrt(weight)
            root = np.linalg.cholesky(spread_of @ spread_of.T + np.diag((0.05 * _WIDTH) ** 2))
    return terms[:, generator.choice(draws, draws, p=weight)]


def _projected(sizes: Iterable[_Size]) -> np.ndarray:
    """[5] terms by variable projection over a grid of a and b, on the reference's runs."""
    chains = [(one, np.array(one.variants) == one.variants[0]) for one in sizes]
    n = np.concatenate([np.full(own.sum(), one.n) for one, own in chains])
    d = np.concatenate([one.d[own] for one, own in chains])
    losses = np.concatenate([one.losses[own] for one, own in chains])
    found = project(n, d, losses, _EXPONENTS, robust=False)
    return np.log([*np.maximum(found.terms, 0.02), found.a, found.b])
