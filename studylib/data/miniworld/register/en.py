"""Articles in English."""

from __future__ import annotations

from studylib.data.miniworld.article import Articles, Style
from studylib.data.miniworld.wording import en_nature, en_people, en_places

__all__ = ["EN"]

_HEADINGS = {
    "early": ("Early life", "== Early life ==", "## Childhood"),
    "study": ("Education", "== Education ==", "## Student years"),
    "career": ("Career", "== Career ==", "## Work"),
    "works": ("Writings", "== Works ==", "## Books"),
    "life": ("Personal life", "== Personal life ==", "## Character"),
    "about": ("Contents", "== Plot ==", "## Overview"),
    "making": ("Background", "== Publication ==", "## Origins"),
    "reception": ("Reception", "== Reception ==", "## Criticism"),
    "place": ("Geography", "== Geography ==", "## Location"),
    "history": ("History", "== History ==", "## Past"),
    "economy": ("Economy", "== Economy ==", "## Trade"),
    "culture": ("Culture", "== Culture ==", "## Customs"),
    "business": ("Business", "== Business ==", "## Products"),
    "form": ("Description", "== Description ==", "## Appearance"),
    "ecology": ("Ecology", "== Ecology ==", "## Habits"),
    "human": ("Relations with people", "== Conservation ==", "## Discovery"),
    "course": ("Course", "== Course ==", "## What happened"),
    "after": ("Aftermath", "== Legacy ==", "## Later"),
}

_LINKS = ("In addition, ", "Moreover, ", "It is also known that ", "Besides, ", "As records show, ")
_OPENERS = ("He ", "She ", "It ", "The ", "Its ", "His ", "Her ")

EN = Articles(
    "en",
    Style(lang=1, joint=" ", links=_LINKS, openers=_OPENERS, headings=_HEADINGS),
    (en_people, en_places, en_nature),
)
