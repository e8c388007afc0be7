"""How alike an answer and the right one are, their spelling set aside."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from studylib.train.benchmark._scores import shared_characters

_COPULA = "です"
_NOT_COMPARED = "PZC"  # punctuation, separators, controls, by the first letter of Unicode's category


def normalised(text: str) -> str:
    """NFKC, lower case, without punctuation and white space, and without a です at the end."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(one for one in folded if unicodedata.category(one)[0] not in _NOT_COMPARED)
    return plain.removesuffix(_COPULA)


def exact(written: str, right: Iterable[str]) -> float:
    """1.0 if it is one of the ``right`` ones, else 0.0."""
    return float(normalised(written) in {normalised(one) for one in right})


def character_f1(written: str, right: Iterable[str]) -> float:
    """Of the characters of both, each as often as it is there; the best of several right ones (as in JSQuAD)."""
    return max(shared_characters(normalised(written), normalised(one)) for one in right)
