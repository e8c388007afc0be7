"""Losses of whole rows: of pairs of answers, of which one is preferred, and of answers with what they are worth.

Log-probabilities or rewards in, nats out. All is computed in the scores' precision, which heads give in double: differences of sums
over hundreds of tokens decide.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch.nn import functional as F


class RowLoss(ABC):
    """What a row's score is worth."""

    of_rewards: ClassVar[bool] = False
    """Whether a row's score is the reward of its answer, and not the log-probability of its labels."""
    takes: ClassVar[tuple[str, ...]] = ()
    """What it must know of rows beside their labels: ``reference`` is ``Batch.reference_B``, ``advantage`` its ``advantage_B``."""
    temperature: float = 1.0
    """What logits are divided by where log-probabilities are learnt."""
    rows_a_unit: ClassVar[int] = 1
    """A step's loss is the mean over units of so many rows; a micro batch holds whole units."""

    @abstractmethod
    def __call__(self, scores: torch.Tensor, label_ids: torch.Tensor, **values: torch.Tensor) -> torch.Tensor:
        """The summed loss of the units (0-d).

        Parameters
        ----------
        scores
            fp64 [rows].
        label_ids
            int64 [rows, seq]; negative where nothing is learnt.
        values
            fp64 [rows] each, by the names in ``takes``.
        """


class PairLoss(RowLoss):
    """Rows 2i and 2i + 1 are the preferred answer and the other one to the same prompt; a loss of the margin between them."""

    rows_a_unit: ClassVar[int] = 2
    beta: float = 1.0

    @abstractmethod
    def margins(self, scores: torch.Tensor, label_ids: torch.Tensor, **values: torch.Tensor) -> torch.Tensor:
        """By how much the preferred answers are ahead, in nats, fp64 [pairs]; exactly 0 where both answers are the same."""

    def lengths(self, label_ids: torch.Tensor) -> torch.Tensor | int:
        """What scores are divided by, [rows] or one for all."""
        return 1

    def __call__(self, scores: torch.Tensor, label_ids: torch.Tensor, **values: torch.Tensor) -> torch.Tensor:
        return -F.logsigmoid(self.beta * self.margins(scores, label_ids, **values)).sum()


class DPO(PairLoss):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290, equation 7); trl's ``sigmoid``.

    With ``by_length`` log-ratios are divided by the tokens of their answers, the end included (Tulu 3, arXiv 2411.15124, equation 6,
    after SimPO, arXiv 2405.14734): ``dpo_norm`` of open-instruct, ``sigmoid_norm`` of trl. Margins are then nats a token.
    """

    takes: ClassVar[tuple[str, ...]] = ("reference",)

    def __init__(self, beta: float, *, by_length: bool):
        self.beta, self.by_length = beta, by_length

    def margins(self, scores: torch.Tensor, label_ids: torch.Tensor, *, reference: torch.Tensor) -> torch.Tensor:
        return _margins((scores - reference) / self.lengths(label_ids), label_ids)

    def lengths(self, label_ids: torch.Tensor) -> torch.Tensor | int:
        return (label_ids >= 0).sum(dim=1) if self.by_length else 1


class BradleyTerry(PairLoss):
    """A reward model's loss (Ouyang et al. 2022, arXiv 2203.02155, equation 1); trl's ``RewardTrainer`` without margins."""

    of_rewards: ClassVar[bool] = True

    def margins(self, scores: torch.Tensor, label_ids: torch.Tensor) -> torch.Tensor:
        return _margins(scores, label_ids)


class PolicyGradient(RowLoss):
    """REINFORCE on answers that the model itself has just written (Williams 1992), as a ratio of probabilities that is 1.

    With ``by_length`` of the mean over an answer's tokens. The loss says nothing, it is the advantages' negative; its gradient does.
    """

    takes: ClassVar[tuple[str, ...]] = ("advantage",)

    def __init__(self, *, by_length: bool, temperature: float):
        self.by_length, self.temperature = by_length, temperature

    def __call__(self, scores: torch.Tensor, label_ids: torch.Tensor, *, advantage: torch.Tensor) -> torch.Tensor:
        if self.by_length:
            scores = scores / (label_ids >= 0).sum(dim=1)
        return -(torch.exp(scores - scores.detach()) * advantage).sum()


def _margins(values: torch.Tensor, label_ids: torch.Tensor) -> torch.Tensor:
    # Prompts are the same, so answers are where labels are; rounding must not tell them apart.
    same = (label_ids[0::2] == label_ids[1::2]).all(dim=1)
    return (values[0::2] - values[1::2]).masked_fill(same, 0.0)
