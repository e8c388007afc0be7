"""How large the clusters of duplicates are."""

from __future__ import annotations

from matplotlib.figure import Figure

from studylib.findings._figures.style import BAR, INK, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import CleanedRecord
from studylib.words import Words


class Clusters(Frozen):
    """Clusters of ``least`` documents up to the next size that is counted by itself."""

    least: int
    number: int


class ClusterSizes(Finding):
    """``copies``: share of the raw documents that were dropped as copies of another; ``clusters`` by rising size."""

    name = "clusters"
    title = Words(
        en="""{{ (100 * copies) | num }} % of the documents are dropped as copies of another one; the largest of
            {{ clusters | sum(attribute='number') }} clusters has {{ clusters[-1].least }} documents{{ '' if clusters[-1].least == 2 else ' or more' }}""",
        ja="""文書の {{ (100 * copies) | num }} % は別の文書の写しとして除かれる。{{ clusters | sum(attribute='number') }} 個のクラスタのうち最大は
            {{ ' ' }}{{ clusters[-1].least }} 文書{{ '' if clusters[-1].least == 2 else '以上' }}""",
    )
    alt = Words(
        en="""Number of clusters of duplicates, by how many documents they have at least:
            {% for one in clusters %}{{ one.least }}: {{ one.number }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""重複クラスタの数を、含まれる文書数の下限ごとに示す:
            {% for one in clusters %}{{ one.least }} 文書から {{ one.number }} 個{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    copies: Fraction
    clusters: tuple[Clusters, ...]

    @classmethod
    def of(cls, record: CleanedRecord) -> ClusterSizes | None:
        """None where no copies were found, or none were looked for."""
        if not record.clusters:
            return None
        copies = sum(step.dropped.documents for step in record.steps if step.purpose == "deduplicate")
        clusters = tuple(Clusters(least=size, number=record.clusters[size]) for size in sorted(record.clusters))
        return cls(copies=copies / record.raw.documents, clusters=clusters).drawn_from()

    def draw(self) -> Figure:
        figure, (ax,) = canvas(width=7.2, height=3.4)
        bars = ax.bar(range(len(self.clusters)), [one.number for one in self.clusters], color=BAR, width=0.7)
        ax.bar_label(bars, fontsize=9, color=INK)
        names = [f"{one.least}" if one.least == 2 else f"from {one.least}" for one in self.clusters]
        ax.set_xticks(range(len(names)), names)
        ax.set_yscale("symlog", linthresh=1)
        ax.set_ylim(0, 2 * max(one.number for one in self.clusters))  # room for the number above the bar
        ax.grid(axis="x", visible=False)
        ax.set(xlabel="documents in the cluster", ylabel="clusters")
        return figure
