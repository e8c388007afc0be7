"""Published findings held against idea 9."""

from __future__ import annotations

import math

import numpy as np

from studylib.analysis import Reliability, score
from studylib.result import Anchor, Text

_KEPT = Text(en="share of pairs that keep their order", ja="順位が保たれる対の割合")
_LEFT = Text(en="share of an effect that is left", ja="効果の残る割合")
_DATADECIDE = 1e9 / 1.5e8  # sizes compared
_MUON = 1.2e9 / 1e8
_GAINS = (
    math.log(1.1),
    math.log(1.4),
)  # speed-ups at the larger and the smaller size; each is known to about a twentieth


def anchors(known: Reliability) -> tuple[Anchor, ...]:
    """What small sizes are worth here, held against what others found; ``known``: as the recipe takes it."""
    low, _, high = known.pair_holds(_DATADECIDE)
    left = np.quantile(known.correlation(_MUON), (0.05, 0.95))
    share = _GAINS[0] / _GAINS[1]
    return (
        score(
            Text(
                en="Of pairs of corpora that 150M parameters rank, about 80 % keep their order at 1B",
                ja="150M パラメータでのコーパスの順位は、1B でも約 80 % の対で保たれる",
            ),
            "DataDecide: Magnusson et al. 2025, arXiv 2504.11393",
            (low, high),
            (0.75, 0.85),
            unit=_KEPT,
        ),
        score(
            Text(
                en="Of Muon's gain over AdamW at 0.1B (1.4 times) less than half is left at 1.2B (1.1 times)",
                ja="0.1B で 1.4 倍の Muon の利得(対 AdamW)は、1.2B では 1.1 倍と半分未満になる",
            ),
            "Wen et al. 2025, arXiv 2509.02046",
            (float(left[0]), float(left[1])),
            (share - 0.15, share + 0.15),
            unit=_LEFT,
        ),
    )
