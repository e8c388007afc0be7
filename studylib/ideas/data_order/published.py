"""Published findings about order held against idea 4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from studylib.analysis import TokensSaved, estimate, score
from studylib.result import Anchor, Text


def anchors(
    curves: pl.DataFrame,
    borders: Mapping[str, Sequence[int]],
    saved: Sequence[TokensSaved],
    target: str,
    seeds: int | None = None,
) -> tuple[Anchor, ...]:
    """Published findings about order held against this study."""
    continued = next((name for name, ends in borders.items() if len(ends) == 1), None)
    worth = {one.variant: one for one in saved}
    short_first = worth.get("short context first")
    return (
        score(
            Text(
                en="Continued pre-training from English on Japanese improves Japanese monotonically",
                ja="英語モデルへの日本語の継続事前学習は日本語を単調に改善する",
            ),
            "arXiv 2404.17790",
            _change_in_last_half(curves, continued, borders[continued][0], target) if continued else None,
            (-math.inf, 0.0),
            unit=Text(
                en="bits per byte over the last half of the Japanese stage", ja="日本語段階の後半での変化(bits/byte)"
            ),
            seeds=seeds,
        ),
        score(
            Text(
                en="Training on short contexts before long ones is up to 3 to 6 times as efficient",
                ja="短い文脈から長い文脈への順序は最大 3〜6 倍効率がよい",
            ),
            "arXiv 2405.13226",
            (short_first.factor[0], short_first.factor[2]) if short_first else None,
            (3.0, 6.0),
            unit=Text(en="times the tokens for the same loss", ja="同じ損失に要するトークン数(倍)"),
            seeds=seeds,
        ),
        score(
            Text(
                en="Code first improves reasoning by 8.2 %; the loss may not show it",
                ja="コードを先に学習すると推論が 8.2 % 改善する(損失には現れないことがある)",
            ),
            "arXiv 2408.10914",
            None,
            (8.2, 8.2),
            needs=Text(
                en="a test of reasoning would measure it; models of these sizes answer none",
                ja="推論課題があれば測定可能だが、この規模のモデルは解けない",
            ),
        ),
    )


def _change_in_last_half(curves: pl.DataFrame, variant: str, border: int, target: str) -> tuple[float, float] | None:
    rows = curves.filter(
        (pl.col("variant") == variant) & (pl.col("split") == "validation") & (pl.col("source") == target)
    )
    changes = []
    for (_,), own in rows.group_by(["hash"], maintain_order=True):
        own = own.sort("tokens")
        middle = (border + own["tokens"].max()) / 2
        late = own.filter(pl.col("tokens") >= middle)
        if len(late) > 1:
            changes.append(late["bpb"][-1] - late["bpb"][0])
    if len(changes) < 2:
        return None
    return estimate(np.array(changes))[1]
