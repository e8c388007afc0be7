"""Published findings about structure held against idea 2."""

from __future__ import annotations

import math
from collections.abc import Sequence

from studylib.analysis import CarriedEffect, score
from studylib.findings import RateSensitivity
from studylib.ideas.architecture.schema import ArchitectureParams
from studylib.result import Anchor, Text

Claim = tuple[dict, Text, str, tuple[float, float]]
_WORSE, _BETTER, _EQUAL = (0.0, math.inf), (-math.inf, 0.0), (-0.5, 0.5)
_ABOVE = Text(en="% of the loss above the baseline", ja="基準との差(損失の %)")
# Changes to the default baseline (swiglu, rope, rmsnorm, attention), and the range of its effect, percent of the loss.
CLAIMS: tuple[Claim, ...] = (
    ({"activation": "relu"}, Text(en="SwiGLU is better than ReLU", ja="SwiGLU は ReLU より良い"),
     "Shazeer 2020, arXiv 2002.05202", _WORSE),
    ({"activation": "geglu"}, Text(en="GEGLU and SwiGLU are alike", ja="GEGLU と SwiGLU は同等"),
     "Shazeer 2020, arXiv 2002.05202", _EQUAL),
    ({"position": "learned"},
     Text(en="RoPE is better than learned positions", ja="RoPE は学習された位置埋め込みより良い"),
     "Su et al. 2021, arXiv 2104.09864; EleutherAI 2021", _WORSE),
    ({"norm": "layernorm"},
     Text(en="RMSNorm and LayerNorm give equal loss", ja="RMSNorm と LayerNorm の損失は等しい"),
     "Zhang and Sennrich 2019, arXiv 1910.07467", _EQUAL),
    ({"mixer": "mamba2"},
     Text(en="Mamba-2 is at least as good as a transformer of its size",
          ja="Mamba-2 は同規模のトランスフォーマーに劣らない"),
     "Dao and Gu 2024, arXiv 2405.21060", _BETTER),
)  # fmt: skip


def anchors(
    params: ArchitectureParams,
    carried: Sequence[CarriedEffect],
    sensitivity: RateSensitivity | None,
    layernorm_time: tuple[float, float] | None,
    seeds: int | None = None,
) -> tuple[Anchor, ...]:
    """Published findings held against the largest size.

    Parameters
    ----------
    sensitivity
        To the learning rate, of the baseline and some variants.
    layernorm_time
        Percent of the time that the baseline (RMSNorm) saves against LayerNorm.
    seeds
        Of the largest size.
    """
    # The claims are about swiglu, rope, rmsnorm and attention; how embeddings enter is beside them.
    usual = params.baseline.keys() <= {"unit_stream", "tied_embeddings"}
    effects = {one.variant: list(one.measured.values())[-1] for one in carried} if usual else {}

    def effect(name: str | None) -> tuple[float, float] | None:
        return (effects[name][0], effects[name][2]) if name in effects else None

    found = [
        score(claim, source, effect(params.variant_with(**changes)), claimed, unit=_ABOVE, seeds=seeds)
        for changes, claim, source, claimed in CLAIMS
    ]
    hybrids = [name for name, own in params.variants.items() if set(own) == {"mixer", "attention_every"}]
    flatter = sensitivity.to_baseline(params.variant_with(qk_norm=True)) if usual and sensitivity is not None else None
    return (
        *found,
        score(
            Text(
                en="A few attention layers among recurrent ones beat attention alone",
                ja="再帰型の層に少数のアテンション層を混ぜた構造はアテンションのみに勝る",
            ),
            "Dao and Gu 2024, arXiv 2405.21060; Waleffe et al. 2024, arXiv 2406.07887",
            effect(hybrids[0]) if hybrids else None,
            _BETTER,
            unit=_ABOVE,
            seeds=seeds,
        ),
        score(
            Text(en="RMSNorm takes 7 to 64 % less time than LayerNorm", ja="RMSNorm は LayerNorm より 7〜64 % 速い"),
            "Zhang and Sennrich 2019, arXiv 1910.07467",
            layernorm_time if usual else None,
            (7.0, 64.0),
            unit=Text(en="% of a training step's time", ja="学習 1 ステップの時間の %"),
        ),
        score(
            Text(
                en="QK-norm makes the loss less sensitive to the learning rate", ja="QK-norm は学習率への感度を下げる"
            ),
            "Wortsman et al. 2023, arXiv 2309.14322",
            (flatter[0], flatter[2]) if flatter else None,
            _BETTER,
            unit=Text(en="bits per byte of sensitivity above the baseline", ja="感度の基準との差(bits/byte)"),
            seeds=seeds,
        ),
    )
