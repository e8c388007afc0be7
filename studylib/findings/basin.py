"""What deep and what wide shapes cost at each of the study's sizes, beside a published ladder of far larger ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studylib.analysis import ASPECT_CLASSES, Moved, TrackRecord, own_shape_costs
from studylib.errors import StudyError
from studylib.findings._figures.style import INK, MUTED, canvas, look
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import ACCOUNTINGS, Text, Words

LADDER = "gemstones"  # the ladder of shapes that the record knows: 50M to 2B parameters
PAPER = "arXiv 2502.06857"
_BASES = ("flops", "seconds")
_TWO_SIDED = 1.96

CLASS = Words(
    en="{% if low == 0 %}under {{ high | num }}{% elif high is none %}over {{ low | num }}{% else %}{{ (low, high) | num }}{% endif %}",
    ja="{% if low == 0 %}{{ high | num }} 未満{% elif high is none %}{{ low | num }} 以上{% else %}{{ (low, high) | num }}{% endif %}",
)


class Cost(Frozen):
    """Of a class of aspect ratios: percent of the loss above the best class."""

    aspect: Text
    percent: Interval


class SizeBasin(Frozen):
    """Of one size at one accounting, by rising aspect ratio."""

    size: str
    costs: tuple[Cost, ...]

    @property
    def best(self) -> Text:
        return next(one.aspect for one in self.costs if one.percent == (0.0, 0.0, 0.0))


class Published(Frozen):
    """Of a class on the ladder: percent of the loss above the best class there, and standard errors."""

    aspect: Text
    flops: float
    flops_error: float
    seconds: float
    seconds_error: float


class Basin(Finding):
    """``flops`` and ``seconds``: by size, at equal FLOPs and in equal seconds; ``worse``: classes that cost more than the best at the
    largest size with 95 %, ``open``: those that may or may not; ``source``: of ``published``."""

    name = "basin"
    title = Words(
        en="""At {{ size }} and equal FLOPs aspect ratios {{ best }} lead
            {%- if open %}, not told apart from {{ open | map(attribute='aspect') | listed }}{% endif %}
            {%- if best == published_best %}; so they do on {{ ladder }} (50M to 2B)
            {%- else %}; {{ ladder }} (50M to 2B): {{ published_best }}{% endif %}""",
        ja="""{{ size }}・同一 FLOPs では縦横比 {{ best }} が首位
            {%- if open %}({{ open | map(attribute='aspect') | listed }} とは差があると言えない){% endif %}
            {%- if best == published_best %}。{{ ladder }}(50M〜2B)でも同じ
            {%- else %}。{{ ladder }}(50M〜2B)では {{ published_best }}{% endif %}""",
    )
    alt = Words(
        en="""
            Percent of the loss above the best class of aspect ratios, a panel an accounting, a series a size and one of {{ ladder }}.
            {% for basis, sizes in (('flops', flops), ('seconds', seconds)) if sizes %}
            {{ basis | accounting }}: {% for one in sizes %}
            {{ one.size }} {% for cost in one.costs %}{{ cost.aspect }} {% if cost.percent[0] == cost.percent[2] %}best{% else %}{{ cost.percent | fixed(2) }}{% endif %}{{ ', ' if not loop.last }}{% endfor %}
            {{- '. ' if loop.last else '; ' }}
            {% endfor %}
            {% endfor %}""",
        ja="""
            縦横比の区分ごとの、最良の区分に対する損失の差(%)。同一条件ごとに 1 枠、規模ごとと {{ ladder }} の系列。
            {%- for basis, sizes in (('flops', flops), ('seconds', seconds)) if sizes %}
            {{- basis | accounting }}:{% for one in sizes %}
            {{- one.size }} {% for cost in one.costs %}{{ cost.aspect }} {% if cost.percent[0] == cost.percent[2] %}最良{% else %}{{ cost.percent | fixed(2) }}{% endif %}{{ '、' if not loop.last }}{% endfor %}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            {% if worse %}At {{ size }} and equal FLOPs these classes of width over depth cost more than {{ best }}:
            {% for one in worse %}{{ one.aspect }} {{ one.percent | fixed(2) }} %{{ '.' if loop.last else '; ' }}{% endfor %}{% endif %}
            {% if open %} Not told apart from it: {% for one in open %}{{ one.aspect }} {{ one.percent | fixed(2) }} %
            {{- '.' if loop.last else '; ' }}{% endfor %}{% endif %}
            On {{ ladder }}, 50M to 2B, percent above the best class (standard errors) at equal FLOPs and in equal seconds:
            {% for one in published %}
            {{ one.aspect }} {{ one.flops | fixed(2) }} ± {{ one.flops_error | fixed(2) }} and {{ one.seconds | fixed(2) }} ± {{ one.seconds_error | fixed(2) }}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}
            That is this package's own analysis of the public table ({{ source }}), by `study backtest`; seconds there are those of GPUs.""",
        ja="""
            {% if worse %}{{ size }}・同一 FLOPs で縦横比 {{ best }} より損失が大きい区分:
            {%- for one in worse %}{{ one.aspect }} {{ one.percent | fixed(2) }} %{{ '。' if loop.last else ';' }}{% endfor %}{% endif %}
            {%- if open %}差があると言えない区分:
            {%- for one in open %}{{ one.aspect }} {{ one.percent | fixed(2) }} %{{ '。' if loop.last else ';' }}{% endfor %}{% endif %}
            {{- ladder }}(50M〜2B)での最良の区分との差(%、± 標準誤差、同一 FLOPs と同一時間):
            {%- for one in published %}
            {{ one.aspect }}:{{ one.flops | fixed(2) }} ± {{ one.flops_error | fixed(2) }} と {{ one.seconds | fixed(2) }} ± {{ one.seconds_error | fixed(2) }}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}
            公開表({{ source }})を本パッケージの `study backtest` で解析した値で、時間は GPU のもの。""",
    )

    size: str
    best: Text
    flops: tuple[SizeBasin, ...]
    seconds: tuple[SizeBasin, ...]
    worse: tuple[Cost, ...]
    open: tuple[Cost, ...]
    published: tuple[Published, ...]
    published_best: Text
    ladder: str
    source: str

    @classmethod
    def of(cls, accounts: Mapping[str, Moved], record: TrackRecord) -> Basin | None:
        """``accounts``: from `analysis.accountings`, with the column ``aspect``. None where nothing tells the noise of the trials."""
        own = {basis: _basins(accounts[basis]) if basis in accounts else () for basis in _BASES}
        if not own["flops"]:
            return None
        last, source = own["flops"][-1], next(one for one in record.sources if one.ladder == LADDER)
        published = tuple(
            Published(
                aspect=_class(one.aspect), flops=one.behind_flops, flops_error=one.behind_flops_error,
                seconds=one.behind_seconds, seconds_error=one.behind_seconds_error,
            )
            for one in record.shapes
        )  # fmt: skip
        others = [one for one in last.costs if one.aspect != last.best]
        return cls(
            size=last.size, best=last.best,
            flops=own["flops"], seconds=own["seconds"],
            worse=tuple(one for one in others if one.percent[0] > 0), open=tuple(one for one in others if one.percent[0] <= 0),
            published=published, published_best=next(one.aspect for one in published if one.flops == 0), ladder=source.title,
            source=f"{source.repository}@{source.commit[:8]}, {source.licence}, {PAPER}",
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        """A panel an accounting: classes side by side, in each the sizes in their order and the ladder last."""
        panels = {"flops": self.flops} | ({"seconds": self.seconds} if self.seconds else {})
        figure, axes = canvas(1, len(panels), width=5.6 * len(panels), height=4.6)
        for ax, (basis, sizes) in zip(axes, panels.items(), strict=True):
            _panel(ax, sizes, [(one.aspect, *_published_ends(one, basis)) for one in self.published], self.ladder)
            at = {"transform": ax.transAxes, "ha": "center", "va": "top", "fontsize": 10.5, "fontweight": "bold"}
            ax.text(0.5, 0.985, ACCOUNTINGS[basis].en, **at)
            ax.set_xlabel("aspect ratio = hidden size / layers")
        axes[0].set_ylabel("above the best class (percent of the loss)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
        return figure


def _basins(moved: Moved) -> tuple[SizeBasin, ...]:
    try:
        found = own_shape_costs(moved.trials, moved.errors)
    except StudyError:  # too few seeds, or no loss could be moved there
        return ()
    return tuple(
        SizeBasin(size=size, costs=tuple(Cost(aspect=_class(name), percent=own[name]) for name in ASPECT_CLASSES if name in own))
        for size, own in found.items()
    )  # fmt: skip


def _class(name: str) -> Text:
    low, high = ASPECT_CLASSES[name]
    return CLASS(low=low, high=None if high == float("inf") else high)


def _published_ends(one: Published, basis: str) -> Interval:
    middle, error = (one.flops, one.flops_error) if basis == "flops" else (one.seconds, one.seconds_error)
    return middle - _TWO_SIDED * error, middle, middle + _TWO_SIDED * error


def _panel(
    ax: Axes, sizes: Sequence[SizeBasin], published: Sequence[tuple[Text, float, float, float]], ladder: str
) -> None:
    names = [_class(name).en for name in ASPECT_CLASSES]
    series = [(one.size, [(cost.aspect, *cost.percent) for cost in one.costs]) for one in sizes]
    series.append((f"{ladder}, 50M to 2B (bars: 95 %)", list(published)))
    step = 0.7 / len(series)
    ax.axhline(0, color=INK, lw=1)
    for index, (label, costs) in enumerate(series):
        style = look(index) if index < len(sizes) else {"color": INK, "marker": "*", "linestyle": ":"}
        x = [names.index(aspect.en) + step * (index - (len(series) - 1) / 2) for aspect, *_ in costs]
        middle = [one[2] for one in costs]
        error = [[one[2] - one[1] for one in costs], [one[3] - one[2] for one in costs]]
        ax.errorbar(x, middle, error, label=label, lw=1.2, elinewidth=1.3, capsize=2.5, ms=6, **style)
    for border in range(len(names) - 1):
        ax.axvline(border + 0.5, color=MUTED, lw=0.5, alpha=0.4)
    ax.margins(y=0.1)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.grid(axis="x", visible=False)
