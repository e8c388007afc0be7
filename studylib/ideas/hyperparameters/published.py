"""Published findings held against idea 7's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from studylib.analysis import CarriedOptimum, RateTransfer, TokensSaved, score
from studylib.result import Anchor, Text

_OCTAVES = Text(en="octaves from the narrowest to the widest", ja="最も狭いモデルから最も広いモデルへのオクターブ")


def anchors(
    saved: Sequence[TokensSaved],
    table: pl.DataFrame,
    transfers: Mapping[str, RateTransfer],
    batch_law: CarriedOptimum | None,
    seeds: int | None = None,
) -> tuple[Anchor, ...]:
    """Published findings held against this study; ``saved`` and ``seeds`` are of the largest size."""
    muon = next((one for one in saved if one.variant == "muon"), None)
    ends = table.select(pl.col("low").min(), pl.col("high").max()).row(0) if len(table) else None
    transferred = next((one for init, one in transfers.items() if init in ("completep", "mup", "depth_mup")), None)
    standard = next((one for init, one in transfers.items() if init not in ("completep", "mup", "depth_mup")), None)
    found = [
        score(
            Text(
                en="Tuned Muon needs 1.4 times fewer tokens than tuned AdamW at 0.1B parameters, 1.1 times at 1.2B",
                ja="調整済み Muon は調整済み AdamW の 1.4 分の 1(0.1B)、1.1 分の 1(1.2B)のトークンで済む",
            ),
            "Wen et al. 2025, arXiv 2509.02046",
            None if muon is None else (muon.factor[0], muon.factor[2]),
            (1.1, 1.4),
            unit=Text(
                en="times fewer tokens (at sizes far below 0.1B)", ja="分の 1 のトークン(0.1B よりはるかに小さい規模)"
            ),
            seeds=seeds,
            logarithmic=True,
        ),
        score(
            Text(
                en="A constant rate with a cooldown ends where a cosine run does",
                ja="一定学習率と減衰は cosine と同等の損失に至る",
            ),
            "Hägele et al. 2024, arXiv 2405.18392",
            ends,
            (-1.0, 1.0),
            unit=Text(en="% of the loss between cooldown and cosine", ja="減衰と cosine の損失の差(%)"),
            seeds=seeds,
        ),
        score(
            Text(
                en="Under muP the best learning rate does not move with width",
                ja="muP では最適学習率は幅によって動かない",
            ),
            "Yang et al. 2022, arXiv 2203.03466",
            None if transferred is None or transferred.shift is None else (transferred.shift[0], transferred.shift[2]),
            (-0.5, 0.5),
            unit=_OCTAVES,
            seeds=seeds,
        ),
        score(
            Text(
                en="The best batch grows with the training tokens (to the power 0.57)",
                ja="最適バッチは学習トークン数とともに(0.57 乗で)大きくなる",
            ),
            "Li et al. 2025, arXiv 2503.04715",
            None if batch_law is None else (batch_law.exponents["tokens"][0], batch_law.exponents["tokens"][2]),
            (0.0, math.inf),
            unit=Text(en="power of the tokens", ja="トークン数の指数"),
            seeds=seeds,
            needs=Text(
                en="best batches inside those tried, at three lengths or sizes, would identify it",
                ja="最適バッチが試した範囲の内側にある長さ・規模が 3 つあれば同定可能",
            ),
        ),
    ]
    if standard is not None:
        found.append(
            score(
                Text(
                    en="Under the standard parametrisation the best rate falls with width",
                    ja="標準のパラメータ化では幅とともに最適学習率が下がる",
                ),
                "Yang et al. 2022, arXiv 2203.03466",
                None if standard.shift is None else (standard.shift[0], standard.shift[2]),
                (-math.inf, 0.0),
                unit=_OCTAVES,
                seeds=seeds,
            )
        )
    return tuple(found)
