"""One amount of raw text, cleaned by little or by much, read once or until the tokens of the raw text are full."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import compare_to_baseline
from studylib.findings._differences import frame, mark
from studylib.findings._figures.style import INK, canvas
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words


class ReadText(Frozen):
    """``left``: share of the raw tokens; ``epochs``: times it is read; bits per byte above the raw text read once, with 95 %."""

    text: str
    left: Fraction
    epochs: float
    difference: Interval
    sure: bool


class RepeatedText(Finding):
    """``runs`` from the best to the worst; ``detectable``: the difference that these seeds find in 4 of 5 studies."""

    name = "repeated"
    title = Words(
        en="""
            {% set one = runs | sort(attribute='epochs') | last %}
            Of one amount of raw text, {{ one.text }} ({{ (100 * one.left) | num }} % of the tokens) read {{ one.epochs | num }} times
            {% if not one.sure %}cannot be told from all of it read once (detectable: {{ detectable | fixed }} bits per byte)
            {% else %}
            {{ 'beats' if one.difference[1] < 0 else 'falls behind' }} all of it read once by {{ one.difference[1] | abs | fixed }} bits per byte
            {% endif %}""",
        ja="""
            {% set one = runs | sort(attribute='epochs') | last %}
            同じ量の元文章では、{{ one.text }}(トークンの {{ (100 * one.left) | num }} %)を {{ one.epochs | num }} 回読む学習は
            {%- if not one.sure %}全体を 1 回読む学習と区別できない(検出可能差 {{ detectable | fixed }} bits/byte)
            {%- else %}全体を 1 回読むより {{ one.difference[1] | abs | fixed }} bits/byte {{ '良い' if one.difference[1] < 0 else '悪い' }}
            {%- endif %}""",
    )
    alt = Words(
        en="""Bits per byte above the raw text read once, at the same seed, with 95 % intervals (detectable: {{ detectable | fixed }}):
            {% for one in runs %}
            {{ one.text }}, {{ (100 * one.left) | num }} % of the tokens, {{ one.epochs | num }} times {{ one.difference | signed }}
            {%- if one.sure %}, beyond chance{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""元の文章を 1 回読んだ場合との、同じシードでの差(bits/byte、95 % 区間、検出可能差 {{ detectable | fixed }}):
            {% for one in runs %}
            {{ one.text }}(トークンの {{ (100 * one.left) | num }} %)を {{ one.epochs | num }} 回 {{ one.difference | signed }}
            {%- if one.sure %}、有意{% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    detectable: float
    runs: tuple[ReadText, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, baseline: str) -> RepeatedText | None:
        """None without trials: it was not tried, or the text was not there.

        Parameters
        ----------
        trials
            Columns ``variant``, ``text``, ``left`` (share of the raw tokens) and ``epochs`` beside the losses.
        baseline
            The variant that reads the raw text once.
        """
        if trials["variant"].n_unique() < 2:
            return None
        table = compare_to_baseline(trials, baseline).filter(pl.col("low").is_not_null())
        table = table.join(trials.select("variant", "text", "left", "epochs").unique("variant"), on="variant")
        rows = table.sort("difference")
        if rows.is_empty():
            return None
        return cls(
            detectable=rows["mde"].max(),
            runs=tuple(
                ReadText(
                    text=row["text"], left=row["left"], epochs=row["epochs"], sure=row["significant"],
                    difference=(row["low"], row["difference"], row["high"]),
                )
                for row in rows.iter_rows(named=True)
            ),
        ).drawn_from(rows)  # fmt: skip

    def draw(self, rows: pl.DataFrame) -> Figure:
        """A row a run, the best on top."""
        found = rows.sort("difference", descending=True).to_dicts()
        figure, (ax,) = canvas(width=7.2, height=2.0 + 0.5 * len(found))
        for y, row in enumerate(found):
            mark(ax, y, row)
        names = [f"{row['text']} ({100 * row['left']:.2g} % left),\nread {row['epochs']:.3g} times" for row in found]
        ax.set_yticks(range(len(names)), names, color=INK)
        ax.set_ylim(-0.6, len(names) - 0.4)
        frame(figure, ax, "the raw text, read once,", self.detectable)
        return figure
