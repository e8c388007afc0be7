"""What is left of a text when all that a disguise can change is taken away: its kana and kanji.

Compatibility forms (as NFKC does), katakana against hiragana, small against large kana, voicing marks and long-vowel marks
are folded. Punctuation, spaces, invisible characters, digits and Latin letters are left out, and it is only known that something
stood there. So `、` for `，`, half-width kana, spaces between all characters, and choices numbered `0.` or `(A)` read alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from studylib.data.guard.hashing import Table, piece_keys

_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ")
_BETWEEN = "\n"  # between texts that are folded together; it leaves nothing
_SILENT, _MARK = 1, 2  # left out without a trace, as the words beside it are one word; left out, and a sentence ends
_MARKS = frozenset(
    "\n\t\r.,:;!?()[]{}<>|\"'`#*=「」『』【】（）［］｛｝〈〉《》〔〕。．：；！？“”‘’＜＞｜＂＇＃＊＝…→⇒｡｢｣"
)
_KANJI = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2F800))
_SOME_FOLDED = ((0x80, 0x3400), (0xF900, 0xFB00), (0xFE00, 0x10000), (0x1F100, 0x1F300), (0x2F800, 0x2FA20))
_UNSEEN = ["Mn", "Cf"]
_LONG = "ー〜～ｰ"

# What derived sets put before a question, its choices or its answer. Alone between marks it is no part of a row.
LABELS = [
    "質問",
    "問題",
    "問い",
    "設問",
    "選択肢",
    "候補",
    "回答",
    "解答",
    "応答",
    "答え",
    "正解",
    "入力",
    "出力",
    "指示",
    "前提",
    "仮説",
    "関係",
    "文章",
    "文脈",
    "本文",
    "ユーザー",
    "アシスタント",
    "システム",
    "類似度",
    "タイトル",
    "ラベル",
]


@dataclass(frozen=True)
class Folded:
    """Texts folded together.

    Attributes
    ----------
    points
        Code points that were kept, of one text after the other; uint32 [characters].
    begins
        What was left out before the character: nothing (0), something (1), a mark that ends a sentence or a quotation, or
        the text's edge (2); uint8 [characters + 1].
    ends
        Where each text's characters end; int64 [texts].
    pieces
        Where the characters begin that have nothing left out among them; int64 [pieces].
    keys
        A hash of each piece; uint64 [pieces].
    """

    points: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    pieces: np.ndarray
    keys: np.ndarray

    def text_of(self, places: np.ndarray) -> np.ndarray:
        """The text that each place among ``points`` lies in; int64, the shape of ``places``."""
        return np.searchsorted(self.ends, places, side="right")


def fold(texts: Sequence[str], *, with_labels: bool = False) -> Folded:
    """Fold texts, leaving out the labels among them (or not)."""
    table, several = _tables()
    raw = _code_points(_BETWEEN.join(texts))
    if _holds_any(raw, several):
        # Such as ㍿: one becomes several, and every place behind moves. Too rare to be quick about.
        return fold([text.translate(several) for text in texts], with_labels=with_labels)
    ends = np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 1)
    mapped = table[raw]
    silent = np.flatnonzero(mapped == _SILENT)
    if len(silent):
        ends -= np.searchsorted(silent, ends)
        mapped = np.delete(mapped, silent)
    places = np.flatnonzero(mapped > _MARK)
    begins = np.full(len(places) + 1, 2, dtype=np.uint8)
    np.not_equal(places[1:], places[:-1] + 1, out=begins[1:-1].view(bool))
    marks = np.flatnonzero(mapped == _MARK)
    begins[np.searchsorted(places, marks)] = 2
    points, ends = mapped[places], np.searchsorted(places, ends)
    pieces = np.flatnonzero(begins[:-1])
    found = Folded(points, begins, ends, pieces, piece_keys(points, pieces))
    return found if with_labels else _without_labels(found)


def _without_labels(folded: Folded) -> Folded:
    points, begins, ends, pieces, keys = folded.points, folded.begins, folded.ends, folded.pieces, folded.keys
    labels = _labels().places(keys)
    if not len(labels):
        return folded
    gone = np.zeros(len(pieces), dtype=bool)
    gone[labels] = True
    sizes = np.diff(pieces, append=len(points))
    keep = np.repeat(~gone, sizes)
    before = np.concatenate([[0], np.cumsum(keep)])
    return Folded(points[keep], _behind_labels(begins, keep), before[ends], before[pieces[~gone]], keys[~gone])


def _behind_labels(begins: np.ndarray, keep: np.ndarray) -> np.ndarray:
    places = np.flatnonzero(keep)
    after = np.append(begins[places], np.uint8(2))
    after[1:-1][places[1:] != places[:-1] + 1] = 2
    if len(places) and places[0]:
        after[0] = 2
    return after


def _kept(character: str) -> str:
    folded = "".join(
        chr(ord(one) - 0x60) if 0x30A1 <= ord(one) <= 0x30F6 else one
        for one in unicodedata.normalize("NFKD", character)
    )
    return "".join(one for one in folded.translate(_SMALL) if _is_japanese(ord(one)))


def _is_japanese(point: int) -> bool:
    in_kanji = any(first <= point < last for first, last in _KANJI)
    return in_kanji or 0x3041 <= point <= 0x3096 or 0x3005 <= point <= 0x3007


@cache
def _tables() -> tuple[np.ndarray, dict[int, str]]:
    """What is kept of each code point (0: nothing; or how it is left out), uint32; and those of which several are."""
    table = np.zeros(0x110000, dtype=np.uint32)
    several: dict[int, str] = {}
    for first, last in _KANJI:  # no normalisation touches them: 90,000 calls less
        table[first:last] = np.arange(first, last)
    for first, last in _SOME_FOLDED:
        for point in range(first, last):
            kept = _kept(chr(point))
            if len(kept) == 1:
                table[point] = ord(kept)
            elif kept:
                several[point] = kept
            elif chr(point) in _LONG or unicodedata.category(chr(point)) in _UNSEEN:
                table[point] = _SILENT
    table[[ord(one) for one in _MARKS]] = _MARK
    table[0xFF9E:0xFFA0] = _SILENT  # half-width voicing marks
    table[0xE0000:0xE0200] = _SILENT  # tags and variation selectors
    return table, several


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _holds_any(raw: np.ndarray, several: dict[int, str]) -> bool:
    # Nearly all of them lie in U+3200 to U+33FF; a text without those, and without rare planes, needs no closer look.
    suspects = raw[(raw - np.uint32(0x3200) < 0x200) | (raw >= 0x1F100) | (raw - np.uint32(0x309F) < 0x61)]
    return bool(len(suspects)) and not several.keys().isdisjoint(np.unique(suspects).tolist())


@cache
def _labels() -> Table:
    table, _ = _tables()
    keys = []
    for label in LABELS:
        points = table[_code_points(label)]
        keys.append(piece_keys(points[points > _MARK], np.zeros(1, dtype=np.int64))[0])
    return Table(np.array(keys, dtype=np.uint64), bits=16)
