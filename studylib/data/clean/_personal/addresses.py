"""Postal addresses: municipality, town and block numbers. A prefecture or a town alone is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studylib.data.clean._personal._candidate import Candidate
from studylib.data.clean._personal._characters import DIGIT, HIRAGANA, HYPHEN, KANJI, KATAKANA, SPACE, narrow
from studylib.data.clean._personal._signs import Signs

_D, _H = f"[{DIGIT}]", f"[{HYPHEN}の]"
_N = f"(?:{_D}{{1,4}}|[一二三四五六七八九十百〇]{{1,4}})"
_JOINED = f"{_D}{{1,4}}(?:[{HYPHEN}]{_D}{{1,5}}){{1,3}}"
_BLOCK = (
    f"(?P<block>{_N}丁目[{SPACE}]?(?:{_N}番地?[{SPACE}]?(?:の?{_N}(?:{_H}{_N})?号?)?|{_JOINED}号?|{_D}{{1,3}}号?)"
    f"|{_N}番地(?:の?{_N}(?:号)?|{_H}{_N})?"
    f"|{_D}{{1,4}}の{_D}{{1,4}}の{_D}{{1,4}}"
    f"|{_N}番{_N}号(?:{_H}{_D}{{1,5}})?"
    f"|(?P<joined>{_JOINED}))"
)
_TOWN = f"[{KANJI}{HIRAGANA}{KATAKANA}]"
# Is sought by its last municipality, since 市区町村郡 are rare and prefectures may be left out.
_ADDRESS = re.compile(
    f"[市区町村郡](?:[{SPACE}]?{_TOWN}{{0,20}}?(?:{_D}{{1,2}}条[東西南北]?)?[{SPACE}]?)?(?=[{DIGIT}一二三四五六七八九十百〇]){_BLOCK}(?!{_D}|[{HYPHEN}.．:：]{_D})"
)
_KANA_TOWNS = "さいたま|つくば|いわき|つがる|にかほ|ひたちなか|かすみがうら|つくばみらい|さくら|みどり|ふじみ野|いすみ|あきる野|かほく|あわら|みよし|いなべ|たつの|南あわじ|さぬき|東かがわ|うきは|みやま|えびの|うるま|むつ|南アルプス|せたな|ニセコ|おいらせ|ときがわ|みなかみ|いの|あさぎり|おおい"
_PLACE = f"(?:{_KANA_TOWNS}|[一-鿿々ヶケ]{{1,6}})"
_PREFECTURE = "(?:東京都|北海道|大阪府|京都府|[一-鿿]{2,3}県)"
_HEAD = re.compile(
    f"(?P<prefecture>{_PREFECTURE}[{SPACE}]?)?(?P<place>(?:{_PLACE}[市区町村郡][{SPACE}]?){{0,3}}{_PLACE}[市区町村郡])$"
)
_FIELD = re.compile(
    "^(?:現住所|新住所|旧住所|住所|所在地|本籍地?|本社|支社|本店|支店|自宅|勤務先|届け先|送付先|連絡先|宛先|実家|会場|場所|転居先|同)"
)
_NO_PLACE = re.compile(
    "(?:都市|全市|各市|本市|同市|当市|市町|市町村|市区町村|同町|各町|本町村|同村|町村|地区|学区|選挙区|第[一二三四五六七八九十]+区)$"
)
_COUNTED = re.compile(
    "[ \u3000]?(?:人|名|年|月|日|時|分|秒|円|%|％|歳|才|個|台|件|回|位|世紀|キロ|km|m|ha|倍|万|億|点|度|勝|敗|章|条|項|巻)"
)
_HOUSE = "ビル|マンション|ハイツ|コーポ|アパート|荘|館|ハイム|メゾン|タワー|レジデンス|団地|寮|ハウス"
_BUILDING = re.compile(
    f"[{SPACE}]?[{KATAKANA}一-鿿A-Za-zＡ-Ｚ・]{{1,20}}?[{SPACE}]?[A-Z]?{_D}{{1,4}}(?:号室|号棟|[FＦ]|階)"
    f"|[{SPACE}]?(?:[{KATAKANA}一-鿿・]{{0,15}}(?:{_HOUSE})[{KATAKANA}一-鿿]{{0,8}}|[{KATAKANA}・]{{3,15}})[{SPACE}]?[A-Z]?{_D}{{1,4}}号?(?!{_D}|[{HYPHEN}年月円]|丁目)"
    f"|[{SPACE}]?[{KATAKANA}一-鿿・]{{1,15}}(?:ビル|マンション|ハイツ|コーポ|アパート|荘|ハイム|レジデンス)"
    f"|[{SPACE}]?{_D}{{1,4}}(?:号室|号棟|[FＦ]|階)"
)
# Hiragana inside of town names (霞が関, 丸の内, 虎ノ門); any other says that a sentence goes on.
_INSIDE = re.compile(
    "[がヶケ]|[上下入]る|の(?=[内門上下宮森木口坂原辺山])|つ|ひばり|みなと|さくら|あさひ|みどり|いずみ|ひかり|ゆめ|あおば|たまプラ|ふじ|のぞみ|きた|みなみ|ひがし|にし"
)
_DATE = re.compile(r"(?:1[6-9]|20)\d\d\D(?:0?[1-9]|1[0-2])\D(?:0?[1-9]|[12]\d|3[01])$")


def addresses(text: str, signs: Signs) -> Iterator[Candidate]:
    """From the prefecture, or where it is left out the municipality, to the block number, building and room."""
    behind = 0
    for at in signs.municipalities:
        found = _ADDRESS.match(text, at) if at >= behind else None
        # A name may hold 村 or 町 as well, so an address may begin inside of what was none.
        span = found and _span(text, found)
        if span:
            yield Candidate(*span, "address")
            behind = span[1]


def _span(text: str, found: re.Match[str]) -> tuple[int, int] | None:
    stop = found.end()
    window = text[max(0, found.start() - 30) : found.start() + 1]
    head = _HEAD.search(window)
    if head is None or _COUNTED.match(text, stop):
        return None
    start = found.start() + 1 - len(window) + head.start()
    field = _FIELD.match(text[start : found.start()])
    start += field.end() if field else 0
    place = text[start : found.start() + 1]
    if len(place) < 2 or (not head["prefecture"] and _NO_PLACE.search(place)):
        return None
    town = _INSIDE.sub("", found.group()[1 : found.start("block") - found.start()]).strip(SPACE)
    if re.search(f"[{HIRAGANA}]", town) or (found["joined"] and not _may_be_block(found["joined"], town)):
        return None
    building = _BUILDING.match(text, stop)
    return start, building.end() if building else stop


def _may_be_block(joined: str, town: str) -> bool:
    """Whether 1-2 or 1-2-3 behind a place is a block: a score, a range or a date may stand there as well."""
    written = narrow(joined)
    return not _DATE.match(written) and (bool(town) or len(re.findall(r"\d+", written)) > 2)
