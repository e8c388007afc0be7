"""Personal data in sound pages, and what only looks like it."""

from __future__ import annotations

from collections.abc import Callable

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.web.page import Page, wordings
from studylib.data.miniworld.web.personal import digits, luhn, my_number_check

_CONTACTS = wordings(
    """
    [お問い合わせ|連絡先|お申し込み][は|：|先は]{PHONE}（担当：{NAME}）[まで。|]
    [ご意見|ご感想|ご質問]は{EMAIL}[までお寄せください。|まで。|宛にお願いします。]
    [住所|所在地][：|:|]{POSTAL} {ADDRESS}　[TEL|電話][：|: | ]{PHONE}
    [参加|見学]を[希望|ご希望]の方は、{month}月{day}日までに{NAME}[さん|様]（{PHONE}）へ[ご連絡|お電話]ください。
    [事務局|担当者|代表]：{NAME}[様|氏|さん|]　[メール|E-mail|mail][：|: | ]{EMAIL}
    {NAME}[さん|様|氏|先生]（{town}在住）は、[携帯電話|携帯]{PHONE}で[連絡がつく|受け付けている]そうです。
    [投稿者|名前]：{NAME}[さん|様|]　{year}/{month}/{day}（IP：{IP}）
    [送り先|届け先]は、{POSTAL}　{ADDRESS}　{NAME}様[です。|。]
    [申込者|契約者|受取人]：{NAME}様　[携帯|電話][:|：]{PHONE}
    [カード番号|クレジットカード][は|：|:]{CARD}、[名義|名義人]は{NAME}様[でした。|です。|。]
    [個人番号|マイナンバー][（12桁）|]{NUMBER}を[記入|転記]した{NAME}さんの[書類|申請書]が[誤って公開されていた|ウェブに載っていた]。
    {year}-{month}-{day} {hour}:{minute} [接続元|アクセス元|client] {IP} [ログイン成功|認証エラー|GET /index.html]
    [落とし物|忘れ物]の[連絡|お知らせ]：{place}で{_goods}を拾いました。[心当たりの方は|お心当たりのある方は]{PHONE}へ。
    [発起人|会長]の{NAME}[さん|氏]の自宅は{ADDRESS}にあり、[会合|寄り合い]も[そこで|そこで毎月]開かれる。
    [喪主|葬儀委員長]の連絡先は{PHONE}、弔電は{ADDRESS}　{NAME}様[宛|あて]。
    [サーバー|ルーター]のアドレスは{IP}、[予備|副系]は{IP}[です。|に変わりました。]
    [名簿|幹事]：{NAME}[さん|様|氏]（{PHONE}）、{NAME}[さん|様|氏]（{EMAIL}）
    [返信先|宛先]は {EMAIL} または {PHONE} [です|となります]。
    """
)
_DECOYS = wordings(
    """
    [皆さん|みなさん|皆様]も[ぜひ|一度]{town}の{festival}を[見に来て|訪ねて]みてください。
    お客様は神様[です|だ]、という言葉は{old_year}年ごろから[使われている|広まった]という。
    {year}-0{n}-1{_n}[現在|時点]の[会員|人口]は{big}人[です。|である。]
    [定価|価格|入場料]は{price}円（税込）で、[{n}枚つづり|セット]は{_price}円[です。|。]
    [版|バージョン]は{n}.{_n}.{_n}.{_n}で、{n}.{_n}.0より前のものでは[動かない|表示できない]。
    {old_year}-{year}年の[記録|資料]は{school}にあり、pp. {nn}-1{_nn}に[図|表]が載っている。
    [条例|規則]第{nn}条第{n}項[は|では]、{thing}の[届出|許可]について[定めている|定める]。
    [昭和|平成]2{_n}年法律第{_nn}号の第{n}条から第1{_n}条[までが|が]これに[あたる|関わる]。
    [受付|営業|開館]は9:00-17:00、[月曜|火曜|水曜]は[休み|定休]です。
    型番は{A}-{D4}-{D4}、[部品|交換品]の番号は{D4}-{D3}[です。|である。]
    [注文|受付|整理]番号{X12}の[荷物|品]は{month}月{day}日に[発送された|届いた]。
    『{work}』は ISBN{ISBN} で[注文できる|検索できる]。
    神様に[供える|捧げる]{dish}は、{season}の[はじめ|終わり]に[王様|殿様]も[食べた|口にした]と[いわれる|伝わる]。
    お子さん連れの[方|お客様]は[受付の|窓口の]お姉さんに[声をかけて|たずねて]ください。
    [論文|報告]の識別子は10.{D4}/j.test.{year}.0{n}.00{_n}[だ。|である。|です。]
    [文書|資料]例として192.0.2.0/24という[範囲|アドレス帯]が[使われる|挙げられている]。
    [製造|管理]番号は{X16}で、[銘板|底面]に[刻まれている|記されている]。
    [徳川家康|織田信長|源頼朝]様[と|とも]呼ばれた[武将|人物]の[像|絵]が{place}に[ある|残る]。
    会期は{month}/{day}-{month}/2{n}、[時間|開場]は10:00〜16:30[です。|。]
    [神奈川県|長野県|北海道]に[ついては|あった{thing}は]、本書の{nn}-1{_nn}ページを[参照|見よ]。
    """
)


class _Decoys:
    """The page's words, and numbers that look like personal data and have a wrong check digit or length."""

    def __init__(self, page: Page):
        self._page = page

    def __getitem__(self, slot: str) -> str:
        draw = self._page.draw
        if slot == "A":
            return draw.pick(("AB", "KX", "TR-7", "ZS", "MH", "Q"))
        if slot == "D4":
            return f"{draw.between(1000, 9899)}"
        if slot == "D3":
            return f"{draw.between(100, 989)}"
        if slot == "X12":
            return _spoiled(draw, "8" + digits(draw, 10), my_number_check)
        if slot == "X16":
            return _spoiled(draw, "4" + digits(draw, 14), luhn)
        if slot == "ISBN":
            return isbn(draw)
        return self._page.words[slot]


def _spoiled(draw: Draw, body: str, check: Callable[[str], str]) -> str:
    """The digits with another check digit than the right one."""
    return body + str((int(check(body)) + draw.between(1, 9)) % 10)


def isbn(draw: Draw) -> str:
    """A book number with its check digit, of the registration group 4 (Japan) and a publisher that is not given out."""
    body = f"97840000{digits(draw, 4)}"
    check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
    return draw.pick(("978-4-0000-{}-{}", "9784 0000 {}{}", "978-4-00-00{}-{}")).format(body[8:], check)


def contact(page: Page, inside: bool) -> None:
    """One to three lines with personal data, ``inside`` the text or at its end."""
    for line in page.some(_CONTACTS, page.draw.pick((1, 1, 2, 3))):
        _insert(page, line, inside)


def decoy(page: Page, inside: bool) -> None:
    """One or two sentences whose numbers and honorifics name nobody."""
    for _ in range(page.draw.between(1, 2)):
        _insert(page, page.said(_DECOYS, _Decoys(page)), inside)


def _insert(page: Page, line: str, inside: bool) -> None:
    last = len(page.lines)
    page.lines.insert(page.draw.between(min(1, last), last) if inside else last, line)
