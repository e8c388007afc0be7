"""Articles as pages tell them: those of the register ``ja``, with a title, with sentences of a diary around, with falsehoods."""

from __future__ import annotations

from studylib.data.miniworld.article import Falsehood, Secret
from studylib.data.miniworld.register.ja import JA
from studylib.data.miniworld.web.page import Page, wordings

_TITLES = wordings(
    """
    [【{field}】|]{bare}の{thing}[をめぐって|の話|]
    {site}　第{nn}回
    [{year}年{month}月{day}日|{year}/{month}/{day}]の[日記|記事|メモ]
    [読書|調べもの|旅]の[記録|ノート]（{nn}）
    """
)
_DIARY = wordings(
    """
    [先日|昨日|この前の休みに]、{town}の{_place}を歩いてきました。
    [こんにちは|お久しぶりです]。[だいぶ|すっかり]{season}らしくなってきましたね。
    [前から|以前から]気になっていたことを、[図書館で|{school}の資料で]調べてみました。
    [写真|地図]を見ながら書いて[いるので|います]、[間違いがあれば|違っていたら]教えて[ください|いただけると助かります]。
    {_dish}を食べながら、[ふと|なぜか]{_thing}のことを思い出しました。
    [今日|今回]は{field}の[話|こと]を[少し|]書きます。
    [祖父|父|友人]は{_job}で、[よく|いつも]「{_quote}」と[言っていました|口にしていました]。
    {town}行きの[バス|列車]は{_n}時間に1本しかなく、[待合室|駅]で{_nn}分待ちました。
    [帰り|途中]に寄った{shop}では、{_goods}が{_price}円で[売られて|並んで]いました。
    [なんと|驚いたことに]、{_person}の{_thing}が[まだ|今も]残っているのです。
    [長くなったので|続きは]、[また今度|次の記事で]。
    [皆さん|みなさん]の[町|ところ]にも、こういう{_place}は[ありますか|残っているでしょうか]。
    [今年|去年]の{festival}は[雨で|人が多くて]、{_thing}を[ゆっくり|]見る[余裕がなかった|ことができなかった]。
    {_species}を[見かけた|撮った]のは{month}月の[初め|終わり]で、[それ以来|あとは]一度も[会って|見て]いない。
    [まとめると|要するに]、[{_thing}は奥が深い|{town}はよいところ]、という[話|こと]です。
    いかがでしたか。[次回|来週]は{_field}について[書く|お話しする][予定|つもり]です。
    最後までお読みいただき、[ありがとうございました|ありがとうございます]。
    [気になる方|興味のある方]は[ぜひ|一度]{town}へ[どうぞ|お出かけください]。
    [{_thing}|{_goods}]を[買う|選ぶ]なら、[値段|見た目]より[丈夫さ|使いやすさ]が大事だと[思います|教わりました]。
    [コメント|メール]を[いただいた|くださった]皆さん、ありがとうございます。
    """
)


def article(page: Page, secret: Secret, falsehood: Falsehood) -> None:
    """An article with its facts, and in one page out of three sentences of a diary before and behind it."""
    draw = page.draw
    told = JA.tell(page.seed, draw, secret, falsehood)
    page.lines = told.paragraphs
    page.labels = {
        "kind": told.kind, "entity": told.entity, "facts": told.ids(told.facts), "false": told.ids(told.false),
    }  # fmt: skip
    if draw.chance(0.35):
        page.lines = ["".join(page.some(_DIARY, draw.between(1, 3))), *page.lines]
        if draw.chance(0.6):
            page.lines.append("".join(page.some(_DIARY, draw.between(1, 3))))
    if draw.chance(0.4):
        page.lines.insert(0, page.said(_TITLES))
