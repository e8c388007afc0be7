"""A trial: everything that determines its numbers, and the hash that names it."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Count, Frozen, Positive
from studylib.registry import MIXERS, OBJECTIVES, OPTIMIZERS, PROBES, SCHEDULES, choice_of
from studylib.spec.data import DataSpec
from studylib.spec.model import ModelSpec
from studylib.spec.run import ComputeSpec, ObjectiveSpec, OptimizerSpec, ParallelSpec, ScheduleSpec, StageSpec
from studylib.spec.step import Step
from studylib.spec.version import hash_of
from studylib.stages import check_stages, stage_ends


@cache
def _next_token() -> ObjectiveSpec:
    """The default, made when it is first needed: naming an objective loads it."""
    return ObjectiveSpec()


class TrialSpec(Step, Frozen):
    """Everything that determines a trial's numbers.

    ``tags`` (variant, size, ... for tables), ``checkpoint_every`` and ``keep_steps`` do not change the numbers and
    stay out of the hash.
    """

    folder: ClassVar[str] = "trials"

    model: ModelSpec
    data: DataSpec = DataSpec()
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    objective: ObjectiveSpec = Field(default_factory=_next_token)
    stages: tuple[StageSpec, ...] = Field(
        default=(), description="in the order of the run; none: one mixture throughout"
    )
    probes: tuple[choice_of(PROBES), ...] = Field(default=(), description="what else the trained model is asked")
    parallel: ParallelSpec = ParallelSpec()
    compute: ComputeSpec = ComputeSpec()
    train_steps: Positive
    global_batch_size: Positive = 16
    seed: Count = 0
    eval_every: Count = Field(default=0, description="steps between validations; 0: only at the end")
    eval_tokens: Positive = 65_536
    checkpoint_every: Count = Field(default=0, description="steps between checkpoints; 0: none")
    keep_steps: tuple[Positive, ...] = Field(
        default=(),
        description="finished steps whose checkpoints are written and stay, for trials that branch off there",
    )
    epochs: Positive = Field(
        default=1, description="the run sees 1/epochs of its tokens, so often, each time in a new order"
    )
    tags: dict[str, str | int | float | bool] = Field(default_factory=dict)
    start_from: str = Field(
        default="", description="hash of a trial of the same study whose last checkpoint gives the start values"
    )
    new_embeddings: Literal["mean", "random"] = Field(
        default="mean",
        description="how pieces start that the other trial did not have: the mean of their parts, or drawn",
    )

    branch_from: str = Field(
        default="", description="hash of a trial of the same study with whose state at branch_step this one goes on"
    )
    branch_step: Count = Field(
        default=0, description="finished steps taken over: weights, optimizer state, place in the text"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        model, parallel = self.model, self.parallel
        if model.vocab_size < self.data.vocab_size:
            raise invalid("model.vocab_size", model.vocab_size, f"is less than the tokenizer's {self.data.vocab_size}")
        self._check_objective()
        if self.start_from == "" and self.new_embeddings != "mean":
            raise invalid("new_embeddings", self.new_embeddings, "needs start_from")
        if parallel.expert_parallel and model.moe is None:
            raise invalid("parallel.expert_parallel", True, "needs a model with experts (model.moe)")
        for field, size in {
            "model.num_heads": model.num_heads,
            "model.num_kv_heads": model.kv_heads,
            "model.vocab_size": model.vocab_size,
            "model.intermediate_size": model.ffn_size,
            **_split_sizes_of_experts(model, parallel),
        }.items():
            if size % parallel.tp:
                raise invalid(field, size, f"is not divisible by parallel.tp {parallel.tp}")
        if model.num_layers < parallel.pp:
            raise invalid("model.num_layers", model.num_layers, f"is less than parallel.pp {parallel.pp}")
        if self.global_batch_size % parallel.dp:
            raise invalid("global_batch_size", self.global_batch_size, f"is not divisible by parallel.dp {parallel.dp}")
        replica, together = self.global_batch_size // parallel.dp, self._rows_together
        if replica % together:
            why = f"leaves {replica} rows a replica, but with objective {self.objective.name} rows come by {together}"
            raise invalid(
                "global_batch_size", self.global_batch_size, f"{why}; give a multiple of {together * parallel.dp}"
            )
        if parallel.micro_batch_size == "auto":
            if parallel.pp > 1:
                raise invalid("parallel.micro_batch_size", "auto", "is for parallel.pp 1; give a number")
        elif parallel.micro_batch_size and replica % parallel.micro_batch_size:
            raise invalid(
                "parallel.micro_batch_size",
                parallel.micro_batch_size,
                f"does not divide the {replica} sequences of a replica",
            )
        elif parallel.micro_batch_size and parallel.micro_batch_size % together:
            why = f"parts rows that belong together: with objective {self.objective.name} they come by {together}"
            raise invalid("parallel.micro_batch_size", parallel.micro_batch_size, why)
        self._check_schedule()
        self._check_branch()
        OPTIMIZERS[self.optimizer.name](self.optimizer).check(parallel)
        check_stages(self)
        if self.probes and parallel.pp > 1:
            raise invalid("probes", list(self.probes), "need whole models; parallel.pp must be 1")
        return self

    def _check_schedule(self) -> None:
        schedule, usual = self.schedule, ScheduleSpec.model_fields["final_fraction"].default
        if (schedule.warmup_steps or 0) >= self.train_steps:
            raise invalid("schedule.warmup_steps", schedule.warmup_steps, f"fill the run's {self.train_steps} steps")
        used = SCHEDULES[schedule.name].ends_at_final_fraction or any(
            stage.learning_rate == "decay" for stage in self.stages
        )
        if schedule.final_fraction != usual and not used:
            why = f"is not used by {schedule.name} without a stage that decays; leave it out"
            raise invalid("schedule.final_fraction", schedule.final_fraction, why)

    def _check_branch(self) -> None:
        if bool(self.branch_from) != bool(self.branch_step):
            raise invalid("branch_step", self.branch_step, "and branch_from belong together: give both or none")
        if self.branch_step >= self.train_steps:
            raise invalid("branch_step", self.branch_step, f"leaves no step of the run's {self.train_steps}")
        if self.branch_from and self.start_from:
            raise invalid("start_from", self.start_from, "is given beside branch_from; leave one out")
        if self.branch_from and self.epochs > 1:
            raise invalid("epochs", self.epochs, "repeats other text in a run of another length; 1 for a branch")
        for step in self.keep_steps:
            if step > self.train_steps:
                raise invalid("keep_steps", step, f"is beyond the run's {self.train_steps} steps")

    def _check_objective(self) -> None:
        name, model = self.objective.name, self.model
        objective = OBJECTIVES[name](self.objective)
        blind = [mixer for mixer in model.mixers if not MIXERS[mixer].sees_prefix]
        if objective.prefixes and blind:
            raise invalid(
                "objective.name", name, f"reads prefixes in both directions, which model.mixer {blind[0]} cannot",
                choices=[other for other in OBJECTIVES if not OBJECTIVES[other].prefixes],
            )  # fmt: skip
        if objective.packs and model.joining_mixers:
            why = f"lets conversations share a row, which model.mixer {model.joining_mixers[0]} would carry over; give most_in_row 1"
            raise invalid("objective.name", name, why)
        if objective.refers and not self.start_from:
            why = f"is needed: the reference of objective {name} is the trial that it starts from"
            raise invalid("start_from", self.start_from, why)
        if objective.refers and model.dropout:
            why = f"makes the model another than its reference before it has learnt; give 0 with objective {name}"
            raise invalid("model.dropout", model.dropout, why)
        objective.check(self)
        for stage in self.stages if objective.rows != "windows" else ():
            if stage.seq_len or stage.order != "random":
                why = (
                    f"has a seq_len or an order of its own; objective {name} has neither, its rows are {objective.rows}"
                )
                raise invalid("stages", stage.name, why)
        lengths = [stage.seq_len for stage in self.stages if stage.seq_len]
        extra = max(objective.extra_tokens(one) for one in (model.seq_len, *lengths))
        if model.vocab_size < self.data.vocab_size + extra:
            why = f"leaves no room for the {extra} tokens of objective {name} behind the tokenizer's {self.data.vocab_size}"
            raise invalid("model.vocab_size", model.vocab_size, f"{why}; give at least {self.data.vocab_size + extra}")

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits; equal exactly when the trials' numbers must be equal."""
        return hash_of("trial", self._hashed())

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data,)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        asked = OBJECTIVES[self.objective.name](self.objective).trials_read
        parents = (f"{self.folder}/{name}" for name in (self.start_from, self.branch_from, *asked) if name)
        return (self.data.name, *parents, *((self.likelihoods,) if self.likelihoods else ()))

    @property
    def likelihoods(self) -> str:
        """Name of the step that says what the reference thinks of the text; empty for an objective that reads none."""
        if not OBJECTIVES[self.objective.name](self.objective).reads_likelihoods:
            return ""
        return f"likelihoods/{likelihood_hash(self.start_from, self.data, self.model.seq_len)}"

    def keeping(self, other: Self) -> Self:
        every = min((one for one in (self.checkpoint_every, other.checkpoint_every) if one), default=0)
        steps = tuple(sorted({*self.keep_steps, *other.keep_steps}))
        if (every, steps) == (self.checkpoint_every, self.keep_steps):
            return self
        return self.replace(checkpoint_every=every, keep_steps=steps)

    @property
    def kept_steps(self) -> tuple[int, ...]:
        """Finished steps whose checkpoints are there when it is done: ``keep_steps``, and its end if it writes any."""
        return tuple(sorted({*self.keep_steps, *((self.train_steps,) if self.checkpoint_every else ())}))

    def keeping_its_end(self) -> Self:
        """This trial, which keeps a checkpoint of its last step."""
        if self.train_steps in self.kept_steps:
            return self
        return self.replace(keep_steps=(*self.keep_steps, self.train_steps))

    @property
    def processes(self) -> int:
        return self.parallel.world_size

    @property
    def label(self) -> str:
        """What a person calls the trial: its tags and seed."""
        tags = {"seed": self.seed} | self.tags
        said = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in tags.items()}
        return " ".join(f"{key}={value}" for key, value in sorted(said.items(), key=lambda item: item[0] == "seed"))

    @property
    def recipe_hash(self) -> str:
        """As ``hash`` but blind to layout and precision: a checkpoint may be resumed on other processes."""
        return hash_of("recipe", self._hashed("parallel", "compute"))

    def _hashed(self, *left_out: str) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"tags", "checkpoint_every", "keep_steps", *left_out})

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """The step after each stage's last one; ``(train_steps,)`` for a run without stages."""
        if not self.stages:
            return (self.train_steps,)
        return stage_ends(self.stages, self.train_steps, self.tokens_per_step)

    @property
    def tokens_per_step(self) -> int:
        return self.global_batch_size * self.model.seq_len

    @property
    def train_tokens(self) -> int:
        return self.train_steps * self.tokens_per_step

    @property
    def own_tokens(self) -> int:
        """What this trial trains on itself; less than ``train_tokens`` for one that branches off another."""
        return self.train_tokens - self.branch_step * self.tokens_per_step

    @property
    def micro_batch_size(self) -> int:
        """Sequences in one forward pass: as given, else two halves a pipeline stage, else the whole replica.

        For ``auto`` the whole replica too, the most that it can become.
        """
        replica = self.global_batch_size // self.parallel.dp
        if self.parallel.micro_batch_size not in (None, "auto"):
            return self.parallel.micro_batch_size
        wanted = 2 * self.parallel.pp if self.parallel.pp > 1 else 1
        groups = replica // self._rows_together
        micro_batches = max(count for count in range(1, wanted + 1) if groups % count == 0)
        return replica // micro_batches

    @property
    def _rows_together(self) -> int:
        return OBJECTIVES[self.objective.name](self.objective).rows_together


def likelihood_hash(trial: str, data: DataSpec, seq_len: int) -> str:
    """Of a `LikelihoodSpec`; ``trial`` is a hash, which is all that a trial knows of the one it starts from."""
    return hash_of("likelihoods", {"trial": trial, "data": data.hash, "seq_len": seq_len})


def _split_sizes_of_experts(model: ModelSpec, parallel: ParallelSpec) -> dict[str, int]:
    """What tensor parallelism cuts where there are experts."""
    if model.moe is None:
        return {}
    if not parallel.expert_parallel:
        return {"model.moe.expert_size": model.expert_size}  # the shared ones' sizes are its multiples
    shared = model.moe.shared_experts * model.expert_size
    return {"model.moe.experts": model.moe.experts, "model.moe.shared_experts * expert_size": shared}
