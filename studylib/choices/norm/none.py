"""No normalisation.

What keeps the signal at its scale instead is the start: the residual stream begins at unit scale (the token embedding is divided
by the standard deviation that it starts from) and the parametrisation makes branches small in deep models. That is the analytic
scale of normaliser-free networks (Brock et al. 2021, arXiv 2102.06171) with the downscaled branches of Fixup (Zhang et al. 2019,
arXiv 1901.09321). Learned branch scales (``residual: scaled``) go well with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.choices.norm import Norm

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NoNorm"]


class NoNorm(Norm):
    """The identity."""

    unit_stream: ClassVar[bool] = True
    bounds: ClassVar[bool] = False
    saved: ClassVar[int] = 0

    @property
    def parameters(self) -> int:
        return 0

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Identity()
