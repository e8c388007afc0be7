"""How much text a token carries, by vocabulary size and kind of text."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.findings._figures.style import canvas, look, ticks
from studylib.findings._finding import Finding, Range
from studylib.frozen import Fraction, Frozen
from studylib.words import Words


class KindOfText(Frozen):
    """Characters a token with the smallest and the largest vocabulary, and the share of tokens that are single bytes with the latter."""

    name: str
    characters: Range
    byte_share: Fraction


class TextPerToken(Finding):
    """On validation text, without any model; ``pieces``: of the smallest and the largest vocabulary."""

    name = "chars-per-token"
    title = Words(
        en="""From {{ pieces[0] }} to {{ pieces[1] }} pieces a token of {{ kinds[0].name }} grows from
            {{ kinds[0].characters[0] | fixed(2) }} to {{ kinds[0].characters[1] | fixed(2) }} characters""",
        ja="""語彙を {{ pieces[0] }} から {{ pieces[1] }} にすると {{ kinds[0].name }} の 1 トークンは
            {{ ' ' }}{{ kinds[0].characters[0] | fixed(2) }} から {{ kinds[0].characters[1] | fixed(2) }} 文字になる""",
    )
    alt = Words(
        en="""Characters a token, and the share of tokens that are single bytes, against vocabulary size, a line a kind of text. From the
            smallest to the largest, and bytes at the largest:
            {% for one in kinds %}
            {{ one.name }} {{ one.characters[0] | fixed(2) }} → {{ one.characters[1] | fixed(2) }}, {{ one.byte_share | percent }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""語彙数に対する 1 トークンの文字数と、単独バイトのトークンの割合。文章の種類ごとに 1 本の線。最小から最大の語彙への変化と、最大の語彙でのバイトの割合:
            {% for one in kinds %}
            {{ one.name }} {{ one.characters[0] | fixed(2) }} → {{ one.characters[1] | fixed(2) }}、{{ one.byte_share | percent }}
            {{- '。' if loop.last else ';' }}
            {% endfor %}""",
    )

    pieces: tuple[int, int]
    kinds: tuple[KindOfText, ...]

    @classmethod
    def of(cls, table: pl.DataFrame) -> TextPerToken:
        """``table``: a row a vocabulary and kind of text, with ``vocab_size, register, chars_per_token, byte_share``.

        Raises
        ------
        StudyError
            Without any row.
        """
        if table.is_empty():
            raise invalid("table", "", "has no tokenizer to tell of")
        kinds = []
        for (name,), own in table.sort("vocab_size", maintain_order=True).group_by(["register"], maintain_order=True):
            first, last = own.row(0, named=True), own.row(-1, named=True)
            kinds.append(
                KindOfText(
                    name=name, characters=(first["chars_per_token"], last["chars_per_token"]), byte_share=last["byte_share"]
                )
            )  # fmt: skip
        pieces = (table["vocab_size"].min(), table["vocab_size"].max())
        return cls(pieces=pieces, kinds=tuple(kinds)).drawn_from(table)

    def draw(self, table: pl.DataFrame) -> Figure:
        figure, axes = canvas(1, 2, width=8.4, height=3.9)
        panels = {"chars_per_token": "characters a token", "byte_share": "byte tokens (%)"}
        for ax, (column, label) in zip(axes, panels.items(), strict=True):
            for index, kind in enumerate(self.kinds):
                own = table.filter(pl.col("register") == kind.name).sort("vocab_size")
                values = own[column] * (100 if column == "byte_share" else 1)
                ax.plot(own["vocab_size"], values, label=kind.name, ms=6, **look(index))
            ax.set_xscale("log")
            ticks(ax.xaxis, sorted(set(table["vocab_size"])), lambda pieces: f"{pieces:.0f}")
            ax.set(xlabel="vocabulary (pieces)", ylabel=label)
            ax.set_ylim(bottom=0)
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=9, title="kind of text")
        return figure
