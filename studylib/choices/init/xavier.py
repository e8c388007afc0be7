"""Xavier: normal with sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010). Fans are those of the matrices as they are kept:
query, key and value in one, gate and up in one."""

from __future__ import annotations

from studylib.choices.init import Parametrisation

__all__ = ["Xavier"]


class Xavier(Parametrisation):
    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        return (2 / (fan_in + fan_out)) ** 0.5
