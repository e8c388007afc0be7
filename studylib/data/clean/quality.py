"""A linear classifier of n-grams: is a text like good text, or like all the rest?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.errors import invalid
from studylib.frozen import Above0, Fraction, Frozen, Positive
from studylib.registry import SOURCES, choice_of
from studylib.spec.data import source_name

if TYPE_CHECKING:
    import numpy as np

    from studylib.data.digest import FileDigests
    from studylib.data.source import Source

__all__ = ["Quality"]


class Good(Frozen):
    """Text that is taken for good, as a source of a specification names it."""

    kind: choice_of(SOURCES) = "miniworld"
    options: dict[str, Any] = Field(default_factory=dict)

    def __str__(self) -> str:
        return source_name(self.kind, self.options)


_FORMS = {"article": 1, **dict.fromkeys(("haiku", "table", "code", "kanji_title", "dialogue", "numbers"), 0.25)}
_SOUND = Good(
    kind="miniworld",
    options={
        "register": "web", "seed": 1, "forms": _FORMS, "faults": {}, "boilerplate": 0, "personal": 0, "false_facts": 0
    },
)  # fmt: skip


class Quality(Cleaner):
    """Keeps the documents that a classifier takes for good text: encyclopedia against the text itself, as Swallow and DCLM do.

    Features are characters' bigrams and trigrams in hashed buckets, a document's mean over them, as fastText's; the classifier is a
    logistic regression, its loss convex and its documents sorted by a hash of their text, so it comes out the same in whatever order
    they come. What it is trained on is a sample of the documents with the lowest hashes. Where the best share is kept, the cut is
    found by classifiers that have not seen what they judge: each of two has learnt one half and judges the other.

    What good text does not have is taken for bad. Against articles alone (miniworld's register ``ja``) nearly all code and most
    tables go. So by default good text is of all sound forms of the web register, its faults left out, of another world than
    the text that a study makes of it, and with more of the rare forms. Real web text wants good text of its own kind.
    """

    surveys: ClassVar[bool] = True

    class Options(Frozen):
        good: Good = Field(default=_SOUND, description="the text to be like: kind and options of a source")
        keep: Annotated[Above0, Field(le=1)] | None = Field(
            default=0.7,
            description="share of the surveyed documents that scores high enough; DCLM keeps 0.1, Swallow 0.1",
        )
        threshold: Fraction | None = Field(default=None, description="instead of keep: least probability of being good")
        sample: Positive = Field(
            default=4000, description="documents of each side to train on, and to find the cut with"
        )
        survey: Annotated[Above0, Field(le=1)] = Field(
            default=1.0,
            description="share of the documents, by hash, that are surveyed; less for text of many gigabytes",
        )
        characters: Positive = Field(default=1000, description="of each sampled document, from its start")
        bits: int = Field(default=18, ge=10, le=24, description="buckets for n-grams, as a power of two")
        penalty: Above0 = Field(default=0.01, description="of squared weights; more of it tells fewer words by heart")
        min_characters: Positive = Field(default=20, description="shorter texts are kept: too little to judge by")

        @model_validator(mode="after")
        def _has_one_bound(self) -> Self:
            if self.threshold is not None and "keep" in self.model_fields_set and self.keep is not None:
                raise invalid("cleaning.threshold", self.threshold, "stands beside keep; leave one out")
            if self.threshold is None and self.keep is None:
                raise invalid("cleaning.keep", None, "is needed where there is no threshold")
            return self

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "DCLM (arXiv 2406.11794), Swallow corpus v2: fastText of good text against the web"

    @property
    def remote(self) -> bool:
        return self._good.remote

    def check(self) -> None:
        self._good.check()

    @property
    def _good(self) -> Source:
        good = self.options.good
        return SOURCES[good.kind]("quality.good", good.options)

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        return self._good.inputs(digests)

    def survey(self, batch: Batch) -> dict[str, np.ndarray]:
        from studylib.data.clean._linear import sampled

        options = self.options
        judged = [text for text in batch.texts if len(text) >= options.min_characters]
        return sampled(judged, options.sample, options.characters, options.survey).arrays()

    def conclude(self, surveys: Iterator[Arrays]) -> dict[str, np.ndarray]:
        from itertools import islice

        from studylib.data.clean._linear import Sample, fitted, sampled

        options = self.options
        rest = Sample.merged(map(Sample.of, surveys), options.sample)
        texts = islice((one.text for one in self._good.documents()), 4 * options.sample)
        good = sampled(list(texts), options.sample, options.characters)
        if not good.texts:
            raise invalid("cleaning.good", options.good.options, "has no text to learn from")
        keep = options.keep if options.threshold is None else None
        return fitted(good, rest, bits=options.bits, penalty=options.penalty, keep=keep, threshold=options.threshold)

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._linear import scores

        scored = scores(batch.texts, batch.characters, conclusion["weights"], conclusion["bias"])
        low = (scored < conclusion["cut"][0]) & (batch.characters.lengths >= self.options.min_characters)
        return Judged(np.where(low, "unlike good text", "").tolist())
