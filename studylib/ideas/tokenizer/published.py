"""Published findings about vocabularies held against idea 3."""

from __future__ import annotations

import math

import polars as pl

from studylib.analysis import score
from studylib.findings import Comparison
from studylib.result import Anchor, Text


def anchors(
    power: tuple[float, float, float] | None,
    samples: Comparison | None,
    measures: pl.DataFrame,
    seeds: int | None = None,
) -> tuple[Anchor, ...]:
    """Published findings about vocabularies held against this study; ``seeds``: of the largest size.

    ``power`` of the parameters that the best vocabulary goes with, over the sizes tried: it is known before it can be carried further.
    """
    worst = samples.differences[-1].difference if samples is not None else None
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
            (power[0], power[2]) if power else None,
            (0.0, 1.0),
            unit=Text(en="as the exponent of parameters", ja="パラメータ数に対する指数"),
            seeds=seeds,
            needs=Text(
                en="three sizes whose best vocabulary lies inside those tried would identify it",
                ja="最良の語彙数が試した範囲の内側にある規模が 3 つあれば同定可能",
            ),
        ),
        score(
            Text(
                en="A tokenizer trained on all the text is better than one trained on a sample",
                ja="全文で学習したトークナイザは標本で学習したものより良い",
            ),
            "Gemini report 2023, arXiv 2312.11805",
            (worst[0], worst[2]) if worst else None,
            (0.0, math.inf),
            unit=Text(en="bits per byte lost by the worst sample tried", ja="試した最悪の標本の損失増(bits/byte)"),
            seeds=seeds,
        ),
        score(
            Text(
                en="Japanese text has 1.48 characters a token at 48.6K pieces, 2.02 at 99.6K",
                ja="日本語は語彙 48.6K で 1 トークン 1.48 文字、99.6K で 2.02 文字",
            ),
            "llm-jp-tokenizer",
            (float(large.min()), float(large.max())) if len(large) else None,
            (1.48, 2.02),
            unit=Text(en="characters a token", ja="1 トークンの文字数"),
            needs=Text(
                en="a vocabulary of 48K to 100K on real Japanese text would measure it",
                ja="実際の日本語での 48K〜100K の語彙があれば測定可能",
            ),
        ),
    )
