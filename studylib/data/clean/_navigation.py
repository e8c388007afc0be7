"""What a line is by itself: part of a page around a text (menus, buttons, counters, notes), or part of a text."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import numpy as np

from studylib.data.clean import Batch
from studylib.data.clean._characters import Kind, sums, table_of

_SHIPPED = Path(__file__).parent / "lists" / "navigation.txt"
_LONGEST = 200
_NUMBER = r"\d[\d,.]*(?:万|k|m)?"
_UNITS = r"件|個|人|名|回|票|つ|pv|pt|ポイント"
_COUNTED = (
    r"コメント|いいね!?|レビュー|口コミ|クチコミ|ブックマーク|はてブ|シェア|ツイート|リツイート|リポスト|ポスト|返信|閲覧|再生|アクセス|訪問者|来訪者|"
    r"フォロワー|フォロー|フォロー中|お気に入り|拍手|トラックバック|表示|投票|評価|読者|"
    r"pv|views?|likes?|comments?|shares?|tweets?|retweets?|followers?|users?"
)
_COUNTER = re.compile(
    rf"(?:(?:{_COUNTED})(?:の?数|回数|者数|累計)?[\s:・]*[(\[]?\s*{_NUMBER}\s*(?:{_UNITS})?\s*[)\]]?[\s/|・,、]*)+"
    rf"|(?:[(\[]?{_NUMBER}\s*(?:{_UNITS})?の?\s*(?:{_COUNTED})(?:があります|を見る|を表示)?[)\]]?[\s/|・,、]*)+"
    rf"|(?:あなたは|本日|昨日|累計|合計|今日|today)[\s:]*{_NUMBER}\s*(?:{_UNITS})?\s*(?:目|番目)?(?:の?(?:{_COUNTED}|訪問|お客様|ご来訪)\w*)?.{{0,6}}"
    rf"|{_NUMBER}\s*人が.{{0,12}}(?:しました|しています|登録|言っています|参考になった.*|役に立った.*|お気に入り.*)"
)
_COOKIE = re.compile(
    r"(?:cookie|クッキー).{0,80}(?:使用|利用|同意|許可|受け入れ|拒否|設定|ポリシー|承諾)|(?:同意|許可|受け入れ|承諾|使用).{0,40}(?:cookie|クッキー)"
)
_OF_A_SITE = re.compile(r"サイト|ページ|閲覧|同意|すべて|全て|受け入れ|許可する|当社|弊社|当店|ブラウザ")
_COPYRIGHT = re.compile(
    r"copyright\b|\(c\)\s*(?:19|20)\d\d|©|all rights reserved|無断(?:転載|複製|引用|使用).{0,14}(?:禁|断|ません|ください)"
)
_ADVERT = re.compile(r"[\[【<〔(]?\s*(?:pr|ad|広告|スポンサー|提供)\s*[\]】>〕)::]")
_BARS = re.compile(r"\s*[|¦]\s*")
_ARROWS = re.compile(r"\s+[>/·•‧・]\s+|\s*[»›]\s*|(?<=[ぁ-ヿ一-鿿])\s*>\s*(?=[ぁ-ヿ一-鿿])")
_ANY_GAP = re.compile(r"[\s|¦>/·•‧・»›]+")
_GAPS = re.compile(r"\s+|/|・")
_COUNT_BEHIND = re.compile(r"\s*[(\[]\s*\d[\d,]*\s*件?\s*[)\]]?$")
_SENTENCE_ENDS = tuple("。．！？!?」』…、，）")
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
    SURE = auto()
    """Part of the page wherever it stands."""
    COOKIE = auto()


@dataclass(frozen=True, slots=True)
class Look:
    """What a line is by itself, and as which part of a page it goes."""

    sort: Sort
    kind: str = ""


_EMPTY, _TEXT, _SHORT = Look(Sort.EMPTY), Look(Sort.TEXT), Look(Sort.SHORT)


@functools.lru_cache(maxsize=1 << 14)
def look(line: str, max_item: int, min_items: int, min_names: float) -> Look:
    """What a line is by itself; see the options of ``lines``."""
    if not line or line.isspace():
        return _EMPTY
    plain = unicodedata.normalize("NFKC", line).strip().lower()
    if ("cookie" in plain or "クッキー" in plain) and _COOKIE.search(plain) and _OF_A_SITE.search(plain):
        return Look(Sort.COOKIE, "cookie")
    if _COPYRIGHT.search(plain):
        return Look(Sort.SURE, "footer")
    if _ADVERT.match(plain):
        return Look(Sort.SURE, "advert")
    if "\t" in line or line.rstrip().endswith(_SENTENCE_ENDS):
        return _TEXT
    if _DIGIT.search(plain) and _COUNTER.fullmatch(_AROUND_COUNTER.sub("", plain)):
        return Look(Sort.SURE, "counter")
    name = _undecorated(plain)
    sure, all_names = _names()
    if name in sure:
        return Look(Sort.SURE, sure[name])
    if name in all_names:
        return Look(Sort.NAME, all_names[name])
    row = _row(plain, max_item, min_items, min_names) if _BETWEEN.search(plain) else None
    return row or (_TEXT if len(plain) > max_item else _SHORT)


_DIGIT = re.compile(r"\d")
_BETWEEN = re.compile(r"[|¦>/·•‧・»›\s].*[|¦>/·•‧・»›\s]|[>»›]")
_AROUND_COUNTER = re.compile(r"^[\s♥♡★☆▲▼●・»>■□◆◇👍❤\[【(<]+|[\s\]】)>]+$")


def _row(plain: str, max_item: int, min_items: int, min_names: float) -> Look | None:
    """A row of links, by what its items are called or by the bars between them."""
    if _IN_CODE.search(plain):
        return None
    all_names = _names()[1]
    if "|" not in plain and not any(_undecorated(one) in all_names for one in _ANY_GAP.split(plain)):
        return None
    for between, least in ((_BARS, min_items), (_ARROWS, 2), (_GAPS, max(min_items, 4))):
        items = [one for part in between.split(plain) if (one := _undecorated(part))]
        if len(items) < least or (between is not _GAPS and max(map(len, items)) > 2 * max_item):
            continue
        kinds = [all_names[one] for one in items if one in all_names]
        # A path of pages begins at the first page and ends in a title, which may be long.
        if between is _ARROWS and kinds and items[0] in all_names and max(map(len, items[:-1])) <= max_item:
            return Look(Sort.SURE, "menu")
        if len(kinds) >= min_names * len(items) and len(items) >= min_items:
            return Look(Sort.SURE, max(kinds, key=kinds.count))
        if between is _BARS and max(map(len, items)) <= max_item and _JAPANESE.search(plain):
            return Look(Sort.BARS, "menu")
    return None


_SIGNS = "".join(chr(code) for code in (*range(0x20, 0x180), *range(0x2000, 0x2C00), *range(0x3000, 0x3040), 0x30FB))
_SIGNS = "".join(one for one in _SIGNS if not one.isalnum() and one not in "&!?")
_CLOSED = (")", "]")


@functools.cache
def _names() -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each name: of those that are sure by themselves, and of all."""
    sure, all_names, kind = {}, {}, ""
    for line in map(str.strip, _SHIPPED.read_text("utf-8").splitlines()):
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            name = _undecorated(line.lstrip("!"))
            all_names[name] = kind
            if line.startswith("!"):
                sure[name] = kind
    return sure, all_names


def _undecorated(part: str) -> str:
    """Without what stands around a button's name: arrows, brackets, bullets, a count behind it."""
    if part.endswith(_CLOSED):
        part = _COUNT_BEHIND.sub("", part)
    return part if part[:1].isalnum() and part[-1:].isalnum() else part.strip(_SIGNS)


def bars(line: str) -> int:
    """How many bars part its items."""
    return len(_BARS.findall(unicodedata.normalize("NFKC", line)))


def candidates(batch: Batch) -> np.ndarray:
    """Which lines of all texts are worth a look: not sentences, nor code, nor too long; bool [lines]."""
    characters, lines = batch.characters, batch.characters.lines
    lengths = lines.stops - lines.starts
    parts = sums(table_of(_SEPARATORS)[characters.codes], lines.starts, lines.stops)
    filled = np.flatnonzero((lengths > 0) & ((lengths <= _LONGEST) | (parts * _ITEM > lengths)))
    starts, stops, lengths = lines.starts[filled], lines.stops[filled], lengths[filled]
    noted = np.array([any(word in text for word in _OF_NOTES) for text in batch.texts], dtype=bool)[
        lines.owners[filled]
    ]
    ended = table_of("".join(_SENTENCE_ENDS))[characters.codes[stops - 1]]
    parted = parts[filled] >= 2
    counted = (sums(characters.kinds == Kind.DIGIT, starts, stops) > 0) & (lengths <= 60)
    japanese = sums((characters.kinds >= Kind.HIRAGANA) & (characters.kinds <= Kind.KANJI), starts, stops) > 0
    wanted = noted | (~ended & ((lengths <= _SHORTEST) | (japanese & (parted | counted))))
    wanted &= ~table_of(_OF_CODE)[characters.codes[starts]]
    found = np.zeros(len(lines.stops), dtype=bool)
    found[filled[wanted]] = True
    return found


_SHORTEST = 24
_ITEM = 12
"""With a separator for so many characters a line of any length may be a menu."""
_OF_NOTES = ("ookie", "COOKIE", "クッキー", "opyright", "COPYRIGHT", "©", "eserved", "RESERVED", "無断", "(C)", "(c)")
_SEPARATORS = "|｜¦>＞/／·•・»› 　"
