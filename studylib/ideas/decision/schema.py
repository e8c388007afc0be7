"""Keys of idea 9's parameter files."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.ideas._shared.sizes import OneShapeParams
from studylib.recipe.options import RecipeOptions
from studylib.spec import Above0, Count, Positive

TUNING_SEED = 1000  # on which rates are tried


class DecisionParams(OneShapeParams):
    """Keys of ``params/<scale>/decision.yaml``."""

    equal: ClassVar[
        tuple[str, ...]
    ] = ()  # no parameter here: all choices together are held against the baseline at equal FLOPs

    lengths: tuple[Above0, ...] = Field(
        default=(0.5, 2.0),
        description="other lengths of the baseline's runs, as shares: with the sizes they make the loss law",
    )
    together_at: tuple[Positive, ...] = Field(
        default=(), description="budgets at which all choices together are held against the baseline; none given: all"
    )
    together_lr_factors: tuple[Above0, ...] = Field(
        default=(0.125, 0.25, 0.5, 2.0),
        description="other learning rates tried for all choices together, as multiples of the rate that comes with them",
    )
    leave_out: Count = Field(
        default=2,
        description="choices left out at most, one after another, where all together fail: who is at fault; 0: not asked",
    )
    recipe: RecipeOptions = Field(
        default=RecipeOptions(),
        description="tokens, GPUs, layout, price and more of the run; {} is 200B tokens on 128 H100",
    )

    simulated: Count = Field(
        default=0, description="studies of known truth in which the list of next runs is followed; 0: none"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        for budget in self.together_at:
            if budget not in self.budgets:
                raise invalid("together_at", budget, "is not among the budgets", choices=self.budgets)
        if self.together_lr_factors and TUNING_SEED in self.seeds:
            why = "is among them, but together_lr_factors are tried on it: what is tuned on would be judged on"
            raise invalid("seeds", TUNING_SEED, why)
        if self.recipe.target_params not in (RecipeOptions().target_params, self.target_params):
            raise invalid("recipe.target_params", self.recipe.target_params, "is said by target_params; leave it out")
        _ = self.options  # what cannot be built is refused before anything runs
        return self

    @property
    def options(self) -> RecipeOptions:
        """What the recipe is asked for."""
        return self.recipe.replace(target_params=self.target_params)

    @property
    def held_at(self) -> tuple[int, ...]:
        """The budgets at which all choices together are trained, smallest first."""
        return tuple(sorted(self.together_at or self.budgets))

    @property
    def held_trials(self) -> int:
        """How many trials all choices together are, at all these budgets."""
        return sum(len(self.seeds_of(budget)) for budget in self.held_at)

    @property
    def rates(self) -> tuple[float, ...]:
        """Multiples of the rate that comes with all choices together, as they are tried; none: it is not tuned."""
        return tuple(sorted({1.0, *self.together_lr_factors})) if self.together_lr_factors else ()
