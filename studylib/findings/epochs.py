"""What it costs to see the same text again."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, NOISE_BAND, PALETTE, canvas, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Repeated(Frozen):
    """``difference`` to fresh text at equal tokens, bits per byte; ``worse``: beyond chance."""

    epochs: int
    difference: Interval
    worse: bool


class Epochs(Finding):
    """``repeated`` by rising number; ``detectable``: the difference that these seeds find in 4 of 5 studies."""

    name = "epochs"
    title = Words(
        en="""
            {% set worse = repeated | selectattr('worse') | list %}
            {% if worse %}From {{ worse[0].epochs }} {{ 'epoch' | plural(worse[0].epochs) }} on, repeated text is worse than fresh by
            {{ worse[0].difference | signed(3) }} bits per byte
            {% else %}Up to {{ repeated[-1].epochs }} {{ 'epoch' | plural(repeated[-1].epochs) }} cannot be told from fresh text{% endif %}""",
        ja="""
            {% set worse = repeated | selectattr('worse') | list %}
            {% if worse %}{{ worse[0].epochs }} エポック以上の繰り返しは新しい文章より
            {{ ' ' }}{{ worse[0].difference | signed(3) }} bits/byte 悪い
            {% else %}{{ repeated[-1].epochs }} エポックまでは新しい文章と区別できない{% endif %}""",
    )
    alt = Words(
        en="""Loss above fresh text by number of epochs at equal tokens, bits per byte, paired 95 % intervals (detectable:
            {{ detectable | fixed }}):
            {% for one in repeated %}{{ one.epochs }}: {{ one.difference | signed }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""同じトークン数でのエポック数ごとの損失差(bits/byte、対応のある 95 % 区間、検出可能差 {{ detectable | fixed }}):
            {% for one in repeated %}{{ one.epochs }} エポック {{ one.difference | signed }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    repeated: tuple[Repeated, ...]
    detectable: float

    @classmethod
    def of(cls, table: pl.DataFrame, detectable: float) -> Epochs:
        """``table``: ``epochs, difference, low, high, significant``, one epoch (fresh text) among them."""
        rows = table.sort("epochs")
        return cls(
            detectable=detectable,
            repeated=tuple(
                Repeated(
                    epochs=int(row["epochs"]), difference=(row["low"], row["difference"], row["high"]),
                    worse=row["significant"] and row["difference"] > 0,
                )
                for row in rows.iter_rows(named=True)
            ),
        ).drawn_from(rows)  # fmt: skip

    def draw(self, rows: pl.DataFrame) -> Figure:
        figure, (ax,) = canvas(width=7.2, height=3.8)
        ax.axhspan(-self.detectable, self.detectable, **NOISE_BAND)
        ax.axhline(0, color=INK, lw=1)
        error = np.stack(
            [(rows["difference"] - rows["low"]).to_numpy(), (rows["high"] - rows["difference"]).to_numpy()]
        )
        ax.errorbar(
            rows["epochs"], rows["difference"], error, fmt="o-", color=PALETTE[0], capsize=4, ms=8,
            label="repeated, mean and paired 95 % interval",
        )  # fmt: skip
        ax.set_xscale("log", base=2)
        ticks(ax.xaxis, rows["epochs"].to_list())
        ax.set(
            xlabel="times that the same text is seen, at equal tokens", ylabel="loss above fresh text\n(bits per byte)"
        )
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure
