"""What idea 3's numbers say, in words: figure titles, the verdict, and published findings held against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import BasinFit, Decision, NoiseFloor, OptimumScaling, score
from studylib.report import Quantity
from studylib.result import Anchor, Text, Verdict

VOCABULARY = Quantity("vocabulary (pieces)")
_BASES_JA = {"flops": "FLOPs", "text": "文章量", "seconds": "時間", "memory": "メモリ"}


def pieces(value: float) -> str:
    """Two digits: a vocabulary's optimum is not known better."""
    return f"{float(f'{value:.2g}'):,.0f}"


def _span(ends: tuple[float, float], mark: str = " to ") -> str:
    return f"{pieces(ends[0])}{mark}{pieces(ends[1])}"


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


def valley_title(fits: Sequence[BasinFit]) -> Text:
    """The finding of the largest budget."""
    last = fits[-1]
    if last.optimum is None:
        return Text(
            en=f"At {last.budget}, {_span(last.flat)} pieces are within noise of the best; the optimum is not bracketed",
            ja=f"{last.budget} では語彙 {_span(last.flat, '〜')} が誤差内で最良、最適点は範囲内に定まらない",
        )
    return Text(
        en=f"At {last.budget}, about {pieces(last.optimum)} pieces are best, and {_span(last.flat)} are within noise of it",
        ja=f"{last.budget} では語彙 約 {pieces(last.optimum)} が最良、{_span(last.flat, '〜')} は誤差内で同等",
    )


def valley_alt(fits: Sequence[BasinFit], basis: Text) -> Text:
    panels_en = "; ".join(f"{fit.budget}: flat from {_span(fit.flat)}" for fit in fits)
    panels_ja = "、".join(f"{fit.budget}:{_span(fit.flat, '〜')} で平坦" for fit in fits)
    return Text(
        en=f"Validation bits per byte against vocabulary size {basis.en}, one panel a budget. {panels_en}.",
        ja=f"語彙数に対する検証 bits/byte({basis.ja})。予算ごとに 1 枠。{panels_ja}。",
    )


EQUAL_FLOPS = Text(en="at equal training FLOPs", ja="同一学習 FLOPs")
EQUAL_TEXT = Text(en="at equal text", ja="同一文章量")


def titled(title: Text, basis: Text) -> Text:
    """``title`` with what was held equal."""
    return Text(en=f"{title.en}, {basis.en}", ja=f"{title.ja}({basis.ja})")


def scaling_title(scaling: OptimumScaling | None, target: float) -> Text:
    size = f"{target / 1e9:.3g}B"
    if scaling is None:
        return Text(
            en=f"The best vocabulary is not carried to {size} yet", ja=f"最適語彙数はまだ {size} へ外挿できない"
        )
    low, middle, high = scaling.aspect
    return Text(
        en=f"Carried to {size}, the best vocabulary is {pieces(middle)}, anywhere from {pieces(low)} to {pieces(high)}",
        ja=f"{size} へ外挿した最適語彙数は {pieces(middle)}(区間 {pieces(low)}〜{pieces(high)})",
    )


def scaling_alt(fits: Sequence[BasinFit], reason: str) -> Text:
    known = ", ".join(f"{fit.budget} {pieces(fit.optimum)}" for fit in fits if fit.optimum is not None)
    return Text(
        en=f"Best vocabulary against model size. Optima found: {known or 'none'}. {reason}".strip(),
        ja=f"モデル規模に対する最適語彙数。求まった最適点:{known or 'なし'}。",
    )


def comparison_title(table: pl.DataFrame, baseline: str, noise: float) -> Text:
    """How many of the others differ from the baseline by more than chance, and the largest difference."""
    known = table.filter(pl.col("difference").is_not_null())
    told = known.filter((pl.col("high") < 0) | (pl.col("low") > 0))
    if told.is_empty():
        return Text(
            en=f"None can be told from {baseline} (detectable: {noise:.4f} bits per byte)",
            ja=f"{baseline} と区別できる案はない(検出可能差 {noise:.4f} bits/byte)",
        )
    name, difference = told.sort(pl.col("difference").abs()).select("variant", "difference").row(-1)
    word_en, word_ja = ("better", "良い") if difference < 0 else ("worse", "悪い")
    return Text(
        en=f"{len(told)} of {len(known)} can be told from {baseline}; {name} is {abs(difference):.4f} bits per byte {word_en}",
        ja=f"{len(known)} 案中 {len(told)} 案が {baseline} と区別でき、{name} は {abs(difference):.4f} bits/byte {word_ja}",
    )


def comparison_alt(table: pl.DataFrame, baseline: str) -> Text:
    known = table.filter(pl.col("difference").is_not_null())
    listed = ", ".join(f"{name} {difference:+.4f}" for name, difference in known.select("variant", "difference").rows())
    return Text(
        en=f"Bits per byte above {baseline} at the same seed: {listed}.",
        ja=f"同じシードでの {baseline} との差(bits/byte):{listed}。",
    )


def p_best_title(decisions: Mapping[str, Decision]) -> Text:
    leaders = list(dict.fromkeys(decision.leader for decision in decisions.values()))
    sure = sum(decision.decided for decision in decisions.values())
    if len(leaders) == 1:
        return Text(
            en=f"{leaders[0]} lead whatever is held equal; {sure} of {len(decisions)} are decided",
            ja=f"どの基準でも {leaders[0]} が首位、決着は {sure}/{len(decisions)}",
        )
    return Text(
        en=f"The leader depends on what is held equal: {', '.join(leaders)}; {sure} of {len(decisions)} are decided",
        ja=f"首位は基準により異なる:{'、'.join(leaders)}。決着は {sure}/{len(decisions)}",
    )


def p_best_alt(verdicts: Sequence[Verdict]) -> Text:
    listed = "; ".join(f"equal {one.basis}: {one.winner} {one.p_best[one.winner]:.2f}" for one in verdicts)
    return Text(en=f"Probability that each vocabulary is best. {listed}.", ja=f"各語彙数が最良である確率。{listed}。")


def comparison_words(table: pl.DataFrame | None, baseline: str, subject: Text) -> Text:
    """One sentence a comparison, for the verdict; empty without trials of the kind."""
    if table is None:
        return Text(en="", ja="")
    parts_en, parts_ja = [], []
    for row in table.filter(pl.col("low").is_not_null()).iter_rows(named=True):
        span = f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"
        parts_en.append(f"{row['variant']} {span}")
        parts_ja.append(f"{row['variant']} {span.replace(' to ', '〜')}")
    return Text(
        en=f"{subject.en}, bits per byte above {baseline}: {'; '.join(parts_en)}. ",
        ja=f"{subject.ja}({baseline} との差、bits/byte):{'、'.join(parts_ja)}。",
    )


SAMPLES = Text(en="Trained on a sample", ja="標本での学習")
CHOICES = Text(en="Other tokenizers of the same size", ja="同じ語彙数の別のトークナイザ")
FINE_TUNING = Text(en="Fine-tuning with added pieces", ja="語彙を追加したファインチューニング")


def verdict(
    decisions: Mapping[str, Decision],
    fits: Sequence[BasinFit],
    scaling: OptimumScaling | None,
    reason: str,
    noise: NoiseFloor,
    comparisons: Sequence[Text],
) -> Text:
    """The paragraph at the head of the idea's page."""
    last, told = fits[-1], decisions["flops"].text()
    bases_en = "; ".join(f"equal {basis}: {one.leader}" for basis, one in decisions.items())
    bases_ja = "、".join(f"同一{_BASES_JA[basis]}では {one.leader}" for basis, one in decisions.items())
    if scaling is None:
        carried_en = f"Nothing is carried to 10B: {reason}."
        carried_ja = "10B への外挿はできません(最適点の定まった予算が 3 つ以上必要です)。"
    else:
        low, middle, high = scaling.aspect
        carried_en = (
            f"Carried to {scaling.target_params:.3g} parameters ({scaling.factor:.0f} times the largest size here) the best "
            f"vocabulary is {pieces(middle)} ({pieces(low)} to {pieces(high)})."
        )
        carried_ja = (
            f"{scaling.target_params:.3g} パラメータ(本研究の最大規模の {scaling.factor:.0f} 倍)への外挿では最適語彙数は "
            f"{pieces(middle)}(区間 {pieces(low)}〜{pieces(high)})です。"
        )
    return Text(
        en=f"{told.en} ({last.budget}, equal FLOPs; {bases_en}.) Vocabularies of {_span(last.flat)} pieces cannot be told from "
        f"the best at a detectable effect of {noise.mde:.4f} bits per byte. {carried_en} "
        + "".join(one.en for one in comparisons).strip(),
        ja=f"{told.ja}({last.budget}、同一 FLOPs。{bases_ja}。)語彙 {_span(last.flat, '〜')} は検出可能差 {noise.mde:.4f} "
        f"bits/byte で最良と区別できません。{carried_ja}{''.join(one.ja for one in comparisons)}",
    )


def extrapolation(
    fits: Sequence[BasinFit],
    text_fits: Sequence[BasinFit],
    scaling: OptimumScaling | None,
    reason: str,
    registers: Mapping[str, object],
) -> dict:
    """Optima by budget under both accountings, the line through them, and every tokenizer on every kind of text."""

    def by_budget(some: Sequence[BasinFit]) -> dict:
        return {
            fit.budget: {"optimum": fit.optimum, "interval": fit.interval, "flat": fit.flat, "reason": fit.reason}
            for fit in some
        }

    carried: dict = {"not_carried": reason}
    if scaling is not None:
        carried = scaling.as_dict()
        carried["vocab_size"] = carried.pop("aspect")
    found = {"optimum_by_budget": by_budget(fits), "optimum_by_budget_at_equal_text": by_budget(text_fits)}
    return carried | found | {"tokenizers_by_kind_of_text": dict(registers)}


def anchors(scaling: OptimumScaling | None, samples: pl.DataFrame | None, measures: pl.DataFrame) -> tuple[Anchor, ...]:
    """Published findings about vocabularies held against this study."""
    sampled = None
    if samples is not None and samples["low"].is_not_null().any():
        worst = samples.filter(pl.col("low").is_not_null()).sort("difference").row(-1, named=True)
        sampled = (worst["low"], worst["high"])
    large = measures.filter(
        pl.col("vocab_size").is_between(48_000, 100_000) & pl.col("register").str.contains("(?i)ja|wikipedia|mc4")
    )["chars_per_token"]
    return (
        score(
            Text(
                en="The best vocabulary grows with the model, but more slowly",
                ja="最適な語彙数はモデルとともに増えるが、その伸びはより遅い",
            ),
            "Tao et al. 2024, arXiv 2407.13623",
            (scaling.slope[0], scaling.slope[2]) if scaling else None,
            (0.0, 1.0),
            unit="exponent of the vocabulary in non-embedding parameters",
        ),
        score(
            Text(
                en="A tokenizer trained on all the text is better than one trained on a sample",
                ja="全文で学習したトークナイザは標本で学習したものより良い",
            ),
            "Gemini report 2023, arXiv 2312.11805",
            sampled,
            (0.0, math.inf),
            unit="bits per byte lost by the worst sample tried",
        ),
        score(
            Text(
                en="Japanese text has 1.48 characters a token at 48.6K pieces, 2.02 at 99.6K",
                ja="日本語は語彙 48.6K で 1 トークン 1.48 文字、99.6K で 2.02 文字",
            ),
            "llm-jp-tokenizer",
            (float(large.min()), float(large.max())) if len(large) else None,
            (1.48, 2.02),
            unit="characters a token",
        ),
    )
