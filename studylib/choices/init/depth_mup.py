"""Depth-muP: muP with residual branches and their Adam rates divided by sqrt(depth) (Yang et al. 2024, arXiv 2310.02244,
table 1; Dey et al. 2025, arXiv 2505.01618, table 1, alpha = 1/2)."""

from __future__ import annotations

from studylib.choices.init.completep import CompleteP

__all__ = ["DepthMuP"]


class DepthMuP(CompleteP):
    @property
    def branch(self) -> float:
        return self.depth**0.5

    @property
    def rate(self) -> float:
        return self.depth**-0.5
