"""Published findings about efficiency held against idea 8."""

from __future__ import annotations

from studylib.analysis import CarriedEffect, score
from studylib.result import Anchor, Text


def anchors(
    experts: CarriedEffect | None,
    saved: tuple[float, float] | None,
    expert_speed: tuple[float, float] | None,
    norm_time: tuple[float, float] | None,
    norm: CarriedEffect | None,
    seeds: int | None = None,
) -> tuple[Anchor, ...]:
    """Published findings held against the largest size.

    Parameters
    ----------
    experts, saved
        The best mixture of experts, and how many times its FLOPs the dense baseline needs for its loss.
    expert_speed
        Its tokens/s over the baseline's at equal FLOPs, from windows measured alone.
    norm_time, norm
        Percent of the time that RMSNorm saves against LayerNorm, and LayerNorm's effect on the loss.
    seeds
        Of the largest size; speeds have none.
    """
    about = f" ({experts.variant})" if experts else ""
    last = list(norm.measured.values())[-1] if norm else None
    return (
        score(
            Text(
                en="A mixture of experts needs about half the FLOPs of a dense model for its loss",
                ja="専門家混合は同じ損失に密なモデルの約半分の FLOPs で達する",
            ),
            "OLMoE, arXiv 2409.02060",
            saved,
            (1.5, 3.0),
            unit=Text(en=f"times the FLOPs{about}", ja=f"同じ損失に要する FLOPs の倍率{about}"),
            seeds=seeds,
            logarithmic=True,
        ),
        score(
            Text(
                en="At equal FLOPs experts run slower: utilisation fell from 46 to 35 %",
                ja="同じ FLOPs でも専門家混合は遅い:演算効率が 46 % から 35 % に低下",
            ),
            "nanochat log (2025)",
            expert_speed,
            (0.0, 1.0),
            unit=Text(en=f"of the dense speed{about}; there 0.76", ja=f"密なモデルに対する速度{about}(文献では 0.76)"),
        ),
        score(
            Text(en="RMSNorm takes 7 to 64 % less time than LayerNorm", ja="RMSNorm は LayerNorm より 7〜64 % 速い"),
            "Zhang and Sennrich 2019, arXiv 1910.07467",
            norm_time,
            (7.0, 64.0),
            unit=Text(en="% less time", ja="短縮される時間(%)"),
        ),
        score(
            Text(en="RMSNorm and LayerNorm give equal loss", ja="RMSNorm と LayerNorm の損失は等しい"),
            "Zhang and Sennrich 2019, arXiv 1910.07467",
            (last[0], last[2]) if last else None,
            (-0.5, 0.5),
            unit=Text(en="% of the loss above RMSNorm", ja="RMSNorm との損失の差(%)"),
            seeds=seeds,
        ),
    )
