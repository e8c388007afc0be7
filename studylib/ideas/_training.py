"""What the ideas that train from scratch have in common: fields of their parameters, and a trial made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from studylib.model.cost import flops_per_token
from studylib.params import StudyParams
from studylib.spec import (
    Above0,
    ComputeSpec,
    Count,
    DataSpec,
    ModelSpec,
    OptimizerSpec,
    ParallelSpec,
    Positive,
    Step,
    TrialSpec,
)


class TrainingParams(StudyParams):
    """Parameters of an idea whose trials are trained from scratch; a subclass may give other defaults."""

    seq_len: Positive = Field(default=256, description="tokens of context")
    global_batch_size: Positive = Field(default=16, description="sequences in a step")
    learning_rate: Above0 = Field(default=3e-3, description="at CompleteP's base shape, 256 wide and 4 deep")
    evaluations: Count = Field(default=6, description="validations along a run")
    eval_tokens: Positive = Field(default=65_536, description="tokens of each validation")
    checkpoints: Count = Field(default=0, description="checkpoints along a run; 0: none")
    compute: ComputeSpec = Field(
        default=ComputeSpec(), description="device, dtype, compile and more; {} lets each trial choose"
    )
    parallel: ParallelSpec = Field(
        default=ParallelSpec(), description="dp, tp, pp, zero_stage, micro_batch_size and more, of each trial"
    )

    @property
    def tokens_per_step(self) -> int:
        return self.global_batch_size * self.seq_len

    def steps_of(self, tokens: float) -> int:
        """Steps that come nearest to ``tokens``, two at least."""
        return max(2, round(tokens / self.tokens_per_step))

    def trial(
        self, model: ModelSpec, seed: int, steps: int, *,
        data: DataSpec | None = None, tags: Mapping[str, Any], **changes: Any,
    ) -> TrialSpec:  # fmt: skip
        """``model`` trained for ``steps`` as these parameters say; ``changes`` are further fields of the trial."""
        settings: dict[str, Any] = {
            "optimizer": OptimizerSpec(learning_rate=self.learning_rate),
            "parallel": self.parallel,
            "compute": self.compute,
            "global_batch_size": self.global_batch_size,
            "eval_every": max(1, steps // self.evaluations) if self.evaluations else 0,
            "eval_tokens": self.eval_tokens,
            "checkpoint_every": -(-steps // self.checkpoints) if self.checkpoints else 0,
        }
        return TrialSpec(
            model=model, data=data or self.data, train_steps=steps, seed=seed, tags=dict(tags), **settings | changes
        )


def at_each_size(specs: Sequence[Step], family: str, reference: Mapping[str, str] | str) -> list[TrialSpec]:
    """The first trial of a family at every size that is the reference, of all sizes or by size; in the order of the sizes."""
    found: dict[Any, TrialSpec] = {}
    for spec in specs:
        if isinstance(spec, TrialSpec) and spec.tags.get("family") == family:
            size = str(spec.tags["size"])
            if spec.tags["variant"] == (reference if isinstance(reference, str) else reference[size]):
                found.setdefault(size, spec)
    return list(found.values())


def equal_flops_steps(steps: int, reference: ModelSpec, model: ModelSpec) -> int:
    """Whole steps in which ``model`` spends what ``reference`` spends in ``steps``, at as many tokens a step; two at least."""
    return max(2, round(steps * flops_per_token(reference) / flops_per_token(model)))
