"""Idea 6's tables: trials judged by their answers, what was forgotten, and what preferences changed."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any

import numpy as np
import polars as pl

from studylib.analysis import Compared, Decision, decide
from studylib.data import Tokenizer, prepare
from studylib.data.chat.seen import Piece, SeenRow, pieces_of
from studylib.data.excerpts import NO_TEXT
from studylib.errors import StudyError
from studylib.findings import (
    Comparison,
    OverOptimisation,
    PreferenceWins,
    TunedAccuracy,
    Wordings,
    WrittenAnswers,
    as_compared,
)
from studylib.ideas.finetune_mix.rounds import best_factors
from studylib.ideas.finetune_mix.schema import BEST, EVEN, FinetuneMixParams
from studylib.ideas.finetune_mix.tunings import ALL_AT_ONCE, mixtures, orders
from studylib.notebook import heading, line, marked, records
from studylib.result import Text
from studylib.spec import Setting
from studylib.trials import Task


class WhatIsLearnt:
    """The first conversations of each kind as a model reads them: the template around them, and what is learnt marked; and how many
    there are, and how many of them the context does not hold. Where the text's record was restored, only that it is not there."""

    def __init__(self, params: FinetuneMixParams, each: int = 2):
        self.rows: dict[str, list[list[Piece]]] = {}
        self.counts: list[dict[str, Any]] = []
        self.note = ""
        record = Task.under(params.folder, params.all_data).result()
        if record is not None and record.restored:
            self.note = NO_TEXT
            return
        prepared = prepare(params.all_data, params.folder / "data")
        tokenizer = Tokenizer.load(prepared.tokenizer_file)
        for kind in params.kinds:
            shard = prepared.shards(kind).train
            beyond = shard.prompt_tokens > params.seq_len
            cut = (np.diff(shard.document_starts) > params.seq_len + 1) & ~beyond
            counts = {"conversations": shard.num_documents, "cut": int(cut.sum()), "left out": int(beyond.sum())}
            self.counts.append({"kind": kind} | counts)
            edges = shard.document_starts[: each + 1].tolist()
            rows = (SeenRow("", "", shard.tokens[a:b], shard.learnt[a:b], "whole") for a, b in pairwise(edges))
            self.rows[kind] = [pieces_of(row, tokenizer) for row in rows]

    def _repr_html_(self) -> str:
        if self.note:
            return line(self.note)
        shown = [heading(kind) + "".join(marked(_runs(row)) for row in rows) for kind, rows in self.rows.items()]
        return "".join([*shown, heading("how many, of the training text"), records(self.counts)])


def _runs(row: list[Piece]) -> list[tuple[str, bool]]:
    """Neighbours that are learnt, or are not, as one text."""
    return [
        ("".join(piece.text for piece in own), learnt) for learnt, own in groupby(row, lambda piece: bool(piece.learnt))
    ]


def on_answers(params: FinetuneMixParams, trials: pl.DataFrame) -> pl.DataFrame:
    """The tunings, judged by their answers: ``val_bpb`` and ``val_loss`` are means over the kinds; ``forgotten`` is what the text of the
    pre-training costs more than the model before tuning, in bits per byte (over several texts the mean).

    Raises
    ------
    StudyError
        The pre-training of the largest model did not finish, or no tuning did.
    """
    before = trials.filter((pl.col("family") == "pretrained") & (pl.col("status") == "done"))
    if params.size not in before["size"].to_list():
        raise StudyError("the pre-training did not finish, so nothing can be tuned")
    tuned = trials.filter(pl.col("family").is_in(TUNED))
    if "done" not in tuned["status"].to_list():
        why = next((f": {row['status']}, {row['message']}" for row in tuned.iter_rows(named=True)), "")
        raise StudyError(f"no tuning finished, so nothing can be compared{why}")
    texts = [f"val_bpb/{text}" for text in params.texts]
    known = before.select("size", *(pl.col(text).alias(f"{text} before") for text in texts))
    forgotten = pl.mean_horizontal(pl.col(text) - pl.col(f"{text} before") for text in texts)
    means = (
        pl.mean_horizontal(f"val_{unit}/{kind}" for kind in params.kinds).alias(f"val_{unit}")
        for unit in ("bpb", "loss")
    )
    beside = tuned.join(known, on="size", how="left", maintain_order="left")
    return beside.with_columns(*means, forgotten.alias("forgotten")).select(*tuned.columns, "forgotten")


TUNED = ("mixture", "amount", "wordings", "order", "longer")  # families that learn answers


def at_best_rates(params: FinetuneMixParams, tuned: pl.DataFrame) -> pl.DataFrame:
    """Every mixture at the rate that was best for it at that size, on the seeds that had no say in it."""
    chosen = pl.DataFrame(
        [(own.size, name, factor) for own in params.at_every_size for name, factor in best_factors(own).items()],
        schema={"size": pl.String, "variant": pl.String, "lr_factor": pl.Float64}, orient="row",
    )  # fmt: skip
    rows = tuned.filter((pl.col("family") == "mixture") & pl.col("seed").is_in(params.judging_seeds))
    return rows.join(chosen, on=["size", "variant", "lr_factor"], how="semi", maintain_order="left")


def at_rates(params: FinetuneMixParams, tuned: pl.DataFrame) -> pl.DataFrame:
    """Every mixture at every rate, on the seed that chose."""
    return tuned.filter((pl.col("family") == "mixture") & (pl.col("seed") == params.seeds[0])).unique(
        "hash", maintain_order=True
    )


def by_number_of_kinds(params: FinetuneMixParams) -> dict[str, list[str]]:
    """The mixtures but the even one, by how many kinds they mix."""
    found: dict[str, list[str]] = {}
    for name, shares in mixtures(params).items():
        if name != EVEN:
            found.setdefault("one kind" if len(shares) == 1 else f"{len(shares)} kinds", []).append(name)
    return found


class Scores:
    """What was asked and how it was answered, means over seeds: a row a benchmark, variant and score, beside it the standard error
    of one seed over its items."""

    def __init__(self, scores: pl.DataFrame):
        """``scores``: as ``analysis.read_evaluations`` has them."""
        means = (
            scores.filter(pl.col("by") == "all")
            .group_by("benchmark", "variant", "score", maintain_order=True)
            .agg(pl.col("value").mean(), pl.col("seed").n_unique())
        )
        known = {row[:3]: row[3] for row in means.select("benchmark", "variant", "score", "value").iter_rows()}
        self.rows = [
            {"benchmark": benchmark, "asked": variant, "seeds": seeds, "score": score, "value": f"{value:.3g}"}
            | {"error": "" if (error := known.get((benchmark, variant, f"{score}_error"))) is None else f"{error:.2g}"}
            for benchmark, variant, score, value, seeds in means.iter_rows()
            if not score.endswith("_error")
        ]

    def _repr_html_(self) -> str:
        return records(self.rows, rows=200)


def accuracy(questions: pl.DataFrame) -> TunedAccuracy | None:
    """Of mixtures and longer tunings, against guessing and the model before tuning; None where nobody was asked."""
    if questions.is_empty():
        return None
    of = pl.col("family")
    return TunedAccuracy.of(questions.filter(of.is_in(["mixture", "longer"])), questions.filter(of == "pretrained"))


def in_wordings(questions: pl.DataFrame) -> Wordings | None:
    """Of the models that were tuned on few wordings and on many; None where nobody was asked."""
    return None if questions.is_empty() else Wordings.of(questions.filter(pl.col("family") == "wordings"))


def by_order(tuned: pl.DataFrame) -> Comparison | None:
    """Every order against all at once; None where none is tried."""
    ordered = tuned.filter(pl.col("family") == "order")
    return None if ordered.is_empty() else Comparison.of(ordered, ALL_AT_ONCE, ORDERS)


ORDERS = Text(en="Orders", ja="順序")


def compared(tuned: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """Mixtures at their best rates, and the other tunings; a trial that goes by several names has the mixture's."""
    others = tuned.filter(pl.col("family") != "mixture")
    known = others.filter(pl.col("hash").is_in(judged["hash"].to_list()))["variant"].unique().to_list()
    return pl.concat([judged, others.filter(~pl.col("variant").is_in(known))])


def metrics(params: FinetuneMixParams, tuned: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The rows of the report's table; further columns are means over seeds."""
    shown = columns(params)
    return compared(tuned, judged).with_columns(
        pl.col(name).mean().over("size", "variant").alias(shown[name]) for name in shown
    )


def columns(params: FinetuneMixParams) -> dict[str, str]:
    """What that table shows beside the loss, by the name that it has there."""
    return {"forgotten": "forgotten", "rate": "rate"} | {f"val_bpb/{kind}": f"{kind} bpb" for kind in params.kinds}


def before_and_after(written: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answers of what was trained on preferences, and of what that began with."""
    if written.is_empty():
        return written, written
    return written.filter(pl.col("method").is_not_null()), written.filter(pl.col("method").is_null())


def wins(written: pl.DataFrame) -> PreferenceWins | None:
    """What preferences changed, by the world's own truth."""
    after, before = before_and_after(written)
    return PreferenceWins.of(after, before) if len(after) else None


def over_optimised(written: pl.DataFrame) -> OverOptimisation | None:
    """Reward and truth over the distance from the best mixture's models; None where no reward model was asked."""
    after, before = (rows.filter(pl.col("start") == BEST) if len(rows) else rows for rows in before_and_after(written))
    return OverOptimisation.of(after, before) if len(after) and "reward" in after.columns else None


def answers_of_best(written: pl.DataFrame) -> WrittenAnswers | None:
    """A few answers of the best mixture's model, and what each method made of it."""
    if written.is_empty():
        return None
    own = written.filter(pl.col("start") == BEST)
    order = own.sort(pl.col("method").is_not_null(), maintain_order=True)["variant"].unique(maintain_order=True)
    return WrittenAnswers.of(own, order.to_list())


def decide_method(written: pl.DataFrame, *, looks: int) -> Decision | None:
    """Which way of learning from preferences makes the best answers by the world's own truth, doing without among them.

    In shares of what an answer could have scored and did not; of the models that began with the best mixture. None with fewer than two
    seeds.
    """
    missed = missed_scores(written)
    if missed.is_empty() or missed["variant"].n_unique() < 2 or missed["seed"].n_unique() < 2:
        return None
    return decide(missed, looks=looks)


def missed_scores(written: pl.DataFrame) -> pl.DataFrame:
    """A row a model that began with the best mixture, as trials are: ``val_bpb`` is the share of the score that its answers missed."""
    after, before = before_and_after(written)
    rows = pl.concat([before, after], how="diagonal_relaxed") if len(written) else written
    if rows.is_empty():
        return rows
    return (
        rows.filter(pl.col("start") == BEST)
        .with_columns(pl.when(pl.col("method").is_null()).then(pl.lit(WITHOUT)).otherwise("variant").alias("variant"))
        .group_by("variant", "seed", "size", maintain_order=True)
        .agg((1 - pl.col("score").mean()).alias("val_bpb"))
        .with_columns(pl.lit("done").alias("status"))
    )


WITHOUT = "without preferences"


def method_settings(params: FinetuneMixParams, decision: Decision | None, written: pl.DataFrame) -> tuple[Setting, ...]:
    """The objective to go on with from the tuned model, with its loss and beta; ``answers`` where doing without leads.

    What was tried is told in percent of the score that answers miss, not of a loss.
    """
    if decision is None or params.preferences is None:
        return ()
    tried: dict[str, dict[str, Any]] = {WITHOUT: {"name": "answers"}}
    for loss, betas in params.preferences.losses.items():
        for beta in betas:
            tried[f"{BEST}: {loss} {beta:g}"] = {"name": "preference", "loss": loss, "beta": beta}
    if params.policy is not None:
        method = params.policy.objective.estimator
        for beta in params.policy.betas:
            tried[f"{BEST}: {method} {beta:g}"] = {"name": "policy", "estimator": method, "beta": beta}
    missed = missed_scores(written).with_columns(pl.lit(params.non_embedding_params).alias("non_embedding_params"))
    compared = Compared.of(decision, missed)
    known = {
        "p_best": decision.p_best[decision.leader], "basis": "tokens", "evidence": "measured", "sizes": (decision.at,),
        "phase": "preferences", "decided": False, "choice": "preferences",
    }  # fmt: skip
    return tuple(
        Setting(
            field=f"objective.{name}", value=value, **known,
            **as_compared(compared, decision.leader, {one: own.get(name) for one, own in tried.items()}),
        )
        for name, value in tried[decision.leader].items()
    )  # fmt: skip


def epochs_settings(tuned: pl.DataFrame, *, looks: int) -> tuple[Setting, ...]:
    """How often to read rows of which there are few: the fewest that were tried; none with fewer than two seeds."""
    amounts = tuned.filter(pl.col("family") == "amount")
    few = amounts.filter(pl.col("rows") == pl.col("rows").min())
    if few.is_empty() or few["variant"].n_unique() < 2 or few["seed"].n_unique() < 2:
        return ()
    decision, times = decide(few, looks=looks), dict(few.select("variant", "epochs").unique(maintain_order=True).rows())
    return (
        Setting(
            field="epochs", phase="fine-tuning", value=times[decision.leader], alternatives=tuple(times[name] for name in decision.rivals),
            p_best=decision.p_best[decision.leader], basis="text", evidence="measured", sizes=(str(few["size"][0]),),
            decided=False, **as_compared(Compared.of(decision, few), decision.leader, times),
        ),
    )  # fmt: skip


def order_settings(params: FinetuneMixParams, tuned: pl.DataFrame, *, looks: int) -> tuple[Setting, ...]:
    """The stages to tune in, where any are better than all at once; else the mixture's one stage says it."""
    ordered, stages = tuned.filter(pl.col("family") == "order"), orders(params)
    if ordered.is_empty() or ordered["seed"].n_unique() < 2:
        return ()
    decision = decide(ordered, looks=looks)
    if decision.leader == ALL_AT_ONCE:
        return ()
    return (
        Setting(
            field="stages", phase="fine-tuning", value=stages[decision.leader], alternatives=tuple(stages[name] for name in decision.rivals),
            p_best=decision.p_best[decision.leader], basis="tokens", evidence="measured",
            sizes=(str(ordered["size"][0]),), source=_AT_EQUAL_SHARES, decided=False, choice="order",
            **as_compared(Compared.of(decision, ordered), decision.leader, stages),
        ),
    )  # fmt: skip


_AT_EQUAL_SHARES = Text(en="at equal shares of all kinds", ja="全種類を等分した場合")


def rate_setting(judged: pl.DataFrame, best: str) -> Setting:
    """The rate of the best mixture, and those that other mixtures found best."""
    rates = dict(judged.select("variant", "rate").unique(maintain_order=True).rows())
    others = tuple(sorted({rate for rate in rates.values() if rate != rates[best]}))
    return Setting(
        field="optimizer.learning_rate", phase="fine-tuning", value=rates[best], alternatives=others, basis="tokens",
        evidence="measured", sizes=(str(judged["size"][0]),), decided=False,
    )  # fmt: skip
