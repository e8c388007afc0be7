"""torch's memory-efficient kernel (Rabe and Staats 2021, arXiv 2112.05682); on a GPU, where it also reads masks."""

from __future__ import annotations

from typing import ClassVar

from torch.nn.attention import SDPBackend

from studylib.choices.attend.sdpa import ScaledDotProduct

__all__ = ["MemoryEfficient"]


class MemoryEfficient(ScaledDotProduct):
    kernel: ClassVar[SDPBackend | None] = SDPBackend.EFFICIENT_ATTENTION
    devices: ClassVar[tuple[str, ...]] = ("cuda",)
