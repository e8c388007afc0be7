"""Telephone, card, My Number and postal code numbers.

Sources: the Ministry of Internal Affairs' numbering plan (10 digits, 11 behind 0X0 and 0800), ISO/IEC 7812 (card numbers and
their check digit), the order no. 85 of 2014 of the same ministry, article 5 (check digit of the My Number).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from studylib.data.clean._personal._candidate import Candidate
from studylib.data.clean._personal._characters import CLOSE, DIGIT, HYPHEN, OPEN, SPACE, before, digit_groups, narrow
from studylib.data.clean._personal._signs import Signs, Stretch

_D, _H = f"[{DIGIT}]", f"[{HYPHEN}]"
# Between two groups of digits: nothing, a hyphen (spaces around it), a space or a full stop.
_BETWEEN = f"(?:[{SPACE}]?{_H}[{SPACE}]?|[{SPACE}.．・])?"
_CLOSED = f"(?:[{CLOSE}][{SPACE}]?{_H}?|{_BETWEEN})"
_OPENED = f"(?:[{SPACE}]?[{OPEN}]|{_CLOSED})"
# Written first: one character that patterns can be sought by, then what may not stand before it.
_ALONE = f"(?<![{DIGIT}].)"
_ENDS = f"(?!{_D}|{_H}{_D}|[.．]{_D})"
_SEVEN = re.compile(f"{_D}(?:[^\\w\n]{{0,3}}{_D}|[ーｰ]{_D}){{6}}")  # without them nothing is looked for
_DOMESTIC = re.compile(
    f"[0０{OPEN}]{_ALONE}(?:(?<=[{OPEN}])[0０])?{_D}{{1,4}}{_OPENED}{_D}{{1,4}}{_CLOSED}{_D}{{2,4}}{_ENDS}", re.DOTALL
)
_WITH_81 = re.compile(
    f"[+＋][8８][1１]{_BETWEEN}(?:[{OPEN}][0０][{CLOSE}]{_BETWEEN})?"
    f"{_D}{{1,4}}{_BETWEEN}{_D}{{1,4}}{_BETWEEN}{_D}{{3,4}}{_ENDS}"
)
_ABROAD = re.compile(f"[+＋](?![8８][1１]|[0０]){_D}(?:[{SPACE}{HYPHEN}.{OPEN}{CLOSE}]{{0,2}}{_D}){{6,14}}{_ENDS}")
_LONG = re.compile(f"{_D}{_ALONE}(?:[{SPACE}{HYPHEN}]?{_D}){{11,18}}(?!{_D}|[{SPACE}{HYPHEN}.．]{_D})", re.DOTALL)
_POSTAL = re.compile(
    f"(〒[{SPACE}]?{_D}{{3}}{_BETWEEN}{_D}{{4}}){_ENDS}|郵便番号[：:はが]?[{SPACE}]?(〒?{_D}{{3}}{_BETWEEN}{_D}{{4}}){_ENDS}"
)
_POSTAL_OF_ADDRESS = re.compile(
    f"{_D}{_ALONE}{_D}{{2}}{_H}{_D}{{4}}(?=[{SPACE}\n]{{0,2}}(?:東京都|北海道|大阪府|京都府|[一-鿿]{{2,3}}県))",
    re.DOTALL,
)

_CALLS = re.compile(
    r"(?:電話(?:番号)?|でんわ|℡|☎|☏|📞|📱|tel(?:ephone)?|phone|fax|ファック?ス|ファクシミリ|携帯(?:電話|番号)?|連絡先|直通|代表|ダイヤル|内線)"
    r"[^0-9\n]{0,6}$",
    re.IGNORECASE,
)
_CARD_NAMED = re.compile(
    r"(?:カード(?:番号)?|card(?: ?(?:number|no\.?))?|visa|jcb|mastercard|アメックス|クレジット)[^0-9\n]{0,8}$",
    re.IGNORECASE,
)
_MY_NUMBER_NAMED = re.compile(r"(?:個人番号|マイナンバー|my ?number)[^0-9\n]{0,10}$", re.IGNORECASE)
# Numbers of things.
_OTHER_NAMED = re.compile(
    r"(?:型番|型式|品番|図番|部品番号|isbn|issn|jan|doi|特許|商品|管理|製造|整理|法人|口座|伝票|追跡|送り状|(?:注文|受注|問い?合わ?せ|受付|予約|会員|登録|申込|照会)番号"
    r"|書類|文書|資料|シリアル|ロット|コード|識別子|バージョン|version|ver\.?|serial|code|\bid|no\.?|第|シリーズ)(?:番号|コード|no\.?|id|の)?"
    r"[はがも]?[^0-9A-Za-z\n]{0,3}$",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"[ \u3000]?(?:年|月|円|号[機室車棟]|番地|丁目|ページ|頁|条|%|％|人|件|個|万|億|[A-Za-z_]*(?<![A-Za-z])[A-Za-z]*=)"
)
_WORDS = re.compile("[ぁ-ゖァ-ヺ一-鿿]")
_DIGIT_IN_FRONT, _DIGIT_BEHIND = re.compile(rf"{_D}\s{{1,2}}$"), re.compile(rf"\s{{1,2}}{_D}")
_MOMENT = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?:[01]\d|2[0-4])[0-5]\d")
_IN_ATTRIBUTE = re.compile(r"(?:^|[ \"'])(?:id|name|class|src|key|data-[a-z-]{1,9})=[\"']?$")
_PART_OF_NAME = re.compile("[A-Za-z_]|[_-][A-Za-z0-9]")
_IN_CODE = re.compile(r"[A-Za-z0-9_/=#&%$@\\.+\-‐-―−]$")
_IN_MARKUP = re.compile(r"[\"'<>`]$")


def numbers(text: str, signs: Signs) -> Iterator[Candidate]:
    """Telephone, card, My and postal code numbers; no pattern goes beyond a stretch of digits but for what stands before it."""
    if any(_SEVEN.search(text, one.start, one.stop) for one in signs.stretches):
        for stretch in signs.stretches:
            yield from cards_and_my_numbers(text, stretch)
            yield from phones(text, stretch)
            yield from postal_codes(text, stretch)


def phones(text: str, stretch: Stretch) -> Iterator[Candidate]:
    """Domestic numbers by the numbering plan, those with +81, and valid ones of other countries behind a plus."""
    begin, end, digits = max(0, stretch.start - 1), stretch.stop, stretch.digits
    for found in _DOMESTIC.finditer(text, begin, end) if digits >= 10 else ():
        start, stop = found.span()
        brackets = narrow(found.group())
        if text[start] in OPEN and brackets.count("(") > brackets.count(")"):
            start += 1  # the bracket is around more than the number
        sure = _is_domestic(text, start, stop)
        if sure is not None:
            yield Candidate(start, stop, "phone", sure)
    for found in _WITH_81.finditer(text, begin, end):
        country, *rest = digit_groups(found.group())
        number = "".join([country[2:], *rest]).removeprefix("0")
        if len(number) == 9 or (len(number) == 10 and re.match("[5-9]0|800", number)):
            yield Candidate(*found.span(), "phone")
    for found in _ABROAD.finditer(text, begin, end):
        if _is_valid(found.group(), None):
            yield Candidate(*found.span(), "phone")


def _is_domestic(text: str, start: int, stop: int) -> bool | None:
    """None: it cannot be one; False: only where it is confirmed elsewhere."""
    written = text[start:stop]
    groups = digit_groups(written)
    number = "".join(groups)
    lengths = tuple(map(len, groups))
    if not _fits_the_plan(number, groups, lengths):
        return None
    front = before(text, start)
    if _CALLS.search(front):
        return True
    if (
        (_IN_CODE.search(front) and not re.search("[0-9]/$", front))
        or _OTHER_NAMED.search(front)
        or _COUNTED.match(text, stop)
    ):
        return None
    in_name = _PART_OF_NAME.match(text, stop) and not re.match("(?i:tel|fax)", text[stop : stop + 3])
    if in_name or _IN_ATTRIBUTE.search(front):
        return None
    is_plain = len(number) == 11 or number.startswith("0120") or _is_valid(number, "JP")
    beside = (text[max(0, start - 1) : start], text[stop : stop + 1])
    in_brackets = beside[0] in tuple(OPEN) and beside[1] in tuple(CLOSE)
    if len(groups) == 1:
        if _IN_MARKUP.search(front) or re.match("[\"'<>`]", beside[1]):
            return None
        if number in "0123456789" or not _WORDS.search(_around(text, start, stop)):
            return False
        return is_plain or in_brackets
    if re.fullmatch(f"[{DIGIT}{SPACE}]+", written):
        if _in_column(text, start, stop):
            return None
        return is_plain or in_brackets or all(map(_WORDS.match, beside))
    if any(one in ".．・" for one in written):
        return len(groups) == 3 or None
    return True


def _fits_the_plan(number: str, groups: list[str], lengths: tuple[int, ...]) -> bool:
    if number[1:2] == "0" or not number.startswith("0"):
        return False
    if len(number) == 11:
        is_free = number.startswith("0800") and lengths in ((4, 3, 4), (4, 7))
        return bool(re.match("0[5-9]0", number)) and (is_free or lengths in ((3, 4, 4), (3, 8), (7, 4), (11,)))
    if len(number) != 10:
        return False
    if re.match("0120|0570|0990|01[78]0", number) and lengths in ((4, 3, 3), (4, 2, 4), (4, 6)):
        return True
    if len(groups) == 3:
        return lengths[0] + lengths[1] == 6 and lengths[2] == 4 and (lengths[0] > 2 or groups[0] in ("03", "04", "06"))
    if len(groups) == 2:  # 03-12345678, 0312-345678, 031234-5678
        return lengths in ((6, 4), (2, 8), (3, 7), (4, 6)) and (lengths[0] > 2 or groups[0] in ("03", "06"))
    return len(groups) == 1


def _is_valid(number: str, region: str | None) -> bool:
    import phonenumbers  # its tables take a while to load, and few texts need them

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(narrow(number), region))
    except phonenumbers.NumberParseException:
        return False


def cards_and_my_numbers(text: str, stretch: Stretch) -> Iterator[Candidate]:
    """Long numbers with the check digit of what they may be, or with its name before them.

    Cards have 14 to 19 digits and an issuer's prefix, a My Number has twelve. A My Number without its name in one piece stands
    among words and is no date and time.
    """
    for found in _LONG.finditer(text, stretch.start, stretch.stop) if stretch.digits >= 12 else ():
        groups = digit_groups(found.group())
        number = "".join(groups)
        lengths = [len(one) for one in groups]
        front = before(text, found.start())
        if len(number) == 12 and lengths in ([12], [4, 4, 4]):
            if _MY_NUMBER_NAMED.search(front):
                yield Candidate(*found.span(), "my_number")
            elif len(set(number)) > 1 and has_my_number_check(number) and not _is_of_a_thing(text, found, front):
                in_words = _WORDS.search(_around(text, *found.span())) is not None
                yield Candidate(
                    *found.span(), "my_number", sure=len(groups) > 1 or (in_words and not _MOMENT.match(number))
                )
        elif len(number) >= 14 and (len(groups) == 1 or lengths[0] == 4):
            named = _CARD_NAMED.search(front) is not None
            is_one = len(number) <= 16 or has_card_check(number)
            if is_one if named else is_card(number) and not _is_of_a_thing(text, found, front):
                yield Candidate(*found.span(), "card")


def _is_of_a_thing(text: str, found: re.Match[str], front: str) -> bool:
    """Whether it stands in code, markup or a column of numbers, or what is beside it says what else it numbers."""
    behind = text[found.end() : found.end() + 1]
    alone = len(digit_groups(found.group())) == 1
    return bool(
        _IN_CODE.search(front)
        or _OTHER_NAMED.search(front)
        or _COUNTED.match(text, found.end())
        or re.match("[A-Za-z_/]", behind)
        or _in_column(text, *found.span())
        or (alone and (_IN_MARKUP.search(front) or re.match("[\"'<>`]", behind)))
    )


def _in_column(text: str, start: int, stop: int) -> bool:
    """Whether digits stand beside it, over it or under it, as in lists and tables of numbers."""
    front, behind = text[max(0, start - 3) : start], text[stop : stop + 3]
    return bool(_DIGIT_IN_FRONT.search(front) or _DIGIT_BEHIND.match(behind))


def _around(text: str, start: int, stop: int) -> str:
    """What stands beside it in its line."""
    return text[max(0, start - 12) : start].rpartition("\n")[2] + " " + text[stop : stop + 12].partition("\n")[0]


def is_card(number: str) -> bool:
    """Whether a number of digits is of an issuer's range, as long as its cards are, with the right check digit."""
    first2, first3, first4 = int(number[:2]), int(number[:3]), int(number[:4])
    lengths: tuple[int, ...] = ()
    if number[0] == "4" or 51 <= first2 <= 55 or 2221 <= first4 <= 2720 or 3528 <= first4 <= 3589:
        lengths = (16,)  # Visa, Mastercard, JCB
    elif first2 in (34, 37):
        lengths = (15,)  # American Express
    elif 300 <= first3 <= 305 or first2 in (36, 38, 39):
        lengths = (14,)  # Diners Club
    elif first4 == 6011 or first2 == 65 or 644 <= first3 <= 649:
        lengths = (16,)  # Discover
    elif first2 == 62:
        lengths = (16, 17, 18, 19)  # UnionPay
    return len(number) in lengths and has_card_check(number)


def has_card_check(number: str) -> bool:
    """Luhn's formula."""
    doubled = (sum(divmod(2 * int(one), 10)) for one in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


def has_my_number_check(number: str) -> bool:
    """Eleven digits, weighed 2 to 7 and again 2 to 6 from the right, and the twelfth that follows from them modulo 11."""
    weighed = sum(
        int(digit) * weight
        for digit, weight in zip(reversed(number[:11]), (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6), strict=True)
    )
    return int(number[11]) == (11 - weighed % 11 if weighed % 11 > 1 else 0)


def postal_codes(text: str, stretch: Stretch) -> Iterator[Candidate]:
    """Seven digits with 〒, behind 郵便番号, or in front of a prefecture."""
    for found in _POSTAL.finditer(text, max(0, stretch.start - len("郵便番号：〒 ")), stretch.stop):
        yield Candidate(*found.span(1 if found.group(1) else 2), "postal_code")
    for found in _POSTAL_OF_ADDRESS.finditer(text, stretch.start, stretch.stop + len("  神奈川県")):
        yield Candidate(*found.span(), "postal_code")
