"""The loss after the output matrix.

A choice is a class derived from ``CrossEntropy``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from studylib.parallel import dist


class CrossEntropy(ABC):
    """One way to compute it; all give the same numbers up to rounding."""

    @abstractmethod
    def __call__(
        self, hidden_states: torch.Tensor, proj: nn.Module, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The sum of the counted tokens' losses (nats, fp32), and their number.

        Parameters
        ----------
        hidden_states
            [batch, seq, hidden].
        proj
            The column-parallel output matrix.
        label_ids
            [batch, seq]; negative ones do not count.
        """

    @abstractmethod
    def losses(
        self, hidden_states: torch.Tensor, proj: nn.Module, label_ids: torch.Tensor, tp_pg: dist.ProcessGroup
    ) -> torch.Tensor:
        """As above, the loss of each label, zero where none counts; at least fp32, [batch, seq]."""
