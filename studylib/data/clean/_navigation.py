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
from studylib.data.clean._characters import sums, table_of
from studylib.data.clean.words import series

_SHIPPED = Path(__file__).parent / "lists" / "navigation.txt"
_LONGEST = 120
_NUMBER = r"\d[\d,.]*(?:万|k|m)?"
_UNITS = r"件|個|人|名|回|票|つ|pv|pt|ポイント"
_COUNTED = (
    r"コメント|いいね!?|レビュー|口コミ|クチコミ|ブックマーク|はてブ|シェア|ツイート|リツイート|リポスト|ポスト|返信|閲覧|再生|アクセス|訪問者|来訪者|"
    r"フォロワー|フォロー|フォロー中|お気に入り|拍手|トラックバック|表示|投票|評価|読者|"
    r"pv|views?|likes?|comments?|shares?|tweets?|retweets?|followers?|users?"
)
_DATE = r"\d{2,4}\s*[./年-]\s*\d{1,2}\s*[./月-]\s*\d{1,2}\s*日?"
_LINES = {
    "cookie": (
        r".*(?:cookie|クッキー|javascript).{0,12}(?:オン|有効|許可).{0,24}",
        r"(?=.*(?:サイト|ページ|サービス|閲覧|ブラウザ|当社|弊社|当店|同意|すべて|全て|広場)).*(?:cookie|クッキー).{0,80}"
        r"(?:使用|利用|同意|許可|受け入れ|拒否|設定|ポリシー|承諾).*",
        r"(?=.*(?:サイト|ページ|サービス|閲覧|ブラウザ|当社|弊社)).*(?:同意|許可|受け入れ|承諾|使用).{0,40}(?:cookie|クッキー).*",
        r"(?:we|this (?:web)?site) uses? cookies.*",
    ),
    "footer": (
        r".*(?:copyright\b|\(c\)\s*(?:19|20)\d\d|©|all rights reserved).*",
        r".*無断(?:転載|複製|引用|使用).{0,14}(?:禁|断|ません|ください).*",
        r"(?:powered|designed|hosted) by .+",
        r"(?:推奨|動作|対応)(?:ブラウザ|環境)\s*:.+",
        r"(?:運営|運営者|運営会社|運営元|発行元|サイト管理者?)\s*:\s*.{1,40}",
        r"\W*(?:この)?(?:ページ|画面|サイト)の?(?:先頭|トップ|上|上部|一番上|最上部)[へに](?:戻る|移動)?",
    ),
    "login": (
        r"(?:ようこそ|こんにちは)\W*\s*ゲスト.*",
        r"\W*パスワードを(?:お?忘れ|再発行).{0,16}",
        r".{0,16}(?:コメント|投稿|閲覧|続き).{0,14}(?:ログイン|会員登録|登録)が必要です.{0,4}",
        r"(?:メールアドレス|ユーザー(?:名|id)?|会員番号|会員id|ログインid|id)\s.{0,8}パスワード.{0,30}",
        r"(?:カート|買い物かご)(?:の中身?|内の?商品).{0,40}",
        r"(?:サイト内)?検索\s*(?::|検索する|go|する)?\s*(?:検索する|go)?",
        r"キーワード(?:から|で|を)(?:探す|検索|入力).{0,16}",
        r"(?:初めて|はじめて)の方[はへ].{0,6}",
        r".{0,8}(?:ログイン|新規登録|会員登録|登録)は?こちら.{0,4}",
    ),
    "share": (
        r"\W*(?:この|当)(?:記事|ページ|エントリー?|商品|サイト|投稿|動画)を.{0,12}(?:シェア|共有|ツイート|印刷|教え|ブックマーク|紹介|送る|送信).{0,6}",
        r"(?:シェア|共有|share|sns|follow)\s*:.{1,60}",
        r".{0,12}(?:役に立ち|参考になり|お役に立て)ましたか.{0,24}",
        r".{0,16}ブログランキング.{0,30}",
        r"(?=.*ブログ村).{0,40}(?:クリック|応援|ポチ).{0,20}",
        r"印刷用(?:ページ|画面|表示).{0,24}",
        r".{0,12}urlをコピー.{0,12}",
        rf"{_NUMBER}\s*人が.{{0,6}}いいね.*",
    ),
    "related": (
        r"\W*(?:カテゴリー?|category|categories|タグ|tags?|キーワード|keywords?|関連(?:記事|リンク|ページ|商品|サイト|ワード|キーワード|情報)?)\s*:\s*.{1,80}",
        r"\W*(?:(?:人気|新着|最新|注目)の?(?:記事|投稿|エントリー?|ページ)|[あ合]わせて読みたい|関連(?:記事|リンク|商品)|[前次]の(?:記事|投稿)|最近の(?:記事|投稿|コメント))(?:\s*:\s*|\s+).{1,80}",
    ),
    "counter": (
        rf"(?:(?:{_COUNTED})(?:の?数|回数|者数|累計|カウンター?)?[\s:・]*[(\[]?\s*{_NUMBER}\s*(?:{_UNITS})?\s*[)\]]?[\s/|・,、]*)+",
        rf"(?:[(\[]?{_NUMBER}\s*(?:{_UNITS})?の?\s*(?:{_COUNTED})(?:があります|を見る|を表示)?[)\]]?[\s/|・,、]*)+",
        rf"(?:(?:{_COUNTED})(?:の?数|回数|者数|カウンター?)?)\s*:?\s*{_NUMBER}\s*(?:{_UNITS})?\s*\(.{{0,24}}\)",
        rf"あなたは\s*{_NUMBER}\s*(?:人|番)目.{{0,16}}",
        rf"(?:(?:今日|昨日|本日|前日|今月|累計|合計|総計|total|today|yesterday)\s*:\s*{_NUMBER}\s*(?:{_UNITS})?\s*)+",
        rf"{_NUMBER}\s*人が.{{0,12}}(?:しました|しています|言っています|役に立った.*|参考になった.*|お気に入り.*)",
        rf"全\s*{_NUMBER}\s*件\s*(?:中|の?うち).{{0,24}}",
        rf"{_NUMBER}\s*件中\s*.{{1,24}}",
        rf"(?:投稿日時?|公開日時?|更新日時?|最終更新日?時?|作成日|掲載日|登録日|配信日|posted(?: on)?|updated)\s*:?\s*{_DATE}.{{0,40}}",
        rf"{_DATE}\s*(?:\d{{1,2}}:\d\d\s*)?(?:更新|公開|投稿|掲載|配信)",
    ),
    "advert": (
        r"\W*(?:pr|ad|広告|スポンサー(?:リンク)?|sponsored|提供)\s*(?:[\]】>):]\s*|\s+).{1,60}",
        r"[▼▽↓].{1,20}[▼▽↓].{0,30}",
        r".{0,6}(?:アプリ|無料|会員).{0,8}(?:続きを)?読む.{0,4}",
        r"[\[【](?:\d+\s*%\s*(?:off|オフ)|送料無料|期間限定|数量限定|地域限定|限定\W*|激安|セール|sale|新発売|特価|在庫限り|先着.{0,8}|ポイント.{0,6})[\]】].{1,50}",
    ),
}
"""Whole lines, of half width and in small letters, by the part of a page they are."""
_LINE = re.compile("|".join(f"(?P<{kind}>{'|'.join(patterns)})" for kind, patterns in _LINES.items()))
_ITEM_ENDS = (
    "一覧",
    "情報",
    "案内",
    "紹介",
    "特集",
    "ニュース",
    "コラム",
    "カレンダー",
    "ランキング",
    "ガイド",
    "カタログ",
    "へ戻る",
    "ページ",
    "ブログ",
)
"""What names in menus end with, beside those that are listed."""
_COUNTED_ITEM = re.compile(
    r"(?=\W*[ぁ-ヿ一-鿿a-z0-9]{0,8}[ぁ-ヿ一-鿿])(?:.{1,16}\s*\(\s*\d[\d,]*\s*件?\s*\)|\d{4}年\d{1,2}月|[└┗▶▷»≫☞][^─│]{1,16})"
)
"""Items of a menu that tell themselves: a count behind them, a month of an archive, a branch."""
_BARS = re.compile(r"\s*[|¦]\s*")
_ARROWS = re.compile(r"\s+[>]\s+|\s*[»›≫]\s*|(?<=[ぁ-ヿ一-鿿a-z])\s*>\s*(?=[ぁ-ヿ一-鿿])")
_BRACKETS = re.compile(r"(?:[【\[][^】\]]{1,16}[】\]]\s*){3,}")
_ANY_GAP = re.compile(r"[\s|¦>/·•‧・»›≫]+")
_GAPS = re.compile(r"\s+[/·•‧・]\s+|\s+|/|・")
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
    if triggered and len(plain) <= _LONGEST and (known := _LINE.fullmatch(plain)):
        return Look(Sort.COOKIE if known.lastgroup == "cookie" else Sort.SURE, known.lastgroup)
    if "\t" in line or line.rstrip().endswith(_SENTENCE_ENDS):
        return _TEXT
    if _BRACKETS.fullmatch(plain):
        return Look(Sort.SURE, "menu")
    name = _undecorated(plain)
    sure, all_names = _names()
    if name in sure:
        return Look(Sort.SURE, sure[name])
    if name in all_names:
        return Look(Sort.NAME, all_names[name])
    if _COUNTED_ITEM.fullmatch(plain):
        return Look(Sort.NAME, "menu")
    row = _row(plain, max_item, min_items, min_names) if _BETWEEN.search(plain) else None
    return row or (_TEXT if len(plain) > max_item else SHORT)


_BETWEEN = re.compile(r"[|¦>/·•‧・»›≫\s].*[|¦>/·•‧・»›≫\s]|[>»›≫]")


def _row(plain: str, max_item: int, min_items: int, min_names: float) -> Look | None:
    """A row of links, by what its items are called or by the bars between them."""
    if _IN_CODE.search(plain):
        return None
    for between, least in ((_BARS, min_items), (_ARROWS, min_items), (_GAPS, min_items + 1)):
        items = [one for part in between.split(plain) if (one := _undecorated(part))]
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
    return _names()[1].get(name, "") or ("menu" if name.endswith(_ITEM_ENDS) else "")


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
    noted = series(batch.texts).str.contains_any(list(_OF_NOTES)).to_numpy()[lines.owners[some]]
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
    names = {name for name in _names()[1] if len(name) > 1}
    wide = {name.translate(_WIDE) for name in names if name.isascii()}
    return (*sorted(names | wide | set(_ITEM_ENDS)), "|", "｜", "¦")


_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_SHORTEST = 24
_ITEM = 16
"""With a separator for so many characters a line of any length may be a menu."""
_OF_NOTES = (
    *(
        "ookie",
        "COOKIE",
        "クッキー",
        "avaScript",
        "opyright",
        "COPYRIGHT",
        "©",
        "eserved",
        "RESERVED",
        "無断",
        "(C)",
        "(c)",
    ),
    *(
        "ブログランキング",
        "ブログ村",
        "クリックで",
        "が必要です",
        "ましたか",
        "と言っています",
        "ゲスト",
        "あなたは",
        "続きを読む",
        "を表示",
        "はこちら",
    ),
)
"""Of lines that end as sentences do."""
TRIGGERS = (
    *(
        "cookie",
        "クッキー",
        "javascript",
        "copyright",
        "©",
        "(c)",
        "reserved",
        "無断",
        "powered by",
        "designed by",
        "hosted by",
        "ブラウザ",
    ),
    *(
        "推奨",
        "環境",
        "運営",
        "発行元",
        "管理者",
        "ページ",
        "画面",
        "サイト",
        "ゲスト",
        "パスワード",
        "必要です",
        "カート",
        "買い物",
        "検索",
        "キーワード",
    ),
    *(
        "の方",
        "こちら",
        "記事",
        "商品",
        "投稿",
        "動画",
        "エントリ",
        "シェア",
        "共有",
        "share",
        "sns",
        "follow",
        "ましたか",
        "ブログ",
        "印刷",
        "url",
    ),
    *(
        "いいね",
        "人が",
        "人目",
        "番目",
        "カテゴリ",
        "categor",
        "タグ",
        "tags",
        "keyword",
        "関連",
        "読みたい",
        "最近",
        "トラックバック",
        "件",
        "更新",
        "公開",
    ),
    *(
        "掲載",
        "配信",
        "作成日",
        "登録日",
        "posted",
        "updated",
        "pr ",
        "pr】",
        "pr]",
        "pr\u3000",
        "ad ",
        "ad】",
        "ad]",
        "ad\u3000",
        "広告",
        "スポンサ",
    ),
    *(
        "sponsored",
        "提供",
        "▼",
        "▽",
        "↓",
        "【",
        "続き",
        "アプリ",
        "コメント",
        "レビュー",
        "口コミ",
        "クチコミ",
        "ブックマーク",
        "はてブ",
        "ツイート",
    ),
    *(
        "ポスト",
        "返信",
        "閲覧",
        "再生",
        "アクセス",
        "訪問者",
        "フォロ",
        "お気に入り",
        "拍手",
        "表示",
        "投票",
        "評価",
        "読者",
        "pv",
        "view",
        "like",
    ),
    *("comment", "tweet", "users", "今日", "昨日", "本日", "累計", "合計", "総計", "today", "total"),
)
"""Without one of these, small or large, a line is none of ``_LINES``."""
_SEPARATORS = "|｜¦>＞/／·•・»›≫【】 　"
