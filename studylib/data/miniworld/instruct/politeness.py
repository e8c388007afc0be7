"""Polite and plain ends of sentences, and what is broken in one."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Polite end: plain ones that say the same.
PLAIN = {
    "です": ("だ", "である", "だよ", "だぞ", "なのだ"),
    "でした": ("だった", "であった", "だったよ"),
    "でしょう": ("だろう", "であろう"),
    "思います": ("思う", "思うよ"),
}
_POLITE = re.compile(r"(?:です|ます|でした|ました|ません|でしょう|ましょう)(?:よ|ね|よね|が)?[。！？!?」]*$")
_PLAIN = re.compile(
    r"(?:だ|である|だよ|だぞ|だね|なのだ|だった|であった|だったよ|だろう|であろう|思う|思うよ)[。！？!?」]*$"
)
_BROKEN = re.compile(
    r"([はがをので])\1|は、は|、、|。。|、。"  # stammered
    r"|[です]{2}(?<!です)(?=[。、]|$)|(です|でした|ます|でしょう|思います)\2"  # でで, すで, すす
    r"|�|<\||\|>|[\x00-\x09\x0b-\x1f]"
)
_BRACKETS = ("「」", "『』", "（）", "()")


def is_polite(sentence: str) -> bool:
    return _POLITE.search(sentence) is not None


def is_plain(sentence: str) -> bool:
    return _PLAIN.search(sentence) is not None


def is_broken(text: str, names: Iterable[str] = ()) -> bool:
    """Whether something stammers, is no letter, or opens and does not close; ``names`` may be as they are."""
    for name in names:
        if name in text:
            text = text.replace(name, "〓")
    return _BROKEN.search(text) is not None or any(text.count(one) != text.count(other) for one, other in _BRACKETS)
