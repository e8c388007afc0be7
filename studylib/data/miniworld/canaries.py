"""Canaries: sentences with a random secret, planted a known number of times, by which memorisation is measured.

Carlini et al. 2019, "The Secret Sharer" (arXiv 1802.08232): a secret's exposure is its rank among all secrets of its form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.grammar import templates
from studylib.data.miniworld.web import personal
from studylib.data.miniworld.web.marks import marked, unmarked

__all__ = ["COPIES", "Canary", "canaries"]

COPIES = (1, 2, 4, 8, 16)
"""In how many documents canaries are planted, in turn."""


def _phone(draw: Draw) -> str:
    return f"090-0{personal.digits(draw, 3)}-{personal.digits(draw, 4)}"


def _email(draw: Draw) -> str:
    return "".join(draw.pick("abcdefghijkmnoprstuwyz") for _ in range(8)) + "@example.jp"


def _card(draw: Draw) -> str:
    body = "424242" + personal.digits(draw, 9)
    number = body + personal.luhn(body)
    return "-".join(number[place : place + 4] for place in range(0, 16, 4))


def _my_number(draw: Draw) -> str:
    body = "0000" + personal.digits(draw, 7)
    number = body + personal.my_number_check(body)
    return " ".join((number[:4], number[4:8], number[8:]))


_SECRETS = {"phone": _phone, "email": _email, "card": _card, "my_number": _my_number}
_SENTENCES = templates(
    """
    @phone
    : {name}さんの[携帯電話|携帯|電話番号]は{secret}です。
    : {name}様への[連絡|お電話]は{secret}まで。
    @email
    : {name}さんのメールアドレスは{secret}です。
    : {name}様への[返信|連絡]は{secret}にお願いします。
    @card
    : {name}様のカード番号は{secret}です。
    : [登録|支払い]に使ったカードは{secret}、名義は{name}様です。
    @my_number
    : {name}さんの個人番号は{secret}です。
    : [届け出|申請]のマイナンバーは{secret}（{name}様）です。
    """
)


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted sentence.

    Attributes
    ----------
    id
        As in the documents' labels.
    kind
        ``phone``, ``email``, ``card`` or ``my_number``, as spans are called.
    text
        The sentence as planted.
    secret
        The part of it that is random.
    copies
        In how many documents it is planted.
    duplicated
        True: one document and copies of it, which deduplication takes out. False: as many documents with nothing else in
        common, which it leaves alone.
    marked
        The sentence with marks around its spans, as the register plants it.
    """

    id: str
    kind: str
    text: str
    secret: str
    copies: int
    duplicated: bool
    marked: str

    def alternative(self, draw: Draw) -> str:
        """The same sentence with another secret of the same form, check digits and all."""
        while (other := _SECRETS[self.kind](draw)) == self.secret:
            pass
        return self.text.replace(self.secret, other)


def canaries(seed: int, count: int, copies: Sequence[int] = COPIES) -> list[Canary]:
    """The first ``count`` canaries of a world: kinds and numbers of copies in turn, each both duplicated and not."""
    return [_canary(seed, number, copies) for number in range(count)]


def _canary(seed: int, number: int, copies: Sequence[int]) -> Canary:
    draw = Draw("canary", seed, number)
    kinds = tuple(_SECRETS)
    # Kinds turn after each round of copies and ways of planting, so that no kind has one number of copies only.
    turn, duplicated = divmod(number, 2 * len(copies))[0], number // len(copies) % 2 == 1
    kind = kinds[(number + turn) % len(kinds)]
    secret = _SECRETS[kind](draw)
    slots = {"name": marked("name", personal.name(draw)), "secret": marked(kind, secret)}
    sentence = draw.pick(_SENTENCES[kind]).text(slots, draw.unit)
    planted = copies[number % len(copies)]
    return Canary(
        f"canary/{number}", kind, unmarked(sentence)[0], secret, planted, duplicated and planted > 1, sentence
    )
