"""Forms of the law of the loss over parameters N and tokens D, written about the middle of the runs.

    additive          E + A N^-a + B D^-b           Hoffmann et al. 2022, arXiv 2203.15556
    power of a sum    E + (A' N^-a/c + B' D^-b/c)^c  additive at c = 1; without E Kaplan et al.'s (2020, arXiv 2001.08361)

Terms are logarithms: of the shares of the loss that E, A N^-a and B D^-b have at the middle, of a and b, and of c. The priors are
wide on purpose. The second form lets what size and text bring act on one another; the first, a member of it, is told apart from it
by held-out sizes, from odds of one to nine: with more the intervals of the public ladders' forecasts were wider and scored
worse, on each of the four. So did equal exponents and laws without E, which are limits of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LARGEST = 200.0  # of an exponent: beyond lies nothing but overflow


@dataclass(frozen=True)
class Form:
    """A form of the law: ``prior`` probability, ``centre`` and ``width`` of the normal priors of its terms [P]."""

    name: str
    prior: float
    centre: np.ndarray
    width: np.ndarray

    def log_loss(self, terms: np.ndarray, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """[..., R] log loss, about its level at the middle, from terms [..., P] at [R] logs of N and D about the middle."""
        return self._with_parts(terms, n, d)[0]

    def gradient(self, terms: np.ndarray, n: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`log_loss`, and [..., R, P] its derivatives by the terms."""
        logs, shares, by_power = self._with_parts(terms, n, d)
        floor, of_size, of_tokens = shares
        a, b = (np.exp(terms[..., place, None]) for place in (3, 4))
        slopes = [floor, of_size, of_tokens, -of_size * a * n, -of_tokens * b * d]
        if by_power is not None:
            slopes.append(by_power)
        return logs, np.stack(slopes, axis=-1)

    def slope(self, terms: np.ndarray, n: np.ndarray, d: np.ndarray) -> np.ndarray:
        """[..., R] ``d log(loss) / d log(tokens)``."""
        return -self._with_parts(terms, n, d)[1][2] * np.exp(terms[..., 4, None])

    def _with_parts(
        self, terms: np.ndarray, n: np.ndarray, d: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray | None]:
        """Log loss, its derivatives by the logs of the three terms, and by log c where there is one."""
        level, of_size, of_tokens, a, b, *power = np.moveaxis(terms, -1, 0)[..., None]
        of_size, of_tokens = of_size - np.exp(a) * n, of_tokens - np.exp(b) * d
        floor = np.exp(level)
        if not power:
            sized, told = _exp(of_size), _exp(of_tokens)
            whole = floor + sized + told
            return np.log(whole), (floor / whole, sized / whole, told / whole), None
        c = np.exp(power[0])
        sized, told = _exp(of_size / c), _exp(of_tokens / c)
        together = np.log(sized + told)
        falls = _exp(c * together)
        whole = floor + falls
        falls /= whole
        sized, told = falls * sized / (sized + told), falls * told / (sized + told)
        by_power = falls * c * together - sized * of_size - told * of_tokens
        return np.log(whole), (floor / whole, sized, told), by_power


def _exp(values: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(values, -_LARGEST, _LARGEST))


# E at half of the loss within 10 times either way, exponents at 0.3 within 3 times.
_CENTRE, _WIDTH = np.log([0.5, 0.25, 0.25, 0.3, 0.3]), np.array([1.2, 1.0, 1.0, 0.6, 0.6])
FORMS: dict[str, Form] = {
    one.name: one
    for one in (
        Form("additive", 0.1, _CENTRE, _WIDTH),
        Form("power of a sum", 0.9, np.append(_CENTRE, np.log(0.7)), np.append(_WIDTH, 0.5)),
    )
}
