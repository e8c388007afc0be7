"""SmallInit: normal with sqrt(2 / (5 hidden_size)) everywhere (Nguyen and Salazar 2019, arXiv 1910.05895, equation 7).

It is Xavier's deviation for the feed-forward matrix of 4 times the hidden size, taken for the attention too.
"""

from __future__ import annotations

from studylib.choices.init import Parametrisation

__all__ = ["SmallInit"]


class SmallInit(Parametrisation):
    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        return (2 / (5 * self.model.hidden_size)) ** 0.5
