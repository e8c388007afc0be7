"""Keys of ``params/<scale>/hyperparameters.yaml``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Fraction, as_number
from studylib.ideas._shared.at_size import MOST_TOKENS, layers_size, more_text, one_shape
from studylib.ideas._training import TrainingParams
from studylib.registry import INITS, OBJECTIVES, OPTIMIZERS, SAMPLERS
from studylib.spec import (
    Above0,
    Axis,
    Count,
    Frozen,
    OptimizerSpec,
    Positive,
    ScheduleSpec,
    SearchSpec,
    choice_of,
)
from studylib.spec.search import Share, Value
from studylib.spec.setting import field_label

Dropped = Annotated[float, BeforeValidator(as_number), Field(gt=0, lt=1)]


def _values_of(factors: dict[str, tuple[Value, ...]], keep: Collection[str]) -> dict[str, list[Value]]:
    """The values that are kept, and the common recipe's beside them, of fields that keep any."""
    found = {}
    for key, values in factors.items():
        owner, _, field = key.partition(".")
        usual = getattr({"optimizer": OptimizerSpec(), "schedule": ScheduleSpec()}.get(owner), field, None)
        named = [value for value in values if f"{field_label(key)} {value}" in keep]
        if named:
            found[key] = [value for value in values if value in named or value == usual]
    return found


class Tuning(Frozen):
    """The budget that every optimizer gets before it is compared."""

    span: Annotated[float, BeforeValidator(as_number), Field(gt=1)] = Field(
        default=16.0, description="greatest over least learning rate tried"
    )
    points: Positive = Field(default=5, description="points tried")
    also: dict[str, Axis] = Field(default_factory=dict, description="further fields tuned")
    sampler: choice_of(SAMPLERS) = "grid"
    rungs: tuple[Share, ...] = Field(default=(1.0,), description="shares of the run on which points are judged")
    seed: Count = Field(default=1000, description="not among seeds: what is tuned on is not judged on")


class Batches(Frozen):
    """Batch sizes tried at several lengths of run, at equal tokens.

    The learning rate follows the square root of the batch, Adam's rule (Malladi et al. 2022, arXiv 2205.10287), unless
    told otherwise, and is tried at ``lr_factors`` around it.
    """

    sizes: tuple[Positive, ...] = Field(description="sequences in a step")
    token_factors: tuple[Above0, ...] = Field(
        default=(0.25, 0.5, 1.0), description="lengths, multiples of train_tokens"
    )
    widths: tuple[Positive, ...] = Field(default=(), description="among widths; none: hidden_size alone")
    rate_exponent: Fraction = Field(default=0.5, description="the rate goes with the batch to this power")
    lr_factors: tuple[Above0, ...] = Field(default=(1.0,), description="multiples of that rate")

    @model_validator(mode="after")
    def _can_have_an_optimum(self) -> Self:
        if len(set(self.sizes)) < 3:
            raise invalid(
                "batches.sizes", self.sizes, "must be 3 different ones at least, or no optimum lies between them"
            )
        if 1.0 not in self.lr_factors:
            raise invalid("batches.lr_factors", self.lr_factors, "leave out 1, the rate of the rule")
        return self


class HyperparametersParams(TrainingParams):
    """Keys of ``params/<scale>/hyperparameters.yaml``."""

    num_layers: Positive = Field(default=2, description="of all models")
    head_dim: Positive = Field(default=16, description="size of a head; widths are its multiples")
    hidden_size: Positive = Field(default=32, description="at which everything but transfer is studied")
    train_tokens: Positive = Field(default=262_144, description="of a whole run")
    widths: tuple[Positive, ...] = Field(default=(32, 64, 128), description="over which the best rate should stay")
    rates: dict[choice_of(INITS), Axis] = Field(
        default_factory=lambda: {"completep": Axis(low=1e-3, high=1.6e-2, points=5)},
        description="learning rates tried at every width, by parametrisation",
    )
    inits: dict[choice_of(INITS), Axis] = Field(
        default_factory=dict, description="further parametrisations, swept at hidden_size only"
    )
    token_factors: tuple[Above0, ...] = Field(default=(1.0,), description="budgets at which the rate is swept")
    optimizers: dict[choice_of(OPTIMIZERS), dict[str, Value]] = Field(
        default_factory=lambda: {"adamw": {"learning_rate": 4e-3}, "muon": {"learning_rate": 4e-3}},
        description="fields of each; its learning_rate is the middle of what is tried",
    )
    compare_at: tuple[Positive, ...] = Field(default=(32, 64), description="widths at which optimizers are compared")
    tuning: Tuning = Field(
        default=Tuning(), description="budget of every optimizer: span of rates, points, also, sampler, rungs, seed"
    )
    default_rate: Above0 = Field(default=1e-3, description="torch's for AdamW: the untuned baseline")
    ladder: tuple[Above0, ...] = Field(default=(), description="other lengths of tuned AdamW, to value gains in tokens")
    factors: dict[str, tuple[Value, ...]] = Field(default_factory=dict, description="one field at a time")
    tuned_factors: dict[str, tuple[Value, ...]] = Field(
        default_factory=dict, description="as factors, each value at several learning rates"
    )
    lr_factors: tuple[Above0, ...] = Field(default=(0.5, 1.0, 2.0), description="those rates, as multiples")
    budgets: tuple[Share, ...] = Field(
        default=(), description="lengths of run: a cosine each, and one trunk's cooldowns"
    )
    warmup_steps: Positive = Field(default=10, description="of the trunk")
    epochs: tuple[Positive, ...] = Field(default=(), description="times that the text is seen, at equal tokens")
    dropouts: tuple[Dropped, ...] = Field(default=(), description="tried at every number of epochs, against none")
    batches: Batches | None = Field(default=None, description="the best batch by length of run, and by width")
    objectives: dict[choice_of(OBJECTIVES), dict[str, Any]] = Field(default_factory=dict, description="options of each")
    objective_lr_factors: tuple[Above0, ...] = Field(
        default=(1.0,), description="multiples of learning_rate at which each objective is tried"
    )
    pruned: SearchSpec | None = Field(default=None, description="held against the grid of its own space")
    explored: SearchSpec | None = Field(default=None, description="many fields at once: which of them matters")
    target_params: Above0 = Field(default=1e10, description="parameters of the model that is to be built")
    target_tokens: Above0 = Field(default=2e11, description="and its training tokens")
    target_seq_len: Positive = Field(default=4096, description="and its tokens of context: a batch is counted in such")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.widths)) < 3:
            raise invalid("widths", self.widths, "must be 3 different ones at least, or nothing is seen to transfer")
        for name in ("widths", "compare_at"):
            for width in getattr(self, name):
                if width % self.head_dim:
                    raise invalid(name, width, f"is not a multiple of head_dim {self.head_dim}")
        batch_widths = self.batches.widths if self.batches else ()
        for name, used in (
            ("hidden_size", (self.hidden_size,)), ("compare_at", self.compare_at), ("batches.widths", batch_widths),
        ):  # fmt: skip
            for width in used:
                if width not in self.widths:
                    raise invalid(name, width, "is not among widths", choices=self.widths)
        if "adamw" not in self.optimizers:
            raise invalid("optimizers", list(self.optimizers), "leaves out adamw, which the others are held against")
        for name, fields in self.optimizers.items():
            if "learning_rate" not in fields:
                raise invalid(f"optimizers.{name}", fields, "has no learning_rate, the middle of what is tried")
        counts = {name: len(axis.grid) for name, axis in (self.rates | self.inits).items()}
        if not self.rates or len(set(counts.values())) > 1:
            raise invalid(
                "rates", counts, "must name a parametrisation, and all must have as many points: equal budgets"
            )
        if self.tuning.seed in self.seeds:
            raise invalid("tuning.seed", self.tuning.seed, "is among seeds: what is tuned on would be judged on")
        if self.epochs and 1 not in self.epochs:
            raise invalid("epochs", self.epochs, "leave out 1, fresh text throughout")
        if self.dropouts and not self.epochs:
            raise invalid("dropouts", self.dropouts, "are tried on repeated text; give epochs as well")
        if self.objectives and "causal" not in self.objectives:
            raise invalid("objectives", list(self.objectives), "leave out causal, which the others are held against")
        if 1.0 not in self.lr_factors:
            raise invalid("lr_factors", self.lr_factors, "leave out 1, the common rate")
        return self

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        """See `Idea.at_size`: the three widths are the size's and two smaller ones; searches over many fields are left out."""
        shape = one_shape(size, self.head_dim)
        heads = shape["num_heads"]
        widths = sorted({max(1, heads // share) * self.head_dim for share in (1, 2, 4)})
        if len(widths) < 3:  # a model of two or three heads
            widths = [count * self.head_dim for count in (1, 2, 3)]
        found: dict[str, Any] = {"num_layers": shape["num_layers"], "hidden_size": widths[-1], "widths": widths}
        own = self.train_tokens / layers_size(self.num_layers, self.hidden_size)
        tokens = round(size * min(own, MOST_TOKENS))
        found |= {
            "compare_at": widths[1:], "train_tokens": tokens, "token_factors": [1.0], "ladder": [], "budgets": [],
            "pruned": None, "explored": None,
        }  # fmt: skip
        if keep:
            found |= self._only(frozenset(keep))
        if self.batches is not None and "batches" not in found:
            # of one width: the best batch hardly goes with the size, see `optima.batch_valleys`
            found |= {"batches.widths": [], "batches.lr_factors": [1.0]}
        return found | more_text("data.sources", self.data.sources, tokens)

    def _only(self, keep: frozenset[str]) -> dict[str, Any]:
        """These variants beside the common recipe; rates are swept in any case, batches where no variant is named."""
        optimizers = {name: own for name, own in self.optimizers.items() if name in {"adamw", *keep}}
        objectives = {name: own for name, own in self.objectives.items() if name in {"causal", *keep}}
        dropouts = [share for share in self.dropouts if f"1 epoch, dropout {share:g}" in keep]
        repeated = [count for count in self.epochs if f"{count} epochs" in keep]
        found: dict[str, Any] = {
            "optimizers": optimizers,
            "inits": {name: axis.model_dump(mode="json") for name, axis in self.inits.items() if name in keep},
            "factors": _values_of(self.factors, keep), "tuned_factors": _values_of(self.tuned_factors, keep),
            "objectives": objectives if len(objectives) > 1 else {}, "dropouts": dropouts,
            "epochs": [1, *repeated] if repeated or dropouts else [],
        }  # fmt: skip
        if len(optimizers) > 1 or any(own for name, own in found.items() if name != "optimizers"):
            first, axis = next(iter(self.rates.items()))
            coarse = {"points": 3}  # parametrisations are tried at as many rates each
            found |= {"batches": None, "rates": {first: axis.model_dump(mode="json") | coarse}}
            found["inits"] = {name: own | coarse for name, own in found["inits"].items()}
        return found

    @property
    def steps(self) -> int:
        return self.steps_of(self.train_tokens)
