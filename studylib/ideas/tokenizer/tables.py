"""Idea 3's tables: what each tokenizer does to each kind of text, and how variants differ from their baselines."""

from __future__ import annotations

import polars as pl

from studylib.analysis import carry_to_target, compare_to_baseline
from studylib.findings import Comparison, settings_at_target
from studylib.ideas.tokenizer.schema import REFERENCE, TokenizerParams, sample_label
from studylib.ideas.tokenizer.trials import measures
from studylib.spec import Setting
from studylib.trials import Task, run_steps
from studylib.words import Text

SUBJECTS = {
    "sample": Text(en="Trained on a sample", ja="標本での学習"),
    "choice": Text(en="Other tokenizers of the same size", ja="同じ語彙数の別のトークナイザ"),
    "fine-tuning": Text(en="Fine-tuning with added pieces", ja="語彙を追加したファインチューニング"),
}
COUNTED = Text(en="all the text fits in memory only as counts", ja="全文は計数でなければメモリに収まらない")


def measured(params: TokenizerParams) -> pl.DataFrame:
    """A row a tokenizer and kind of text: `studylib.data.measure.TokenizerMetrics` on validation text, and the tokenizer's name.

    What is not measured yet is measured first.

    Raises
    ------
    StudyError
        A tokenizer cannot be trained, or its text cannot be read.
    """
    steps = measures(params)
    run_steps(steps.values(), **params.launch)
    return pl.DataFrame(
        [
            {"variant": variant, "vocab_size": step.data.vocab_size, "register": register} | found.model_dump()
            for variant, step in steps.items()
            for register, found in Task.under(params.folder, step).made().texts.items()
        ]
    )


def with_measures(trials: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """``trials`` with columns ``chars_per_token <kind of text>`` and ``bytes as tokens`` of their variant's tokenizer."""
    wide = table.pivot("register", index="variant", values="chars_per_token", maintain_order=True)
    wide = wide.rename({name: f"chars_per_token {name}" for name in wide.columns if name != "variant"})
    means = table.group_by("variant", maintain_order=True).agg(byte_share=pl.col("byte_share").mean())
    return trials.join(wide, on="variant", how="left", maintain_order="left").join(
        means, on="variant", how="left", maintain_order="left"
    )


def comparisons(trials: pl.DataFrame, params: TokenizerParams) -> dict[str, Comparison]:
    """Every family that is held against a baseline, where there are trials of it.

    Samples and other choices are trials of the same model at the same budget as the vocabulary sweep, so the noise is taken
    from all of them together; a family of two variants alone would hardly know its own.
    """
    found = {}
    for family, baseline in _baselines(params).items():
        rows = trials.filter(pl.col("family") == family)
        names = rows["variant"].unique(maintain_order=True).to_list()
        if len(names) < 2:
            continue
        beside = pl.col("family").is_in(["vocabulary", "sample", "choice"]) & (pl.col("size") == rows["size"][0])
        if family in ("sample", "choice"):
            others = trials.filter(beside & ~pl.col("hash").is_in(rows["hash"].to_list()))
            rows = pl.concat([rows, others.unique(["variant", "seed"], maintain_order=True)])
        table = compare_to_baseline(rows, baseline).filter(pl.col("variant").is_in(names))
        if (one := Comparison.of_table(table, baseline, SUBJECTS[family])) is not None:
            found[family] = one
    return found


def settings(trials: pl.DataFrame, params: TokenizerParams) -> tuple[Setting, ...]:
    """The kind of tokenizer and whether it is trained on all the text, carried to the target from the size where they were tried.

    What belongs to this study's text is not handed on: shares of its sources, and how many bytes a sample has.
    """
    groups: dict[str, dict[str, dict]] = {
        "sample": {sample_label(size): {"sample_bytes": size} for size in params.samples}
    }
    for name, changes in params.variants.items():
        if "mix" not in changes:
            groups.setdefault(" ".join(sorted(changes)), {})[name] = changes
    found: list[Setting] = []
    for family, baseline in _baselines(params).items():
        rows = trials.filter(pl.col("family") == family)
        if family == "fine-tuning" or rows["variant"].n_unique() < 2:
            continue
        at = carry_to_target(rows, baseline, target_params=params.target_params)
        found += settings_at_target(at, groups, params.data.tokenizer, baseline, "data.tokenizer")
    kept = [one for one in found if one.field != "data.tokenizer.sample_bytes" or one.value == "all"]
    if any(one.value == "all" for one in kept):
        counts = {"evidence": "convention", "source": COUNTED, "decided": False}
        kept.append(Setting(field="data.tokenizer.train_on", value="counts", **counts))
    return tuple(kept)


def _baselines(params: TokenizerParams) -> dict[str, str]:
    return {
        "sample": sample_label(params.data.tokenizer.sample_bytes),
        "choice": REFERENCE,
        "fine-tuning": "old pieces",
    }


def as_records(table: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """The table for result.json: variant, kind of text, figures to four digits."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    names = ("chars_per_token", "bytes_per_token", "byte_share", "used_share", "mb_per_s")
    for row in table.iter_rows(named=True):
        figures = {name: float(f"{row[name]:.4g}") for name in names}
        found.setdefault(row["variant"], {})[row["register"]] = figures
    return found


def measured_columns(trials: pl.DataFrame) -> list[str]:
    """The columns that `with_measures` added."""
    return ["vocab_size", *(name for name in trials.columns if name.startswith("chars_per_token ")), "byte_share"]
