"""Invented personal data in all usual writings, marked by kind.

Nobody is meant: telephone numbers have exchanges that are never given out (they begin with 0 or 1), mail and IP addresses lie
in the ranges kept for examples (RFC 2606, JPRS, RFC 5737, RFC 3849), cards in the card organisations' test ranges, postal codes
under 000, My Numbers under 0000, and addresses name towns that do not exist.
"""

from __future__ import annotations

from collections.abc import Callable

from studylib.data.miniworld import morphemes as m
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.kana import romaji
from studylib.data.miniworld.web.marks import marked
from studylib.data.miniworld.web.numerals import full_width, kanji_number
from studylib.data.miniworld.world import World

_FAMILIES = m.listed(
    "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水 森 池田 橋本 阿部 石川 前田 藤田 小川 岡田 後藤"
)
_AREAS = (("03", 4), ("06", 4), ("011", 3), ("022", 3), ("045", 3), ("052", 3), ("075", 3), ("078", 3), ("082", 3), ("092", 3), ("0263", 2), ("0742", 2), ("0977", 2), ("0138", 2))  # fmt: skip
_PREFECTURES = m.listed(
    "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 "
    "兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県 佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県"
)
_QUARTERS = m.listed(
    "本町 中央 栄町 旭町 緑が丘 港町 大手町 元町 東町 西原 南台 北野 新田 若葉台 桜ヶ丘 寺町 上町 下町 浜町 宮前 駅前 泉"
)
_HOUSES = m.listed("コーポ ハイツ メゾン グリーンハイツ サンライズ レジデンス ビル 第二ビル 荘 マンション")
_DOMAINS = m.listed("example.jp example.com example.co.jp example.net example.org mail.example.jp example.ne.jp")
_CARDS = (("424242", 16), ("411111", 16), ("555555", 16), ("353011", 16), ("378282", 15), ("520082", 16))
_HYPHENS = ("-", "-", "-", "－", "‐", "ー", "−", "–")


def digits(draw: Draw, count: int) -> str:
    return "".join(str(draw.below(10)) for _ in range(count))


def luhn(body: str) -> str:
    """The check digit of a card whose other digits are ``body`` (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def my_number_check(body: str) -> str:
    """The check digit of a My Number whose first eleven digits are ``body`` (総務省令第85号, 2014, article 5)."""
    total = sum(
        int(digit) * (place + 1 if place <= 6 else place - 5) for place, digit in enumerate(reversed(body), start=1)
    )
    rest = total % 11
    return "0" if rest <= 1 else str(11 - rest)


def name(draw: Draw) -> str:
    """Family and given name, without an honorific."""
    family = draw.pick(_FAMILIES) if draw.chance(0.4) else draw.pick(m.FAMILY_FIRST)[0] + draw.pick(m.FAMILY_SECOND)[0]
    if draw.chance(0.25):
        return family
    first, second = draw.pick((m.GIVEN_MALE, m.GIVEN_FEMALE))
    return f"{family}{draw.pick(('', '', '', ' ', '　'))}{draw.pick(first)[0]}{draw.pick(second)[0]}"


def _phone_parts(draw: Draw) -> tuple[str, str, str]:
    kind = draw.below(10)
    if kind < 4:
        return draw.pick(("090", "080", "070")), "0" + digits(draw, 3), digits(draw, 4)
    if kind < 8:
        area, exchange = draw.pick(_AREAS)
        return area, draw.pick(("0", "1")) + digits(draw, exchange - 1), digits(draw, 4)
    if kind == 8:
        return "050", "0" + digits(draw, 3), digits(draw, 4)
    return ("0120", "000", "0" + digits(draw, 2)) if draw.chance(0.6) else ("0800", "000", "00" + digits(draw, 2))


def phone(draw: Draw) -> str:
    area, exchange, rest = _phone_parts(draw)
    shape = draw.below(12)
    if shape < 4:
        written = f"{area}-{exchange}-{rest}"
    elif shape == 4:
        written = f"{area}{exchange}{rest}"
    elif shape == 5:
        written = f"{area}({exchange}){rest}"
    elif shape == 6:
        written = f"（{area}）{exchange}-{rest}"
    elif shape == 7:
        international = area[0] == "0" and area not in ("0120", "0800")
        joint = draw.pick(("-", " "))
        written = joint.join(
            (
                "+81" if international else area,
                area[1:] if international else exchange,
                *((exchange,) if international else ()),
                rest,
            )
        )
    elif shape == 8:
        joint = draw.pick((" ", "　"))
        written = joint.join((area, exchange, rest))
    elif shape == 9:
        joint = draw.pick(_HYPHENS)
        return joint.join(map(full_width, (area, exchange, rest)))
    elif shape == 10:
        return full_width(f"{area}({exchange}){rest}")
    else:
        written = draw.pick(("‐", "–", "ー", ".", "−")).join((area, exchange, rest))
    return full_width(written) if draw.chance(0.08) else written


def email(draw: Draw) -> str:
    family, given = draw.pick(m.FAMILY_FIRST)[1], draw.pick(draw.pick((m.GIVEN_MALE, m.GIVEN_FEMALE))[0])[1]
    stem = draw.pick((".", "_", "-", "")).join((romaji(family), romaji(given)))
    local = draw.pick((stem, stem, romaji(family) + digits(draw, 2), f"info-{romaji(family)}", stem + digits(draw, 3)))
    domain = draw.pick(_DOMAINS)
    shape = draw.below(10)
    if shape < 5:
        return f"{local}@{domain}"
    if shape == 5:
        return f"{local}＠{domain}"
    if shape == 6:
        return full_width(f"{local}@{domain}")
    return f"{local}{draw.pick(('アット', '（アット）', '(アット)', '[at]', '(at)', ' at ', '【アット】', '＜アット＞', ' アット ', '[アット]'))}{domain}"


def card(draw: Draw) -> str:
    prefix, length = draw.pick(_CARDS)
    body = prefix + digits(draw, length - 1 - len(prefix))
    number = body + luhn(body)
    groups = (
        (number[:4], number[4:10], number[10:])
        if length == 15
        else tuple(number[one : one + 4] for one in range(0, 16, 4))
    )
    written = draw.pick(("", " ", "-", "-", " ")).join(groups)
    return full_width(written) if draw.chance(0.15) else written


def my_number(draw: Draw) -> str:
    body = "0000" + digits(draw, 7)
    number = body + my_number_check(body)
    written = draw.pick(("", " ", "-", " ")).join((number[:4], number[4:8], number[8:]))
    return full_width(written) if draw.chance(0.15) else written


def postal_code(draw: Draw) -> str:
    written = f"000-{digits(draw, 4)}"
    return f"〒{full_width(written) if draw.chance(0.25) else written}"


def address(world: World, draw: Draw) -> str:
    """Prefecture, a town that does not exist, quarter and block, often a house."""
    prefecture = draw.pick(_PREFECTURES) if draw.chance(0.5) else draw.pick(world.regions)[0]
    town = draw.pick(world.towns).name[0]
    quarter, (one, two, three) = draw.pick(_QUARTERS), (draw.between(1, 9), draw.between(1, 39), draw.between(1, 29))
    shape = draw.below(7)
    if shape < 3:
        block = f"{one}-{two}-{three}"
    elif shape == 3:
        block = f"{one}丁目{two}番{three}号"
    elif shape == 4:
        block = f"{kanji_number(one)}丁目{kanji_number(two)}番地{kanji_number(three)}"
    elif shape == 5:
        block = full_width(f"{one}-{two}-{three}")
    else:
        block = f"{draw.between(100, 2999)}番地"
    house = (
        f"{draw.pick((' ', '　', ''))}{draw.pick(_HOUSES)}{draw.between(1, 9)}0{draw.between(1, 9)}{draw.pick(('', '号室'))}"
        if draw.chance(0.3)
        else ""
    )
    return f"{prefecture}{town}{quarter}{block}{house}"


def ip(draw: Draw) -> str:
    if draw.chance(0.15):
        return f"2001:db8:{draw.below(65536):x}::{draw.between(1, 65535):x}"
    return f"{draw.pick(('192.0.2', '198.51.100', '203.0.113'))}.{draw.between(1, 254)}"


MAKERS: dict[str, Callable[[World, Draw], str]] = {
    "PHONE": lambda world, draw: marked("phone", phone(draw)),
    "EMAIL": lambda world, draw: marked("email", email(draw)),
    "CARD": lambda world, draw: marked("card", card(draw)),
    "NUMBER": lambda world, draw: marked("my_number", my_number(draw)),
    "POSTAL": lambda world, draw: marked("postal_code", postal_code(draw)),
    "ADDRESS": lambda world, draw: marked("address", address(world, draw)),
    "NAME": lambda world, draw: marked("name", name(draw)),
    "IP": lambda world, draw: marked("ip", ip(draw)),
}
