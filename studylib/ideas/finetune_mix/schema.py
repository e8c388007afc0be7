"""Keys of idea 6's parameter files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from studylib.errors import invalid
from studylib.frozen import Fraction, Frozen
from studylib.ideas._shared.at_size import kept, more_text
from studylib.ideas._shared.one_model import OneModelParams, SmallerModel
from studylib.registry import BENCHMARKS, CHAT_TEMPLATES
from studylib.spec import Above0, Count, DataSpec, ObjectiveSpec, Positive, SourceSpec, TokenizerSpec, first_problem

Share = Annotated[Fraction, Field(gt=0)]
EVEN = "even"  # the mixture of equal shares, which the others are held against
PLAIN, BEST = "plain", "best"  # what preferences are learnt on: the even mixture, and the one that came out best
PAIRS = "pairs"  # label of the preferences in their data
ASKED = {"questions": "multiple_choice", "recalled": "exact_match", "written": "written"}  # benchmark by field
_FAR = 50_000_000  # documents further on: other questions
_TASKS = ("multiple_choice", "conversation", "passage", "free")


def _instruct(task: str) -> SourceSpec:
    return SourceSpec(options={"register": "instruct", "task": task})


class Longer(Frozen):
    """One tuning that goes on until questions can be answered: right answers come later than a lower loss does."""

    kinds: tuple[str, ...] = Field(default=(), description="tuned on in equal shares; none: all")
    train_tokens: Positive = Field(default=786_432, description="of every run")
    learning_rate: Above0 = Field(default=3e-3, description="at the base shape, as the others")
    global_batch_size: Positive = Field(default=4, description="rows in a step")


class Preferring(Frozen):
    """What is learnt from pairs of answers, on the model of the best mixture and on that of the even one."""

    source: SourceSpec = Field(
        default=SourceSpec(options={"register": "preferences"}), description="pairs of answers, one preferred"
    )
    losses: dict[Literal["dpo", "dpo_norm"], tuple[Above0, ...]] = Field(
        default={"dpo": (0.1, 0.5), "dpo_norm": (2.0, 10.0)},
        min_length=1,
        description="betas that each is tried at; dpo_norm's count by the length of the answers",
    )
    learning_rate: Above0 = Field(default=3e-4, description="at the base shape, as the others")
    train_tokens: Positive = Field(default=65_536, description="of every run, padding among them")
    global_batch_size: Positive = Field(default=16, description="answers in a step, an even number")


class Policy(Frozen):
    """Reinforcement learning from a reward model, on the model of the best mixture."""

    objective: ObjectiveSpec = Field(
        default=ObjectiveSpec(name="policy"), description="policy with its options; beta and reward_from are filled in"
    )
    betas: tuple[Above0, ...] = Field(
        default=(0.05, 0.5), min_length=1, description="weights of the distance to the start"
    )
    learning_rate: Above0 = Field(default=3e-4, description="of the policy")
    steps: Positive = Field(default=40, description="of every run")
    global_batch_size: Positive = Field(default=16, description="answers in a step, a multiple of completions")
    reward_rate: Above0 = Field(default=1e-3, description="learning rate of the reward model")
    reward_tokens: Positive = Field(default=65_536, description="training tokens of the reward model")

    @model_validator(mode="after")
    def _is_a_policy(self) -> Self:
        if self.objective.name != "policy":
            raise invalid(
                "policy.objective.name", self.objective.name, "learns from no reward model", choices=["policy"]
            )
        return self


class SmallerPretrained(SmallerModel):
    """As `SmallerModel`; it is pre-trained first, and then compares the mixtures."""

    pretrain_tokens: Positive


class FinetuneMixParams(OneModelParams):
    """Keys of ``params/<scale>/finetune_mix.yaml``."""

    data: DataSpec = Field(
        default=DataSpec(sources=(SourceSpec(name="ja"),)),
        description="text of the pre-training, its tokenizer, the split, and the chat template",
    )
    kinds: dict[str, SourceSpec] = Field(
        default_factory=lambda: {task.replace("_", " "): _instruct(task) for task in _TASKS},
        description="conversations to be mixed, by kind: sources whose documents have answers",
    )
    tokenizer_sees: Literal["text", "kinds"] = Field(
        default="text", description="what the tokenizer is trained on: text of the pre-training, or the kinds too"
    )
    smaller: tuple[SmallerPretrained, ...] = Field(
        default=(),
        description="models that compare the mixtures too, to see what changes with size: num_layers, hidden_size, num_heads, "
        "pretrain_tokens, train_tokens",
    )
    seq_len: Positive = Field(default=192, description="tokens of context; conversations share a row")
    global_batch_size: Positive = Field(default=8, description="rows in a step of a tuning")
    pretrain_tokens: Positive = Field(default=1_048_576, description="of the one model that all tunings start from")
    pretrain_batch_size: Positive = Field(default=16, description="sequences in a step of the pre-training")
    train_tokens: Positive = Field(default=65_536, description="of every mixture, wording and order")
    design: tuple[Positive, ...] = Field(
        default=(1, 2, 4),
        description="mixtures of so many kinds in equal shares (simplex-centroid); all of them always",
    )
    tuning_rate: Above0 = Field(default=1e-3, description="of the tunings, at the base shape")
    lr_factors: tuple[Above0, ...] = Field(
        default=(0.5, 1.0, 2.0), description="multiples of it that every mixture tries at the first seed"
    )
    row_shares: tuple[Share, ...] = Field(
        default=(0.25, 0.5), description="shares of a run's rows, each read so often as epochs say; none: not tried"
    )
    epochs: tuple[Positive, ...] = Field(default=(1, 4), min_length=1, description="times that those rows are read")
    wordings: tuple[Positive, ...] = Field(
        default=(1, 4, 16, 64), description="different wordings of an instruction at equal rows; none: not tried"
    )
    orders: dict[str, tuple[tuple[str, ...], ...]] = Field(
        default_factory=dict, description="stages of kinds, by name; each kind once, so that rows are equal"
    )
    longer: Longer | None = Field(
        default=None,
        description="kinds, tokens, rate and batch of a tuning until questions can be answered; none: not tried",
    )
    preferences: Preferring | None = Field(
        default=Preferring(), description="source, losses, betas and budget of learning from pairs; none: not tried"
    )
    policy: Policy | None = Field(
        default=Policy(), description="reward model and policy gradient on the best; none: not tried"
    )
    questions: dict[str, Any] | None = Field(
        default_factory=dict,
        description="options of multiple_choice, asked of the start, the even, the best and longer ones; none: not asked",
    )
    recalled: dict[str, Any] | None = Field(
        default_factory=dict,
        description="options of exact_match, asked of the start, the even and the best; none: not asked",
    )
    written: dict[str, Any] | None = Field(
        default_factory=dict, description="options of written, asked of the models of preferences; none: not asked"
    )
    benchmarks: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="further evaluations of the start and the best, by label: benchmark, path, ...",
    )
    evaluations: Count = Field(default=0, description="validations along a run; 0: at its end alone")
    eval_tokens: Positive = Field(default=65_536, description="tokens of each validation")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if len(self.kinds) < 2:
            raise invalid("kinds", list(self.kinds), "are too few: a mixture needs two at least")
        for kind, source in self.kinds.items():
            if kind in (*self.texts, PAIRS):
                raise invalid("kinds", kind, "names another source too; give it another name")
            if source.name not in ("", kind):
                raise invalid(f"kinds.{kind}.name", source.name, "is given beside the kind's name; leave it out")
            if source.auxiliary:
                raise invalid(f"kinds.{kind}.auxiliary", True, "would leave its answers unjudged; leave it out")
        for order in self.design:
            if order > len(self.kinds):
                raise invalid("design", order, f"is more than the {len(self.kinds)} kinds")
        if 1.0 not in self.lr_factors:
            raise invalid("lr_factors", self.lr_factors, "leave out 1, the rate of everything but mixtures")
        if len(self.judging_seeds) < 2:
            why = "are too few: one chooses rates, and two at least must judge"
            raise invalid("seeds", list(self.seeds), why if len(self.lr_factors) > 1 else "are too few: two must judge")
        for name, stages in self.orders.items():
            self._check_order(name, [kind for stage in stages for kind in stage])
        for kind in () if self.longer is None else self.longer.kinds:
            if kind not in self.kinds:
                raise invalid("longer.kinds", kind, "is not a kind", choices=self.kinds)
        if self.wordings and not self.worded:
            raise invalid("wordings", self.wordings, "need a kind of miniworld's register instruct; give none")
        if self.policy is not None and self.preferences is None:
            raise invalid(
                "policy", self.policy.objective.estimator, "needs preferences, which its reward model is trained on"
            )
        for field, benchmark in ASKED.items():
            if getattr(self, field) is not None:
                _check_options(field, benchmark, getattr(self, field))
        for label, options in self.benchmarks.items():
            name = options.get("benchmark", "")
            if name not in BENCHMARKS:
                raise invalid(
                    f"benchmarks.{label}.benchmark", name, "is not a benchmark", choices=BENCHMARKS, near=name
                )
            _check_options(
                f"benchmarks.{label}", name, {key: one for key, one in options.items() if key != "benchmark"}
            )
        return self

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        """See `Idea.at_size`: the pre-training grows with the model, what is tuned on stays."""
        tokens = self.tokens_at(size, self.pretrain_tokens)
        found = super().at_size(size) | {"pretrain_tokens": tokens, "longer": None}
        if keep:
            found["orders"] = {name: [list(kinds) for kinds in self.orders[name]] for name in kept(self.orders, keep)}
            found |= {"preferences": None, "policy": None}
            if not any(" rows x " in name for name in keep):
                found["row_shares"] = list(self.row_shares[:1])
        return found | more_text("data.sources", self.data.sources, tokens)

    def _check_order(self, name: str, kinds: Sequence[str]) -> None:
        for kind in kinds:
            if kind not in self.kinds:
                raise invalid(f"orders.{name}", kind, "is not a kind", choices=self.kinds)
        for kind in self.kinds:
            if kinds.count(kind) != 1:
                raise invalid(f"orders.{name}", kind, f"stands in it {kinds.count(kind)} times; each kind must once")

    @cached_property
    def pretrained_on(self) -> DataSpec:
        """``data``, whose tokenizer knows the control tokens of the chat template."""
        needed = CHAT_TEMPLATES[self.data.chat_template].pieces
        pieces = tuple(dict.fromkeys((*self.data.tokenizer.known_pieces, *needed)))
        data = self.data.replace(**{"tokenizer.known_pieces": pieces})
        if self.tokenizer_sees == "text":
            return data
        seen = data.replace(sources=(*data.sources, *self.sources_of_kinds))
        return data.replace(tokenizer=TokenizerSpec(), tokenizer_of=seen)

    @cached_property
    def all_data(self) -> DataSpec:
        """Of the tunings: text of the pre-training, judged alone, and the kinds; the same for every mixture."""
        return self._tuned_on(self.sources_of_kinds)

    @cached_property
    def sources_of_kinds(self) -> tuple[SourceSpec, ...]:
        return tuple(source.replace(name=kind) for kind, source in self.kinds.items())

    @property
    def texts(self) -> tuple[str, ...]:
        """Labels of what is pre-trained on."""
        return tuple(source.label for source in self.data.sources)

    @property
    def worded(self) -> tuple[str, ...]:
        """Kinds whose wordings can be counted."""
        return tuple(
            kind
            for kind, source in self.kinds.items()
            if (source.kind, source.options.get("register")) == ("miniworld", "instruct")
        )

    @cached_property
    def data_in_wordings(self) -> DataSpec:
        """Beside what is judged, as much of every kind as an even mixture reads, in each number of wordings."""
        sources = [
            self.kinds[kind].replace(
                name=in_wordings(kind, count), auxiliary=True,
                options=self._other_questions(kind) | {"wordings": count},
            )
            for count in self.wordings
            for kind in self.worded
        ]  # fmt: skip
        return self._tuned_on((*self.sources_of_kinds, *sources))

    def _other_questions(self, kind: str) -> dict[str, Any]:
        """A stretch of the world that the kind's own source does not read; else what judges it would be trained on."""
        options = self.kinds[kind].options
        each = {"bytes": -(-options["bytes"] // len(self.worded))} if "bytes" in options else {}
        return options | each | {"start": options.get("start", 0) + _FAR}

    @cached_property
    def preferring_data(self) -> DataSpec:
        """Of what learns from preferences: the judges, and pairs."""
        if self.preferences is None:
            raise invalid("preferences", None, "are not tried")
        return self._tuned_on((*self.sources_of_kinds, self.preferences.source.replace(name=PAIRS)))

    def _tuned_on(self, sources: Sequence[SourceSpec]) -> DataSpec:
        base = self.pretrained_on
        return DataSpec(
            sources=(*base.sources, *sources), tokenizer_of=base.tokenizer_of or base, validation_fraction=base.validation_fraction,
            evaluation_only=base.evaluation_only, chat_template=base.chat_template,
        )  # fmt: skip

    @property
    def judging_seeds(self) -> tuple[int, ...]:
        """Those that had no say in a mixture's rate."""
        return self.seeds if len(self.lr_factors) == 1 else self.seeds[1:]


def _check_options(field: str, benchmark: str, options: dict[str, Any]) -> None:
    """One line for options that the benchmark does not have."""
    known = BENCHMARKS[benchmark].Options
    for key, value in options.items():
        if key not in known.model_fields:
            raise invalid(f"key {key!r} in {field}", value, "is not known", choices=known.model_fields, near=key)
    try:
        known(**options)
    except ValidationError as error:
        raise first_problem(error, known, within=field) from None


def in_wordings(kind: str, count: int) -> str:
    """Label of the source that tells a kind in so many wordings."""
    return f"{kind}, {count} wordings" if count > 1 else f"{kind}, 1 wording"
