"""What one trial is: frozen, validated once, changed by copy, named by its content hash.

Nothing here imports torch, so a study can be planned in a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_serializer, model_validator

from studylib.errors import StudyError, did_you_mean, invalid
from studylib.files import content_hash
from studylib.registry import ACTIVATIONS, INITS, NORMS, OPTIMIZERS, POSITIONS, PROBES, SCHEDULES, SOURCES, Registry
from studylib.stages import check_stages, stage_ends

SPEC_VERSION = 1

Model = TypeVar("Model", bound=BaseModel)


def _number(value: Any) -> Any:
    # PyYAML reads "1e-4" (no dot) as a string; a number was meant.
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _integer(value: Any) -> Any:
    value = _number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


Real = Annotated[float, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(_integer), Field(ge=0, strict=True)]
Positive = Annotated[int, BeforeValidator(_integer), Field(ge=1, strict=True)]
Fraction = Annotated[float, BeforeValidator(_number), Field(ge=0.0, le=1.0)]


def choice_of(registry: Registry) -> Any:
    """A string field that must name a choice of ``registry``."""

    def check(value: Any) -> Any:
        if value not in registry:
            known = list(registry)
            raise ValueError(
                f"is not a known {registry.kind}; choose from {', '.join(known)}{did_you_mean(value, known)}"
            )
        return value

    return Annotated[str, BeforeValidator(check)]


class Frozen(BaseModel):
    """Base of every specification: immutable, unknown keys refused, whole values only."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=(), ignored_types=(cached_property,)
    )

    def replace(self, **changes: Any) -> Self:
        """A validated copy with changes; nested fields by dotted keys given as ``**{"model.num_layers": 4}``."""
        content = self.model_dump()
        for key, value in changes.items():
            *parents, last = key.split(".")
            place = content
            for parent in parents:
                place = place[parent]
            place[last] = value.model_dump() if isinstance(value, BaseModel) else value
        return validated(type(self), content)


class Grown(Frozen):
    """A specification that got options later: those of `later` are written only where they are used.

    So specifications from before keep their hashes, and what was computed for them still counts.
    """

    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        content = handler(self)
        for name in self.later:
            if getattr(self, name) == type(self).model_fields[name].get_default(call_default_factory=True):
                content.pop(name, None)
        return content


def validated(model: type[Model], content: Any, *, file: Any = None) -> Model:
    """Validate ``content``; the first problem becomes a one-line StudyError naming file, field, value and choices."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise first_problem(error, model, file=file) from None


def first_problem(error: ValidationError, model: type[BaseModel], *, file: Any = None) -> StudyError:
    problems = error.errors()
    # A misspelt key usually also makes a required one "missing": the misspelling is the better message.
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = _siblings(model, problem["loc"])
        place = ".".join(str(part) for part in problem["loc"][:-1]) or "the top level"
        key = problem["loc"][-1]
        return invalid(f"key {key!r} in {place}", problem["input"], "is not known", choices=known, file=file, near=key)
    if problem["type"] == "missing":
        return invalid(field, None, "is missing", file=file)
    reason = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else problem["msg"]
    if problem["type"] == "value_error" and isinstance(problem["input"], dict):  # a rule over fields names them itself
        return StudyError(f"{file}: {reason}" if file else reason)
    if problem["type"] == "value_error":
        return invalid(field, problem["input"], reason, file=file)
    return invalid(field, problem["input"], f"is not valid: {reason[:1].lower()}{reason[1:]}", file=file)


def _siblings(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys that are known where an unknown one was given."""
    current: Any = model
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if isinstance(current, type) and issubclass(current, BaseModel) else None
        if field is None:
            continue
        current = _model_in(field.annotation)
    if not (isinstance(current, type) and issubclass(current, BaseModel)):
        return []
    return sorted(field.alias or name for name, field in current.model_fields.items())


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


class ModelSpec(Frozen):
    """A decoder-only GPT. ``num_kv_heads`` and ``intermediate_size`` follow from the others when left out."""

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

    @property
    def kv_heads(self) -> int:
        return self.num_kv_heads or self.num_heads

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def ffn_size(self) -> int:
        """Llama's 8/3 of the hidden size, to the next multiple of 8, unless given."""
        return self.intermediate_size or -(-8 * self.hidden_size // (3 * 8)) * 8

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
        if self.position == "rope" and self.head_dim % 2:
            raise invalid(
                "model.num_heads", self.num_heads, f"gives an odd head size {self.head_dim}; rope needs an even one"
            )
        return self


class SourceSpec(Grown):
    """Where documents come from. Which options apply depends on ``kind`` (see ``studylib/data/source``)."""

    later: ClassVar[tuple[str, ...]] = ("auxiliary",)

    kind: choice_of(SOURCES) = "miniworld"
    name: str = Field(default="", description="label in reports; default: kind and its main option")
    weight: Annotated[float, BeforeValidator(_number), Field(gt=0)] = 1.0
    auxiliary: bool = Field(
        default=False, description="trained on only: neither in the tokenizer's sample nor validated (made or cut text)"
    )
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        detail = self.options.get("register") or self.options.get("path") or self.options.get("dataset") or ""
        return self.name or f"{self.kind}:{detail}".rstrip(":")


class TokenizerSpec(Grown):
    """A SentencePiece tokenizer with byte fallback, trained on a sample of the sources or on all of their text."""

    later: ClassVar[tuple[str, ...]] = ("train_on", "mix", "sample_seed", "most_pieces")

    kind: Literal["unigram", "bpe"] = "unigram"
    vocab_size: Positive = 4096
    normalization: Literal["identity", "nfkc"] = "identity"
    sample_bytes: Positive | Literal["all"] = Field(
        default=4_000_000, description="text to train on, bytes of UTF-8; all: every training document"
    )
    train_on: Literal["lines", "counts"] = Field(
        default="lines", description="counts: equal pieces are kept once, so that all the text fits in memory"
    )
    mix: dict[str, Annotated[float, BeforeValidator(_number), Field(ge=0)]] = Field(
        default_factory=dict, description="share of each source by label, 0 for those left out; empty: equal parts"
    )
    sample_seed: Count = Field(default=0, description="another seed draws another sample")
    most_pieces: Annotated[int, BeforeValidator(_integer), Field(ge=10_000, strict=True)] = Field(
        default=20_000_000,
        description="for counts: different pieces in memory; beyond, rare ones are drawn and weigh more",
    )

    @model_validator(mode="after")
    def _sample_is_possible(self) -> Self:
        shares = {share for share in self.mix.values() if share > 0}
        if self.mix and not shares:
            raise invalid("data.tokenizer.mix", self.mix, "leaves no source to train on")
        if self.sample_bytes == "all":
            if self.train_on == "lines":
                raise invalid("data.tokenizer.train_on", "lines", "does not fit all the text", choices=["counts"])
            if len(shares) > 1:
                raise invalid(
                    "data.tokenizer.mix", self.mix, "has several shares, but sample_bytes is all: use 0 and 1"
                )
            if self.sample_seed:
                raise invalid("data.tokenizer.sample_seed", self.sample_seed, "draws nothing: sample_bytes is all")
        return self


class DataSpec(Grown):
    """Text, its tokenizer, and the split. Its hash names the folder of prepared token shards."""

    later: ClassVar[tuple[str, ...]] = ("tokenizer_of", "added_pieces")

    sources: tuple[SourceSpec, ...] = (SourceSpec(),)
    tokenizer: TokenizerSpec = TokenizerSpec()
    validation_fraction: Annotated[float, BeforeValidator(_number), Field(gt=0, lt=0.5)] = 0.05
    evaluation_only: tuple[str, ...] = Field(
        default=(), description="files whose text must not be trained on; documents sharing it are dropped and counted"
    )
    tokenizer_of: DataSpec | None = Field(
        default=None, description="take the tokenizer trained for these data, as a model to be trained on needs it"
    )
    added_pieces: Count = Field(default=0, description="pieces of this text put behind those of tokenizer_of")

    @model_validator(mode="after")
    def _tokenizer_is_one(self) -> Self:
        known = [source.label for source in self.sources]
        for label in self.tokenizer.mix:
            if label not in known:
                raise invalid("data.tokenizer.mix", label, "is not a source", choices=known)
        if self.tokenizer_of is not None and self.tokenizer != TokenizerSpec():
            raise invalid("data.tokenizer", self.tokenizer.kind, "is given beside tokenizer_of; leave one out")
        if self.added_pieces and self.tokenizer_of is None:
            raise invalid("data.added_pieces", self.added_pieces, "needs tokenizer_of, whose pieces are added to")
        return self

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if not self.sources:
            raise invalid("data.sources", [], "is empty")
        if all(source.auxiliary for source in self.sources):
            raise invalid(
                "data.sources", self.sources[0].label, "is auxiliary, like all the others: nothing is validated"
            )
        labels = [source.label for source in self.sources]
        for label in labels:
            if labels.count(label) > 1:
                raise invalid("data.sources", label, "names two sources; give each its own name")
        return self

    @property
    def vocab_size(self) -> int:
        if self.tokenizer_of is not None:
            return self.tokenizer_of.vocab_size + self.added_pieces
        return self.tokenizer.vocab_size

    @property
    def tokenizer_spec(self) -> TokenizerSpec:
        """How the tokenizer, or the one it was made from, was trained."""
        return self.tokenizer if self.tokenizer_of is None else self.tokenizer_of.tokenizer_spec

    @property
    def hash(self) -> str:
        # Weights only say how shards are mixed later; the same shards serve every mixture. The tokenizer's
        # sample has a mix of its own, so it does not depend on them either.
        content = self.model_dump(mode="json")
        for source in content["sources"]:
            del source["weight"]
        if self.tokenizer_of is not None:
            content["tokenizer_of"] = self.tokenizer_of.hash
        return content_hash({"version": SPEC_VERSION, "data": content})


class OptimizerSpec(Frozen):
    name: choice_of(OPTIMIZERS) = "adamw"
    learning_rate: Annotated[float, BeforeValidator(_number), Field(gt=0)] = 4e-3
    beta1: Fraction = 0.9
    beta2: Fraction = 0.95
    eps: Annotated[float, BeforeValidator(_number), Field(gt=0)] = 1e-8
    weight_decay: Annotated[float, BeforeValidator(_number), Field(ge=0)] = 0.1
    grad_clip: Annotated[float, BeforeValidator(_number), Field(gt=0)] = 1.0


class ScheduleSpec(Frozen):
    name: choice_of(SCHEDULES) = "cosine"
    warmup_fraction: Fraction = 0.1
    final_fraction: Fraction = 0.1


class StageSpec(Frozen):
    """A stretch of a run with its own mixture, order, context length and learning-rate action.

    Its length is ``fraction`` of the run's tokens, or ``tokens``; one stage may leave both out and takes the rest.
    """

    name: str = Field(min_length=1)
    fraction: Annotated[float, BeforeValidator(_number), Field(gt=0, le=1)] | None = None
    tokens: Positive | None = None
    mixture: dict[str, Real] = Field(default_factory=dict, description="weight by source; empty: the sources' own")
    learning_rate: Literal["keep", "rewarm", "decay"] = "keep"
    order: Literal["random", "short_first", "long_first"] = Field(default="random", description="by document length")
    seq_len: Positive | None = Field(
        default=None, description="shorter context, a divisor of the model's; the same text"
    )


class ParallelSpec(Frozen):
    """How a trial is laid over processes; ``dp * tp * pp`` of them."""

    dp: Positive = 1
    tp: Positive = 1
    pp: Positive = 1
    zero_stage: Literal[0, 1] = 0
    micro_batch_size: Positive | None = None
    pp_engine: Literal["1f1b", "afab"] = "1f1b"

    @property
    def world_size(self) -> int:
        return self.dp * self.tp * self.pp


class ComputeSpec(Frozen):
    """``auto`` is resolved when the trial starts, by device and size; the result says what was used."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Literal["auto", "none", "layer"] = "auto"


class TrialSpec(Grown):
    """Everything that determines a trial's numbers.

    ``tags`` (variant, size, ... for tables) and ``checkpoint_every`` do not change the numbers and stay
    out of the hash.
    """

    later: ClassVar[tuple[str, ...]] = ("start_from", "new_embeddings", "stages", "probes")

    model: ModelSpec
    data: DataSpec = DataSpec()
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
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
    tags: dict[str, str | int | float | bool] = Field(default_factory=dict)
    start_from: str = Field(
        default="", description="hash of a trial of the same study whose last checkpoint gives the start values"
    )
    new_embeddings: Literal["mean", "random"] = Field(
        default="mean",
        description="how pieces start that the other trial did not have: the mean of their parts, or drawn",
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        model, parallel = self.model, self.parallel
        if model.vocab_size < self.data.vocab_size:
            raise invalid("model.vocab_size", model.vocab_size, f"is less than the tokenizer's {self.data.vocab_size}")
        if self.start_from == "" and self.new_embeddings != "mean":
            raise invalid("new_embeddings", self.new_embeddings, "needs start_from")
        for field, size in {
            "model.num_heads": model.num_heads,
            "model.num_kv_heads": model.kv_heads,
            "model.vocab_size": model.vocab_size,
            "model.intermediate_size": model.ffn_size,
        }.items():
            if size % parallel.tp:
                raise invalid(field, size, f"is not divisible by parallel.tp {parallel.tp}")
        if model.num_layers < parallel.pp:
            raise invalid("model.num_layers", model.num_layers, f"is less than parallel.pp {parallel.pp}")
        if self.global_batch_size % parallel.dp:
            raise invalid("global_batch_size", self.global_batch_size, f"is not divisible by parallel.dp {parallel.dp}")
        replica = self.global_batch_size // parallel.dp
        if parallel.micro_batch_size and replica % parallel.micro_batch_size:
            raise invalid(
                "parallel.micro_batch_size",
                parallel.micro_batch_size,
                f"does not divide the {replica} sequences of a replica",
            )
        check_stages(self)
        if self.probes and parallel.pp > 1:
            raise invalid("probes", list(self.probes), "need whole models; parallel.pp must be 1")
        return self

    @property
    def hash(self) -> str:
        """16 hexadecimal digits; equal exactly when the trials' numbers must be equal."""
        return content_hash({"version": SPEC_VERSION, "trial": self._hashed()})

    @property
    def recipe_hash(self) -> str:
        """As ``hash`` but blind to layout and precision: a checkpoint may be resumed on other processes."""
        return content_hash({"version": SPEC_VERSION, "recipe": self._hashed("parallel", "compute")})

    def _hashed(self, *left_out: str) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude={"tags", "checkpoint_every", *left_out})

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
    def micro_batch_size(self) -> int:
        """Sequences in one forward pass: as given, else two halves a pipeline stage, else the whole replica."""
        replica = self.global_batch_size // self.parallel.dp
        if self.parallel.micro_batch_size:
            return self.parallel.micro_batch_size
        wanted = 2 * self.parallel.pp if self.parallel.pp > 1 else 1
        micro_batches = max(count for count in range(1, wanted + 1) if replica % count == 0)
        return replica // micro_batches
