"""Lists of prices, titles and numbers: items one behind the other and no sentence among them."""

from __future__ import annotations

import re
from collections import Counter

_BETWEEN = re.compile(r"(?:[\n\t、，|｜\u3000 ]|,(?!\d)|(?<!\d),)+")
_CELLS = re.compile(r"[\t|｜\u3000]+|  +")
_SENTENCES = re.compile("[。！？!?]|です|ます|した|ある[：:]")
_PREDICATE = re.compile("[ぁ-ゖ]$")
_MARKED = re.compile(r"[0-9０-９]円?[)）]?$|^[『「【\[(（].*[』」】\])）]$")
_MOST_PREDICATES = 0.1  # of the items; lines of verse end in hiragana more often
_LEAST_MARKED = 0.5


def is_list(text: str, min_items: int) -> bool:
    """Whether it has so many items or more, hardly one ends as a clause does, and most end in a number or a price or are in brackets.

    A table is none: most of its rows have the same three cells or more.
    """
    if _SENTENCES.search(text):
        return False
    items = list(filter(None, _BETWEEN.split(text)))
    if len(items) < min_items or sum(map(bool, map(_PREDICATE.search, items))) > _MOST_PREDICATES * len(items):
        return False
    if sum(map(bool, map(_MARKED.search, items))) < _LEAST_MARKED * len(items):
        return False
    rows = Counter(len(list(filter(str.strip, _CELLS.split(line)))) for line in text.split("\n") if line.strip())
    cells, many = rows.most_common(1)[0]
    return not (cells >= 3 and many >= 3 and many * 2 >= rows.total())
