"""Titles and text alternatives of idea 3's figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from studylib.analysis import Valley
from studylib.ideas._shared import differences, leaders, optimum
from studylib.ideas._shared.numbers import span
from studylib.report import Quantity
from studylib.result import Text

VOCABULARY = Quantity("vocabulary (pieces)", Text(en="vocabulary", ja="語彙数"))
VOCABULARIES, BEST = Text(en="vocabulary", ja="語彙数"), Text(en="vocabulary", ja="最適語彙数")
EQUAL_FLOPS = Text(en="at equal training FLOPs", ja="同一学習 FLOPs")
EQUAL_TEXT = Text(en="at equal text", ja="同一文章量")


def pieces(value: float) -> str:
    """Two digits: a vocabulary's optimum is not known better."""
    return f"{float(f'{value:.2g}'):,.0f}"


def pieces_span(ends: tuple[float, float], mark: str = " to ") -> str:
    return span(ends, mark, pieces)


def chars_title(table: pl.DataFrame) -> Text:
    """The first kind of text's gain from the smallest to the largest vocabulary."""
    register = table["register"][0]
    own = table.filter(pl.col("register") == register).sort("vocab_size")
    (low, less), (high, more) = own.select("vocab_size", "chars_per_token").rows()[:: max(1, len(own) - 1)][:2]
    return Text(
        en=f"From {low:,} to {high:,} pieces a token of {register} grows from {less:.2f} to {more:.2f} characters",
        ja=f"語彙を {low:,} から {high:,} にすると {register} の 1 トークンは {less:.2f} から {more:.2f} 文字に伸びる",
    )


def chars_alt(table: pl.DataFrame) -> Text:
    largest = table.filter(pl.col("vocab_size") == table["vocab_size"].max())
    rows = [f"{name} {chars:.2f}" for name, chars in largest.select("register", "chars_per_token").iter_rows()]
    return Text(
        en="Characters a token, and the share of tokens that are single bytes, against vocabulary size, a line a kind of "
        f"text. At the largest: {', '.join(rows)}.",
        ja=f"語彙数に対する 1 トークンの文字数と、単独バイトのトークンの割合。文章の種類ごとに 1 本の線。最大の語彙では"
        f"{'、'.join(rows)}。",
    )


def valley_title(fits: Sequence[Valley]) -> Text:
    """The finding of the largest budget."""
    last = fits[-1]
    flat_en = f"{pieces_span(last.flat)} cost less than 0.2 % more" if last.flat else "none is known to be as good"
    flat_ja = f"{pieces_span(last.flat, '〜')} は差 0.2 % 未満" if last.flat else "同等と言える範囲はまだない"
    if last.optimum is None:
        return Text(
            en=f"At {last.budget} the best vocabulary is not bracketed; {flat_en}",
            ja=f"{last.budget} では最適語彙数が範囲内に定まらない({flat_ja})",
        )
    return Text(
        en=f"At {last.budget}, about {pieces(last.optimum)} pieces are best; {flat_en}",
        ja=f"{last.budget} では語彙 約 {pieces(last.optimum)} が最良、{flat_ja}",
    )


def valley_alt(fits: Sequence[Valley], basis: Text) -> Text:
    panels_en = "; ".join(
        f"{fit.budget}: flat {pieces_span(fit.flat) if fit.flat else 'nowhere known'}" for fit in fits
    )
    panels_ja = "、".join(f"{fit.budget}:平坦域 {pieces_span(fit.flat, '〜') if fit.flat else '不明'}" for fit in fits)
    return Text(
        en=f"Validation bits per byte against vocabulary size {basis.en}, one panel a budget. {panels_en}.",
        ja=f"語彙数に対する検証 bits/byte({basis.ja})。予算ごとに 1 枠。{panels_ja}。",
    )


def titled(title: Text, basis: Text) -> Text:
    """``title`` with what was held equal."""
    return Text(en=f"{title.en}, {basis.en}", ja=f"{title.ja}({basis.ja})")


comparison_title, comparison_alt = differences.comparison_title, differences.comparison_alt


p_best_title = partial(leaders.p_best_title, agreed=Text(en="lead whatever is held equal", ja="どの基準でも"))


p_best_alt = partial(leaders.p_best_alt, subject=VOCABULARIES)


carried_title = partial(optimum.carried_title, subject=BEST, quantity=BEST, form=pieces)
carried_alt = partial(optimum.carried_alt, quantity=BEST, form=pieces)
