"""ReGLU: ``relu(gate) * up`` (Shazeer 2020, arXiv 2002.05202)."""

from __future__ import annotations

from typing import ClassVar

from studylib.choices.activation.relu import ReLU

__all__ = ["ReGLU"]


class ReGLU(ReLU):
    gated: ClassVar[bool] = True
