"""torch's flash attention kernel (Dao 2023, arXiv 2307.08691); on a CPU its own, slower than blocks."""

from __future__ import annotations

from typing import ClassVar

from torch.nn.attention import SDPBackend

from studylib.choices.attend.sdpa import ScaledDotProduct

__all__ = ["Flash"]


class Flash(ScaledDotProduct):
    kernel: ClassVar[SDPBackend | None] = SDPBackend.FLASH_ATTENTION
    takes: ClassVar[tuple[str, ...]] = ()
