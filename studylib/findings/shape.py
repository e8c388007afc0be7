"""The shape to build: layers, hidden size and heads for the best aspect ratio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import PrivateAttr

from studylib.analysis import BuildableShape, CarriedOptimum, Valley, buildable_shape
from studylib.findings._finding import Finding, Range
from studylib.findings._quantity import REFERENCE_ASPECT
from studylib.findings._settings import along_valley
from studylib.result import Text
from studylib.spec import Setting
from studylib.words import Words

USE = Words(
    en="{{ num_layers }} layers x {{ hidden_size }} with {{ num_heads }} heads",
    ja="{{ num_layers }} 層 × {{ hidden_size }}・{{ num_heads }} ヘッド",
)


# What is taken where nothing is carried: the aspect ratio of these.
PUBLISHED = "GPT-3 13B (arXiv 2005.14165), Llama 2 13B (arXiv 2307.09288)"
HEADS = Text(en="128 a head, as in Llama 2", ja="Llama 2 と同じく 1 ヘッド 128 次元")
FEED_FORWARD = Text(
    en="8/3 of the hidden size, as in Llama (arXiv 2302.13971)", ja="Llama(arXiv 2302.13971)と同じく隠れ次元の 8/3"
)


ASPECT = Words(en="aspect ratio {{ aspect | num }}: {{ source }}", ja="縦横比 {{ aspect | num }}:{{ source }}")


class Shape(Finding):
    """``measured``: the aspect ratio is carried from the trials of ``sizes``; otherwise it is ``aspect`` of ``source``.

    ``layers`` and ``widths``: what the 95 % interval of the aspect ratio means for this many parameters.
    """

    name = "shape"
    words = Words(
        en="""
            {% if measured %}From {{ sizes | listed }}, the buildable shape that costs least, with the aspect ratio {{ aspect | num }},
            {% else %}With the aspect ratio {{ aspect | num }} of {{ source }}, the buildable shape{% endif %} of {{ params | short }} parameters is
            {{ num_layers }} layers x {{ hidden_size }}, {{ num_heads }} heads, intermediate size {{ intermediate_size }}
            {%- if layers is not none %}; the best lies within {{ layers | num }} layers{% endif %}
            {%- if widths is not none %}; the best is {{ widths | num }} wide{% endif %}
            {%- if regret_percent is not none %}; it costs {{ regret_percent | num }} % of the loss on average
            ({{ 'decided' if decided else 'open' }}){% endif %}.""",
        ja="""
            {% if measured %}{{ sizes | listed }} から見て損失増が最も少ない縦横比 {{ aspect | num }} の実装可能な形状
            {%- else %}{{ source }} の縦横比 {{ aspect | num }} による実装可能な形状{% endif %}
            ({{ params | short }} パラメータ)は {{ num_layers }} 層 × {{ hidden_size }}、{{ num_heads }} ヘッド、中間層 {{ intermediate_size }}
            {%- if layers is not none %}。最適な層数は {{ layers | num }}{% endif %}
            {%- if widths is not none %}。最適な幅は {{ widths | num }}{% endif %}
            {%- if regret_percent is not none %}。損失増は平均 {{ regret_percent | num }} %({{ '決定' if decided else '未決' }}){% endif %}。""",
    )

    measured: bool
    aspect: float
    source: str
    sizes: tuple[str, ...]
    params: float
    num_layers: int
    hidden_size: int
    num_heads: int
    intermediate_size: int
    layers: Range | None
    widths: Range | None
    regret_percent: float | None
    decided: bool

    _tried: defaultdict[str, dict[str, Any]] = PrivateAttr(
        default_factory=lambda: defaultdict(dict)
    )  # for settings, by field

    @classmethod
    def of(cls, carried: CarriedOptimum | None, fits: Sequence[Valley], target: float, vocab_size: int) -> Shape:
        """``target`` in parameters, embeddings included, with as many pieces; ``carried`` is an aspect ratio."""

        def nearest(aspect: float) -> BuildableShape:
            return buildable_shape(target, aspect, vocab_size, tp=4)

        def value_at(field: str, aspect: float) -> int:
            return getattr(nearest(aspect), field)

        shape = nearest(REFERENCE_ASPECT if carried is None else carried.best)
        fields = {
            name: getattr(shape, name)
            for name in ("num_layers", "hidden_size", "num_heads", "intermediate_size", "params", "aspect")
        }
        known: dict[str, Any] = dict.fromkeys(("layers", "widths", "regret_percent")) | {"decided": False}
        if carried is not None:
            wide, deep = nearest(carried.optimum[2]), nearest(carried.optimum[0])
            choice = carried.choose(shape.aspect)
            known = {
                "layers": (wide.num_layers, deep.num_layers), "widths": (deep.hidden_size, wide.hidden_size),
                "regret_percent": 100 * choice.regret, "decided": choice.decided,
            }  # fmt: skip
        sizes = tuple(fit.budget for fit in fits)
        found = cls(measured=carried is not None, source=PUBLISHED, sizes=sizes, **fields, **known)
        for field in ("num_layers", "hidden_size"):
            found._tried[field] = along_valley(fits, shape.aspect, partial(value_at, field), carried=found.measured)
        return found

    @property
    def use(self) -> Text:
        """For a verdict."""
        return USE(**self.facts)

    def settings(self) -> tuple[Setting, ...]:
        known: dict[str, Any] = {
            "decided": self.decided,
            "expected_regret_percent": self.regret_percent,
            "evidence": "published",
            "choice": "shape",
        }
        known |= (
            {"evidence": "measured", "sizes": self.sizes, "basis": "flops"}
            if self.measured
            else {"source": ASPECT(aspect=self.aspect, source=self.source)}
        )
        usual: dict[str, Any] = {"evidence": "convention", "decided": False}
        return (
            Setting(field="model.num_layers", value=self.num_layers, interval=self.layers, **known, **self._tried["num_layers"]),
            Setting(field="model.hidden_size", value=self.hidden_size, interval=self.widths, **known, **self._tried["hidden_size"]),
            Setting(field="model.num_heads", value=self.num_heads, source=HEADS, **usual),
            Setting(field="model.intermediate_size", value=self.intermediate_size, source=FEED_FORWARD, **usual),
        )  # fmt: skip
