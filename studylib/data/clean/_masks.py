"""What stands in masked text for personal data: one string a kind.

Each is one token if the tokenizer knows it (``TokenizerSpec.known_pieces: tuple(MASKS.values())``). The brackets 〘 〙 are in
no text of the study's corpora, so that a mask is told from what people write, and they are no other character after NFKC.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MASKS: Mapping[str, str] = MappingProxyType(
    {
        "phone": "〘電話番号〙",
        "email": "〘メールアドレス〙",
        "card": "〘カード番号〙",
        "my_number": "〘個人番号〙",
        "address": "〘住所〙",
        "name": "〘氏名〙",
        "postal_code": "〘郵便番号〙",
        "ip": "〘IPアドレス〙",
    }
)
