"""Titles and lists of contents in kanji alone, which rules that count kana take for Chinese."""

from __future__ import annotations

from studylib.data.miniworld import morphemes as m
from studylib.data.miniworld import words as w
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.web.numerals import kanji_number
from studylib.data.miniworld.web.page import Page, wordings

_TITLES = wordings(
    """
    {era}年度{body}[決算報告書|事業計画書|収支予算案|業務概要]
    {town}{place}[改修工事|新築工事|維持管理]仕様書
    第{kn}回{body}[議事録|会議録|総会資料|開催要項]
    {town}[{field}|産業|教育|公衆衛生]条例施行規則
    {era}年{town}[大火|水害|地震]被害調査[概要|報告]
    {field}[研究|調査]報告第{kn}[号|集|巻]
    {body}[役員|会員|委員]名簿（{era}年{km}月現在）
    {town}史[通史編|資料編|民俗編]第{kn}章
    {family}家[文書|所蔵古文書|日記]目録
    {field}史年表[上|中|下]
    [鉄道敷設|漁業権|水利使用|建築]許可申請書[類綴|写|一式]
    {topic}関係資料[総目録|索引|集成]
    {era}年{km}月{kd}日付{body}[通達|回答|照会|告示]第{kn}号
    {town}{place}[竣工式|落成式|開通式]次第
    {region}[{field}|農業|工業|水産]試験場年報
    全国{field}[大会|選手権|展覧会]{town}[予選|大会|会場]結果一覧
    """
)
_PLACES = (
    "図書館",
    "公会堂",
    "市場",
    "駅前広場",
    "浄水場",
    "体育館",
    "港湾",
    "旧庁舎",
    "墓地",
    "公園",
    "診療所",
    "発電所",
    "第二小学校",
    "消防署",
    "堤防",
)
_BODIES = (
    "委員会",
    "商工会",
    "教育委員会",
    "議会",
    "漁業協同組合",
    "農業協会",
    "郷土史研究会",
    "同窓会",
    "自治会",
    "保存会",
    "学会",
    "共済組合",
    "青年団",
    "婦人会",
)
_HEADS = wordings(
    """
    目次
    [総目次|目録|既刊一覧|所蔵資料一覧|公文書目録]
    {body}[資料|刊行物][一覧|目録]
    """
)


class _Kanji:
    """Slots whose words are kanji alone."""

    def __init__(self, page: Page):
        self._page, self._draw = page, page.draw

    def __getitem__(self, slot: str) -> str:
        draw = self._draw
        if slot in ("kn", "km", "kd"):
            return kanji_number(draw.between(1, {"kn": 60, "km": 12, "kd": 28}[slot]))
        if slot == "era":
            return draw.pick(("明治", "大正", "昭和", "平成")) + kanji_number(draw.between(2, 14))
        if slot == "place":
            return draw.pick(_PLACES)
        if slot == "body":
            return self._page.words["_bare"] + draw.pick(_BODIES)
        if slot == "topic":
            return _kanji_topic(draw)
        return self._page.words["_" + slot]


def _kanji_topic(draw: Draw) -> str:
    field = draw.pick(w.FIELDS)
    return field.name[0] + draw.pick(("技術", "教育", "経営", "行政", "統計", "労働", "遺産", "用語"))


def kanji_title(page: Page) -> None:
    """Four to sixteen titles, with page numbers in kanji or none."""
    draw = page.draw
    words = _Kanji(page)
    page.lines = [page.said(_HEADS, words)]
    ending, number = draw.below(4), 1
    for _ in range(draw.between(4, 16)):
        line = page.said(_TITLES, words)
        number += draw.between(1, 6)
        if ending == 0:
            line += f"　{kanji_number(min(number, 99))}頁"
        elif ending == 1:
            line = f"{kanji_number(len(page.lines))}、{line}"
        elif ending == 2 and draw.chance(0.5):
            line += f"　{draw.pick(m.FAMILY_FIRST)[0]}{draw.pick(m.FAMILY_SECOND)[0]}{draw.pick(('著', '編', '記', '監修'))}"
        page.lines.append(line)
