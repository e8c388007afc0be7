"""Jinja2 set up once: escaping on, both languages in place, style and script inlined under a strict policy."""

from __future__ import annotations

import base64
import hashlib
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from studylib.numbers import beside, human, number, percent, power, pretty, short, small
from studylib.report.nested import effect, flat, is_value, parts_of, several, span, trend
from studylib.report.texts import ACCOUNTINGS, WORDS
from studylib.result import Text
from studylib.words import Words

_HERE = Path(__file__).parent
LEADER = Words(
    en="""{% if p < 0.5 %}undecided, leading so far: {{ name }}, {{ p | percent }}{% else %}{{ name }}, {{ p | percent }}{% endif %}
        {%- if size %} (at {{ size }}){% endif %}""",
    ja="""{% if p < 0.5 %}未決、現時点の首位:{{ name }}、{{ p | percent }}{% else %}{{ name }}、{{ p | percent }}{% endif %}
        {%- if size %}({{ size }} で){% endif %}""",
)


@cache
def environment() -> Environment:
    """The templates' environment. Everything is escaped unless this package marked it as safe."""
    env = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _static("style.css"), _static("report.js")
    env.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "policy": (
            f"default-src 'none'; img-src 'self' file: data:; style-src '{_digest(style)}'; "
            f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
        ),
        "w": _Words(),
        "raw": WORDS,
        "three": partial(number, digits=3),
        "signed": "{:+.2f}".format,
        "short": short,
        "accountings": {name: both(_capital(text)) for name, text in ACCOUNTINGS.items()},
    }
    env.filters |= {
        "t": both,
        "leader": lambda result: both(LEADER(**dict(zip(("name", "p", "size"), result.leader, strict=True)))),
        "num": number,
        "small": small,
        "short": short,
        "power": power,
        "percent": percent,
        "pretty": pretty,
        "beside": beside,
        "human": human,
        "dotted": dotted,
        "effect": effect,
        "flat": flat,
        "is_value": is_value,
        "several": several,
        "parts_of": parts_of,
        "span": span,
        "trend": trend,
        "capital": lambda text: both(_capital(text)),
    }
    return env


def render(template: str, **content: Any) -> str:
    return environment().get_template(template).render(**content)


def both(text: Text | dict[str, str]) -> Markup:
    """Both languages, each marked; the style shows the one chosen (English without scripts)."""
    if isinstance(text, dict):
        text = Text(**text)
    if text.en == text.ja:
        return escape(text.en)
    return Markup('<span class="t" lang="en">{}</span><span class="t" lang="ja">{}</span>').format(text.en, text.ja)


def dotted(field: str) -> Markup:
    """A field of a specification that may be broken behind its dots."""
    return Markup(".<wbr>").join(field.split("."))


def _capital(text: Text) -> Text:
    """A name of several words begins with a capital; a field stays as it is written."""
    return text if "." in text.en and " " not in text.en else Text(en=text.en[0].upper() + text.en[1:], ja=text.ja)


class _Words:
    """``{{ w.verdict }}`` in a template: a fixed sentence in both languages; a misspelt name is an error."""

    def __getattr__(self, name: str) -> Markup:
        try:
            return both(WORDS[name])
        except KeyError:
            raise AttributeError(name) from None


def _static(name: str) -> str:
    return (_HERE / "static" / name).read_text(encoding="utf-8").strip()


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
