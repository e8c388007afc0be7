"""One line of the recipe: a field, the value to build with, and how well that is known."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from studylib.frozen import Fraction, Frozen
from studylib.spec.setting import Phase, Value
from studylib.words import Text


class Line(Frozen):
    """One field of the model that is to be built."""

    field: str = Field(description="dotted, as in a TrialSpec")
    name: Text = Field(description="what a person calls it")
    phase: Phase = "pre-training"
    choice: str = Field(default="", description="what is chosen as one; empty: the field itself")
    value: Value = Field(description="to build with; none: nothing supports one, and the run's default is left")
    published_value: Value = Field(default=None, description="what others build with; none: nothing is published")
    own_value: Value = Field(default=None, description="what the study's own trials lean to; none: they say nothing")
    p_own: Fraction | None = Field(
        default=None, description="P(the own value is better than the published one) at the target; none: not compared"
    )
    alternatives: tuple[Value, ...] = Field(default=(), description="may still be better: with more than 5 %")
    interval: tuple[float, float] | None = Field(default=None, description="95 %, of the best value, for numbers")
    p_best: Fraction | None = Field(
        default=None, description="of the value, among those tried, at the target, by own trials"
    )
    regret_percent: float | None = Field(default=None, description="expected, of the loss at the target, by own trials")
    regret_bpb: float | None = None
    regret_gpu_hours: float | None = Field(default=None, description="by which the run is longer to make up for it")
    evidence: Literal["measured", "published", "convention"]
    sizes: tuple[str, ...] = Field(default=(), description="measured: labels of the sizes trained, smallest first")
    source: Text | None = None
    conditions: Text | None = Field(default=None, description="published: under which it was found")
    idea: str = Field(default="", description="whose trials speak of it; empty: none")
    decided: bool = False
    conflict: Text | None = Field(default=None, description="ideas or choices that disagree, and by which rule one won")

    @property
    def compared(self) -> bool:
        """Whether own trials say anything of the value: against others, or for another."""
        leans = self.own_value is not None and self.own_value != self.value
        return leans or self.p_best is not None or self.regret_percent is not None

    @property
    def key(self) -> tuple[Phase, str]:
        return self.phase, self.field
