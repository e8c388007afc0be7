"""Orthogonal hidden matrices (Saxe et al. 2014, arXiv 1312.6120); embedding and head normal with 0.02.

A matrix with no more rows than columns keeps the length of what is in its row space; a taller one (query, key and value in
one matrix, gate and up in one) is scaled by sqrt(rows / columns), so that each square part nearly does, as the spectral
condition asks (Yang et al. 2023, arXiv 2310.17813). The full matrix is made from a draw by name and seed.
"""

from __future__ import annotations

from dataclasses import replace

from studylib.choices.init import ParameterRule, Parametrisation

__all__ = ["Orthogonal"]

TABLE_STD = 0.02


class Orthogonal(Parametrisation):
    def rule(self, role: str, fan_in: int, fan_out: int = 0, *, ends_branch: bool = False) -> ParameterRule:
        rule = super().rule(role, fan_in, fan_out, ends_branch=ends_branch)
        return replace(rule, orthogonal=role == "hidden")

    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        # Times sqrt(fan_in), by which `orthogonal` is defined, this is sqrt(max(1, rows / columns)).
        return max(1.0, fan_out / fan_in) ** 0.5 * fan_in**-0.5 if role == "hidden" else TABLE_STD
