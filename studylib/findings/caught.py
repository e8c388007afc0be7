"""Which faults each step of cleaning catches, and what of sound text it loses: only where documents are labelled."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import CleanedRecord, LabelCount
from studylib.words import Words

_FAULTY, _SOUND = ("fault:", "copy:"), ("form:",)


class CaughtBy(Frozen):
    """Of one step as the only one: of what it drops, how much is faulty; of all that is faulty, how much it drops."""

    cleaner: str
    precision: Fraction | None
    recall: Fraction


class Kind(Frozen):
    """Documents of a label in the raw text, and the share of them that all steps together drop."""

    name: str
    documents: int
    dropped: Fraction


class Caught(Finding):
    """All steps together: ``recall`` of the faulty documents, ``precision`` of what was dropped; ``faults`` and sound ``forms``."""

    name = "caught"
    title = Words(
        en="""All steps together drop {{ (100 * recall) | num }} % of the faulty documents, and {{ (100 * precision) | num }} % of what they drop is
            faulty{% if forms %}; of sound text they lose {{ (forms | sort(attribute='dropped') | last).name }} most,
            {{ (100 * (forms | sort(attribute='dropped') | last).dropped) | num }} %{% endif %}""",
        ja="""全段階で不良文書の {{ (100 * recall) | num }} % を除き、除いた文書の {{ (100 * precision) | num }} % が不良
            {%- if forms %}。健全な文章で最も失われるのは {{ (forms | sort(attribute='dropped') | last).name }}(
            {{- (100 * (forms | sort(attribute='dropped') | last).dropped) | num }} %){% endif %}""",
    )
    alt = Words(
        en="""Share of the documents of each label that each step drops by itself, and all together. All together:
            {% for one in faults %}{{ one.name }} {{ (100 * one.dropped) | num }} % of {{ one.documents }}{{ '.' if loop.last else '; ' }}{% endfor %}
            {% if forms %}
            Lost of sound text:
            {% for one in forms %}{{ one.name }} {{ (100 * one.dropped) | num }} % of {{ one.documents }}{{ '.' if loop.last else '; ' }}{% endfor %}
            {% endif %}
            Each step by itself:
            {% for one in steps %}
            {{ one.cleaner }} catches {{ (100 * one.recall) | num }} %
            {%- if one.precision is not none %}, {{ (100 * one.precision) | num }} % of what it drops is faulty{% endif %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""ラベルごとに、各段階が単独で、また全段階で除いた文書の割合。全段階:
            {% for one in faults %}{{ one.name }} {{ one.documents }} 件中 {{ (100 * one.dropped) | num }} %{{ '。' if loop.last else '、' }}{% endfor %}
            {% if forms %}
            健全な文章の損失:
            {% for one in forms %}{{ one.name }} {{ one.documents }} 件中 {{ (100 * one.dropped) | num }} %{{ '。' if loop.last else '、' }}{% endfor %}
            {% endif %}
            各段階の単独:
            {% for one in steps %}
            {{ one.cleaner }} 再現率 {{ (100 * one.recall) | num }} %
            {%- if one.precision is not none %}・適合率 {{ (100 * one.precision) | num }} %{% endif %}{{ '。' if loop.last else '、' }}
            {%- endfor %}""",
    )

    precision: Fraction
    recall: Fraction
    steps: tuple[CaughtBy, ...]
    faults: tuple[Kind, ...]
    forms: tuple[Kind, ...]

    @classmethod
    def of(cls, record: CleanedRecord) -> Caught | None:
        """None where no document has a fault by its label, as real text has none."""
        faults, forms = kinds(record.by_label, _FAULTY), kinds(record.by_label, _SOUND)
        faulty = sum(one.documents for one in faults)
        dropped = _dropped(record.by_label, _FAULTY)
        if not faulty or not record.kept.documents < record.raw.documents:
            return None
        steps = []
        for step in record.steps:
            right, wrong = (_dropped(step.by_label, sort, alone=True) for sort in (_FAULTY, _SOUND))
            share = right / (right + wrong) if right + wrong else None
            steps.append(CaughtBy(cleaner=step.cleaner, precision=share, recall=min(1.0, right / faulty)))
        return cls(
            precision=dropped / (dropped + _dropped(record.by_label, _SOUND)), recall=dropped / faulty,
            steps=tuple(steps), faults=tuple(faults), forms=tuple(forms),
        ).drawn_from(cells(record))  # fmt: skip

    def draw(self, cells: pl.DataFrame) -> Figure:
        """Two heat maps under each other: faults, where dark is caught, and sound forms, where dark is lost."""
        parts = [part for part in (self.faults, self.forms) if part]
        columns = cells["cleaner"].unique(maintain_order=True).to_list()
        rows = sum(map(len, (self.faults, self.forms)))
        figure, axes = canvas(
            len(parts), 1, width=2.6 + 0.5 * len(columns), height=2.6 + 0.3 * rows, sharex=True,
            height_ratios=[len(part) for part in parts],
        )  # fmt: skip
        for ax, part, label in zip(axes, parts, ("faulty", "sound"), strict=False):
            names = [one.name for one in part]
            own = cells.filter(pl.col("name").is_in(names) & (pl.col("label") == label))
            table = own.to_pandas().pivot(index="name", columns="cleaner", values="dropped").loc[names, columns]
            sns.heatmap(
                100 * table, ax=ax, cmap="cividis_r", vmin=0, vmax=100, cbar=False, annot=True, fmt=".0f", annot_kws={"size": 8.5},
                linewidths=0.4, linecolor="white",
            )  # fmt: skip
            ax.set(xlabel="", ylabel=f"{label} documents")
            ax.set_yticks(
                [place + 0.5 for place in range(len(part))], [f"{one.name} ({one.documents})" for one in part]
            )
            ax.tick_params(axis="y", labelrotation=0, labelcolor=INK)
        axes[-1].tick_params(axis="x", labelrotation=60, labelcolor=INK)
        axes[-1].set_xlabel("dropped by this step alone, and by all of them (% of the label's documents)")
        return figure


def kinds(by_label: dict[str, LabelCount], sort: tuple[str, ...]) -> list[Kind]:
    """Of one sort of label, the most dropped first."""
    found = [
        Kind(name=_name(label), documents=one.given, dropped=one.dropped / one.given)
        for label, one in by_label.items()
        if label.startswith(sort) and one.given
    ]
    return sorted(found, key=lambda one: (-one.dropped, one.name))


def _name(label: str) -> str:
    """``fault:menu`` is menu, ``copy:edited`` an edited copy."""
    sort, _, name = label.partition(":")
    return f"{name} copy" if sort == "copy" else name


def cells(record: CleanedRecord) -> pl.DataFrame:
    """A row a label and step (at last all of them): ``label`` (faulty, sound), ``name``, ``cleaner``, ``dropped`` (a share)."""
    rows = []
    for sort, label in ((_FAULTY, "faulty"), (_SOUND, "sound")):
        for name, count in record.by_label.items():
            if not name.startswith(sort) or not count.given:
                continue
            shares = {step.cleaner: _alone(step.by_label.get(name)) / count.given for step in record.steps}
            rows += [(label, _name(name), step, share) for step, share in shares.items()]
            rows.append((label, _name(name), "all", count.dropped / count.given))
    return pl.DataFrame(rows, schema=["label", "name", "cleaner", "dropped"], orient="row")


def _alone(count: LabelCount | None) -> int:
    """What a step drops by itself; in its turn where that was not measured."""
    if count is None:
        return 0
    return count.dropped if count.alone is None else count.alone


def _dropped(by_label: dict[str, LabelCount], sort: tuple[str, ...], *, alone: bool = False) -> int:
    return sum(_alone(one) if alone else one.dropped for label, one in by_label.items() if label.startswith(sort))
