"""What parts of a page are called, in words and patterns; ``_navigation`` looks at lines with them."""

from __future__ import annotations

import functools
import re
from pathlib import Path

_SHIPPED = Path(__file__).parent / "lists" / "navigation.txt"
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
        r"(?=.*(?:サイト|ページ|サービス|閲覧|ブラウザ|当社|弊社|当店|同意|すべて|全て)).*(?:cookie|クッキー).{0,80}"
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
LINE = re.compile("|".join(f"(?P<{kind}>{'|'.join(patterns)})" for kind, patterns in _LINES.items()))
ITEM_ENDS = (
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
COUNTED_ITEM = re.compile(
    r"(?=\W*[ぁ-ヿ一-鿿a-z0-9]{0,8}[ぁ-ヿ一-鿿])(?:.{1,16}\s*\(\s*\d[\d,]*\s*件?\s*\)|\d{4}年\d{1,2}月|[└┗▶▷»≫☞][^─│]{1,16})"
)
"""Items of a menu that tell themselves: a count behind them, a month of an archive, a branch."""
OF_NOTES = (
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
"""Without one of these, small or large, a line is not one of ``LINE``."""


_SIGNS = "".join(chr(code) for code in (*range(0x20, 0x180), *range(0x2000, 0x2C00), *range(0x3000, 0x3040), 0x30FB))
_SIGNS = "".join(one for one in _SIGNS if not one.isalnum() and one not in "&!?")
_COUNT_BEHIND = re.compile(r"\s*[(\[]\s*\d[\d,]*\s*件?\s*[)\]]?$")
_CLOSED = (")", "]")


@functools.cache
def names() -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each name: of those that are sure by themselves, and of all."""
    sure: dict[str, str] = {}
    all_names: dict[str, str] = {}
    kind = ""
    for line in map(str.strip, _SHIPPED.read_text("utf-8").splitlines()):
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            name = undecorated(line.lstrip("!"))
            all_names[name] = kind
            if line.startswith("!"):
                sure[name] = kind
    return sure, all_names


def undecorated(part: str) -> str:
    """Without what stands around a button's name: arrows, brackets, bullets, a count behind it."""
    if part.endswith(_CLOSED):
        part = _COUNT_BEHIND.sub("", part)
    return part if part[:1].isalnum() and part[-1:].isalnum() else part.strip(_SIGNS)
