"""The pages by name: faults, which ought to go, and forms of sound text, which ought to stay."""

from __future__ import annotations

from collections.abc import Callable

from studylib.data.miniworld.web import boilerplate, figures, foreign, listings, shops, talk, titles, verse, worthless
from studylib.data.miniworld.web.page import Page

FAULTS: dict[str, Callable[[Page], None]] = {
    "menu": boilerplate.menus, "advertising": shops.advertising, "seo": shops.seo, "affiliate": shops.affiliate,
    "repeated": worthless.repeated, "machine_translated": foreign.machine_translated,
    "wrong_language": foreign.wrong_language, "list": worthless.listed, "short": worthless.short, "adult": shops.adult,
    "gambling": shops.gambling,
}  # fmt: skip
"""Faults that are written; ``mojibake`` and copies are made of sound pages."""

FORMS: dict[str, Callable[[Page], None]] = {
    "haiku": verse.haiku, "table": figures.table, "code": listings.code, "kanji_title": titles.kanji_title,
    "dialogue": talk.dialogue, "numbers": figures.numbers,
}  # fmt: skip
"""Sound forms beside ``article``."""
