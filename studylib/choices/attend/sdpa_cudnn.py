"""cuDNN's fused attention through torch; for GPUs."""

from __future__ import annotations

from typing import ClassVar

from torch.nn.attention import SDPBackend

from studylib.choices.attend.sdpa import ScaledDotProduct

__all__ = ["CuDNN"]


class CuDNN(ScaledDotProduct):
    kernel: ClassVar[SDPBackend | None] = SDPBackend.CUDNN_ATTENTION
    devices: ClassVar[tuple[str, ...]] = ("cuda",)
    takes: ClassVar[tuple[str, ...]] = ()
