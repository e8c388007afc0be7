"""Keys of idea 8's parameter files, and the model of each variant."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.ideas._shared.at_size import kept_groups
from studylib.ideas._shared.equal_size import experts_at_equal_flops
from studylib.ideas._shared.sizes import OneShapeParams
from studylib.ideas._shared.variants import BASELINE, Changes, check_changes, labels_of, variants_of
from studylib.spec import Count, ModelSpec, Positive
from studylib.trials.waterfall import SWITCHES

PLAIN = "plain"  # the switch of the engine that all others are held against


class EfficiencyParams(OneShapeParams):
    """Keys of ``params/<scale>/efficiency.yaml``."""

    parts: dict[str, dict[str, Changes]] = Field(
        min_length=1,
        description="part: variants by name, each with the fields of the model that differ from the baseline",
    )
    switches: tuple[str, ...] = Field(
        default=(), description="switches of the engine whose loss is held against the plainest computation"
    )
    waterfall_budget: Count = Field(default=0, description="parameters of the model that is timed; 0: not measured")
    waterfall_batch: Positive = Field(default=8, description="sequences in its step")
    layout_trials: Count = Field(default=0, description="trials that time each layout of workers; 0: not measured")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        for variant, changes in self.variants.items():
            if not changes:
                raise invalid("parts", variant, "changes nothing")
            check_changes(variant, changes)
            self.model(min(self.budgets), variant)  # what does not fit is refused before anything runs
        names = [switch.name for switch in SWITCHES if switch.name != PLAIN]
        for name in self.switches:
            if name not in names:
                raise invalid("switches", name, "is not a switch", choices=names)
        return self

    @property
    def variants(self) -> dict[str, Changes]:
        """Changes to the baseline by the variant's name in tables, ``part: name``."""
        return variants_of(self.parts)

    @property
    def by_part(self) -> dict[str, list[str]]:
        """The names in tables of every part's variants."""
        return labels_of(self.parts)

    @property
    def changes_by_part(self) -> dict[str, dict[str, Changes]]:
        """Of every part, the changes of its variants by their names in tables."""
        return {part: {name: self.variants[name] for name in names} for part, names in self.by_part.items()}

    @property
    def with_experts(self) -> list[str]:
        """The variants that are mixtures of experts."""
        return [name for name, changes in self.variants.items() if changes.get("moe")]

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        none: dict[str, Any] = {"switches": [], "waterfall_budget": 0, "layout_trials": 0}
        return super().at_size(size) | none | kept_groups("parts", self.parts, self.by_part, keep)

    def model(self, budget: int, variant: str = BASELINE) -> ModelSpec:
        """The model of a variant; experts without a size get the one whose active FLOPs are the dense baseline's."""
        base = self.shape(budget)
        if variant == BASELINE:
            return base
        model = base.replace(**self.variants[variant])
        if model.moe is not None and model.moe.expert_size is None:
            return experts_at_equal_flops(model, base)
        return model
