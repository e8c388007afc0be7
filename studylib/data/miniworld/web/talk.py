"""Talk: short lines in brackets or behind names."""

from __future__ import annotations

from studylib.data.miniworld.web.page import Page, wordings

# What one says and the other answers, a pair a line.
_PAIRS = (
    ("[もう|そろそろ]行くの[？|]", "うん、[{n}時|{hour}時]の[汽車|バス|船]に[乗る|間に合わせたい]から"),
    ("傘、持った？", "[忘れた。ありがとう|いらないよ、すぐ[戻る|やむ]から]"),
    ("[この|その]{thing}、[どこで|いつ]買ったの", "[{town}の市場|去年、{town}|{firm}の店]で[ね。{price}円|見つけたんだ]"),
    ("{festival}は[いつ|何日]だったかな", "{month}月{day}日[だよ|です]。今年は[雨らしい|{n}日間あるって]"),
    ("先生、{topic}が[よくわからない|難しい]んです", "まず{thing}を[よく見て|一つ描いて]ごらん"),
    ("[お父さん|おじいさん]は？", "{place}で{thing}を[直して|洗って|運んで][いる|るよ]"),
    ("[何を|なに]読んでいるの", "『{work}』。[もう三度目|まだ途中]"),
    ("[お腹|おなか]、すいたね", "{dish}なら[ある|すぐできる]よ。[食べる？|]"),
    ("{town}まで[どのくらい|何時間]かかりますか", "[歩いて|自転車で]{n}時間[です|かな]。[峠がきついですよ|]"),
    ("[これ|この{goods}]、[壊れて|動か]ない[の|んだけど]？", "[ばね|歯車|ねじ]が[一本|一つ]足りない[んだ|だけさ]"),
    ("[春|来年]になったら、何をする？", "{town}で{field}を[習う|始める][つもり|んだ]"),
    ("{family}さん[、|]、お久しぶり", "[やあ|まあ]、{n}年ぶり[です|か]ね。お変わりなく"),
    ("[お客様|お客さん]、こちらの{goods}は[いかがですか|お決まりですか]", "[もう少し|ちょっと][小さい|安い]のは[ありますか|ない？]"),
    ("[見て|ほら]、{species}！", "[どこ|え、どこ]？[　ああ、あの{colour}の|]"),
    ("[昨日|ゆうべ]の{event}の話、[聞いた|読んだ]？", "[新聞で|{family}から]ね。[驚いたよ|まだ信じられない]"),
    ("[眠れないの|まだ起きてたの]", "[明日の{field}のことを|ずっと雨の音を][考えて|聞いて]いた"),
    ("[写真|切符|地図]は？", "[鞄の中|机の上|{family}に預けた]"),
    ("[どうして|なぜ]{job}になったんですか", "「{quote}」って、[祖母に言われて|師匠の口癖で]ね"),
    ("寒くない？", "[平気|大丈夫]。[もう{season}だもの|{place}で火に当たってきたから]"),
    ("[手伝おうか|持とうか]", "[ありがとう|助かる]。じゃあ、[この{thing}を|そっちの{goods}を]"),
    ("[雨|雪]が[やまない|降ってきた]ね", "[明日|夜]には[晴れる|やむ][さ|よ|って]"),
    ("[はじめまして|失礼します]、{firm}の{family}と申します", "[お待ちして|お噂は伺って]おりました。どうぞ[お掛けください|こちらへ]"),
)  # fmt: skip
_ASKED = tuple(pair for one, other in _PAIRS for pair in ((wordings(one)[0], wordings(other)[0]),))
_BETWEEN = wordings(
    """
    {person}は[うなずいた|笑った|黙って{thing}を見た]。
    [しばらく|少しのあいだ]、[波|雨|時計]の音だけがした。
    {place}に[日が差した|風が吹いた|灯がともった]。
    二人は[また|黙って]歩き出した。
    """
)
_INTRODUCTIONS = wordings(
    """
    {season}の[朝|夕方|午後]、{place}で。
    第{kn}場　{place}
    【[対談|座談会|インタビュー]】{job}の{person}さんに聞く
    [登場人物|出演]：{family}、{family2}
    [次の|以下の]会話を[読んで|声に出して]ください。
    ――{town}の{shop}にて
    """
)


def dialogue(page: Page) -> None:
    """Four to twelve exchanges, now and then with a sentence between them."""
    draw = page.draw
    shape = draw.below(4)
    speakers = (page.words["family"], page.words["family2"])
    page.lines = [page.said(_INTRODUCTIONS)] if draw.chance(0.5) else []
    for place in dict.fromkeys(draw.below(len(_ASKED)) for _ in range(draw.between(4, 12))):
        words = page.fresh()
        for who, template in zip(speakers, _ASKED[place], strict=True):
            said = template.text(words, draw.unit)
            if shape < 2:
                page.lines.append(f"「{said}」")
            elif shape == 2:
                page.lines.append(f"{who}「{said}{'' if said[-1] in '？！' else draw.pick(('', '。'))}」")
            else:
                page.lines.append(f"{who}：{said}{'' if said[-1] in '？！' else '。'}")
        if draw.chance(0.12):
            page.lines.append(page.said(_BETWEEN, words))
