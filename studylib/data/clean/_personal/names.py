"""Names of people: in front of さん, 様, 氏 and the like, behind 氏名： and the like, beside addresses and numbers.

A name is told from a word by common surnames, by the characters that surnames end with, and by what given names end with
(``_surnames.py``). Titles and words of respect stay (〘氏名〙様). So does what only looks like a name (皆さん, お客様, 神様), and
people of history, letters and office by a list of houses and full names; of their surnames alone nobody can tell who is meant,
so 尾崎氏 is masked. Behind 担当： and other words for who answers at a firm a surname alone is masked only if it is in the
list; a given name alone only before さん, くん, ちゃん and 君, if it is in theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from studylib.data.clean._personal._candidate import Candidate
from studylib.data.clean._personal._characters import HIRAGANA, KANJI, KATAKANA, SPACE
from studylib.data.clean._personal._signs import Signs
from studylib.data.clean._personal._surnames import (
    CLANS,
    ENDINGS,
    ENDINGS_IN_FULL,
    GIVEN,
    GIVEN_ENDINGS,
    GIVEN_SINGLE,
    HISTORICAL,
    NOT_GIVEN,
    NOT_SURNAMES,
    READINGS,
    SINGLE,
    SURNAMES,
)

_RESPECT = re.compile(
    f"[さち様氏先く君殿社部課係店教医弁容被](?<=[{KANJI}{HIRAGANA}{KATAKANA}{SPACE}].)"
    "(?:(?<=様)(?![々式子相態])|(?<=氏)(?![名神族寺家子康政真綱直郷規照邦時])|(?<=君)(?![主臨子])|(?<=殿)(?![下様堂])"
    "|(?<=さ)[んま]|(?<=ち)ゃん|(?<=く)ん|(?<=先)生|(?<=[社部課係店])長|(?<=教)授|(?<=医)師|(?<=弁)護士|(?<=容)疑者|(?<=被)告)",
    re.DOTALL,
)
_FRIENDLY = frozenset(("さん", "ちゃん", "くん", "君"))
_SURNAME_BEFORE = frozenset(("さん", "さま", "くん", "先生", "様", "氏", "君", "殿"))
_KANJI_END = re.compile(f"(?:([{KANJI}]{{1,6}})[{SPACE}])?([{KANJI}]{{1,8}})$")
_SPACED_KANA_END = re.compile(f"([{KANJI}]{{1,3}})[{SPACE}]?([{HIRAGANA}]{{2,4}}|[{KATAKANA}]{{2,5}})$")
_KATAKANA_END = re.compile(f"(?<![{KATAKANA}])([{KATAKANA}]{{2,6}})(?:[{SPACE}・]?([{KATAKANA}]{{2,6}}))?$")
_TITLE = re.compile(
    "(?:担当|社長|部長|課長|係長|主任|代表|取締役|会長|理事|議員|委員|教諭|監督|選手|弁護士|医師|記者|作家|画家|歌手|俳優|故|妻|夫|母|父|兄|姉|弟|妹|長男|次男|長女|次女|息子|娘|友人|同僚|上司|部下|先輩|後輩|同級生|都|府|県|市|区|町|村)$"
)
_OWN = "氏名|姓名|お名前|名前|ご氏名|申込者|申し込み者|申込人|申請者|予約者|契約者|受取人|宛名|差出人|届出人|依頼者|依頼人|ご依頼主|お届け先|応募者|参加者|記入者|保護者|世帯主|被保険者|保証人|患者|会員|利用者|購入者|注文者|発送先|請求先|緊急連絡先|本人|投稿者|名簿|差出し人|発信者"
_WORK = "担当者?|受付|責任者|代表者?|幹事|連絡者|作成者|発注者|窓口|講師|主催者|署名|事務局|発起人|会長|世話人|世話役|店主|文責|連絡係"
_FIELD = re.compile(
    rf"(?:(?P<own>{_OWN})|(?P<work>{_WORK})|(?P<kana>フリガナ|ふりがな|カナ))(?:名|氏名)?(?:[(（][^)）\n]{{1,10}}[)）])?[{SPACE}]?$"
)
_SPACES = re.compile(f"[{SPACE}]{{0,2}}")
_ROLE = re.compile(f"(?:[{KANJI}]{{1,8}}(?:部|課|係|長|役|員|室|局|科|店|社)[{SPACE}])?")
_SPACED = re.compile(
    f"([{KANJI}]{{1,3}})[{SPACE}]([{KANJI}]{{1,3}}|[{HIRAGANA}]{{2,4}}|[{KATAKANA}]{{2,5}})(?![{HIRAGANA}{KATAKANA}:：])"
)
_RUN = re.compile(f"[{KANJI}]{{2,8}}")
_KANA = re.compile(
    f"([{KATAKANA}]{{2,6}})[{SPACE}・]?([{KATAKANA}]{{2,6}})?|([{HIRAGANA}]{{2,6}})[{SPACE}]([{HIRAGANA}]{{2,6}})"
)
_ROMAN = re.compile(r"[A-Z][a-z]{1,14} [A-Z][a-z]{1,14}(?![A-Za-z])|[A-Z]{2,12} [A-Z][a-z]{1,14}(?![A-Za-z])")
_BEHIND = re.compile(f"[{SPACE}]|(?:$|[\\n、。,，)）／/|<「』」・~～]|様|殿|氏|さん|さま|君|先生)", re.MULTILINE)
_SUFFIX = re.compile("(?:様|殿|氏|君|先生|御中)$")
_NO_PERSON = re.compile(
    "(?:部|課|係|室|局|店|社|会|所|省|庁|者|員|長|団|院|校|園|館|組|係|署|未定|匿名|記入|必須|任意|不明|一同|各位|事務局|管理人|名無|番地|号室|号|階|様|氏|殿)$"
)
_MAXIMAL = re.compile(
    f"(?<![{KANJI}{KATAKANA}])(?:([{KANJI}]{{1,3}})[{SPACE}]([{KANJI}]{{1,3}})|([{KANJI}]{{3,6}}))(?![{KANJI}])"
)
_BESIDE = re.compile(f"(?:([{KANJI}]{{1,3}})[{SPACE}])?(?<![{KANJI}])([{KANJI}]{{1,6}})[{SPACE}]?[(（]$")
_KANA_ONLY = re.compile(f"[{HIRAGANA}]+|[{KATAKANA}]+")
_ONE_KANJI = re.compile(f"[{KANJI}]")
_FEW = 8  # names that are sought one by one; more, by their first characters
_ROW = re.compile(f"[{KANJI}{SPACE}]+")


def names(text: str, signs: Signs) -> Iterator[Candidate]:
    """Names with a word of respect behind them, or a field's word before them."""
    yield from _with_respect(text, signs.respects)
    yield from _in_fields(text, signs.fields)


def _with_respect(text: str, places: Sequence[int]) -> Iterator[Candidate]:
    for at in places:
        found = _RESPECT.match(text, at)
        if found is None:
            continue
        respect = found.group()
        end = at - 1 if at > 1 and text[at - 1] in SPACE else at
        if end < at and respect not in _SURNAME_BEFORE:
            continue
        window = text[max(0, end - 14) : end]
        length = _kana_name(window, respect) if _is_kana(window[-1:]) else _kanji_name(window, respect)
        if length:
            yield Candidate(end - length, end, "name")


def _kanji_name(window: str, respect: str) -> int:
    """How many of the last characters are a name; 0: none."""
    found = _KANJI_END.search(window)
    if found is None:
        return 0
    first, run = found.groups()
    if first and _is_given(run):
        for size in (len(first), 3, 2):
            surname = first[-size:]
            # What stands apart before a given name is a surname, whatever its characters.
            if size < len(first) and surname not in SURNAMES:
                continue
            if size <= 3 and not _is_no_person(surname):
                return 0 if _is_historical(surname + run) else size + 1 + len(run)
    if _is_historical(run):
        return 0
    if is_full_name(run) or (len(run) == 4 and respect in _SURNAME_BEFORE and _may_be_full(run)):
        return len(run)
    if respect in _SURNAME_BEFORE:
        if respect == "氏" and run in CLANS:
            return 0
        if is_surname(run) and (len(run) > 1 or window[-2:-1] not in ("お", "ご")):
            return len(run)
    elif run in SURNAMES:
        return len(run)
    if respect in _FRIENDLY and run in GIVEN and len(run) > 1:
        return len(run)
    for size in (5, 4, 3, 2):
        name = run[-size:]
        if size >= len(run) or not _TITLE.search(run[:-size]) or _is_historical(name):
            continue
        if is_full_name(name, listed=True) or name in SURNAMES:
            return size
    return 0


def _kana_name(window: str, respect: str) -> int:
    if respect not in _SURNAME_BEFORE | _FRIENDLY:
        return 0
    mixed = _SPACED_KANA_END.search(window)
    if mixed and mixed[1] in SURNAMES and (mixed[2] in GIVEN or window[mixed.end(1)] in SPACE):
        return len(mixed.group())
    found = _KATAKANA_END.search(window)
    if found:
        return len(found.group()) if found[1] in READINGS else 0
    for size in (2, 3, 4, 5):  # what is before hiragana may be anything but hiragana
        word = window[-size:]
        if (word in GIVEN and respect in _FRIENDLY) or _katakana(word) in READINGS:
            return 0 if "ぁ" <= window[-size - 1 : -size] <= "ゖ" else size
    return 0


def _in_fields(text: str, colons: Sequence[int]) -> Iterator[Candidate]:
    for colon in colons:
        field = _FIELD.search(text[max(0, colon - 20) : colon])
        if field is None:
            continue
        start = _ROLE.match(text, _SPACES.match(text, colon + 1).end()).end()
        stop = _field_name(text, start, own=field["work"] is None, kana=field["kana"] is not None)
        if stop:
            yield Candidate(start, stop, "name")


def _field_name(text: str, start: int, *, own: bool, kana: bool) -> int:
    """Where a name that begins at ``start`` ends; 0: there is none."""
    spaced = _SPACED.match(text, start)
    if spaced:
        first, second = spaced.groups()
        second = _SUFFIX.sub("", second) if len(second) > 1 else second
        is_name = is_surname(first) or _is_given(second)
        if is_name and not (_is_no_person(first) or _is_no_person(second)) and not _is_historical(first + second):
            return spaced.start(2) + len(second)
    run = _RUN.match(text, start)
    if run:
        name = _SUFFIX.sub("", run.group())
        stop = start + len(name)
        if _is_historical(name) or _is_no_person(name) or not _BEHIND.match(text, stop):
            return 0
        if (
            is_full_name(name)
            or (len(name) == 4 and _may_be_full(name))
            or (3 <= len(name) <= 5 and own and _is_given(name[-2:]))
        ):
            return stop
        respected = name != run.group() or text.startswith(("さん", "さま"), stop)
        return stop if name in SURNAMES or (own and (is_surname(name) or (respected and len(name) <= 3))) else 0
    kana_name = _KANA.match(text, start)
    if kana_name and (kana or own):
        first = kana_name[1] or kana_name[3]
        is_two = bool(kana_name[2] or kana_name[4])
        if (is_two or any(_katakana(first).startswith(one) for one in READINGS)) and _BEHIND.match(
            text, kana_name.end()
        ):
            return kana_name.end()
    roman = _ROMAN.match(text, start)
    return roman.end() if roman and own else 0


def contact_names(text: str, contacts: Sequence[Candidate]) -> list[Candidate]:
    """Names with an address or a number in brackets behind them, and full names in the same line as one."""
    found: dict[tuple[int, int], Candidate] = {}
    for one in contacts:
        beside = _BESIDE.search(text, max(0, one.start - 16), one.start)
        if beside:
            first, second = beside.groups()
            name = (first or "") + second
            if (
                not _is_historical(name)
                and not _is_no_person(name)
                and (_is_given(second) if first else is_surname(second) or is_full_name(second))
            ):
                span = (beside.start(1 if first else 2), beside.end(2))
                found[span] = Candidate(*span, "name")
        begin = max(text.rfind("\n", 0, one.start) + 1, one.start - 80)
        end = text.find("\n", one.stop, one.stop + 40)
        for line in _MAXIMAL.finditer(text, begin, one.stop + 40 if end < 0 else end):
            first, second, run = line.groups()
            is_name = is_full_name(run, listed=True) if run else first in SURNAMES and _is_given(second)
            if is_name and not _is_historical(run or first + second) and not _is_no_person(line.group()):
                found[line.span()] = Candidate(*line.span(), "name")
    return list(found.values())


def same_names(text: str, found: Sequence[Candidate]) -> list[Candidate]:
    """Full names that were found in a text, wherever else they stand in it."""
    whole = {text[one.start : one.stop] for one in found}
    whole = {name for name in whole if len(name) > 2 and name not in SURNAMES and _ROW.fullmatch(name)}
    if not whole:
        return []
    if len(whole) <= _FEW:
        places = [found.start() for name in whole for found in re.finditer(re.escape(name), text)]
    else:
        first = re.compile(f"[{''.join(sorted({name[0] for name in whole}))}]")
        places = [found.start() for found in first.finditer(text)]
    sizes = sorted(set(map(len, whole)), reverse=True)
    same = []
    for at in places:
        size = next((size for size in sizes if at + size <= len(text) and text[at : at + size] in whole), 0)
        if size and not (at and _ONE_KANJI.match(text[at - 1])):
            same.append(Candidate(at, at + size, "name"))
    return same


def is_full_name(run: str, *, listed: bool = False) -> bool:
    """Whether a run of kanji is a surname and a given name; ``listed``: only with a surname of the list."""
    if not 3 <= len(run) <= 6:
        return False
    for size in (2, 3, 1):
        surname, given = run[:size], run[size:]
        if not given or not _is_given(given) or (size == 1 and len(given) != 2):
            continue
        if is_surname(surname, listed=listed or size != 2) or (
            not listed and size == 2 and surname[1] in ENDINGS_IN_FULL and len(given) == 2
        ):
            return True
    return False


def _is_no_person(word: str) -> bool:
    """Whether it ends as the names of offices and the like do, but for surnames that do so too."""
    return (
        _NO_PERSON.search(word) is not None
        and word not in SURNAMES
        and not (len(word) == 3 and word[-1] == "部" and is_surname(word[:2]))
    )


def _may_be_full(run: str) -> bool:
    """Whether four kanji, where a name is expected, end with what is hardly anything but a given name."""
    return run[-1] in _ONLY_GIVEN and run[2:] not in NOT_GIVEN and not _is_no_person(run[:2])


_ONLY_GIVEN = frozenset("子美恵奈菜江莉沙郎太介男夫雄也哉弥彦樹輝紀則徳浩宏崇亮祐佑翔斗")


def is_surname(word: str, *, listed: bool = False) -> bool:
    """Whether it is a common surname, or (not ``listed``) two characters that look like one."""
    if word in SURNAMES or (len(word) == 1 and word in SINGLE):
        return True
    return (
        not listed and len(word) == 2 and word[1] in ENDINGS and word not in NOT_SURNAMES and word[0] not in _NO_FIRST
    )


_NO_FIRST = frozenset("一二四五六七八九十百千各全同当他諸某両先後次毎別何々〆〇皆御")


def _is_given(word: str) -> bool:
    if word in GIVEN:
        return True
    if word in NOT_GIVEN or not 2 <= len(word) <= 3:
        return word in GIVEN_SINGLE
    return word[-1] in GIVEN_ENDINGS or _KANA_ONLY.fullmatch(word) is not None


def _is_historical(name: str) -> bool:
    return name.startswith(HISTORICAL)


def _is_kana(one: str) -> bool:
    return "ぁ" <= one <= "ゖ" or "ァ" <= one <= "ー"


def _katakana(word: str) -> str:
    return word.translate(_TO_KATAKANA)


_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
