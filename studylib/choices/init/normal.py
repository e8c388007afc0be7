"""Normal with standard deviation 0.02 everywhere (BERT; Devlin et al. 2018, arXiv 1810.04805)."""

from __future__ import annotations

from studylib.choices.init import Parametrisation

__all__ = ["Normal"]

STD = 0.02


class Normal(Parametrisation):
    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        return STD
