"""Talk: short lines in brackets or behind names."""

from __future__ import annotations

from studylib.data.miniworld.web.page import Page, wordings

# What one says and the other answers, a pair a line.
_PAIRS = (
    ("[もう|そろそろ]{town}へ行くの[？|]", "うん、[{n}時|{hour}時]の[汽車|バス|船]に[乗る|間に合わせたい]から"),
    ("[傘|{goods}]、持った？", "[忘れた。ありがとう|いらないよ、すぐ[戻る|やむ]から|{place}に置いてきた]"),
    ("[この|その|あの]{thing}、[どこで|いつ]買ったの", "[{town}の市場|去年、{town}|{firm}の店]で[ね。{price}円|見つけたんだ|もらったの]"),
    ("{bare}の{festival}は[いつ|何日]だったかな", "{month}月{day}日[だよ|です]。今年は[雨らしい|{n}日間あるって|{place}でやるそうだ]"),
    ("先生、{topic}が[よくわからない|難しい]んです", "まず{thing}を[よく見て|一つ描いて|{n}日続けて調べて]ごらん"),
    ("[お父さん|おじいさん|{given}]は？", "{place}で{thing}を[直して|洗って|運んで][いる|るよ]"),
    ("[何を|なに]読んでいるの", "『{work}』。[もう{n}度目|まだ途中|{family}に借りたんだ]"),
    ("[お腹|おなか]、すいたね。[{hour}時か|もう昼だよ]", "{dish}なら[ある|すぐできる]よ。[食べる？|{family2}も呼ぼうか]"),
    ("{town}まで[どのくらい|何時間]かかりますか", "[歩いて|自転車で|馬車なら]{n}時間[です|かな]。[峠がきついですよ|{place}で休むといい]"),
    ("[これ|この{goods}]、[動か|鳴ら|開か]ない[の|んだけど]？", "[ばね|歯車|ねじ]が[一本|{n}つ]足りない[んだ|だけさ|って{family}が]"),
    ("[春|{season}]になったら、何をする？", "{town}で{field}を[習う|始める][つもり|んだ]。[{family}も一緒に|]"),
    ("[先生|おじさん|船長さん][、|じゃありませんか。]お久しぶり", "[やあ|まあ]、{n}年ぶり[です|か]ね。[お変わりなく|{town}以来だ]"),
    ("[お客様|お客さん]、こちらの{goods}は[いかがですか|お決まりですか]", "[もう少し|ちょっと][小さい|安い|軽い]のは[ありますか|ない？]。[{price}円まで|]"),
    ("[見て|ほら]、{species}[！|がいる]", "[どこ|え、どこ]？[　ああ、あの{colour}の|{place}のほう？]"),
    ("[昨日|ゆうべ]の{event}の話、[聞いた|読んだ]？", "[新聞で|{family}から]ね。[驚いたよ|まだ信じられない|{n}人も来たって]"),
    ("[眠れないの|まだ起きてたの]、[{hour}時だよ|{given}]", "[明日の{field}のことを|{place}のことを|ずっと雨の音を][考えて|思って|聞いて]いた"),
    ("[写真|切符|地図|{thing}]は？", "[鞄の中|机の上|{family}に預けた|{place}に忘れてきた]"),
    ("[どうして|なぜ]{job}になったんですか", "『{quote}』って、[祖母に言われて|師匠の口癖で|本で読んで]ね"),
    ("寒くない？[　{place}は|]", "[平気|大丈夫]。[もう{season}だもの|{place}で火に当たってきたから]"),
    ("[手伝おうか|持とうか]、その{thing}", "[ありがとう|助かる]。じゃあ、[この{goods}を|{place}まで]"),
    ("[雨|雪|風]が[やまない|ひどくなってきた]ね、[おばあさん|大将|お母さん]", "[明日|夜|{hour}時]には[晴れる|やむ|おさまる][さ|よ|って]"),
    ("[はじめまして|失礼します]、{firm}の{family}と申します", "[お待ちして|{family2}からお噂は伺って]おりました。どうぞ[お掛けください|こちらへ]"),
    ("{thing}と{thing2}、[どちらが|どっちが]いい？", "[そりゃあ|やっぱり]{thing}[だね|でしょう]。{family}も[そう言って|同じのを使って]いた"),
    ("{work}を書いたのは[だれ|{family}]でしたっけ", "[さあ|たしか]、{town}の人[だったと思う|だと聞きました]"),
    ("[兄|妹|{given}]から手紙は来た？", "[先週|{month}月に]ね。{town}で{field}を[している|教えている][そうだ|って]"),
    ("{price}円？　[高い|安い]なあ、この{goods}", "{material}だからね。[{n}年は使える|{firm}の品だよ]"),
    ("[市場|{shop}]は[何時|いつ]から開いていますか", "{hour}時から[です|だよ]。[でも{month}月は休みが多い|{place}の角を曲がってすぐ]"),
    ("{job}の仕事は[つらい|おもしろい]ですか", "[慣れればね|毎日が{thing}との勝負です]。もう{nn}年[になります|やっています]"),
    ("{feature}は[どっち|どちら]ですか", "{place}を[右|左|まっすぐ]に。[歩いて{n}分|橋の先に見えます]"),
    ("[約束|{hour}時の約束]、忘れてないよね", "[もちろん|ええと…ごめん]、{place}で[しょ|だったね]"),
    ("その{goods}、[貸して|見せて]くれない？", "[いいよ|どうぞ]。[{family}に返すものだから気をつけて|落とさないでね]"),
    ("{field}を[始めて|習って]どれくらい？", "{n}年と{n2}か月。[まだまだ{thing}もうまくできない|先生は{family}という人]"),
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
    【[対談|座談会|インタビュー]】{job}・{person}に聞く
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
