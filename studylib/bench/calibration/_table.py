"""Rows of the calibration tables: what was promised, what simulation measured, and whether that is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One promise held against simulated studies whose truth is known.

    Attributes
    ----------
    scenario
        What the simulated truth is, in a few words.
    quantity
        What is counted or measured (``wrong decisions``, ``coverage of 95 % intervals``).
    promised
        (least, greatest) value that keeps the promise.
    measured
        What came out.
    studies
        Simulated studies behind it.
    share
        Whether ``measured`` is a share of the studies, so that its own error is known.
    """

    scenario: str
    quantity: str
    promised: tuple[float, float]
    measured: float
    studies: int
    share: bool = True

    @property
    def error(self) -> float:
        """Standard error of a measured share; 0 for other quantities."""
        if not self.share:
            return 0.0
        p = min(max(self.measured, 1 / (self.studies + 2)), 1 - 1 / (self.studies + 2))
        return math.sqrt(p * (1 - p) / self.studies)

    @property
    def kept(self) -> bool:
        """Whether the promise holds within two standard errors of the simulation."""
        low, high = self.promised
        return low - 2 * self.error <= self.measured <= high + 2 * self.error


def render(title: str, rows: list[Row]) -> Table:
    """A table for the terminal: promised against measured."""
    table = Table(title=title, title_justify="left")
    for name, justify in (
        ("scenario", "left"), ("quantity", "left"), ("promised", "right"), ("measured", "right"), ("kept", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=justify)
    for row in rows:
        low, high = (_number(end, row.share) for end in row.promised)
        promised = f"≤ {high}" if row.promised[0] in (0, -math.inf) else f"≥ {low}" if row.promised[1] in (
            1, math.inf,
        ) else f"{low} … {high}"  # fmt: skip
        measured = _number(row.measured, row.share) + (f" ± {100 * row.error:.1f}" if row.share else "")
        table.add_row(row.scenario, row.quantity, promised, measured, "yes" if row.kept else "[bold red]NO[/]")
    return table


def _number(value: float, share: bool) -> str:
    return f"{100 * value:.1f} %" if share else f"{value:.3g}"
