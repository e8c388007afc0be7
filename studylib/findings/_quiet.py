"""Speeds that could not be had in quiet are marked, in words and in the figure."""

from __future__ import annotations

from matplotlib.figure import Figure

from studylib.findings._figures.style import MUTED
from studylib.measuring import BUSY
from studylib.words import Text, Words

_NOT_QUIET = Words(
    en="Not measured in quiet: other work took {{ share | percent }} of the cores meanwhile.",
    ja="静かな状態での測定ではありません:他の処理がコアの {{ share | percent }} を使っていました。",
)


REMARK = Words(en="{% if remark %}{{ remark }}{% endif %}", ja="{% if remark %}{{ remark }}{% endif %}")
"""What a finding with the fact ``remark`` says beside its figure: that alone."""


def not_quiet(others: float | None) -> Text | None:
    """The remark, where others took more of the cores (a share) than a quiet machine allows; None where not, or not known."""
    return _NOT_QUIET(share=others) if others is not None and others > BUSY else None


def mark(figure: Figure, remark: Text | None) -> Figure:
    """The remark below what is drawn."""
    if remark is not None:
        figure.supxlabel(remark.en, fontsize=9, color=MUTED, x=0.99, ha="right")
    return figure
