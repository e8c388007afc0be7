"""E-mail and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from studylib.data.clean._personal._candidate import Candidate
from studylib.data.clean._personal._characters import SPACE, before, narrow
from studylib.data.clean._personal._signs import Signs

_LOCAL = "A-Za-z0-9Ａ-Ｚａ-ｚ０-９!#$%&'*+/=?^_`{|}~.．＿－＋\\-"
_LABEL = "A-Za-z0-9Ａ-Ｚａ-ｚ０-９－\\-"
_IN_BRACKETS = (
    r"[(（\[［{｛<＜〈【][ \u3000]?(?:アットマーク|アット|あっと|at|AT|At|ａｔ|@|＠)[ \u3000]?[)）\]］}｝>＞〉】]"
)
_SIGN = re.compile("[@＠]")
_WORD = re.compile(f"アットマーク|アット|あっと|{_IN_BRACKETS}|[☆★](?=[{_LABEL}])")
_SPELT = re.compile(r"(?<= )at(?= [A-Za-z0-9])")
_MAIL_NAMED = re.compile(r"(?i:e-?mail|mail)[:：]? {0,2}[A-Za-z0-9._+-]+$")
_ENGLISH = re.compile(r"(?:[A-Za-z][,.)'\"]? +|\b(?=[A-Z]))[A-Za-z0-9._+-]+$")
_SPELT_DOT = r"[ \u3000]?(?:[(（\[［【](?:ドット|dot|DOT|ｄｏｔ|\.)[)）\]］】]|ドット)[ \u3000]?"
_DOT = f"(?:[.．]|{_SPELT_DOT})"
# Labels of a domain are 63 characters at most; the last is of letters.
_DOMAIN = re.compile(rf"[{SPACE}]?((?:[{_LABEL}]{{1,63}}{_DOT}){{1,8}}[A-Za-zａ-ｚＡ-Ｚ]{{2,24}})(?![{_LABEL}])")
_LOCAL_ONE = re.compile(f"[{_LOCAL}]")
_LOCAL_PART = re.compile(f"(?:[{_LOCAL}]|{_SPELT_DOT}){{1,64}}$")
_FILES = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|css|m?js|ts|json|html?|xml|md|txt|py)$", re.IGNORECASE)


def emails(text: str, signs: Signs) -> Iterator[Candidate]:
    """Addresses in half- and full-width letters, with @ or アット, （アット）, [at] and the like, with ドット for full stops."""
    yield from _around(text, _SIGN, signs.ats)
    yield from _around(text, _SPELT, signs.spelt_ats)
    yield from _around(text, _WORD, signs.at_words)


def _around(text: str, sign: re.Pattern[str], places: Sequence[int]) -> Iterator[Candidate]:
    behind = 0
    for at in places:
        found = sign.match(text, at) if at >= behind else None
        if found is None:
            continue
        behind = found.end()
        spaced = at > 0 and text[at - 1] in SPACE
        at -= spaced
        if not at or not _LOCAL_ONE.match(text[at - 1]):
            continue
        domain = _DOMAIN.match(text, found.end())
        if domain is None or spaced != (domain.start(1) > found.end()):
            continue
        if sign is _SPELT and _in_english(text, at, domain.end()):
            continue
        window = text[max(0, at - 64) : at]
        local = _LOCAL_PART.search(window).group().rpartition("/")[2]
        start = at - len(local.lstrip("./=?&'`{|}~!#$%*^+-．"))
        if start == at or _FILES.search(narrow(domain.group(1))):
            continue
        if text.startswith("git@", start) and text[domain.end() : domain.end() + 1] in (":", "/"):
            continue
        yield Candidate(start, domain.end(), "email")


def _in_english(text: str, at: int, stop: int) -> bool:
    """Whether "at" is a word of an English sentence: letters stand before the local part or behind the domain."""
    front = text[max(0, at - 40) : at].rpartition("\n")[2]
    if _MAIL_NAMED.search(front):
        return False
    return bool(
        _ENGLISH.search(front)
        or not re.search("[^\x00-\x7f]|[:：]", front)
        or re.match(r",? [A-Za-z]", text[stop : stop + 3])
    )


_IPV4 = re.compile(
    r"[0-9０-９](?<![0-9A-Za-z０-９.．_].)[0-9０-９]{0,2}(?:[.．][0-9０-９]{1,3}){3}(?![0-9０-９]|[.．][0-9０-９]|[/／][0-9０-９]|-?[A-Za-z_])",
    re.DOTALL,
)
_IPV6 = re.compile(r"[23](?<![0-9A-Za-z:.].)[0-9A-Fa-f]{3}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:]|/[0-9])", re.DOTALL)
_DIGITS = re.compile("[0-9０-９]{1,3}$")
_COLONS = re.compile(":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]")
_VERSION = re.compile(
    r"(?:バージョン|ヴァージョン|版|version|ver\.?|v\.?|release|リリース|第|章|節|項|図|表|§)[ :：はの]{0,2}$",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?:\bip(?:v4)?|アドレス|サーバー?|ホスト|ルータ|接続元|アクセス元|発信元|送信元|宛先|端末|ping|ssh|https?://|host|from|addr(?:ess)?)[^0-9\n]{0,8}$",
    re.IGNORECASE,
)


def ips(text: str, signs: Signs) -> Iterator[Candidate]:
    """Addresses of single hosts. Networks (192.0.2.0/24), addresses that say nothing of where (private, loopback, masks) and
    what may be a version or the number of a section stay."""
    for dot in signs.dots:
        digits = _DIGITS.search(text, max(0, dot - 3), dot)
        found = digits and _IPV4.match(text, digits.start())
        if not found:
            continue
        parts = [int(one) for one in narrow(found.group()).split(".")]
        front = before(text, found.start())
        if max(parts) > 255 or not _is_of_a_host(parts) or _VERSION.search(front):
            continue
        yield Candidate(*found.span(), "ip", sure=max(parts) >= 100 or _HOST.search(front) is not None)
    for colon in signs.colons if signs.colons and _COLONS.search(text) else ():
        found = _IPV6.match(text, colon - 4)
        if found is None:
            continue
        written = found.group()
        while written:
            try:
                ipaddress.IPv6Address(written)
            except ValueError:
                written = written[:-1] if written.endswith(":") else ""
            else:
                if len(written) > len("2001::"):  # a year before two colons of a markup
                    yield Candidate(found.start(), found.start() + len(written), "ip")
                break


def _is_of_a_host(parts: list[int]) -> bool:
    first, second = parts[:2]
    if first in (0, 10, 127) or first >= 224:
        return False
    return (first, second) not in ((192, 168), (169, 254)) and not (first == 172 and 16 <= second < 32)
