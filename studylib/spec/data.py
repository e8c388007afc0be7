"""The text: its sources, its tokenizer, and the split. Three steps: text behind the gate, a tokenizer, token shards."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Count, Frozen, Positive, Real, as_integer, as_number
from studylib.registry import CHAT_TEMPLATES, SOURCES, choice_of
from studylib.spec.cleaning import Cleaning
from studylib.spec.step import Step
from studylib.spec.version import hash_of


def source_name(kind: str, options: Mapping[str, Any]) -> str:
    """What a source without a name is called: kind and main option, as ``files:pages.jsonl``."""
    detail = options.get("register") or options.get("path") or options.get("dataset") or ""
    return f"{kind}:{detail}".rstrip(":")


class SourceSpec(Frozen):
    """Where documents come from. Which options apply depends on ``kind`` (see ``studylib/data/source``)."""

    kind: choice_of(SOURCES) = "miniworld"
    name: str = Field(default="", description="label in reports; default: kind and its main option")
    weight: Annotated[Real, Field(ge=0)] = Field(
        default=1.0, description="share of the training text; 0: judged, not trained on"
    )
    auxiliary: bool = Field(
        default=False, description="trained on only: neither in the tokenizer's sample nor validated (made or cut text)"
    )
    options: dict[str, Any] = Field(default_factory=dict)
    cleaning: Cleaning = Field(
        default=(), description="steps by name, in their order, before the gate: filters, deduplication, masks"
    )
    measure_alone: bool = Field(
        default=True, description="of each step of the cleaning, also what it would drop if it were the only one"
    )

    @property
    def label(self) -> str:
        return self.name or source_name(self.kind, self.options)


_NAMES = ("<unk>", "<s>", "</s>", "<pad>")  # as SentencePiece calls its marks


class TokenizerSpec(Frozen):
    """A SentencePiece tokenizer with byte fallback, trained on a sample of the sources or on all of their text."""

    kind: Literal["unigram", "bpe"] = "unigram"
    vocab_size: Positive = 4096
    normalization: Literal["identity", "nfkc"] = "identity"
    sample_bytes: Positive | Literal["all"] = Field(
        default=4_000_000, description="text to train on, bytes of UTF-8; all: every training document"
    )
    train_on: Literal["lines", "counts"] = Field(
        default="lines", description="counts: equal pieces are kept once, so that all the text fits in memory"
    )
    mix: dict[str, Annotated[float, BeforeValidator(as_number), Field(ge=0)]] = Field(
        default_factory=dict, description="share of each source by label, 0 for those left out; empty: equal parts"
    )
    sample_seed: Count = Field(default=0, description="another seed draws another sample")
    most_pieces: Annotated[int, BeforeValidator(as_integer), Field(ge=10_000, strict=True)] = Field(
        default=20_000_000,
        description="for counts: different pieces in memory; beyond, rare ones are drawn and weigh more",
    )
    known_pieces: tuple[str, ...] = Field(
        default=(), description="strings that are always one piece of their own, as masks are; part of vocab_size"
    )

    @model_validator(mode="after")
    def _known_pieces_can_be_found(self) -> Self:
        for piece in self.known_pieces:
            why = ""
            if not piece or not piece.isprintable() or any(one.isspace() or one == "\u2581" for one in piece):
                why = "is empty, or holds white space or what is no character"
            elif piece in _NAMES or (len(piece) == 6 and piece.startswith("<0x")):
                why = "is the name of a mark or a byte"
            elif self.known_pieces.count(piece) > 1:
                why = "is named twice"
            elif self.normalization == "nfkc" and unicodedata.normalize("NFKC", piece) != piece:
                why = f"is never in text after nfkc, which makes it {unicodedata.normalize('NFKC', piece)!r}"
            if why:
                raise invalid("data.tokenizer.known_pieces", piece, why)
        if len(self.known_pieces) >= self.vocab_size:
            why = f"are as many as vocab_size ({self.vocab_size}) or more"
            raise invalid("data.tokenizer.known_pieces", len(self.known_pieces), why)
        return self

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


class CleanedText(Step, Frozen):
    """A source's text after its cleaning, and the record of what each step took out."""

    folder: ClassVar[str] = "data/cleaned"

    source: SourceSpec

    @cached_property
    def hash(self) -> str:
        cleaning = [one.model_dump(mode="json") for one in self.source.cleaning]
        content = {"kind": self.source.kind, "options": self.source.options, "cleaning": cleaning}
        return hash_of("cleaned", content | {"measure_alone": self.source.measure_alone})

    @property
    def reads(self) -> tuple[str, ...]:
        return _made_by_the_study(self.source)

    @property
    def label(self) -> str:
        return f"cleaned: {self.source.label}, {', '.join(one.cleaner for one in self.source.cleaning)}"


def _made_by_the_study(source: SourceSpec) -> tuple[str, ...]:
    return _made(source.kind, source.options)


def _made(kind: str, options: dict[str, Any]) -> tuple[str, ...]:
    """Steps whose text a source reads, one of several sources too."""
    if kind == "generated":
        return (f"made/{options['made']}",)
    inner = options.get("sources", ()) if kind == "joined" else ()
    return tuple(name for one in inner for name in _made(one.get("kind", ""), one.get("options", {})))


class TextSpec(Step, Frozen):
    """One source's text behind the gate, split into training and validation. Every tokenizer and mixture reads the same."""

    folder: ClassVar[str] = "data/text"

    source: SourceSpec
    validation_fraction: float
    evaluation_only: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        # Where the text is from; what it is called and how it is mixed is the reader's business.
        source = {"kind": self.source.kind, "options": self.source.options}
        if self.source.cleaning:
            source["cleaned"] = self.cleaned.hash
        content = self.model_dump(mode="json", exclude={"source"})
        return hash_of("text", content | source)

    @property
    def cleaned(self) -> CleanedText:
        """The step that cleans it; only where the source has a cleaning."""
        return CleanedText(source=SourceSpec(**_from(self.source)))

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.cleaned,) if self.source.cleaning else ()

    @property
    def reads(self) -> tuple[str, ...]:
        return super().reads if self.source.cleaning else _made_by_the_study(self.source)

    @property
    def label(self) -> str:
        return f"text: {self.source.label}"


def _from(source: SourceSpec) -> dict[str, Any]:
    """What says where a source's text is from; not how it is mixed."""
    own = {"kind": source.kind, "name": source.label, "options": source.options}
    return own | {"cleaning": source.cleaning, "measure_alone": source.measure_alone}


class VocabularySpec(Step, Frozen):
    """A tokenizer of texts: trained on them, or another one with more pieces of them."""

    folder: ClassVar[str] = "data/tokenizers"

    tokenizer: TokenizerSpec
    texts: dict[str, TextSpec] = Field(min_length=1, description="by their labels, which ``mix`` names")
    extends: VocabularySpec | None = None
    added_pieces: Count = Field(default=0, description="put behind those of ``extends``")

    @cached_property
    def hash(self) -> str:
        labels = self.tokenizer.mix
        texts = [[label if labels else "", text.hash] for label, text in self.texts.items()]
        extends = None if self.extends is None else self.extends.hash
        content = {"tokenizer": self.tokenizer.model_dump(mode="json"), "texts": texts, "extends": extends}
        return hash_of("vocabulary", content | {"added_pieces": self.added_pieces})

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (*self.texts.values(), *(() if self.extends is None else (self.extends,)))

    @property
    def label(self) -> str:
        spec = self.tokenizer
        made = f"{self.added_pieces} more pieces" if self.extends else f"{spec.kind}, {spec.vocab_size} pieces"
        return f"tokenizer: {made} of {', '.join(self.texts)}"


_DEFAULT_TOKENIZER = TokenizerSpec()


class DataSpec(Step, Frozen):
    """Text, its tokenizer, and the split. Its hash names the folder of prepared token shards."""

    folder: ClassVar[str] = "data"

    sources: tuple[SourceSpec, ...] = (SourceSpec(),)
    tokenizer: TokenizerSpec = TokenizerSpec()
    validation_fraction: Annotated[float, BeforeValidator(as_number), Field(gt=0, lt=0.5)] = 0.05
    evaluation_only: tuple[str, ...] = Field(
        default=(), description="files whose text must not be trained on; documents sharing it are dropped and counted"
    )
    tokenizer_of: DataSpec | None = Field(
        default=None, description="take the tokenizer trained for these data, as a model to be trained on needs it"
    )
    added_pieces: Count = Field(default=0, description="pieces of this text put behind those of tokenizer_of")
    chat_template: choice_of(CHAT_TEMPLATES) = Field(
        default="headings", description="what stands around the messages of conversations"
    )

    @model_validator(mode="after")
    def _tokenizer_is_one(self) -> Self:
        known = [source.label for source in self.sources]
        for label in self.tokenizer.mix:
            if label not in known:
                raise invalid("data.tokenizer.mix", label, "is not a source", choices=known)
        if self.tokenizer_of is not None and self.tokenizer != _DEFAULT_TOKENIZER:
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
        if not any(source.weight for source in self.sources):
            raise invalid(
                "data.sources", self.sources[0].label, "has weight 0, like all the others: nothing is trained on"
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

    @cached_property
    def hash(self) -> str:
        # Weights only say how shards are mixed later; the same shards serve every mixture. The tokenizer's
        # sample has a mix of its own, so it does not depend on them either.
        content = self.model_dump(mode="json")
        for source in content["sources"]:
            del source["weight"]
        if self.chat_template == type(self).model_fields["chat_template"].default:
            del content["chat_template"]  # most data hold no conversations
        if self.tokenizer_of is not None:
            content["tokenizer_of"] = self.tokenizer_of.hash
        return hash_of("data", content)

    @cached_property
    def texts(self) -> dict[str, TextSpec]:
        """The step that reads each source, by the source's label."""
        fields = {"validation_fraction": self.validation_fraction, "evaluation_only": self.evaluation_only}
        plain = (SourceSpec(**_from(one)) for one in self.sources)
        return {source.label: TextSpec(source=source, **fields) for source in plain}

    @cached_property
    def vocabulary(self) -> VocabularySpec:
        """The step that makes the tokenizer, of all texts but auxiliary ones."""
        base = None if self.tokenizer_of is None else self.tokenizer_of.vocabulary
        if base is not None and not self.added_pieces:
            return base
        judged = {source.label: self.texts[source.label] for source in self.sources if not source.auxiliary}
        return VocabularySpec(tokenizer=self.tokenizer_spec, texts=judged, extends=base, added_pieces=self.added_pieces)

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (*self.texts.values(), self.vocabulary)

    @property
    def label(self) -> str:
        return f"shards: {', '.join(source.label for source in self.sources)}, {self.vocab_size} pieces"
