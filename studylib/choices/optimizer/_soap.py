"""The torch side of SOAP: pytorch-optimizer's, with a first basis that does not depend on rounding."""

from __future__ import annotations

import torch
from pytorch_optimizer import SOAP


class SettledSOAP(SOAP):
    """A matrix's first statistics come from one gradient, so its longer side has directions that they say nothing of.

    Any basis of those is an eigenbasis, which one LAPACK returns is decided by rounding, and Adam's step is another in each:
    two layouts or two processors differed by 21 % of a matrix after its first step, in double precision too.
    """

    @staticmethod
    def get_orthogonal_matrix(mat: list[torch.Tensor]) -> list[torch.Tensor]:
        bases = SOAP.get_orthogonal_matrix(mat)
        return [_settled(one, basis) if len(basis) else basis for one, basis in zip(mat, bases, strict=True)]


def _settled(statistics: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """``basis`` [n, n], eigenvectors by falling eigenvalue; those without one are turned to an order of the coordinates.

    They become the eigenvectors of diag(0, 1, ..., n - 1) within what they span, which depends on that span alone.
    """
    size = len(basis)
    eigenvalues = (basis * (statistics @ basis)).sum(dim=0)
    without = eigenvalues <= eigenvalues[0] * size * torch.finfo(basis.dtype).eps
    empty = basis[:, without]
    order = torch.arange(size, dtype=basis.dtype, device=basis.device).unsqueeze(1)
    settled = basis.clone()
    settled[:, without] = empty @ torch.linalg.eigh(empty.T @ (order * empty)).eigenvectors
    return settled
