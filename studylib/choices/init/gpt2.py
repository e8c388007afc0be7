"""GPT-2's: normal with 0.02, and 0.02 / sqrt(2 layers) for the matrices that end a residual branch (Radford et al. 2019,
section 2.3), so that the stream's variance does not grow with depth."""

from __future__ import annotations

from studylib.choices.init import Parametrisation

__all__ = ["GPT2"]

STD = 0.02


class GPT2(Parametrisation):
    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        return STD / (2 * self.model.num_layers) ** 0.5 if ends_branch else STD
