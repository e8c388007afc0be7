"""Haiku: short lines without full stops, which rules made for English take for noise."""

from __future__ import annotations

from studylib.data.miniworld.web.page import Page, wordings

_FIRST = (
    "朝霧や", "夏草や", "春の海", "秋の暮", "冬の月", "初しぐれ", "雪とけて", "花の雨", "夕立や", "名月や", "木枯らしや", "水ぬるむ", "菜の花や", "蝉しぐれ", "稲妻や", "遠花火",
    "柿の実や", "山眠る", "行く春や", "梅一輪", "若葉風", "夜の秋", "初霜や", "雪の朝", "麦の秋", "雲の峰", "鰯雲", "神無月", "露の世や", "寒椿", "風光る", "春の宵",
    "五月雨や", "虫の声", "落葉焚く", "日向ぼこ", "小春日や", "初蛙", "桐一葉", "冬木立", "春一番", "夏の川", "天の川", "霜柱", "山桜", "古池や", "青田風", "雁渡る",
)  # fmt: skip
_SECOND = (
    "渡し舟待つ", "石段長き", "古き橋ある", "町の灯ともる", "父の背中の", "母の手紙の", "誰も来ぬ日の", "駅に子ひとり", "川面に揺るる", "窓ひとつ開く", "波音ばかり", "鐘の聞こゆる", "土の匂いの",
    "犬も眠れる", "湯気立ちのぼる", "旅の終わりの", "糸つむぐ手の", "山の向こうの", "昔のままの", "灯台白き", "釣り人ひとり", "老いし職人", "硯洗えば", "干物を返す", "荷を解く宿の", "茶碗のふちの",
    "写真館の", "半鐘ひびく", "縁側に置く", "消えてまた鳴く", "影の短き", "文字うすれゆく", "薪を割る音", "網をつくろう", "猫の通れる", "言葉少なき", "日の沈みゆく", "水車のまわる", "雨戸を鳴らす", "畳に落つる",
)  # fmt: skip
_THIRD = (
    "水の音", "風の音", "船着き場", "峠茶屋", "祖母の家", "二人連れ", "一人旅", "古時計", "濡れ仏", "蔵の町", "夕餉どき", "蕎麦の花", "山の宿", "道しるべ", "段畑", "星の数",
    "竹の箸", "月明かり", "下駄の音", "港町", "朝の市", "紙の舟", "忘れ傘", "日記帳", "火の見台", "藍のれん", "帰り道", "軒しずく", "遠き山", "文机", "鳥の影", "石畳",
    "赤とんぼ", "父の下駄", "湯の煙", "白き壁", "暮れ残る", "渡り鳥", "井戸の水", "旅ごろも",
)  # fmt: skip
_TITLES = wordings(
    """
    {town}句会　{month}月例会[より|の作品|入選句]
    句集『{work}』[抄|より]
    [今月|{season}]の一句[・{field}|]
    {season}を詠む
    {festival}[献句|奉納句]
    {family}{given}[句帖|の俳句|遺稿]
    俳句欄（選者・{person}）
    """
)
_COMMENTS = wordings(
    """
    （評）{_place}の[景|静けさ]を[よく|巧みに]とらえている。
    兼題は「{thing}」。{nn}句の[投句|応募]があった。
    次回の[兼題|席題]は「{_thing}」、{_month}月{_day}日に{place}で[開く|行う]。
    季語が[二つある|重なっている]が、[それも味である|気にならない]。
    {season}の{place}を歩いて[できた|詠んだ]句です。
    """
)


def haiku(page: Page) -> None:
    """Two to nine haiku under a title, in one or three lines each, some signed, some with a word about them."""
    draw = page.draw
    shape = draw.below(4)
    signed, joint = draw.chance(0.5), draw.pick(("", "　", " ", "\n")) if shape else "\n"
    page.lines = [page.said(_TITLES), *([""] if draw.chance(0.5) else [])]
    for _ in range(draw.between(2, 9)):
        verse = joint.join((draw.pick(_FIRST), draw.pick(_SECOND), draw.pick(_THIRD)))
        if signed:
            verse += draw.pick(("　　{}", "　{}", "\n　　　　{}", "（{}）")).format(
                draw.pick(page.world.people).name[0]
            )
        page.lines.append(verse)
        if joint == "\n":
            page.lines.append("")
    if draw.chance(0.6):
        page.lines.append(page.said(_COMMENTS))
