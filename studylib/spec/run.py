"""How a model is trained: optimizer, schedule, stages, and how it is laid over processes and devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.registry import ATTENTION_BACKENDS, CROSS_ENTROPIES, OBJECTIVES, OPTIMIZERS, SCHEDULES, Registry
from studylib.spec.base import Above0, Fraction, Frozen, Grown, Positive, Real, as_integer, as_number, choice_of


def refuse_unused(spec: Grown, place: str, registry: Registry, fields: Sequence[str]) -> None:
    """Raise a StudyError if one of ``fields`` was set although the choice ``spec.name`` does not take it."""
    for field in fields:
        value = getattr(spec, field)
        if value != type(spec).model_fields[field].default and field not in registry[spec.name].takes:
            raise invalid(f"{place}.{field}", value, f"is not used by {spec.name}; leave it out")


class OptimizerSpec(Grown):
    """Which fields matter depends on ``name`` (see ``studylib/train/optimizer``); one that does not is refused."""

    later: ClassVar[tuple[str, ...]] = ("momentum", "precondition_every", "decay_embeddings")

    name: choice_of(OPTIMIZERS) = "adamw"
    learning_rate: Above0 = 4e-3
    beta1: Fraction = 0.9
    beta2: Fraction = 0.95
    eps: Above0 = 1e-8
    weight_decay: Annotated[float, BeforeValidator(as_number), Field(ge=0)] = 0.1
    grad_clip: Above0 = 1.0
    momentum: Fraction | None = Field(default=None, description="none: the optimizer's usual")
    precondition_every: Positive = Field(default=10, description="steps between new bases of soap")
    decay_embeddings: bool = Field(default=False, description="decay the token embedding too")

    @model_validator(mode="after")
    def _fields_matter(self) -> Self:
        refuse_unused(self, "optimizer", OPTIMIZERS, ("beta1", "beta2", "eps", "momentum", "precondition_every"))
        return self


class ScheduleSpec(Grown):
    """Linear warm-up, then the shape ``name`` (see ``studylib/train/schedule``); fields of other shapes are refused."""

    later: ClassVar[tuple[str, ...]] = ("warmup_steps", "decay_fraction", "decay_shape")

    name: choice_of(SCHEDULES) = "cosine"
    warmup_fraction: Fraction = 0.1
    final_fraction: Fraction = Field(default=0.1, description="of the peak rate, at the last step")
    warmup_steps: Positive | None = Field(default=None, description="instead of warmup_fraction")
    decay_fraction: Annotated[Fraction, Field(gt=0)] = Field(default=0.2, description="of the run, at its end, for wsd")
    decay_shape: Literal["linear", "1-sqrt"] = Field(default="1-sqrt", description="for wsd")

    @model_validator(mode="after")
    def _fields_matter(self) -> Self:
        refuse_unused(self, "schedule", SCHEDULES, ("decay_fraction", "decay_shape"))
        if self.warmup_steps and self.warmup_fraction != type(self).model_fields["warmup_fraction"].default:
            raise invalid(
                "schedule.warmup_fraction", self.warmup_fraction, "is given beside warmup_steps; leave one out"
            )
        return self


class ObjectiveSpec(Grown):
    """What is predicted. Which options apply depends on ``name`` (see ``studylib/data/objective``)."""

    name: choice_of(OBJECTIVES) = "causal"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _options_are_known(self) -> Self:
        # What is written out though it is the default must not change a trial's hash.
        object.__setattr__(self, "options", OBJECTIVES[self.name](self.options).used_options)
        return self


class StageSpec(Frozen):
    """A stretch of a run with its own mixture, order, context length and learning-rate action.

    Its length is ``fraction`` of the run's tokens, or ``tokens``; one stage may leave both out and takes the rest.
    """

    name: str = Field(min_length=1)
    fraction: Annotated[float, BeforeValidator(as_number), Field(gt=0, le=1)] | None = None
    tokens: Positive | None = None
    mixture: dict[str, Real] = Field(default_factory=dict, description="weight by source; empty: the sources' own")
    learning_rate: Literal["keep", "rewarm", "decay"] = "keep"
    order: Literal["random", "short_first", "long_first"] = Field(default="random", description="by document length")
    seq_len: Positive | None = Field(
        default=None, description="shorter context, a divisor of the model's; the same text"
    )


def _number_or_auto(value: Any) -> Any:
    value = value if value is None or value == "auto" else as_integer(value)
    if isinstance(value, bool) or not (value in (None, "auto") or (isinstance(value, int) and value > 0)):
        raise ValueError("is not valid: a whole number above 0, or auto")
    return value


class ParallelSpec(Grown):
    """How a trial is laid over processes; ``dp * tp * pp`` of them."""

    later: ClassVar[tuple[str, ...]] = ("expert_parallel",)

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


class ComputeSpec(Grown):
    """``auto`` is resolved when the trial starts, by device and size; the result says what was used.

    None of these changes the numbers by more than rounding.
    """

    later: ClassVar[tuple[str, ...]] = (
        "attention", "cross_entropy", "recompute", "fused_optimizer", "keep_memory", "mixer_kernels",
    )  # fmt: skip

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float64"] = Field(
        default="auto", description="of products; float64 also of weights and state, to tell rounding from a fault"
    )
    compile: Literal["auto", "none", "layer"] = "auto"
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
