"""Mixture of experts: many feed-forward networks a layer, a few of them for each token."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Count, Frozen, Positive, as_number

Weight = Annotated[float, BeforeValidator(as_number), Field(ge=0)]


class MoESpec(Frozen):
    """A router sends each token to ``experts_per_token`` of ``experts``; shared experts see every token.

    ``expert_size`` follows from the dense feed-forward when left out, such that a token's share of the experts costs what
    the dense one would (see ``ModelSpec.expert_size``).
    """

    experts: Positive = Field(description="routed experts a layer, 2 or more")
    experts_per_token: Positive = 2
    shared_experts: Count = Field(default=0, description="experts that every token passes, beside the routed ones")
    expert_size: Positive | None = Field(default=None, description="intermediate size of one expert")
    balance_loss: Weight = Field(default=0.01, description="weight of the load-balancing loss")
    z_loss: Weight = Field(default=0.001, description="weight of the router's z-loss")
    every: Positive = Field(default=1, description="every n-th layer has experts, the others are dense")

    @model_validator(mode="after")
    def _experts_suffice(self) -> Self:
        if self.experts < 2:
            raise invalid("model.moe.experts", self.experts, "leaves nothing to choose from; use 2 or more")
        if self.experts_per_token >= self.experts:
            raise invalid(
                "model.moe.experts_per_token",
                self.experts_per_token,
                f"must be less than the {self.experts} experts; a model that uses all of them is a dense one",
            )
        return self

    @property
    def active_experts(self) -> int:
        """Experts that compute for one token, shared ones among them."""
        return self.experts_per_token + self.shared_experts
