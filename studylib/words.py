"""Sentences in both languages: templates that place facts, and one way to write each kind of number.

A template is a whole sentence of one language. A fact with an interval is written with it, by the same filter: ``{{ 3.14 | num }}``
is 3.14, of a pair ``3.1 to 3.2`` (in Japanese ``3.1〜3.2``), of three ``3.14 (3.1 to 3.2)``. A fact that is itself a `Text` is
written in the sentence's language. What is not known has no words: a template that places it fails, it has to ask first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

from studylib.frozen import Frozen
from studylib.notebook import line
from studylib.numbers import percent, short

if TYPE_CHECKING:
    from jinja2 import Environment, Template

Language = Literal["en", "ja"]


class Text(Frozen):
    """A sentence in both languages of the report."""

    en: str
    ja: str

    def _repr_html_(self) -> str:
        return line(self.en) + line(self.ja)


# What is held equal, by the name that a verdict has for it.
ACCOUNTINGS: dict[str, Text] = {
    "flops": Text(en="equal FLOPs", ja="同一 FLOPs"),
    "tokens": Text(en="equal tokens", ja="同一トークン数"),
    "text": Text(en="equal text", ja="同一文章量"),
    "seconds": Text(en="equal seconds", ja="同一時間"),
    "memory": Text(en="equal memory", ja="同一メモリ"),
    "target_tokens": Text(en="equal Japanese tokens", ja="同一の日本語トークン数"),
}

# What becomes of an effect with size (`analysis.at_target.Trend`), of one variant.
TRENDS: dict[str, Text] = {
    "holds": Text(en="holds", ja="維持"),
    "shrinks": Text(en="shrinks", ja="縮小"),
    "grows": Text(en="grows", ja="拡大"),
    "flips": Text(en="flips", ja="逆転"),
    "differs": Text(en="differs", ja="規模で相違"),
    "unclear": Text(en="is unclear", ja="不明"),
    "one size": Text(en="is known at one size", ja="単一規模のみ"),
}


class Words(Frozen):
    """A Jinja2 template in each language; called with facts it is a `Text`. Line breaks are spaces, in Japanese nothing."""

    en: str
    ja: str

    def __call__(self, **facts: Any) -> Text:
        return Text(en=_said(_template("en", self.en), facts), ja=_said(_template("ja", self.ja), facts))


def _said(template: Template, facts: dict[str, Any]) -> str:
    return re.sub(r" {2,}", " ", template.render(facts)).strip()


@cache
def _template(language: Language, source: str) -> Template:
    return _environment(language).from_string(re.sub(r"\s*\n\s*", {"en": " ", "ja": ""}[language], source))


@cache
def _environment(language: Language) -> Environment:
    from jinja2 import Environment, StrictUndefined

    env = Environment(undefined=StrictUndefined, autoescape=False, finalize=partial(_plain, language))
    env.filters |= {name: partial(_ranged, language, form) for name, form in _FORMS.items()}
    env.filters |= {
        "listed": partial(_listed, language),
        "accounting": lambda basis: getattr(ACCOUNTINGS[basis], language),
        "trend": lambda name: getattr(TRENDS[name], language),
        "plural": lambda word, count: _plain(language, word) + ("" if count == 1 else "s"),
    }
    return env


def _plain(language: Language, value: Any) -> str:
    """What stands in a sentence without a filter."""
    if value is None:
        raise ValueError("a template places a fact that is not known; it must ask whether it is")
    if isinstance(value, Text):
        return getattr(value, language)
    if isinstance(value, float):
        return _number(value)
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _number(value: float) -> str:
    """Three digits, never a power of ten."""
    if abs(value) >= 1e6:
        return short(value)
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _fixed(value: float, digits: int = 4) -> str:
    return f"{value:.{digits}f}"


def _signed(value: float, digits: int = 4) -> str:
    rounded = round(value, digits) + 0.0  # no minus before a zero
    return f"{rounded:+.{digits}f}"


_FORMS: dict[str, Callable[..., str]] = {
    "num": _number,
    "fixed": _fixed,
    "signed": _signed,
    "percent": percent,
    "short": short,
}


def _ranged(language: Language, form: Callable[..., str], value: Any, *settings: Any) -> str:
    if value is None:
        raise ValueError("a template places a number that is not known; it must ask whether it is")
    if not isinstance(value, tuple | list):
        return form(value, *settings)
    mark = {"en": " to ", "ja": "〜"}[language]
    ends = [form(one, *settings) for one in value]
    if len(ends) == 2:
        return mark.join(dict.fromkeys(ends))  # once where both are written alike
    low, middle, high = ends
    return {"en": f"{middle} ({low}{mark}{high})", "ja": f"{middle}({low}{mark}{high})"}[language]


def _listed(language: Language, values: Iterable[Any], most: int = 0) -> str:
    """Joined as the language does; beyond ``most`` (0: all) only how many more there are."""
    said = [_plain(language, value) for value in values]
    left = len(said) - most if most and len(said) > most + 1 else 0
    comma, more = {"en": (", ", f" and {left} more"), "ja": ("、", f"、ほか {left} 件")}[language]
    return comma.join(said[:-left] if left else said) + (more if left else "")
