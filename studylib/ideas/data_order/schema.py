"""Keys of idea 4's parameter files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from studylib.data.pseudo import RULES, SamplingSpec
from studylib.errors import invalid
from studylib.ideas._shared.at_size import more_text
from studylib.ideas._shared.one_model import OneModelParams
from studylib.spec import Count, DataSpec, Fraction, Positive, SourceSpec

Share = Annotated[Fraction, Field(gt=0, lt=1)]
_WORLD = (
    SourceSpec(name="ja", weight=0.7, options={"register": "ja"}),
    SourceSpec(name="en", weight=0.2, options={"register": "en"}),
    SourceSpec(name="code", weight=0.1, options={"register": "code"}),
)


class DataOrderParams(OneModelParams):
    """Keys of ``params/<scale>/data_order.yaml``."""

    data: DataSpec = Field(default=DataSpec(sources=_WORLD), description="sources, tokenizer and split")
    target: str = Field(default="ja", description="label of the source whose loss decides; the others are its helpers")
    seq_len: Positive = Field(default=128, description="tokens of context")
    first_share: Share = Field(default=0.5, description="share of the run for the helpers, where they come first")
    replay: tuple[Share, ...] = Field(default=(0.1,), description="helpers' shares that stay in the second stage")
    ladder: tuple[Share, ...] = Field(
        default=(0.25, 0.5), min_length=1, description="shorter runs on the target alone, as shares of train_tokens"
    )
    contexts: tuple[Positive, ...] = Field(
        default=(32, 64), description="shorter contexts before seq_len; none: not tried"
    )
    by_length: bool = Field(default=True, description="also order the target's documents by their length")
    scarce: SourceSpec | None = Field(
        default=None, description="too little of the target, to be stretched; none: not tried"
    )
    scarce_tokens: Positive = Field(default=262_144, description="training tokens of each run on scarce text")
    made_ratios: tuple[Share, ...] = Field(default=(0.25, 0.5, 0.75), description="shares of made text in the mixture")
    sampling: SamplingSpec = Field(
        default=SamplingSpec(), description="bytes, temperature, top_p and filters of sampled text"
    )
    rewrite_rules: tuple[str, ...] = Field(default=tuple(RULES), min_length=1, description="rules of rewritten text")
    evaluations: Count = Field(default=8, description="validations along a run, besides those at stage borders")
    eval_tokens: Positive = Field(default=49_152, description="tokens of each validation")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        labels = [source.label for source in self.data.sources]
        if self.target not in labels:
            raise invalid("target", self.target, "is not a source", choices=labels)
        if len(labels) < 2:
            raise invalid("data.sources", labels, "has the target alone; an order needs helpers beside it")
        for length in self.contexts:
            if length >= self.seq_len or self.seq_len % length:
                raise invalid("contexts", length, f"is not a smaller divisor of seq_len {self.seq_len}")
        for rule in self.rewrite_rules:
            if rule not in RULES:
                raise invalid("rewrite_rules", rule, "is not a known rule", choices=RULES)
        if self.scarce is not None and self.scarce.label in (*labels, "sampled", "rewritten"):
            raise invalid("scarce.name", self.scarce.label, "names another source too; give it its own name")
        return self

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        """See `Idea.at_size`; kinds of orders are kept or left out."""
        tokens = self.tokens_at(size, self.train_tokens)
        found = super().at_size(size) | {"train_tokens": tokens, "ladder": [min(self.ladder)], "scarce": None}
        if keep:
            found["by_length"] = self.by_length and any("documents first" in name for name in keep)
            found["replay"] = [
                share for share in self.replay if any(f"replay {100 * share:g} %" in name for name in keep)
            ]
            if not any("context first" in name for name in keep):
                found["contexts"] = []
        return found | more_text("data.sources", self.data.sources, tokens)

    @property
    def helpers(self) -> dict[str, float]:
        """Weights of the sources that are not the target."""
        return {source.label: source.weight for source in self.data.sources if source.label != self.target}

    @property
    def mixture(self) -> dict[str, float]:
        """Weights of all sources."""
        return {source.label: source.weight for source in self.data.sources}

    @property
    def probes(self) -> tuple[str, ...]:
        """Facts can be asked for where Japanese and English tell of one miniworld."""
        worlds = {
            source.options.get("register", "ja"): source.options.get("seed", 0)
            for source in self.data.sources
            if source.kind == "miniworld"
        }
        return ("position", "facts") if "en" in worlds and worlds.get("ja") == worlds["en"] else ("position",)
