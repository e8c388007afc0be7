"""SwiGLU: ``silu(gate) * up`` (Shazeer 2020, arXiv 2002.05202)."""

from __future__ import annotations

from typing import ClassVar

from studylib.choices.activation.silu import SiLU

__all__ = ["SwiGLU"]


class SwiGLU(SiLU):
    gated: ClassVar[bool] = True
