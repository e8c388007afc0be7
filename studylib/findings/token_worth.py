"""What a token is worth in another optimizer: tokens of the reference for the same loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from studylib.analysis import TokensSaved
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Worth(Frozen):
    """``tokens`` of the reference for one of the variant's; ``inside``: among the lengths that were trained."""

    variant: str
    tokens: Interval
    inside: bool


class TokenWorth(Finding):
    name = "token-worth"
    words = Words(
        en="""At {{ size }} one token is worth so many of {{ reference }}:
            {% for one in worth %}
            {{ one.variant }} {{ one.tokens | fixed(2) }}{{ '' if one.inside else ', beyond the lengths trained' }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""{{ size }} での 1 トークンの価値({{ reference }} のトークン数で):
            {% for one in worth %}
            {{ one.variant }} {{ one.tokens | fixed(2) }}{{ '' if one.inside else '、学習した長さの外' }}{{ '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    size: str
    reference: str
    worth: tuple[Worth, ...]

    @classmethod
    def of(cls, saved: Sequence[TokensSaved], size: str, reference: str) -> TokenWorth | None:
        """Without those whose interval has no end; None where none is left."""
        known = [one for one in saved if one.factor[0] > 0 and all(map(math.isfinite, one.factor))]
        if not known:
            return None
        worth = tuple(Worth(variant=one.variant, tokens=one.factor, inside=one.inside) for one in known)
        return cls(size=size, reference=reference, worth=worth)
