"""What a line is by itself: part of a page around a text (menus, buttons, counters, notes), or part of a text."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from studylib.data.clean import Batch
from studylib.data.clean._characters import sums, table_of
from studylib.data.clean._page import COUNTED_ITEM, ITEM_ENDS, LINE, OF_NOTES, TRIGGERS, names, undecorated
from studylib.data.clean.words import series

_LONGEST = 120
_BARS = re.compile(r"\s*[|¦]\s*")
_ARROWS = re.compile(r"\s+[>]\s+|\s*[»›≫]\s*|(?<=[ぁ-ヿ一-鿿a-z])\s*>\s*(?=[ぁ-ヿ一-鿿])")
_BRACKETS = re.compile(r"(?:[【\[][^】\]]{1,16}[】\]]\s*){3,}")
_ANY_GAP = re.compile(r"[\s|¦>/·•‧・»›≫]+")
_GAPS = re.compile(r"\s+[/·•‧・]\s+|\s+|/|・")
_SENTENCE_ENDS = tuple("。．！？!?」』…、，")
_OF_CODE = "#/<{};「『|｜│\t"
"""What lines of code, of Markdown's headings and tables, and of speech begin with."""
_IN_CODE = re.compile(r"[=;{}`]|\|\||//|->|=>|\(\)")
_JAPANESE = re.compile(r"[ぁ-ヿ一-鿿]")


class Sort(Enum):
    """How a line is told from a text's own."""

    EMPTY = auto()
    TEXT = auto()
    """A sentence, a row of a table, a line of code: nothing around it makes it anything else."""
    SHORT = auto()
    """Could be a headline or a menu's item."""
    NAME = auto()
    """Named as menus and buttons are, which may be a word of the text."""
    BARS = auto()
    """Items parted by bars: a menu, or a row of a table."""
    ROW = auto()
    """Items parted by bars or spaces, and named as a menu's: one, unless the rows beside it are a table's."""
    SURE = auto()
    """Part of the page wherever it stands."""
    COOKIE = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """What a line is by itself, and as which part of a page it goes."""

    sort: Sort
    kind: str = ""


_EMPTY, _TEXT, SHORT = Look(Sort.EMPTY), Look(Sort.TEXT), Look(Sort.SHORT)


@functools.lru_cache(maxsize=1 << 14)
def look(line: str, triggered: bool, max_item: int, min_items: int, min_names: float) -> Look:
    """What a line is by itself, `triggered` if it holds one of ``TRIGGERS``; see the options of ``lines``."""
    if not line or line.isspace():
        return _EMPTY
    plain = unicodedata.normalize("NFKC", line).strip().lower()
    if triggered and len(plain) <= _LONGEST and (known := LINE.fullmatch(plain)):
        return Look(Sort.COOKIE if known.lastgroup == "cookie" else Sort.SURE, known.lastgroup)
    if "\t" in line or line.rstrip().endswith(_SENTENCE_ENDS):
        return _TEXT
    if _BRACKETS.fullmatch(plain):
        return Look(Sort.SURE, "menu")
    name = undecorated(plain)
    sure, all_names = names()
    if name in sure:
        return Look(Sort.SURE, sure[name])
    if name in all_names:
        return Look(Sort.NAME, all_names[name])
    if COUNTED_ITEM.fullmatch(plain):
        return Look(Sort.NAME, "menu")
    row = _row(plain, max_item, min_items, min_names) if _BETWEEN.search(plain) else None
    return row or (_TEXT if len(plain) > max_item else SHORT)


_BETWEEN = re.compile(r"[|¦>/·•‧・»›≫\s].*[|¦>/·•‧・»›≫\s]|[>»›≫]")


def _row(plain: str, max_item: int, min_items: int, min_names: float) -> Look | None:
    """A row of links, by what its items are called or by the bars between them."""
    if _IN_CODE.search(plain):
        return None
    for between, least in ((_BARS, min_items), (_ARROWS, min_items), (_GAPS, min_items + 1)):
        items = [one for part in between.split(plain) if (one := undecorated(part))]
        if len(items) < least:
            continue
        kinds = [kind for one in items if (kind := _item(one))]
        short = max(map(len, items)) <= max_item
        # A path of pages ends in a title, which may be long.
        if between is _ARROWS and kinds and (short or (_item(items[0]) and max(map(len, items[:-1])) <= max_item)):
            return Look(Sort.SURE, "menu")
        if short and len(kinds) >= min_names * len(items):
            return Look(Sort.SURE if between is _ARROWS else Sort.ROW, max(kinds, key=kinds.count))
        # With fewer names it is a menu or a row of a table, which the lines beside it say.
        if short and between is _BARS and _JAPANESE.search(plain):
            return Look(Sort.BARS, "menu")
        if short and len(kinds) >= max(2, min_names / 2 * len(items)):
            return Look(Sort.BARS, "menu")
    return None


def _item(name: str) -> str:
    """The kind of a menu's item by its name, "" if it has none."""
    return names()[1].get(name, "") or ("menu" if name.endswith(ITEM_ENDS) else "")


def items_in(line: str) -> int:
    """How many items its bars, slashes, commas or spaces part."""
    plain = unicodedata.normalize("NFKC", line).strip()
    return len(_BARS.split(plain) if "|" in plain else re.split(r"[\s/・、]+|(?<!\d),|,(?!\d)", plain))


def candidates(batch: Batch, max_item: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lines of all texts that may be part of a page: int64 [lines]; sentences, code and long lines are not.

    And of each whether it holds one of ``TRIGGERS``, and whether it is worth a look at all: bool. If not, it is just short.
    """
    characters, lines = batch.characters, batch.characters.lines
    codes, lengths = characters.codes, lines.stops - lines.starts
    parts = sums(table_of(_SEPARATORS)[codes], lines.starts, lines.stops)
    some = np.flatnonzero((lengths > 0) & ((lengths <= _LONGEST) | (parts * _ITEM > lengths)))
    noted = series(batch.texts).str.contains_any(list(OF_NOTES)).to_numpy()[lines.owners[some]]
    ended = table_of("".join(_SENTENCE_ENDS))[codes[lines.stops[some] - 1]]
    some = some[(noted | ~ended) & ~table_of(_OF_CODE)[codes[lines.starts[some]]]]
    firsts = characters.starts[lines.owners[some]]
    starts, stops = (lines.starts[some] - firsts).tolist(), (lines.stops[some] - firsts).tolist()
    places = zip(lines.owners[some].tolist(), starts, stops, strict=True)
    texts = batch.texts
    written = series([texts[owner][start:stop] for owner, start, stop in places])
    triggered = written.str.contains_any(list(TRIGGERS), ascii_case_insensitive=True).to_numpy()
    named = written.str.contains_any(list(_needles()), ascii_case_insensitive=True).to_numpy()
    lasts, before = codes[lines.stops[some] - 1], codes[np.maximum(lines.stops[some] - 2, 0)]
    counted = table_of(")）]］")[lasts] & table_of("0123456789０１２３４５６７８９件")[before] | (lasts == ord("月"))
    branch = table_of("└┗▶▷»≫☞")[codes[lines.starts[some]]]
    parted = parts[some] * _ITEM > lengths[some]
    told = triggered | counted | branch | (named & (parted | (lengths[some] <= _SHORTEST)))
    wanted = told | (lengths[some] <= max_item)
    return some[wanted], triggered[wanted], told[wanted]


@functools.cache
def _needles() -> tuple[str, ...]:
    """One of these is in every line that is told by its names or by bars."""
    known = {name for name in names()[1] if len(name) > 1}
    wide = {name.translate(_WIDE) for name in known if name.isascii()}
    return (*sorted(known | wide | set(ITEM_ENDS)), "|", "｜", "¦")


_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_SHORTEST = 24
_ITEM = 16
"""With a separator for so many characters a line of any length may be a menu."""
_SEPARATORS = "|｜¦>＞/／·•・»›≫【】 　"
