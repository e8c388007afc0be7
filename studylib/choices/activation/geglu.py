"""GEGLU: ``gelu(gate) * up``, exact GELU (Shazeer 2020, arXiv 2002.05202)."""

from __future__ import annotations

from typing import ClassVar

from studylib.choices.activation.gelu import GELU

__all__ = ["GEGLU"]


class GEGLU(GELU):
    gated: ClassVar[bool] = True
