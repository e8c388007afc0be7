"""Keys of idea 5's parameter files."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from studylib.data.clean._masks import MASKS
from studylib.errors import invalid
from studylib.ideas._shared.at_size import more_text
from studylib.ideas._shared.one_model import OneModelParams
from studylib.spec import CleanerSpec, Cleaning, Count, DataSpec, Fraction, Positive, SourceSpec

Share = Annotated[Fraction, Field(lt=1)]
WEB = "web"
RAW, ALL, HARD = "raw", "all", "hard filter"
_SOUND = {"register": "web", "faults": {}, "boilerplate": 0.0, "false_facts": 0.0, "personal": 0.0, "decoys": 0.0}
_LEFT_OUT = 4  # times the text that a run reads, for what cleaning leaves out
_FAR = 50_000_000  # documents further on: what is judged is in no raw text
_JUDGED = (
    SourceSpec(name="ja", options={"register": "ja", "start": _FAR}),
    SourceSpec(name="sound web", options=_SOUND | {"start": 2 * _FAR}),
)
_STEPS = (
    "url", "mojibake", "language", "kana", "symbols", "length", "lines", "repetition", "compression", "words", "exact",
    "line_copies", "minhash", "quality", "personal",
)  # fmt: skip
_GROUPS = {
    "rules": ("url", "mojibake", "language", "kana", "symbols", "length", "words"),
    "lines": ("lines", "line_copies"),
    "repetition": ("repetition", "compression"),
    "deduplication": ("exact", "minhash"),
    "classifier": ("quality",),
    "masking": ("personal",),
}
_ASKED = {"falsehoods": "false_facts", "canaries": "canaries"}  # probe: the option without which it has nothing to ask


class DataQualityParams(OneModelParams):
    """Keys of ``params/<scale>/data_quality.yaml``."""

    data: DataSpec = Field(
        default=DataSpec(sources=_JUDGED),
        description="clean text: what all are judged by and what the tokenizer is trained on; nobody trains on it",
    )
    raw: SourceSpec = Field(
        default=SourceSpec(options={"register": "web"}), description="web text as it comes; more than a run needs"
    )
    crawl: bool = Field(
        default=False, description="raw is unfiltered web pages, so published shares of what goes are held against it"
    )
    noise: tuple[str, ...] = Field(
        default=(),
        description="sources that raw joins whose documents count as faulty; none: by labels, where it has some",
    )
    cleaning: Cleaning = Field(
        default=_STEPS, min_length=1, validate_default=True, description="all steps, in their order"
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default=_GROUPS, description="steps that are tried together, by name; none: each for itself"
    )
    seq_len: Positive = Field(default=128, description="tokens of context")
    scarce: SourceSpec | None = Field(
        default=None, description="too little web text, all of which is trained on; none: not tried"
    )
    hard: Cleaning = Field(default=(), description="steps in place of those of the same name that leave a small part")
    told: SourceSpec | None = Field(
        default=None, description="web text of miniworld that tells false facts; none: not tried"
    )
    false_facts: tuple[Share, ...] = Field(default=(0.0, 0.1, 0.3), description="shares of the facts told falsely")
    eval_tokens: Positive = Field(default=49_152, description="tokens of each validation")
    evaluations: Count = Field(default=4, description="validations along a run")

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        """See `Idea.at_size`; all cleanings are kept: each is a part of others."""
        tokens = self.tokens_at(size, self.train_tokens)
        found = {"train_tokens": tokens, "scarce": None, "hard": [], "told": None}
        return super().at_size(size) | found | more_text("raw", self.raw, _LEFT_OUT * tokens)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        labels = [source.label for source in self.data.sources]
        if WEB in labels:
            raise invalid("data.sources", WEB, "is the name of the text that is trained on; give it another one")
        auxiliary = [source.label for source in self.data.sources if source.auxiliary]
        if auxiliary:
            raise invalid(
                "data.sources", auxiliary[0], "is auxiliary, but nothing of data is trained on; leave that out"
            )
        for field in ("raw", "scarce", "told"):
            source = getattr(self, field)
            if source is not None and source.cleaning:
                names = [step.cleaner for step in source.cleaning]
                raise invalid(
                    f"{field}.cleaning", names, "is given beside the steps that are tried; put it into cleaning"
                )
        known = list(dict.fromkeys(step.cleaner for step in self.cleaning))
        seen: dict[str, str] = {}
        for group, names in self.groups.items():
            for name in names:
                if name not in known:
                    raise invalid(f"groups.{group}", name, "is not a step of cleaning", choices=known)
                if seen.setdefault(name, group) != group:
                    raise invalid(f"groups.{group}", name, f"is in {seen[name]} too")
            if group in known and group not in names:
                raise invalid("groups", group, "is the name of a step that is not in it; give the group another one")
        for step in self.hard:
            if step.cleaner not in known:
                raise invalid(
                    "hard", step.cleaner, "is not a step of cleaning, whose place it could take", choices=known
                )
        if self.hard and self.scarce is None:
            raise invalid("hard", [step.cleaner for step in self.hard], "needs scarce, the text that it is tried on")
        if self.told is not None and not tells_falsely(self.told):
            raise invalid("told", self.told.label, "knows no false facts; only miniworld's register web does")
        return self

    def data_with(self, source: SourceSpec, steps: Iterable[CleanerSpec | dict[str, Any] | str]) -> DataSpec:
        """What is judged and gives the tokenizer, the same for all, and beside it web text, cleaned so, that is trained on.

        Masks are one piece each, also where nothing is masked: tokenizers differ in nothing.
        """
        web = source.replace(name=WEB, auxiliary=True, cleaning=tuple(steps))
        whole = source == self.raw and web.cleaning == self.cleaning  # its record is shown; the others' time is saved
        web = web.replace(measure_alone=whole)
        pieces = tuple(dict.fromkeys((*self.data.tokenizer.known_pieces, *MASKS.values())))
        return self.data.replace(sources=(*self.data.sources, web), **{"tokenizer.known_pieces": pieces})

    @property
    def all_data(self) -> DataSpec:
        """With the web text as it comes."""
        return self.data_with(self.raw, ())

    @property
    def probes(self) -> tuple[str, ...]:
        """What models of ``raw`` can be asked: of false facts and planted personal data, where miniworld tells of them."""
        if not tells_falsely(self.raw):
            return ()
        options = self.raw.options
        return tuple(name for name, field in _ASKED.items() if options.get(field))

    @property
    def grouped(self) -> dict[str, tuple[str, ...]]:
        """Cleaners that are tried together, by name, in the order of the steps: the groups, and what is in none by itself."""
        group_of = {name: group for group, names in self.groups.items() for name in names}
        found: dict[str, tuple[str, ...]] = {}
        for name in dict.fromkeys(step.cleaner for step in self.cleaning):
            group = group_of.get(name, name)
            found[group] = (*found.get(group, ()), name)
        return found


def tells_falsely(source: SourceSpec) -> bool:
    """Whether false facts and planted personal data can be in it, by known rates."""
    return (source.kind, source.options.get("register")) == ("miniworld", "web")
