"""Jinja2 set up once: escaping on, both languages in place, style and script inlined under a strict policy."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from studylib.report.texts import WORDS
from studylib.result import Text

_HERE = Path(__file__).parent


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
    }
    env.filters |= {
        "t": both,
        "num": number,
        "small": small,
        "short": short,
        "percent": percent,
        "pretty": pretty,
        "human": human,
    }
    return env


def render(template: str, **content: Any) -> str:
    return environment().get_template(template).render(**content)


def both(text: Text) -> Markup:
    """Both languages, each marked; the style shows the one chosen (English without scripts)."""
    if text.en == text.ja:
        return escape(text.en)
    return Markup('<span class="t" lang="en">{}</span><span class="t" lang="ja">{}</span>').format(text.en, text.ja)


class _Words:
    """``{{ w.verdict }}`` in a template: a fixed sentence in both languages; a misspelt name is an error."""

    def __getattr__(self, name: str) -> Markup:
        try:
            return both(WORDS[name])
        except KeyError:
            raise AttributeError(name) from None


def number(value: float | None, digits: int = 4) -> str:
    """Fixed decimals; a dash for what is not known."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def small(value: float) -> str:
    """Four decimals, and no zero for what is only small."""
    return "<0.0001" if 0 < value < 0.00005 else number(value)


def short(value: float | None) -> str:
    """``1234567`` -> ``1.23M``; from a quadrillion on, powers of ten."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 1e15:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def percent(value: float) -> str:
    """Probabilities, never rounded to a certainty they do not have."""
    if 0 < value < 0.005:
        return "<1 %"
    if value >= 0.995:
        return ">99 %"
    return f"{100 * value:.0f} %"


def pretty(value: Any) -> str:
    """Readable JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def human(value: Any) -> str:
    """A single value of a free-form dictionary."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return short(value) if abs(value) >= 1e5 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return str(value)


def _static(name: str) -> str:
    return (_HERE / "static" / name).read_text(encoding="utf-8").strip()


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
