"""What to run next: over all ideas, the runs that lessen the regret at the target most for what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from studylib.frozen import Frozen
from studylib.spec import Setting
from studylib.words import Text

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability


class ListedRun(Frozen):
    """One command, what it costs and what it is expected to save."""

    idea: str
    choice: str = Field(description="what is chosen: `Setting.decision`")
    phase: str
    params: float = Field(description="non-embedding, of each trial")
    seeds: int = Field(description="of each variant that is still open")
    variants: tuple[str, ...] = Field(description="those still open, the setting's own first")
    trials: int
    flops: float = Field(description="of all trials")
    gpu_hours: float
    reduction_percent: float = Field(description="of the loss: expected reduction of the regret at the target")
    reduction_per_gpu_hour: float
    command: str


class NextRuns(Frozen):
    """The list for a budget, each run with those before it taken into account."""

    runs: tuple[ListedRun, ...]
    budget_gpu_hours: float | None
    gpu_hours: float = Field(description="of all runs of the list")
    regret_percent: float = Field(description="of the loss, at the target: expected, summed over all choices, now")
    after_percent: float = Field(description="and expected once the list is run")
    why_none: Text | None = Field(default=None, description="why the list is empty")


def next_runs(
    settings: Mapping[str, Sequence[Setting]],
    reliability: Reliability,
    *,
    flops_per_s: float,
    target_params: float = 1e10,
    budget_gpu_hours: float | None = None,
    out: Path | None = None,
) -> NextRuns:
    """The runs to make, greedily by expected reduction of the regret for a GPU-hour.

    Parameters
    ----------
    settings
        By idea, what its result hands on.
    flops_per_s
        Of one GPU: its peak times the share of it that training reaches.
    target_params
        Parameters without embeddings of the model that is to be built.
    budget_gpu_hours
        Of all runs together; None: ten runs at most.
    out
        The study folder, for the commands.
    """
    raise NotImplementedError
