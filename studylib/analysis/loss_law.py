"""Loss against size and data: ``E + A / N**a + B / D**b``, by variable projection.

For given exponents the law is linear in (E, A, B), which non-negative least squares solves exactly; only the exponents
are searched. Fitting all five at once, or reading optima off parabolas, is biased even without noise
(arXiv 2603.22339).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from studylib.errors import invalid

_EXPONENTS = (0.02, 1.5)


@dataclass(frozen=True)
class LossLaw:
    """A fitted law; the term in tokens is absent (B = 0, b = nan) when tokens were not varied.

    ``interval`` maps ``irreducible, A, a, B, b`` to bootstrap intervals; ``draws`` holds [R, 5] bootstrap parameters in
    that order. ``scatter`` is the relative residual SD.
    """

    irreducible: float
    A: float
    a: float
    B: float
    b: float
    scatter: float
    interval: dict[str, tuple[float, float]]
    draws: np.ndarray

    def predict(self, params: float, tokens: float | None = None) -> tuple[float, float, float]:
        """(low, middle, high) loss at a size and, where tokens were varied, a number of tokens."""
        if self.B > 0 and tokens is None:
            raise invalid("tokens", tokens, "is missing: this law depends on tokens")
        values = np.array([_loss(row, params, tokens) for row in self.draws])
        low, high = np.quantile(values, [0.025, 0.975])
        middle = _loss(np.array([self.irreducible, self.A, self.a, self.B, self.b]), params, tokens)
        return float(min(low, middle)), float(middle), float(max(high, middle))


def fit_loss_law(
    params: np.ndarray,
    tokens: np.ndarray,
    loss: np.ndarray,
    *,
    draws: int = 200,
    random_seed: int = 0,
) -> tuple[LossLaw | None, str]:
    """Fit the law to runs (one value a run in each array), or say why it is not identified.

    Errors are relative (residuals are divided by the loss). The term in tokens enters only when tokens vary and not in
    step with parameters. At least one run more than the law has parameters is needed, and three distinct sizes.

    Returns
    -------
    The law and an empty string, or None and the reason.
    """
    n, d, y = (np.asarray(values, dtype=float) for values in (params, tokens, loss))
    keep = np.isfinite(n) & np.isfinite(d) & np.isfinite(y) & (n > 0) & (d > 0) & (y > 0)
    n, d, y = n[keep], d[keep], y[keep]
    sizes = len(np.unique(n))
    if sizes < 3:
        return None, f"{sizes} size(s) trained: E + A / N^a needs at least 3"
    both = len(np.unique(d)) >= 3 and abs(np.corrcoef(np.log(n), np.log(d))[0, 1]) < 0.99
    if not both and len(np.unique(d)) > 1:
        return None, "tokens grow in step with size, or take fewer than 3 values: the two terms cannot be told apart"
    needed = 6 if both else 4
    cells = len(np.unique(np.stack([n, d]), axis=1).T)
    if cells < needed:
        return None, f"{cells} different (size, tokens) pairs trained: this law needs at least {needed}"

    scale_n, scale_d = np.exp(np.log(n).mean()), np.exp(np.log(d).mean())
    problem = _Problem(n / scale_n, d / scale_d if both else None, y)
    starts = [(a, b) for a in (0.1, 0.25, 0.5, 0.9) for b in ((0.1, 0.25, 0.5, 0.9) if both else (0.0,))]
    found = min((problem.search(start[: 1 + both], y) for start in starts), key=lambda result: result[1])
    exponents = found[0]
    fitted = problem.predict(exponents, y)
    used = needed - 1
    residual = (y / fitted - 1) * np.sqrt(len(y) / (len(y) - used))

    generator = np.random.default_rng(random_seed)
    rows = []
    for _ in range(draws):
        sample = fitted * (1 + generator.choice(residual, len(y)))
        drawn = problem.search(exponents, sample)[0]
        rows.append(_natural(problem.solve(drawn, sample), drawn, scale_n, scale_d))
    table = np.array(rows)
    names = ("irreducible", "A", "a", "B", "b")
    ends = np.quantile(table, [0.025, 0.975], axis=0)
    values = _natural(problem.solve(exponents, y), exponents, scale_n, scale_d)
    law = LossLaw(
        *values,
        scatter=float(residual.std()),
        interval={name: (float(ends[0, i]), float(ends[1, i])) for i, name in enumerate(names)},
        draws=table,
    )
    return law, ""


class _Problem:
    """Residuals as a function of the exponents alone; sizes are scaled to a geometric mean of 1."""

    def __init__(self, n: np.ndarray, d: np.ndarray | None, y: np.ndarray):
        self.log_n, self.log_d = np.log(n), None if d is None else np.log(d)

    def design(self, exponents: np.ndarray) -> np.ndarray:
        columns = [np.ones_like(self.log_n), np.exp(-exponents[0] * self.log_n)]
        if self.log_d is not None:
            columns.append(np.exp(-exponents[1] * self.log_d))
        return np.stack(columns, axis=1)

    def solve(self, exponents: np.ndarray, y: np.ndarray) -> np.ndarray:
        return optimize.nnls(self.design(exponents) / y[:, None], np.ones_like(y))[0]

    def predict(self, exponents: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.design(exponents) @ self.solve(exponents, y)

    def search(self, start: tuple[float, ...] | np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        """Best exponents and their squared relative error, by Nelder-Mead from ``start``."""

        def error(exponents: np.ndarray) -> float:
            return float(optimize.nnls(self.design(exponents) / y[:, None], np.ones_like(y))[1] ** 2)

        result = optimize.minimize(
            error, np.asarray(start, dtype=float), method="Nelder-Mead", bounds=[_EXPONENTS] * len(start),
            options={"xatol": 1e-4, "fatol": 1e-14},
        )  # fmt: skip
        return result.x, float(result.fun)


def _natural(linear: np.ndarray, exponents: np.ndarray, scale_n: float, scale_d: float) -> tuple[float, ...]:
    """Back from scaled sizes: (E, A, a, B, b)."""
    a = float(exponents[0])
    if len(linear) == 2:
        return float(linear[0]), float(linear[1] * scale_n**a), a, 0.0, float("nan")
    b = float(exponents[1])
    return float(linear[0]), float(linear[1] * scale_n**a), a, float(linear[2] * scale_d**b), b


def _loss(row: np.ndarray, params: float, tokens: float | None) -> float:
    irreducible, big_a, a, big_b, b = row
    data = big_b / tokens**b if tokens is not None and big_b > 0 else 0.0
    return float(irreducible + big_a / params**a + data)
