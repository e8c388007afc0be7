"""Published findings about fine-tuning held against idea 6."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import polars as pl

from studylib.analysis import estimate, score
from studylib.ideas.finetune_mix.schema import BEST, FinetuneMixParams
from studylib.ideas.finetune_mix.tunings import mixture_name
from studylib.result import Anchor, Text

_LEAST_SEEDS = 2
Interval = tuple[float, float] | None


def anchors(
    params: FinetuneMixParams, tuned: pl.DataFrame, judged: pl.DataFrame, questions: pl.DataFrame, written: pl.DataFrame
) -> tuple[Anchor, ...]:
    """Published findings held against this study.

    Parameters
    ----------
    tuned, judged
        As of `tables.on_answers` and `tables.at_best_rates`.
    questions, written
        Rows of multiple_choice and of written, as ``analysis.read_evaluation_rows`` has them; may be empty.
    """
    seeds = len(params.judging_seeds)
    return (
        score(
            Text(
                en="At equal rows, more domains are better on domains that none of the rows are from",
                ja="同じ行数なら、多くの領域から取るほうが未学習の領域で良くなる",
            ),
            "arXiv 2410.04717",
            _unseen_kinds(params, judged),
            (-math.inf, 0.0),
            unit=Text(
                en="bits per byte of the other kinds, two kinds above one", ja="二種類と一種類の差(ほかの種類での bits/byte)"
            ),
            seeds=seeds,
        ),
        score(
            Text(
                en="Reading a quarter of the text four times is nearly as good as all of it once",
                ja="四分の一の文章を 4 回読んでも、全部を 1 回読むのとほぼ同じ",
            ),
            "arXiv 2305.16264",
            _repeated(tuned),
            (-math.inf, 1.0),
            unit=Text(en="% of the loss above all rows once", ja="全行を 1 回読んだ場合からの損失増(%)"),
            seeds=seeds,
        ),
        score(
            Text(
                en="Trained on more wordings of its tasks, a model answers more new wordings of them right",
                ja="課題の言い回しを増やして学習すると、新しい言い回しでの正答が増える",
            ),
            "T0, arXiv 2110.08207",
            _wordings(questions),
            (0.0, math.inf),
            unit=Text(en="share of right answers, most wordings above one", ja="正答率の差(最多と 1 種)"),
            seeds=seeds,
        ),
        score(
            Text(en="At the size of GPT-2, DPO gains little", ja="GPT-2 規模では DPO の効果は小さい"),
            "arXiv 2603.20100",
            _gain(written, ["dpo"]),
            (-_LITTLE, _LITTLE),
            unit=Text(en="of an answer's score (0 to 1)", ja="回答の得点(0〜1)の差"),
            seeds=seeds,
        ),
        score(
            Text(
                en="Normalised by length, DPO is better than without", ja="長さで正規化した DPO のほうが良い"
            ),
            "Tülu 3, arXiv 2411.15124",
            _between(written, "dpo_norm", "dpo"),
            (0.0, math.inf),
            unit=Text(en="of an answer's score (0 to 1)", ja="回答の得点(0〜1)の差"),
            seeds=seeds,
        ),
        score(
            Text(
                en="Far from its start, a policy's true score falls while the reward model's goes on rising",
                ja="出発点から離れると、報酬モデルの評価は上がり続けても真の得点は下がる",
            ),
            "arXiv 2210.10760",
            _far_against_near(written),
            (-math.inf, 0.0),
            unit=Text(en="of the true score, least beta above greatest", ja="真の得点の差(最小と最大の beta)"),
            seeds=seeds,
        ),
    )  # fmt: skip


_LITTLE = 0.05  # of a score between 0 and 1


def _unseen_kinds(params: FinetuneMixParams, judged: pl.DataFrame) -> Interval:
    """Pairs of kinds against each of the two alone, on the kinds that are in neither; over seeds, each at its best rate."""
    rows = judged.filter(pl.col("status") == "done")
    losses = {
        (row["variant"], row["seed"]): {kind: row[f"val_bpb/{kind}"] for kind in params.kinds}
        for row in rows.iter_rows(named=True)
    }
    found = []
    for seed in params.judging_seeds:
        own = []
        for pair in combinations(params.kinds, 2):
            others = [kind for kind in params.kinds if kind not in pair]
            names = [mixture_name(params, pair), *(mixture_name(params, (kind,)) for kind in pair)]
            if others and all((name, seed) in losses for name in names):
                two, *alone = (np.mean([losses[name, seed][kind] for kind in others]) for name in names)
                own.append(two - np.mean(alone))
        if own:
            found.append(float(np.mean(own)))
    return _interval(found)


def _repeated(tuned: pl.DataFrame) -> Interval:
    """A quarter of the rows four times against all of them once, percent."""
    rows = tuned.filter((pl.col("family") == "amount") & (pl.col("status") == "done"))
    if rows.is_empty():
        return None
    whole = rows.filter(pl.col("rows") == pl.col("rows").max())
    whole = whole.filter(pl.col("epochs") == 1)
    quarter = rows.filter((4 * pl.col("rows") - whole["rows"].max()).abs() <= 4 * _ROUNDED * pl.col("rows"))
    both = quarter.filter(pl.col("epochs") == 4).join(whole, on="seed", suffix="/whole")
    return _interval((100 * (both["val_bpb"] / both["val_bpb/whole"] - 1)).to_list())


_ROUNDED = 0.05  # steps are whole


def _wordings(questions: pl.DataFrame) -> Interval:
    if questions.is_empty() or "wordings" not in questions.columns:
        return None
    means = questions.drop_nulls("wordings").group_by("wordings", "seed").agg(pl.col("right").mean())
    if means.is_empty():
        return None
    few = means.filter(pl.col("wordings") == 1)
    most = means.filter((pl.col("wordings") == pl.col("wordings").max()) & (pl.col("wordings") > 1))
    return _paired(most, few, "right")


def _gain(written: pl.DataFrame, methods: list[str]) -> Interval:
    """Of the best beta of ``methods`` on the best mixture, above the model that it began with."""
    means = _means(written)
    if means is None:
        return None
    after = means.filter(pl.col("method").is_in(methods))
    return _paired(_best(after), means.filter(pl.col("method").is_null()), "score") if len(after) else None


def _between(written: pl.DataFrame, one: str, other: str) -> Interval:
    """Two methods, each at the beta that was best for it."""
    means = _means(written)
    if means is None:
        return None
    rows = [means.filter(pl.col("method") == name) for name in (one, other)]
    return None if any(own.is_empty() for own in rows) else _paired(_best(rows[0]), _best(rows[1]), "score")


def _far_against_near(written: pl.DataFrame) -> Interval:
    """Of the policy gradient: the least beta, which goes the farthest, against the greatest."""
    means = _means(written)
    if means is None:
        return None
    policies = means.filter(pl.col("family") == "policy")
    if policies["beta"].n_unique() < 2:
        return None
    far, near = (policies.filter(pl.col("beta") == end) for end in (policies["beta"].min(), policies["beta"].max()))
    return _paired(far, near, "score")


def _means(written: pl.DataFrame) -> pl.DataFrame | None:
    """Mean score of each model that began with the best mixture."""
    if written.is_empty() or "method" not in written.columns:
        return None
    own = written.filter(pl.col("start") == BEST)
    return own.group_by("family", "variant", "method", "beta", "seed", maintain_order=True).agg(pl.col("score").mean())


def _best(means: pl.DataFrame) -> pl.DataFrame:
    ranked = means.group_by("variant", maintain_order=True).agg(pl.col("score").mean()).sort("score", descending=True)
    return means.filter(pl.col("variant") == ranked["variant"][0])


def _paired(one: pl.DataFrame, other: pl.DataFrame, column: str) -> Interval:
    both = one.join(other, on="seed", suffix="/other")
    return _interval((both[column] - both[f"{column}/other"]).to_list())


def _interval(differences: list[float]) -> Interval:
    """95 % over the seeds; None with fewer than two."""
    return estimate(np.array(differences))[1] if len(differences) >= _LEAST_SEEDS else None
