"""How text is drawn from a model; a part of parameter files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from studylib.spec import Count, Fraction, Frozen, Positive, Real

Share = Annotated[Fraction, Field(gt=0)]


class SamplingSpec(Frozen):
    """Sampling by temperature and top-p until there are ``bytes`` of text that the filter keeps."""

    bytes: Positive = 100_000
    temperature: Annotated[Real, Field(gt=0)] = 0.8
    top_p: Share = Field(default=0.95, description="draw from the likeliest tokens that make up this probability")
    max_tokens: Positive | None = Field(default=None, description="of a document; default: the context length")
    whole_sentences: bool = Field(
        default=True, description="cut what the end of the context ended behind its last whole sentence"
    )
    min_characters: Positive = 40
    most_repeated: Share = Field(default=0.35, description="share of a text in 6-grams that it has already used")
    most_shared: Share = Field(
        default=0.5, description="share of 24-grams in texts kept before: a duplicate from there"
    )
    batch_documents: Positive = 64
    seed: Count = 0
    max_attempts: Positive = Field(default=20, description="documents drawn for each one kept, before giving up")
