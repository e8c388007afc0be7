"""Pages with nothing to read: the same over and over, lists without a sentence, and next to nothing at all."""

from __future__ import annotations

from base64 import b64encode

from studylib.data.miniworld.web.boilerplate import menu
from studylib.data.miniworld.web.page import Page, wordings
from studylib.data.miniworld.web.personal import digits

_SENTENCES = wordings(
    """
    {town}の{thing}は[とても|本当に][きれい|便利]です。
    [ありがとうございます|よろしくお願いします|おめでとうございます][。|！]
    {_product}を[ご覧ください|ご利用ください]。
    [ただいま|現在]{firm}では{job}を募集[しています|中です]。
    {place}の[写真|様子]を[更新|追加]しました。
    {month}月{day}日の{festival}は[中止|延期]です。
    {topic}について[学ぶ|考える|話す]会。
    {person}の{work}を[読む|読んだ]。
    """
)
_LOOPS = (
    "www",
    "笑",
    "！",
    "ー",
    "あ",
    "です。",
    "ます。",
    "ありがとう",
    "はい、",
    "♪",
    "。",
    "…",
    "行こう",
    "いいね",
    "お",
    "ん",
    "すごい",
    "それは",
    "そして",
    "のの",
)
_SHORT = wordings(
    """
    [続きを読む|もっと見る|詳細はこちら][>>|→|]
    404 Not Found
    [お探しの|指定された]ページ[は|が]見つかりません[でした|。]
    [準備中|工事中|作成中][です。|]
    [ただいま|現在]メンテナンス中です[。|。しばらくお待ちください。]
    [画像|写真]をクリック[すると|で]拡大[します|]
    コメント[は|が]ありません[。|]
    {thing}
    {town}
    [この|当]ブログは[移転|閉鎖]しました[。|]
    {_field}[ > |　]{_thing}
    No.{_nn}
    [読み込み中|Loading][...|…|]
    {year}年{month}月{day}日
    [このページを|]表示[する権限がありません|できません]。
    {person}
    [拍手|いいね]{_nn}
    記事一覧[へ|]
    [売り切れ|在庫なし]
    {family}、[こんにちは|了解です][！|。]
    """
)
_ROWS = wordings(
    """
    {_product}　￥{_price}
    {_goods}[ |,|/]{_material}[ |,|/]{_nn}
    {_town}
    {_person}
    {_thing}
    {_firm} {_product}
    {_year}.{_month}.{_day}
    {_big}[円|]
    {_species}
    『{_work}』
    [No.|#|品番]{_nn}{_nn}
    {_thing}（{_nn}）
    """
)
_SYMBOLS = "★☆━─◆◇■□※●○◎▲△▼▽♪♥＝…＊・｜〓→←"


def repeated(page: Page) -> None:
    """A line, a paragraph or a few characters over and over, alone or in the middle of sentences."""
    draw = page.draw
    shape = draw.below(5)
    if shape == 0:  # one line
        page.lines = [page.said(_SENTENCES) if draw.chance(0.8) else menu(page)] * draw.between(8, 40)
    elif shape == 1:  # a few lines in turn
        page.lines = [page.said(_SENTENCES, page.fresh()) for _ in range(draw.between(2, 4))] * draw.between(4, 12)
    elif shape == 2:  # a paragraph
        page.lines = ["".join(page.said(_SENTENCES, page.fresh()) for _ in range(draw.between(3, 5)))] * draw.between(
            4, 9
        )
    elif shape == 3:  # characters
        loop = draw.pick(_LOOPS) if draw.chance(0.7) else page.words["thing"]
        page.lines = [page.said(_SENTENCES) + loop * draw.between(30, 120)]
    else:  # one sentence between others
        again = page.said(_SENTENCES)
        page.lines = [
            "".join(page.said(_SENTENCES, page.fresh()) + again * draw.between(2, 4) for _ in range(draw.between(4, 9)))
        ]


def listed(page: Page) -> None:
    """Names, prices, codes, symbols or encoded data without a sentence."""
    draw = page.draw
    shape = draw.below(6)
    if shape < 3:  # one or two kinds of entries
        kinds = [draw.pick(_ROWS) for _ in range(draw.between(1, 2))]
        rows = [draw.pick(kinds).text(page.words, draw.unit) for _ in range(draw.between(15, 60))]
        page.lines = rows if draw.chance(0.6) else [draw.pick(("　", " ", "、", "/", "|", "\t", ",")).join(rows)]
    elif shape == 3:  # figures
        columns, joint = draw.between(3, 8), draw.pick(("\t", " ", ",", "|", "　"))
        page.lines = [joint.join(str(draw.below(10000)) for _ in range(columns)) for _ in range(draw.between(8, 30))]
    elif shape == 4:  # ornaments
        row = "".join(draw.pick(_SYMBOLS) * draw.between(1, 6) for _ in range(draw.between(2, 6)))
        page.lines = [
            row * draw.between(3, 9) if draw.chance(0.5) else row + page.words["_thing"] + row
            for _ in range(draw.between(4, 14))
        ]
    else:  # encoded data
        data = "".join(page.words["_thing_en"] + digits(draw, 6) for _ in range(draw.between(12, 40))).encode()
        text = b64encode(data).decode() if draw.chance(0.6) else data.hex()
        page.lines = [text[place : place + 76] for place in range(0, len(text), 76)] if draw.chance(0.5) else [text]


def short(page: Page) -> None:
    """One line of a few characters."""
    page.lines = [page.said(_SHORT)]
