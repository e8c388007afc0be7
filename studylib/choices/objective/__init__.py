"""Training objectives: what a model is asked to predict from a window of the text; torch-free.

A choice is a class derived from ``Objective``. Whatever it draws is a pure function of (seed, step, row), so a step is the same
again after a resume and on any topology. Tokens that are not
text (mode tokens, sentinels) get the ids from the tokenizer's ``vocab_size`` on; ``ModelSpec.vocab_size`` needs that room.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from studylib.registry import Choice

if TYPE_CHECKING:
    import numpy as np

    from studylib.choices.objective._losses import RowLoss
    from studylib.rows import Batch, Marks, Row
    from studylib.spec import ObjectiveSpec, TrialSpec


class Objective(Choice, ABC):
    """One way to make a training row of a window of text."""

    prefixes: ClassVar[bool] = False
    """Whether the first positions of a row see each other both ways (``Batch.prefix_len``)."""
    masked: ClassVar[bool] = False
    """Whether some positions of a row carry no loss."""

    rows: ClassVar[Literal["windows", "conversations", "pairs", "sampled"]] = "windows"
    """What a row is: a window of text, whole conversations where a source holds them, one side of a pair of answers (rows 2i and
    2i + 1 are a pair), or what the model itself wrote."""

    refers: ClassVar[bool] = False
    """Whether the model is held against the trial that it starts from, its reference."""

    @property
    def rows_together(self) -> int:
        """A micro batch holds whole groups of so many rows."""
        return 2 if self.rows == "pairs" else 1

    @property
    def reads_likelihoods(self) -> bool:
        """Whether what the reference says of the text is a step of its own (``LikelihoodSpec``), made before."""
        return self.refers and self.rows == "pairs"

    def row_loss(self) -> RowLoss | None:
        """The loss, where it is one of whole rows and not a mean over tokens; loads torch."""
        return None

    def built_for(self) -> dict[str, Any]:
        """What ``build_gpt`` must know of it."""
        of_rows = {"prefixes": self.prefixes, "masked": self.masked, "packed": self.packs}
        return of_rows | {"row_loss": self.row_loss()}

    @property
    def most_in_row(self) -> int | None:
        """Conversations that share a row at most; None: as many as it holds."""
        return 1

    @property
    def packs(self) -> bool:
        """Whether several texts lie in a row that do not see each other (``Batch.begin_BT``)."""
        return self.most_in_row != 1

    def check(self, trial: TrialSpec) -> None:
        """Raise a StudyError unless ``trial`` has what this objective needs."""

    @property
    def trials_read(self) -> tuple[str, ...]:
        """Hashes of trials of the same study whose models it asks while it trains."""
        return ()

    @property
    def frozen_models(self) -> int:
        """How many other models are held in memory while it trains: those it asks, and the reference beside them."""
        return len(self.trials_read) + (self.refers and not self.reads_likelihoods)

    def __init__(self, spec: ObjectiveSpec):
        super().__init__(spec)

    def extra_tokens(self, seq_len: int) -> int:
        """Ids needed beyond the tokenizer's, for rows of ``seq_len`` + 1 tokens."""
        return 0

    @abstractmethod
    def batch(self, windows_BT: np.ndarray, marks: Marks, seed: int, step: int) -> Batch:
        """Training rows of windows of text, both int64 [rows, seq_len + 1]."""

    @abstractmethod
    def complete(self, left: np.ndarray, middle: np.ndarray, marks: Marks) -> Row:
        """A row that asks for ``middle`` given the text before it, which may begin with documents that came earlier."""

    def infill(self, left: np.ndarray, middle: np.ndarray, right: np.ndarray, marks: Marks) -> Row | None:
        """As ``complete``, given the rest of the document behind it too; None when rows of this objective cannot."""
        return None


__all__ = ["Objective"]
