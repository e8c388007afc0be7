"""What a recipe is asked for: size, tokens, cluster, price."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Above0, Frozen, Positive, as_number

_LEAST_PARAMS = 1e8  # below, nothing has to be laid over GPUs, and the published findings are about other models


class RecipeOptions(Frozen):
    """The model that is to be built, and on what."""

    target_params: Above0 = Field(default=1e10, description="all parameters, embeddings among them")
    tokens: Above0 = Field(default=2e11, description="of the run that is written out")
    budgets: tuple[Above0, ...] = Field(
        default=(1e11, 2e11, 5e11, 1e12, 2e12), min_length=1, description="tokens that loss and cost are told for"
    )
    gpus: Positive = 128
    gpu: str = Field(default="h100-sxm", description="name of a card")
    gpus_per_node: Positive = 8
    seq_len: Positive = 4096
    batch_tokens: Positive = Field(default=4_194_304, description="tokens of one step")
    vocab_size: Positive | None = Field(default=None, description="none: as the settings or published findings say")
    tp: Positive | None = Field(default=None, description="none: searched")
    pp: Positive | None = Field(default=None, description="none: searched")
    dp: Positive | None = Field(default=None, description="none: searched")
    utilisation: Annotated[float, BeforeValidator(as_number), Field(gt=0, le=1)] | None = Field(
        default=None,
        description="measured share of the card's peak; none: the cost model's, beside the published range",
    )
    price_per_gpu_hour: Annotated[float, BeforeValidator(as_number), Field(ge=0)] | None = None
    currency: str = ""
    budget_gpu_hours: Above0 | None = Field(default=None, description="for the next runs; none: a tenth of the run")

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        if self.target_params < _LEAST_PARAMS:
            raise invalid(
                "target_params", self.target_params, f"is too small for a recipe; give {_LEAST_PARAMS:.0e} or more"
            )
        if self.batch_tokens < self.seq_len:
            raise invalid("batch_tokens", self.batch_tokens, f"is less than one sequence of seq_len {self.seq_len}")
        if self.tokens < self.batch_tokens:
            raise invalid("tokens", self.tokens, f"is less than one step of batch_tokens {self.batch_tokens}")
        if self.gpus > self.gpus_per_node and self.gpus % self.gpus_per_node:
            raise invalid("gpus", self.gpus, f"does not fill nodes of {self.gpus_per_node}")
        given = [one for one in (self.tp, self.pp, self.dp) if one is not None]
        product = 1
        for one in given:
            product *= one
        if self.gpus % product or (len(given) == 3 and product != self.gpus):
            raise invalid("gpus", self.gpus, f"is not what tp {self.tp}, pp {self.pp} and dp {self.dp} need")
        return self
