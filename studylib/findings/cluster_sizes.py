"""How large the clusters of duplicates are."""

from __future__ import annotations

from matplotlib.figure import Figure

from studylib.findings._figures.style import BAR, INK, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import CleanedRecord
from studylib.words import Words


class Clusters(Frozen):
    """Clusters of ``least`` to ``most`` documents."""

    least: int
    most: int
    number: int


class ClusterSizes(Finding):
    """``copies``: share of the raw documents that another one of their cluster stands for; ``largest``: documents."""

    name = "clusters"
    title = Words(
        en="""{{ (100 * copies) | num }} % of the documents are copies of another one; the largest of
            {{ clusters | sum(attribute='number') }} clusters has {{ largest }}""",
        ja="""文書の {{ (100 * copies) | num }} % は別の文書の写し。{{ clusters | sum(attribute='number') }} 個のクラスタのうち最大は
            {{ ' ' }}{{ largest }} 文書""",
    )
    alt = Words(
        en="""Number of clusters of duplicates, by how many documents they have:
            {% for one in clusters %}
            {{ one.least }}{% if one.most != one.least %} to {{ one.most }}{% endif %}: {{ one.number }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""重複クラスタの数を文書数ごとに示す:
            {% for one in clusters %}
            {{ one.least }}{% if one.most != one.least %}〜{{ one.most }}{% endif %} 文書 {{ one.number }} 個{{ '。' if loop.last else '、' }}
            {%- endfor %}""",
    )

    copies: Fraction
    largest: int
    clusters: tuple[Clusters, ...]

    @classmethod
    def of(cls, record: CleanedRecord) -> ClusterSizes | None:
        """None where no copies were found, or none were looked for."""
        if not record.clusters:
            return None
        bins: dict[int, int] = {}
        for size, number in record.clusters.items():
            bins[_least(size)] = bins.get(_least(size), 0) + number
        copies = sum((size - 1) * number for size, number in record.clusters.items())
        return cls(
            copies=min(1.0, copies / max(1, record.raw.documents)), largest=max(record.clusters),
            clusters=tuple(Clusters(least=one, most=_most(one), number=bins[one]) for one in sorted(bins)),
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        figure, (ax,) = canvas(width=7.2, height=3.4)
        bars = ax.bar(range(len(self.clusters)), [one.number for one in self.clusters], color=BAR, width=0.7)
        ax.bar_label(bars, fontsize=9, color=INK)
        names = [f"{one.least}" if one.least == one.most else f"{one.least}–{one.most}" for one in self.clusters]
        ax.set_xticks(range(len(names)), names)
        ax.set_yscale("symlog", linthresh=1)
        ax.set_ylim(bottom=0)
        ax.grid(axis="x", visible=False)
        ax.set(xlabel="documents in the cluster", ylabel="clusters")
        return figure


def _least(size: int) -> int:
    """Sizes up to 3 by themselves, then by doubling: 4 to 7, 8 to 15, ..."""
    return size if size <= 3 else 1 << (size.bit_length() - 1)


def _most(least: int) -> int:
    return least if least <= 3 else 2 * least - 1
