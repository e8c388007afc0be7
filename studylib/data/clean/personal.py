"""Personal data: a mask in the place of each."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar, Self

from pydantic import model_validator

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose, Span
from studylib.data.clean._masks import MASKS
from studylib.errors import invalid
from studylib.frozen import Frozen

__all__ = ["Personal"]


class Personal(Cleaner):
    """Puts a mask in the place of telephone numbers, e-mail and IP addresses, card and My Numbers, postal codes, addresses
    and names.

    One mask a kind (``MASKS``): equal strings of a document get equal masks, and so do different ones of a kind. With
    ``TokenizerSpec.known_pieces`` a mask is one token. Only what identifies is replaced: words around it (〒, 様, 電話) stay.
    All measures of bits per byte count the bytes of the masked text, masks as their UTF-8, as they count any text behind its
    cleaning; so masked and unmasked text are not compared by them unless both are judged on the same validation text.
    """

    class Options(Frozen):
        kinds: tuple[str, ...] = tuple(MASKS)

        @model_validator(mode="after")
        def _are_known(self) -> Self:
            for kind in self.kinds:
                if kind not in MASKS:
                    raise invalid("cleaning.kinds", kind, "is not a kind of personal data", choices=MASKS)
                if self.kinds.count(kind) > 1:
                    raise invalid("cleaning.kinds", kind, "is named twice")
            if not self.kinds:
                raise invalid("cleaning.kinds", (), "is empty: nothing would be masked", choices=MASKS)
            return self

    options: Options
    purpose: ClassVar[Purpose] = "mask"
    reference: ClassVar[str] = (
        "this study: forms of the Japanese numbering plan, ISO/IEC 7812, the My Number's check digit; names by common surnames"
    )

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        from studylib.data.clean._personal import find_personal
        from studylib.data.clean._personal._signs import signs

        judged = Judged([""] * len(batch), texts=list(batch.texts), counts=Counter())
        for place, found in signs(batch.characters):
            text = batch.texts[place]
            spans = find_personal(text, found, self.options.kinds)
            if spans:
                judged.spans[place] = spans
                judged.texts[place] = _masked(text, spans)
                judged.counts.update(one.kind for one in spans)
        return judged


def _masked(text: str, spans: list[Span]) -> str:
    parts, at = [], 0
    for one in spans:
        parts += [text[at : one.start], MASKS[one.kind]]
        at = one.stop
    return "".join([*parts, text[at:]])
