"""The vocabulary to build with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import PrivateAttr

from studylib.analysis import CarriedOptimum, Valley
from studylib.findings._finding import Finding, Range
from studylib.findings._settings import along_valley
from studylib.result import Text
from studylib.spec import Setting
from studylib.words import Words

MULTIPLE = 128  # so that it splits over tensor-parallel ranks and fills matrix tiles
PUBLISHED = 99_584  # the 99.6K of llm-jp-tokenizer v3, to the multiple
SOURCE = Text(en="llm-jp-tokenizer v3, as LLM-jp-3 13B has it", ja="LLM-jp-3 13B の llm-jp-tokenizer v3")
USE = Words(en="a vocabulary of {{ pieces }} pieces", ja="{{ pieces }} 語彙")


class Vocabulary(Finding):
    """``measured``: carried from the trials of ``sizes``; otherwise ``pieces`` are those of ``source``.

    ``interval``: of the best vocabulary, 95 %. ``regret_percent`` of the loss, by ``pieces``.
    """

    name = "vocabulary"
    words = Words(
        en="""
            {% if measured %}From {{ sizes | listed }}, {{ pieces }} pieces cost least at {{ target | short }} parameters
            {%- if interval is not none %}; the best is {{ interval | num }}{% endif %}
            {%- if regret_percent is not none %}; they cost {{ regret_percent | num }} % of the loss on average
            ({{ 'decided' if decided else 'open' }}){% endif %}.
            {% else %}{{ sizes | listed }} do not carry to {{ target | short }} parameters; {{ pieces }} pieces are those of {{ source }}.
            {% endif %}""",
        ja="""
            {% if measured %}{{ sizes | listed }} から見て {{ target | short }} パラメータで損失が最も小さい語彙数は {{ pieces }}
            {%- if interval is not none %}。最適値は {{ interval | num }}{% endif %}
            {%- if regret_percent is not none %}。損失増は平均 {{ regret_percent | num }} %({{ '決定' if decided else '未決' }}){% endif %}。
            {% else %}{{ sizes | listed }} からは {{ target | short }} パラメータへ外挿できません。{{ pieces }} は {{ source }} の語彙数です。
            {% endif %}""",
    )

    measured: bool
    pieces: int
    source: Text
    sizes: tuple[str, ...]
    target: float
    interval: Range | None
    regret_percent: float | None
    decided: bool

    _tried: dict[str, Any] = PrivateAttr(default_factory=dict)  # for the settings

    @classmethod
    def of(cls, carried: CarriedOptimum | None, fits: Sequence[Valley], target: float) -> Vocabulary:
        """``carried`` to ``target`` parameters from the valleys ``fits``."""
        known: dict[str, Any] = {"pieces": PUBLISHED, "interval": None, "regret_percent": None, "decided": False}
        if carried is not None:
            pieces = _to_the_multiple(carried.best)
            choice = carried.choose(pieces)
            known = {
                "pieces": pieces, "interval": (carried.optimum[0], carried.optimum[2]),
                "regret_percent": 100 * choice.regret, "decided": choice.decided,
            }  # fmt: skip
        sizes = tuple(fit.budget for fit in fits)
        found = cls(measured=carried is not None, source=SOURCE, sizes=sizes, target=target, **known)
        found._tried |= along_valley(fits, found.pieces, _to_the_multiple, carried=carried is not None)
        return found

    @property
    def use(self) -> Text:
        """For a verdict."""
        return USE(pieces=self.pieces)

    def settings(self) -> tuple[Setting, ...]:
        known: dict[str, Any] = {"value": self.pieces, "interval": self.interval, "decided": self.decided}
        known |= {"choice": "vocabulary"} | self._tried
        known |= (
            {
                "evidence": "measured",
                "sizes": self.sizes,
                "basis": "flops",
                "expected_regret_percent": self.regret_percent,
            }
            if self.measured
            else {"evidence": "published", "source": self.source}
        )
        return tuple(Setting(field=field, **known) for field in ("data.tokenizer.vocab_size", "model.vocab_size"))


def _to_the_multiple(pieces: float) -> int:
    return max(1, round(pieces / MULTIPLE)) * MULTIPLE
