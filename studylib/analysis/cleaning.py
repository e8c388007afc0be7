"""What the record of a cleaning says, as frames: the funnel, steps against labels, and what is personal."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from studylib.spec.record_cleaned import CleanedRecord, LabelCount

ALL = "all"
"""The name of all steps together."""

_NOISE, _SOUND = ("fault", "copy"), ("form",)


def funnel(record: CleanedRecord) -> pl.DataFrame:
    """A row a step, in order.

    Columns: ``place``, ``step``, ``purpose``; ``given``, ``dropped`` and ``left`` documents; ``given_bytes``, ``dropped_bytes``,
    ``removed_bytes`` (out of documents that stay), ``repeated_bytes`` and ``left_bytes``; ``dropped_share`` of the documents
    given; ``alone`` and ``alone_share``: of the raw documents, were it the only step (null: not measured); ``seconds``.
    """
    rows = []
    for place, one in enumerate(record.steps):
        left = one.given.documents - one.dropped.documents + one.repeated.documents
        alone = one.alone and one.alone.documents
        rows.append(
            {
                "place": place,
                "step": one.cleaner,
                "purpose": one.purpose,
                "given": one.given.documents,
                "dropped": one.dropped.documents,
                "left": left,
                "given_bytes": one.given.bytes,
                "dropped_bytes": one.dropped.bytes,
                "removed_bytes": one.removed_bytes,
                "repeated_bytes": one.repeated.bytes,
                "left_bytes": one.given.bytes - one.dropped.bytes - one.removed_bytes + one.repeated.bytes,
                "dropped_share": _share(one.dropped.documents, one.given.documents),
                "alone": alone,
                "alone_share": None if alone is None else _share(alone, record.raw.documents),
                "seconds": one.seconds,
            }
        )
    return pl.DataFrame(rows, schema_overrides={"alone": pl.Int64, "alone_share": pl.Float64}, infer_schema_length=None)


def by_label(record: CleanedRecord) -> pl.DataFrame:
    """A row a label and step, and one for all steps together.

    Columns: ``step`` (`ALL` last), ``place`` (null for all), ``group`` (fault, form, copy, from), ``label``; of the documents
    with that label ``given`` to the step and ``dropped`` by it; ``raw`` ones, and those of them dropped ``alone`` (null: not
    measured).
    """
    counts: list[tuple[int | None, str, Mapping[str, LabelCount]]] = [
        (place, one.cleaner, one.by_label) for place, one in enumerate(record.steps)
    ]
    counts.append((None, ALL, record.by_label))
    rows = [
        {
            "step": step,
            "place": place,
            "group": name.partition(":")[0],
            "label": name.partition(":")[2],
            "given": count.given,
            "dropped": count.dropped,
            "raw": record.by_label[name].given,
            "alone": count.alone,
        }
        for place, step, of_step in counts
        for name, count in of_step.items()
    ]
    schema = {
        "step": pl.String, "place": pl.Int64, "group": pl.String, "label": pl.String, "given": pl.Int64,
        "dropped": pl.Int64, "raw": pl.Int64, "alone": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def against_labels(record: CleanedRecord, *, noise: Collection[str] = ()) -> pl.DataFrame:
    """Precision and recall of every step, and of all together (`ALL`, last).

    Noise are documents with a fault and copies; sound ones have a form. Documents of which neither is known do not count.

    Parameters
    ----------
    noise
        Names of sources (label ``from``) whose documents count as noise, and all others as sound, instead of faults and forms.

    Returns
    -------
    pl.DataFrame
        ``step``, ``place``; ``dropped`` documents of known labels, ``right`` of them noise, ``noise`` given to the step,
        ``precision``, ``recall``, and both ``alone`` on the raw text (null where nothing was dropped, or not measured).
    """
    labels = by_label(record)
    if noise:
        labels = labels.filter(pl.col("group") == "from").with_columns(pl.col("label").is_in(list(noise)).alias("bad"))
    else:
        known = labels["group"].is_in([*_NOISE, *_SOUND])
        labels = labels.filter(known).with_columns(pl.col("group").is_in(_NOISE).alias("bad"))
    bad_only = {name: pl.col(name).filter(pl.col("bad")).sum() for name in ("dropped", "given", "alone", "raw")}
    found = labels.group_by("place", "step", maintain_order=True).agg(
        pl.col("dropped").sum(),
        bad_only["dropped"].alias("right"),
        bad_only["given"].alias("noise"),
        pl.col("alone").sum().alias("_alone"),
        pl.col("alone").null_count().alias("_unmeasured"),
        bad_only["alone"].alias("_alone_right"),
        bad_only["raw"].alias("_raw"),
    )
    measured = pl.col("_unmeasured") == 0

    def ratio(part: str, whole: str, condition: pl.Expr) -> pl.Expr:
        return pl.when(condition & (pl.col(whole) > 0)).then(pl.col(part) / pl.col(whole))

    return found.select(
        "step", "place", "dropped", "right", "noise",
        ratio("right", "dropped", pl.lit(True)).alias("precision"),
        ratio("right", "noise", pl.lit(True)).alias("recall"),
        ratio("_alone_right", "_alone", measured).alias("precision_alone"),
        ratio("_alone_right", "_raw", measured).alias("recall_alone"),
    )  # fmt: skip


def losses(record: CleanedRecord) -> pl.DataFrame:
    """Sound documents that were lost: a row a form and step, and one for all (`ALL`).

    Columns: ``step``, ``form``, ``raw``, ``lost``, ``share`` of the raw ones; ``alone`` and ``alone_share``.
    """
    raw = pl.col("raw")
    return (
        by_label(record)
        .filter(pl.col("group") == "form")
        .select(
            "step",
            pl.col("label").alias("form"),
            raw,
            pl.col("dropped").alias("lost"),
            (pl.col("dropped") / raw).alias("share"),
            "alone",
            (pl.col("alone") / raw).alias("alone_share"),
        )
    )


def spans(record: CleanedRecord, purpose: str) -> pl.DataFrame:
    """Spans that steps of a ``purpose`` (mask, correct) have found, against labelled ones: a row a step and kind.

    Columns: ``step``, ``kind``, ``labelled``, ``covered``, ``found``, ``right``, ``precision`` (right of those found),
    ``recall`` (covered of those labelled); null where there are none.
    """
    rows = [
        {
            "step": one.cleaner, "kind": kind, "labelled": count.labelled, "covered": count.covered,
            "found": count.found, "right": count.right, "precision": _share(count.right, count.found),
            "recall": _share(count.covered, count.labelled),
        }
        for one in record.steps
        if one.purpose == purpose
        for kind, count in one.spans.items()
    ]  # fmt: skip
    schema = {
        "step": pl.String, "kind": pl.String, "labelled": pl.Int64, "covered": pl.Int64, "found": pl.Int64,
        "right": pl.Int64, "precision": pl.Float64, "recall": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def masked(record: CleanedRecord) -> pl.DataFrame:
    """What was masked, by kind: ``kind``, ``found``, and ``per_million`` bytes of the text that the step was given."""
    rows = [
        {"kind": kind, "found": count, "per_million": 1e6 * count / max(1, one.given.bytes)}
        for one in record.steps
        if one.purpose == "mask"
        for kind, count in one.counts.items()
    ]
    return pl.DataFrame(rows, schema={"kind": pl.String, "found": pl.Int64, "per_million": pl.Float64})


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
