"""The model: its shape, and its choices by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Count, Fraction, Positive
from studylib.registry import (
    ACTIVATIONS,
    ATTENTION_PATTERNS,
    INITS,
    MIXERS,
    NORMS,
    POSITIONS,
    RESIDUALS,
    Registry,
    choice_of,
)
from studylib.spec.choosing import Choosing
from studylib.spec.moe import MoESpec


class ModelSpec(Choosing):
    """A decoder-only GPT. ``num_kv_heads`` and ``intermediate_size`` follow from the others when left out.

    Mixers differ in size at one hidden size; ``studylib.model.family.of_equal_size`` changes the MLP to make up for it.
    """

    place: ClassVar[str] = "model"
    registries: ClassVar[dict[str, Registry]] = {
        "activation": ACTIVATIONS, "norm": NORMS, "position": POSITIONS, "init": INITS,
        "attention_pattern": ATTENTION_PATTERNS, "residual": RESIDUALS, "mixer": MIXERS,
    }  # fmt: skip

    num_layers: Positive
    hidden_size: Positive
    num_heads: Positive
    vocab_size: Positive
    seq_len: Positive = 256
    num_kv_heads: Positive | None = None
    intermediate_size: Positive | None = None
    activation: choice_of(ACTIVATIONS) = "swiglu"
    norm: choice_of(NORMS) = "rmsnorm"
    position: choice_of(POSITIONS) = "rope"
    init: choice_of(INITS) = "completep"
    attention_pattern: choice_of(ATTENTION_PATTERNS) = "dense"
    residual: choice_of(RESIDUALS) = "pre"
    mixer: choice_of(MIXERS) = "attention"
    attention_every: Count = Field(
        default=0, description="hybrids: every n-th layer is attention, the others the mixer; 0: all are the mixer"
    )
    qk_norm: bool = Field(default=False, description="RMSNorm of every query and key (arXiv 2302.05442, 2309.14322)")
    tied_embeddings: bool = Field(default=False, description="one table for token embedding and output head")
    unit_stream: bool | None = Field(
        default=None,
        description="multiply embeddings to unit scale (arXiv 1706.03762, section 3.4); none: as the init says, and always where "
        "norms do not measure scale or branches end in a norm",
    )

    dropout: Annotated[Fraction, Field(lt=1)] = Field(
        default=0.0, description="of the embedding and of what mixers and MLPs add to the stream, in training"
    )
    moe: MoESpec | None = Field(default=None, description="experts in place of the dense feed-forward network")

    def named(self) -> Iterator[tuple[Registry, str]]:
        yield from super().named()
        if self.attention_every:
            yield MIXERS, "attention"

    @property
    def joining_mixers(self) -> list[str]:
        """Mixers that carry one text of a row over into the next."""
        return [mixer for mixer in self.mixers if not MIXERS[mixer].keeps_texts_apart]

    def mixer_of_layer(self, index: int) -> str:
        """The mixer of layer ``index`` (from 0)."""
        every = self.attention_every
        return "attention" if every and (index + 1) % every == 0 else self.mixer

    @property
    def mixers(self) -> dict[str, int]:
        """How many layers have which mixer."""
        attention = self.num_layers // self.attention_every if self.attention_every else 0
        if self.mixer == "attention":
            return {"attention": self.num_layers}
        return {
            name: count
            for name, count in {self.mixer: self.num_layers - attention, "attention": attention}.items()
            if count
        }

    @property
    def kv_heads(self) -> int:
        return self.num_kv_heads or self.num_heads

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def gated(self) -> bool:
        """Whether the activation multiplies by a gate: MLPs and experts then have a third matrix."""
        return ACTIVATIONS[self.activation].gated

    @property
    def ffn_size(self) -> int:
        """Llama's 8/3 of the hidden size, to the next multiple of 8, unless given.

        Half as much again (about four times the hidden size) where the activation is ungated: two matrices of that size
        have the parameters of three.
        """
        size = -(-8 * self.hidden_size // (3 * 8)) * 8
        return self.intermediate_size or (size if self.gated else size * 3 // 2)

    @property
    def expert_size(self) -> int:
        """Intermediate size of one expert: as given, else the dense one's over the experts that are active, to a multiple of 8."""
        if self.moe is None:
            raise ValueError("the model has no experts")
        return self.moe.expert_size or -(-self.ffn_size // (self.moe.active_experts * 8)) * 8

    def has_experts(self, layer: int) -> bool:
        """Whether the layer (counted from 0) has a mixture of experts."""
        return self.moe is not None and (layer + 1) % self.moe.every == 0

    @model_validator(mode="after")
    def _shape_is_possible(self) -> Self:
        if self.hidden_size % self.num_heads:
            raise invalid(
                "model.num_heads",
                self.num_heads,
                f"does not divide hidden_size {self.hidden_size}",
                choices=[n for n in range(1, 129) if self.hidden_size % n == 0][:16],
            )
        if self.num_heads % self.kv_heads:
            raise invalid("model.num_kv_heads", self.num_kv_heads, f"does not divide num_heads {self.num_heads}")
        if self.attention_every and self.mixer == "attention":
            raise invalid(
                "model.attention_every", self.attention_every, "is for hybrids; give another mixer than attention"
            )
        if self.moe is not None and self.moe.every > self.num_layers:
            raise invalid("model.moe.every", self.moe.every, f"leaves none of {self.num_layers} layers with experts")
        if ATTENTION_PATTERNS[self.attention_pattern].sparse and "attention" not in self.mixers:
            raise invalid("model.attention_pattern", self.attention_pattern, "is given but no layer is attention")
        POSITIONS[self.position](self).check()
        for name in self.mixers:
            MIXERS[name](self).check()
        RESIDUALS[self.residual](self).check()
        return self
