"""Keys of idea 2's parameter files, and the model of each variant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from studylib.errors import invalid
from studylib.ideas._shared.at_size import kept_groups
from studylib.ideas._shared.equal_size import fitted
from studylib.ideas._shared.sizes import OneShapeParams
from studylib.ideas._shared.variants import BASELINE, Changes, check_changes, labels_of, variants_of
from studylib.spec import Above0, Count, ModelSpec


class ArchitectureParams(OneShapeParams):
    """Keys of ``params/<scale>/architecture.yaml``."""

    factors: dict[str, dict[str, Changes]] = Field(
        min_length=1,
        description="factor: variants by name, each with the fields of the model that differ from the baseline; "
        "a plain list names values of the field called as the factor",
    )
    baseline: Changes = Field(default_factory=dict, description="fields of the model; empty: the model's own defaults")
    combine: tuple[str, ...] = Field(
        default=(), description="factors whose best choices are put together; none: not tried"
    )
    lr_factors: tuple[Above0, ...] = Field(default=(), description="other learning rates tried at one budget")
    lr_at: Count = Field(default=0, description="that budget; 0: the smallest")
    lr_variants: tuple[str, ...] = Field(
        default=(), description="variants tried at them beside the baseline, as 'factor: name'"
    )
    long_context: tuple[str, ...] = Field(
        default=("position",), description="factors whose variants are asked for their loss at longer contexts"
    )

    @field_validator("factors", mode="before")
    @classmethod
    def _values_of_a_field(cls, value: Any) -> Any:
        # "activation: [relu, gelu]" is what people write.
        if not isinstance(value, Mapping):
            return value
        return {
            factor: {str(one): {factor: one} for one in named} if isinstance(named, list | tuple) else named
            for factor, named in value.items()
        }

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        for place, changes in {"baseline": self.baseline, **self.variants}.items():
            if place != "baseline" and not changes:
                raise invalid("factors", place, "changes nothing")
            check_changes(place, changes)
        for name in self.combine:
            if name not in self.factors:
                raise invalid("combine", name, "is not a factor", choices=self.factors)
        for name in self.lr_variants:
            if name not in self.variants:
                raise invalid("lr_variants", name, "is not a variant", choices=self.variants)
        if self.lr_at and self.lr_at not in self.budgets:
            raise invalid("lr_at", self.lr_at, "is no budget", choices=sorted(self.budgets))
        for name in self.variants:
            self.model(min(self.budgets), name)  # what does not fit is refused before anything runs
        return self

    @property
    def variants(self) -> dict[str, Changes]:
        """Changes to the baseline by the variant's name in tables, ``factor: name``."""
        return variants_of(self.factors)

    @property
    def groups(self) -> dict[str, dict[str, Changes]]:
        """`variants` by factor."""
        return {factor: variants_of({factor: named}) for factor, named in self.factors.items()}

    @property
    def by_factor(self) -> dict[str, list[str]]:
        """The names in tables of every factor's variants."""
        return labels_of(self.factors)

    def variant_with(self, **changes: Any) -> str | None:
        """The variant that differs from the baseline in exactly these fields."""
        return next((name for name, own in self.variants.items() if own == changes), None)

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        none: dict[str, Any] = {"combine": [], "lr_factors": [], "lr_variants": [], "lr_at": 0}
        return super().at_size(size) | none | kept_groups("factors", self.factors, self.by_factor, keep)

    def model(self, budget: int, variant: str = BASELINE, changes: Changes | None = None) -> ModelSpec:
        """The model of a variant, with as many non-embedding parameters as the baseline of that budget.

        The intermediate size of the feed-forward makes good what a choice costs or saves.

        Raises
        ------
        StudyError
            No intermediate size does, or the choices do not go together.
        """
        base = self.shape(budget, **self.baseline)
        if changes is None:
            changes = {} if variant == BASELINE else self.variants[variant]
        return fitted(base.replace(**changes), base, multiple=self.ffn_multiple, name=variant) if changes else base
