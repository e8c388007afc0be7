"""Published findings about shape held against idea 1."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl

from studylib.analysis import CarriedOptimum, Valley, deciding_size, score, spread_interval
from studylib.analysis.carried import LEAST_SIZES
from studylib.result import Anchor, Text

# Layers x hidden size of GPT-3 13B (arXiv 2005.14165), Llama 2 13B (arXiv 2307.09288) and LLM-jp 13B.
_MORE_OPTIMA = Text(
    en="three budgets whose best shape lies inside the shapes tried would identify it",
    ja="最良の形状が試した形状の内側にある規模が 3 つあれば同定可能",
)
_NEARER = Text(
    en="budgets nearer to the target would identify it: from these it is not known",
    ja="目標により近い規模があれば同定可能(現在の規模からは定まらない)",
)
PUBLISHED_13B = {"GPT-3 13B": (40, 5140), "Llama 2 13B": (40, 5120), "LLM-jp 13B": (40, 5120)}


def anchors(trials: pl.DataFrame, fits: Sequence[Valley], carried: CarriedOptimum | None) -> tuple[Anchor, ...]:
    """Published findings about shape held against this study's largest budget and its extrapolation."""
    last = fits[-1]
    largest = trials.filter((pl.col("size") == deciding_size(trials)) & (pl.col("status") == "done"))
    spread, seeds = _relative_spread(largest), largest["seed"].n_unique()
    ends = trials["non_embedding_params"].min(), trials["non_embedding_params"].max()
    aspects = [hidden / layers for layers, hidden in PUBLISHED_13B.values()]
    return (
        score(
            Text(
                en="Shape matters little: 6 x 4288 is within 3 % of 48 x 1600 in loss",
                ja="形状の影響は小さい:6 × 4288 の損失は 48 × 1600 の 3 % 以内",
            ),
            "Kaplan et al. 2020, arXiv 2001.08361",
            tuple(100 * end for end in spread) if spread else None,
            (0.0, 3.0),
            unit=Text(
                en="% between the best and the worst shape with aspect >= 2",
                ja="縦横比 2 以上の最良と最悪の形状の差(%)",
            ),
            seeds=seeds,
        ),
        score(
            Text(
                en="GPT-3, Llama 2 and LLM-jp 13B are 40 layers x 5120 to 5140: aspect ratio 128",
                ja="GPT-3・Llama 2・LLM-jp の 13B はいずれも 40 層 × 5120〜5140(縦横比 128)",
            ),
            "arXiv 2005.14165, 2307.09288; llm-jp-13b-v1.0",
            (carried.optimum[0], carried.optimum[2]) if carried else None,
            (min(aspects) / math.sqrt(2), max(aspects) * math.sqrt(2)),
            unit=Text(
                en="aspect at the target size (published value within a factor of 1.4)",
                ja="目標規模での縦横比(公表値の 1.4 倍以内)",
            ),
            seeds=seeds,
            sizes=ends,
            logarithmic=True,
            needs=_NEARER if sum(fit.optimum is not None for fit in fits) >= LEAST_SIZES else _MORE_OPTIMA,
        ),
        score(
            Text(
                en="At 1e18 FLOPs an aspect ratio of 64 beats 128",
                ja="1e18 FLOPs では縦横比 64 が 128 に勝る",
            ),
            "nanochat, depth and width sweep (2025)",
            last.interval if last.optimum is not None else None,
            (0.0, math.sqrt(64 * 128)),
            unit=Text(en="best aspect at the largest budget", ja="最大規模での最適縦横比"),
            seeds=seeds,
            logarithmic=True,
            needs=Text(
                en="a best shape inside the shapes tried would identify it",
                ja="最良の形状が試した形状の内側にあれば同定可能",
            ),
        ),
    )


def _relative_spread(trials: pl.DataFrame) -> tuple[float, float] | None:
    """95 % interval of (worst - best) / mean loss over moderate shapes of one size."""
    moderate = trials.filter(pl.col("aspect") >= 2)
    if moderate["variant"].n_unique() < 2:
        return None
    return spread_interval(moderate)
