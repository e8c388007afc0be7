"""How a model is trained: optimizer, schedule, stages, and how it is laid over processes and devices."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Above0, Fraction, Frozen, Positive, Real, as_integer, as_number
from studylib.registry import (
    ATTENTION_BACKENDS,
    CROSS_ENTROPIES,
    OBJECTIVES,
    OPTIMIZERS,
    SCHEDULES,
    Registry,
    choice_of,
)
from studylib.spec.choosing import Choosing


class OptimizerSpec(Choosing):
    """What all optimizers share; further options are those of ``name`` (see ``studylib/choices/optimizer``)."""

    place: ClassVar[str] = "optimizer"
    registries: ClassVar[dict[str, Registry]] = {"name": OPTIMIZERS}

    name: choice_of(OPTIMIZERS) = "adamw"
    learning_rate: Above0 = 4e-3
    weight_decay: Annotated[float, BeforeValidator(as_number), Field(ge=0)] = 0.1
    grad_clip: Above0 = 1.0
    decay_embeddings: bool = Field(default=False, description="decay the token embedding too")


class ScheduleSpec(Choosing):
    """Linear warm-up, then the shape ``name`` with its options (see ``studylib/choices/schedule``)."""

    place: ClassVar[str] = "schedule"
    registries: ClassVar[dict[str, Registry]] = {"name": SCHEDULES}

    name: choice_of(SCHEDULES) = "cosine"
    warmup_fraction: Fraction = 0.1
    final_fraction: Fraction = Field(default=0.1, description="of the peak rate, at the last step")
    warmup_steps: Positive | None = Field(default=None, description="instead of warmup_fraction")

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_steps and self.warmup_fraction != type(self).model_fields["warmup_fraction"].default:
            raise invalid(
                "schedule.warmup_fraction", self.warmup_fraction, "is given beside warmup_steps; leave one out"
            )
        return self


class ObjectiveSpec(Choosing):
    """What is predicted, with the options of ``name`` (see ``studylib/choices/objective``)."""

    place: ClassVar[str] = "objective"
    registries: ClassVar[dict[str, Registry]] = {"name": OBJECTIVES}

    name: choice_of(OBJECTIVES) = "causal"


class StageSpec(Frozen):
    """A stretch of a run with its own mixture, order, context length and learning-rate action.

    Its length is ``fraction`` of the run's tokens, or ``tokens``; one stage may leave both out and takes the rest.
    """

    then: ClassVar[str] = " → "  # between the stages of a run, where they are told

    name: str = Field(min_length=1)
    fraction: Annotated[float, BeforeValidator(as_number), Field(gt=0, le=1)] | None = None
    tokens: Positive | None = None
    mixture: dict[str, Real] = Field(default_factory=dict, description="weight by source; empty: the sources' own")
    learning_rate: Literal["keep", "rewarm", "decay"] = "keep"
    order: Literal["random", "short_first", "long_first"] = Field(default="random", description="by document length")
    seq_len: Positive | None = Field(
        default=None, description="shorter context, a divisor of the model's; the same text"
    )

    def __str__(self) -> str:
        """For tables: ``ja 50 % (90 % ja, 10 % en), rewarm``."""
        share = "" if self.fraction is None else f" {100 * self.fraction:.3g} %"
        length = "" if self.tokens is None else f" {self.tokens:,} tokens"
        total = sum(self.mixture.values())
        parts = [f"{100 * weight / total:.3g} % {source}" for source, weight in self.mixture.items() if weight]
        mixed = f" ({', '.join(parts)})" if len(parts) > 1 else ""
        changed = [one for one in (self.learning_rate, self.order) if one not in ("keep", "random")]
        return ", ".join([f"{self.name}{share}{length}{mixed}", *changed])


def _number_or_auto(value: Any) -> Any:
    value = value if value is None or value == "auto" else as_integer(value)
    if isinstance(value, bool) or not (value in (None, "auto") or (isinstance(value, int) and value > 0)):
        raise ValueError("is not valid: a whole number above 0, or auto")
    return value


class ParallelSpec(Frozen):
    """How a trial is laid over processes; ``dp * tp * pp`` of them."""

    dp: Positive = 1
    tp: Positive = 1
    pp: Positive = 1
    zero_stage: Literal[0, 1] = 0
    micro_batch_size: Annotated[int | str | None, BeforeValidator(_number_or_auto)] = Field(
        default=None, description="sequences in one forward pass; auto: the fastest that fits, measured at the start"
    )
    pp_engine: Literal["1f1b", "afab"] = "1f1b"
    expert_parallel: bool = Field(
        default=False, description="each tensor-parallel rank has some experts whole, instead of a slice of all"
    )

    @property
    def world_size(self) -> int:
        return self.dp * self.tp * self.pp


class ComputeSpec(Frozen):
    """``auto`` is resolved when the trial starts, by device and size; the result says what was used.

    None of these changes the numbers by more than rounding.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float64"] = Field(
        default="auto", description="of products; float64 also of weights and state, to tell rounding from a fault"
    )
    compile: Literal["auto", "none", "layer", "graph"] = Field(
        default="auto",
        description="layer: torch.compile, a layer at a time; graph: on a GPU, a step's kernels recorded once and launched together",
    )
    mixer_kernels: Literal["torch", "fla"] = Field(
        default="torch", description="fla: recurrent mixers by fla-core's Triton kernels, on a GPU"
    )
    attention: choice_of(ATTENTION_BACKENDS, "auto") = Field(
        default="auto", description="back-end; auto: the fastest that can do what the model asks"
    )
    cross_entropy: choice_of(CROSS_ENTROPIES, "auto") = Field(
        default="auto", description="chunked: all logits never exist at once"
    )
    recompute: Literal["none", "layer"] = Field(
        default="none", description="layer: keep a layer's input only and compute it again in the backward pass"
    )
    fused_optimizer: bool = Field(default=True, description="one kernel for the update, where the optimizer has one")
    keep_memory: bool = Field(default=True, description="on a CPU: do not give freed memory back to the system")
