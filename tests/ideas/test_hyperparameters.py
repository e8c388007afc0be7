"""Idea 7: what it plans, and what its findings and settings say of numbers whose truth is known."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.errors import StudyError
from studylib.findings._finding import Finding
from studylib.ideas.hyperparameters import hyperparameters, one_factor, optima, published, rounds, settings, tables
from studylib.ideas.hyperparameters.optimizers import UNTUNED, compared_trials, tuning
from studylib.ideas.hyperparameters.recipe import RATE, base
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.ideas.hyperparameters.trials import trials as plan
from studylib.model.cost import own_flops, parameter_count
from studylib.params import load_params
from studylib.project import project_root
from studylib.result import Text
from studylib.search import SearchResult, Tried
from studylib.spec import Setting, TrialSpec, apply, validated
from studylib.trials.trunk import share_saved
from tests.handed_on import says_how_it_was_compared

CONTENT = {
    "seeds": 3, "num_layers": 2, "head_dim": 8, "hidden_size": 16, "widths": [16, 32, 64], "seq_len": 64,
    "global_batch_size": 8, "train_tokens": 81920, "learning_rate": 8e-3,
    "rates": {"completep": {"low": 1e-3, "high": 6.4e-2, "points": 7}, "normal": {"low": 1e-3, "high": 6.4e-2, "points": 7}},
    "inits": {"mup": {"low": 1e-3, "high": 6.4e-2, "points": 7}},
    "compare_at": [16, 64],
    "optimizers": {"adamw": {"learning_rate": 8e-3}, "muon": {"learning_rate": 8e-3}, "sgd": {"learning_rate": 0.5}},
    "ladder": [0.5, 2.0],
    "factors": {"schedule.name": ["cosine", "wsd"], "optimizer.weight_decay": [0.0, 0.1, 0.5]},
    "tuned_factors": {"global_batch_size": [4, 8, 16]},
    "dropouts": [0.1, 0.3],
    "batches": {"sizes": [2, 4, 8, 16, 32], "token_factors": [0.25, 0.5, 1.0, 2.0], "lr_factors": [0.5, 1.0]},
    "objective_lr_factors": [0.5, 1.0],
    "budgets": [0.25, 0.5, 0.75, 1.0],
    "epochs": [1, 4, 16],
    "objectives": {"causal": {}, "ul2": {}, "fim": {}},
    "pruned": {"space": {RATE: {"low": 1e-3, "high": 6.4e-2, "points": 7}}, "rungs": [0.25, 0.5, 1.0]},
    "explored": {
        "space": {RATE: {"low": 1e-3, "high": 6.4e-2}, "optimizer.beta2": {"low": 0.9, "high": 0.999, "log": False}},
        "sampler": "random", "points": 12,
    },
    "data": {"tokenizer": {"vocab_size": 512}},
}  # fmt: skip
PARAMS = validated(HyperparametersParams, CONTENT)
BEST = 8e-3


def loss(spec: TrialSpec, noise: float = 0.0005) -> float:
    """The truth: one best rate under completep and mup, one that halves with each doubling of width under normal;
    muon saves 3 % at width 16 and 1 % at 64; repeated text hurts from 16 epochs on, where dropout 0.1 saves a third of that
    and 0.3 two thirds, and costs on fresh text; the best batch is 512 tokens at 81,920 and goes with the root of the tokens."""
    rng = np.random.default_rng(int(spec.hash, 16) % 2**32)
    width = spec.model.hidden_size
    best = BEST * (16 / width if spec.model.init == "normal" else 1.0) * (60 if spec.optimizer.name == "sgd" else 1.0)
    best *= math.sqrt(spec.global_batch_size / 8)
    batch = math.log(spec.tokens_per_step / 512) - 0.5 * math.log(spec.train_tokens / 81920)
    value = 3.0 - 0.1 * math.log2(width / 16) - 0.2 * math.log2(spec.train_tokens / 81920)
    value += 0.08 * math.log(spec.optimizer.learning_rate / best) ** 2
    value *= {"muon": 0.97 if width == 16 else 0.99, "sgd": 1.05}.get(spec.optimizer.name, 1.0)
    value += 0.02 * batch**2 * (spec.tags.get("family") == "batch") + 0.1 * spec.model.dropout * (spec.epochs == 1)
    value -= (2 / 3) * spec.model.dropout * (spec.epochs == 16)
    value += 0.05 * (spec.optimizer.weight_decay == 0.5) + 0.3 * (spec.epochs == 16) - 0.001 * (spec.epochs == 4)
    return value + 0.03 * (spec.seed % 7) + rng.normal(0, noise)


def frame(specs: list[TrialSpec]) -> pl.DataFrame:
    """Trials as ``run_trials`` returns them."""
    rows = []
    for spec in specs:
        value, count = loss(spec), parameter_count(spec.model)
        rows.append(
            spec.tags
            | {
                "hash": spec.hash, "seed": spec.seed, "status": "done", "message": "", "val_bpb": value, "val_loss": 2 * value,
                "tokens": spec.train_tokens, "flops": own_flops(spec), "params": count.total,
                "non_embedding_params": count.non_embedding, "tokens_per_s": 1e4, "seconds": 3.0, "memory_bytes": 10**7,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def found(name: str, width: int) -> SearchResult:
    """The search of an optimizer as it would end on the true losses."""
    trial, search = tuning(PARAMS, name, width)
    from studylib.search import trial_at

    tried = []
    for rate in search.space[RATE].grid:
        one = trial_at(trial, {RATE: rate})
        tried.append(Tried({RATE: rate}, (loss(one),), 1, (one.hash,), own_flops(one)))
    return SearchResult(tuple(tried))


@pytest.fixture(scope="module")
def specs() -> list[TrialSpec]:
    tuned = {(name, width): found(name, width) for name in PARAMS.optimizers for width in PARAMS.compare_at}
    return plan(PARAMS) + rounds.second_round(PARAMS, tuned)


@pytest.fixture(scope="module")
def trials(specs) -> pl.DataFrame:
    return frame(specs)


# --- the plan


def test_every_optimizer_gets_the_same_tuning_budget_on_a_seed_that_is_not_judged(specs):
    tuned = [spec for spec in specs if spec.tags["family"] == "tuning"]
    for width in PARAMS.compare_at:
        by_name = {
            name: [s for s in tuned if s.tags["variant"] == name and s.tags["width"] == width]
            for name in PARAMS.optimizers
        }
        assert {len(own) for own in by_name.values()} == {5}
        spans = {
            name: max(s.optimizer.learning_rate for s in own) / min(s.optimizer.learning_rate for s in own)
            for name, own in by_name.items()
        }
        assert all(span == pytest.approx(16, rel=0.01) for span in spans.values())
    assert {spec.seed for spec in tuned} == {1000}
    assert {spec.seed for spec in specs if spec.tags["family"] == "optimizer"} == {0, 1, 2}


def test_what_is_compared_uses_the_rate_that_was_found():
    point = {RATE: 5e-3}
    made = compared_trials(PARAMS, {("muon", 16): point, ("adamw", 16): point})
    assert {spec.optimizer.learning_rate for spec in made} == {5e-3}
    assert {spec.tags["variant"] for spec in made} == {"muon", "adamw", "adamw x0.5", "adamw x2"}
    assert {spec.train_tokens for spec in made if spec.tags["family"] == "optimizer"} == {81920}


def test_families_differ_in_what_they_say_and_in_nothing_else(specs):
    common = plan(PARAMS.replace(factors={"optimizer.weight_decay": (0.1,)}))
    recipe = next(s for s in common if s.tags["family"] == "factor" and s.seed == 0)
    by_factor = [s for s in specs if s.tags["family"] == "factor" and s.seed == 0 and s.tags["lr_factor"] == 1.0]
    changed = {s.tags["variant"]: _difference(recipe, s) for s in by_factor}
    assert changed["weight_decay 0.5"] == {"optimizer.weight_decay"}
    assert changed["schedule wsd"] == {"schedule.name"}
    assert changed["global_batch_size 16"] >= {"global_batch_size", "train_steps"}
    assert {s.train_tokens for s in by_factor} == {81920}
    assert {s.epochs for s in specs if s.tags["family"] == "epochs"} == {1, 4, 16}


def _difference(one: TrialSpec, other: TrialSpec) -> set[str]:
    def flat(content: dict, prefix: str = "") -> dict:
        rows = {}
        for key, value in content.items():
            rows |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        return rows

    left, right = (flat(spec.model_dump(exclude={"tags"}, exclude_defaults=True)) for spec in (one, other))
    return {key for key in left | right if left.get(key) != right.get(key)}


def test_a_trunk_serves_all_budgets(specs):
    schedule = [s for s in specs if s.tags["family"] == "schedule" and s.seed == 0]
    (trunk,) = [s for s in schedule if s.tags["schedule"] == "trunk"]
    branches = [s for s in schedule if s.tags["schedule"] == "wsd"]
    assert len(branches) == 4 and {s.branch_from for s in branches} == {trunk.hash}
    assert {s.train_tokens for s in branches} == {s.train_tokens for s in schedule if s.tags["schedule"] == "cosine"}
    assert share_saved([trunk, *branches]) >= 0.4


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_every_scale_plans(scale):
    params = load_params(project_root() / "params" / scale / "hyperparameters.yaml")
    specs = hyperparameters.trials(params)
    assert params.scale == scale
    assert {spec.tags["family"] for spec in specs} >= {
        "transfer",
        "tuning",
        "optimizer",
        "factor",
        "schedule",
        "epochs",
    }
    for name in params.optimizers:
        assert tuning(params, name, params.compare_at[0])[0].optimizer.name == name


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"widths": [16, 32]}, "widths: .*3 different ones"),
        ({"compare_at": [16, 48]}, "compare_at: 48 is not among widths; choose from 16, 32, 64"),
        ({"head_dim": 12}, "widths: 16 is not a multiple of head_dim 12"),
        ({"optimizers": {"muon": {"learning_rate": 1e-2}}}, "leaves out adamw"),
        ({"optimizers": {"adamw": {"beta1": 0.9}}}, "has no learning_rate"),
        ({"optimizers": {"admw": {"learning_rate": 1e-2}}}, "not a known optimizer.*did you mean adam"),
        ({"tuning": {"seed": 1}}, r"tuning\.seed: 1 is among seeds"),
        ({"objectives": {"ul2": {}}}, "leave out causal"),
        ({"epochs": [2, 4]}, "leave out 1, fresh text"),
        ({"inits": {"mup": {"low": 1e-3, "high": 1e-2, "points": 3}}}, "as many points: equal budgets"),
    ],
)
def test_bad_parameters_are_refused(changes, said):
    with pytest.raises(StudyError, match=said):
        validated(HyperparametersParams, CONTENT | changes)


def test_a_factor_that_trials_do_not_have_is_refused_in_the_plan():
    with pytest.raises(StudyError, match="did you mean weight_decay"):
        plan(PARAMS.replace(factors={"optimizer.weight_decai": (0.1,)}))


# --- findings and settings


def title(finding: Finding) -> str:
    return finding.title(**finding.facts).en


def drawn(finding: Finding, folder: Path) -> None:
    """Its figure is saved under its title."""
    assert (folder / finding.save(folder).file).stat().st_size > 10_000


@pytest.fixture(scope="module")
def noise(trials) -> analysis.NoiseFloor:
    return analysis.noise_floor(trials.filter(pl.col("family") == "optimizer"))


def test_the_rate_transfers_under_one_parametrisation_and_not_under_the_other(trials, noise, tmp_path):
    transfer = trials.filter(pl.col("family") == "transfer")
    valleys = optima.rate_valleys(transfer, PARAMS)
    fits, transfers = optima.by_width(valleys), optima.rate_transfers(valleys)
    found = findings.RateOverWidths.of(transfer, fits, transfers, noise)
    stays, moves = found.inits
    assert (stays.init, stays.state, moves.init, moves.state) == ("completep", "transfers", "normal", "moves")
    assert moves.octaves[1] == pytest.approx(-2, abs=0.3) and moves.felt and not stays.felt
    assert [one.width for one in moves.best] == [16, 32, 64] and (found.narrowest, found.widest) == (16, 64)
    assert "under completep the best rate stays where it is" in title(found) and "normal the best rate moves" in title(
        found
    )
    assert "Under completep, the best rate moves by" in found.said().en and "can detect" in found.said().en
    drawn(found, tmp_path)
    law, reason = optima.rate_law(transfer, PARAMS)
    assert reason is None and law.optimum[0] < BEST < law.optimum[2]
    rate = findings.RateAtTarget.of("completep", law, None, optima.by_size(fits["completep"], transfer), stays=True)
    assert (
        rate.law.use == law.choose().value and rate.size == rate.sizes[-1] and rate.best == pytest.approx(BEST, rel=0.1)
    )
    assert "completep での最適学習率はパラメータ数の" in rate.said().ja
    assert findings.RateOverWidths.of(transfer, {}, {}, noise) is None
    assert findings.RateAtTarget.of("completep", None, None, {}, stays=False) is None


def test_too_few_rates_are_no_law_and_the_reason_is_told_in_both_languages(trials):
    few = trials.filter((pl.col("family") == "transfer") & (pl.col("learning_rate") < 3e-3))
    assert optima.rate_valleys(few, PARAMS) == {}
    law, reason = optima.rate_law(few, PARAMS)
    assert law is None and "3 values of learning_rate" in reason.en and "learning_rate の値が 3 つ以上" in reason.ja


def test_an_untuned_baseline_flatters_and_two_sizes_tell_no_trend(trials, tmp_path):
    optimizers = trials.filter(pl.col("family") == "optimizer")
    at = analysis.carry_to_target(optimizers, "adamw")
    found = findings.Gains.of(optimizers, at, UNTUNED)
    muon = [one for one in found.gains if one.variant == "muon"]
    assert [one.over_tuned[1] for one in muon] == pytest.approx([3.0, 1.0], abs=0.3)
    assert muon[0].over_default[1] > 2 * muon[0].over_tuned[1]
    assert {one.over_tuned for one in found.gains if one.variant == "adamw"} == {None}
    effect = next(one for one in at.effects if one.variant == "muon")
    # it does shrink, but two sizes cannot tell a slope from what was untuned at one of them
    assert effect.trend == "differs" and 0 < effect.slope[0] < effect.slope[2]
    assert not at.decided and 0.2 < at.p_best["muon"] < 0.9, "two sizes far below the target settle neither"
    largest = found.gains[-1].size
    assert largest != found.gains[0].size and title(found).startswith(f"At {largest} muon saves")
    assert title(found).endswith(f"{muon[-1].over_tuned[1]:.1f} % over tuned AdamW; it differs between sizes")
    assert "muon +1." in found.said().en and "which differs between sizes" in found.said().en
    drawn(found, tmp_path)


def test_many_sizes_are_drawn_three_in_a_row():
    rows = [
        {"variant": "muon", "size": f"{size}k", "against": "AdamW, tuned", "gain": 2.0, "low": 1.0, "high": 3.0}
        for size in range(1, 6)
    ]
    interval = (1.0, 2.0, 3.0)
    gain = {"variant": "muon", "over_default": interval, "over_tuned": interval, "trend": "holds"}
    figure = findings.Gains(gains=[{"size": row["size"], **gain} for row in rows]).draw(pl.DataFrame(rows))
    assert figure.get_size_inches()[0] < 12
    assert [ax.get_visible() for ax in figure.axes] == [True] * 5 + [False]


def test_gains_are_read_off_the_ladder_of_their_own_size(trials, tmp_path):
    optimizers = trials.filter(pl.col("family") == "optimizer")
    ladder = trials.filter(pl.col("family") == "ladder")
    saved, reason = tables.in_tokens(optimizers, ladder)
    sizes = optimizers["size"].unique(maintain_order=True).to_list()
    assert list(saved) == sizes and len(sizes) == 2 and reason == ""
    factors = [next(one for one in saved[size] if one.variant == "muon").factor for size in sizes]
    # 3 and 1 % of 3.0, where a doubling of tokens saves 0.2
    assert [one[1] for one in factors] == pytest.approx([2 ** (0.09 / 0.2), 2 ** (0.03 / 0.2)], abs=0.05)
    assert all(low < middle < high for low, middle, high in factors)
    params = {sizes[0]: 2e3, sizes[1]: 8e3}
    found = findings.TokenWorth.of(saved, params, "adamw")
    small, large = (f"{middle:.2f} ({low:.2f} to {high:.2f})" for low, middle, high in factors)
    assert title(found) == f"At {sizes[1]} a token of muon does the work of {large} of adamw; at {sizes[0]} of {small}"
    drawn(found, tmp_path)
    worth = found.said()
    assert (
        f"muon 1.36 ({factors[0][0]:.2f} to {factors[0][2]:.2f}) at {sizes[0]}" in worth.en
        and f"at {sizes[1]}" in worth.en
    )
    assert f"{sizes[0]} で 1.3" in worth.ja
    endless = dataclasses.replace(saved[sizes[0]][0], needed=(1.0, 2.0, math.inf))
    assert findings.TokenWorth.of({sizes[0]: [endless]}, params, "adamw") is None
    only, reason = tables.in_tokens(optimizers, ladder.filter(pl.col("size") == sizes[1]))
    assert list(only) == sizes[1:] and reason.startswith(f"{sizes[0]}: tokens saved need plain runs")


def test_a_rate_at_the_edge_is_confessed():
    tuned = {("adamw", 16): found("adamw", 16)}
    assert "edge" not in findings.Tuned.of(tuned, RATE).said().en
    rising = SearchResult(tuple(Tried({RATE: rate}, (3 - rate,), 1, ("h",), 1.0) for rate in (0.1, 0.2, 0.3)))
    told = findings.Tuned.of(tuned | {("sgd", 16): rising}, RATE).said()
    assert "the best rate of sgd at 16 lies at the edge" in told.en and "幅 16 の sgd は範囲の端" in told.ja
    none = SearchResult((Tried({RATE: 0.1}, (None,), 1, ("h",), 1.0, "nan"),))
    assert "no point of lion at 16 finished" in findings.Tuned.of({("lion", 16): none}, RATE).said().en


def test_factors_are_judged_at_their_best_rate_and_against_the_common_recipe(trials):
    factors = {one.field: one for one in one_factor.found_in(trials, PARAMS)}
    assert set(factors) == {"schedule.name", "optimizer.weight_decay", "global_batch_size"}
    batch = factors["global_batch_size"].trials
    rates = dict(batch.select("value", "lr_factor").unique().rows())
    assert rates["8"] == 1.0 and rates["16"] in (1.0, 2.0) and rates["4"] in (0.5, 1.0)
    recipe = one_factor.common_recipe(list(factors.values()), PARAMS)
    assert sorted(recipe["seed"].to_list()) == [0, 1, 2]
    rows = one_factor.beside_common(list(factors.values()), recipe)
    told = findings.Comparison.of(rows, "common recipe", Text(en="Fields", ja="項目"))
    worse = {one.variant: one.difference for one in told.differences}
    assert worse["weight_decay 0.5"][0] > 0.03 and "weight_decay 0.1" not in worse
    decay = factors["optimizer.weight_decay"]
    assert decay.values[decay.decision.leader] in (0.0, 0.1)
    with pytest.raises(StudyError, match="lack the common recipe's own value"):
        one_factor.common_recipe([factors["schedule.name"]], PARAMS.replace(learning_rate=1.0))


def test_the_overfitting_point_is_found(trials, tmp_path):
    table = tables.epochs_table(trials)
    found = findings.Epochs.of(table, 0.01)
    assert [(one.epochs, one.worse) for one in found.repeated] == [(1, False), (4, False), (16, True)]
    assert title(found).startswith("From 16 epochs on, repeated text is worse than fresh by +0.3")
    drawn(found, tmp_path)
    fine = findings.Epochs.of(table.filter(pl.col("epochs") < 16), 0.01)
    assert title(fine) == "Up to 4 epochs cannot be told from fresh text"
    faint = findings.Epochs.of(table.with_columns(significant=pl.lit(False)), 0.01)
    assert title(faint) == "Up to 16 epochs cannot be told from fresh text"
    (one,) = settings.for_epochs(found, "2k", trials)
    assert (one.field, one.value, one.alternatives, one.decided) == ("epochs", 1, (4,), False)


def test_dropout_is_tried_where_text_is_repeated(specs, trials, tmp_path):
    own = [s for s in specs if s.tags["family"] == "dropout"]
    assert {(s.epochs, s.model.dropout) for s in own} == {(n, share) for n in (1, 4, 16) for share in (0.1, 0.3)}
    table = tables.dropout_table(trials)
    found = findings.Dropout.of(table)
    told = {(one.epochs, one.share): one.sure and one.difference[1] < 0 for one in found.tried}
    assert told == {(n, share): n == 16 for n in (1, 4, 16) for share in (0.1, 0.3)}
    assert title(found).startswith("Dropout 0.3 helps from 16 epochs on (-0.2")
    assert re.search(r"on fresh text even 0\.1 costs 0\.0(09|1)", title(found))
    drawn(found, tmp_path)
    (one,) = settings.for_dropout(found, "2k", trials)
    assert (one.field, one.value, one.alternatives, one.decided) == ("model.dropout", 0.0, (), False)
    helping = found.replace(tried=tuple(one.replace(difference=(-0.2, -0.1, -0.05)) for one in found.tried))
    assert settings.for_dropout(helping, "2k", trials)[0].value in (0.1, 0.3)
    none = findings.Dropout.of(table.filter(pl.col("epochs") < 16))
    assert title(none).startswith("No gain from dropout is seen at up to 4 epochs")
    assert findings.Dropout.of(table.clear()) is None
    with pytest.raises(StudyError, match=r"dropouts: .*give epochs as well"):
        validated(HyperparametersParams, CONTENT | {"epochs": []})


def best_batch(batches: pl.DataFrame) -> tuple[analysis.CarriedOptimum | None, findings.BestBatch]:
    valleys = optima.batch_valleys(batches)
    law, reason = optima.batch_law(valleys, PARAMS)
    return law, findings.BestBatch.of(batches, optima.by_length(valleys), law, reason, exponent=0.5, rates=2)


def test_the_best_batch_follows_a_law_over_tokens(specs, trials, tmp_path):
    own = [s for s in specs if s.tags["family"] == "batch"]
    assert {s.tokens_per_step for s in own} == {128, 256, 512, 1024, 2048}
    rates = {s.global_batch_size: s.optimizer.learning_rate for s in own if s.tags["lr_factor"] == 1.0}
    assert rates[32] / rates[2] == pytest.approx(4, rel=1e-3), "the root of the batch"
    for factor in (0.25, 0.5, 1.0, 2.0):
        tokens = {s.train_tokens for s in own if s.tags["tokens_x"] == factor}
        assert max(tokens) / min(tokens) == pytest.approx(1, abs=0.03), "equal tokens"
    batches = optima.batch_trials_at_best(trials)
    assert set(batches["lr_factor"]) == {1.0}, "the best rate of the two"
    law, found = best_batch(batches)
    assert {one.width for one in found.cells} == {16} and len(found.cells) == 4
    low, middle, high = law.exponents["tokens"]
    assert low < 0.5 < high and middle == pytest.approx(0.5, abs=0.1)
    assert title(found).startswith("The best batch goes with training tokens to the power 0.")
    drawn(found, tmp_path)
    assert (
        "tried at 2 multiples of that. The best batch, in tokens a step, goes with training tokens" in found.said().en
    )
    (one,) = settings.for_batch(found, PARAMS, optima.by_length(optima.batch_valleys(batches)))
    assert one.field == "global_batch_size" and one.value == round(law.best / 4096) > 0
    assert one.interval == pytest.approx((law.optimum[0] / 4096, law.optimum[2] / 4096))
    assert one.decided == law.choose().decided and "4096" in one.source.en
    anchors = {one.source: one.outcome for one in published.anchors([], pl.DataFrame(), {}, law)}
    assert anchors["Li et al. 2025, arXiv 2503.04715"] == "agrees"


def test_a_best_batch_at_the_edge_is_no_optimum(trials, tmp_path):
    few = trials.filter((pl.col("family") != "batch") | (pl.col("batch_tokens") <= 256))
    few = few.with_columns(
        pl.when(pl.col("batch_tokens") == 256).then(pl.col("val_bpb") - 0.2).otherwise("val_bpb").alias("val_bpb")
    )
    more = few.filter(pl.col("batch_tokens") == 128).with_columns(
        pl.lit(64).cast(pl.Int64).alias("batch_tokens"), (pl.col("val_bpb") + 0.1), pl.lit("batch 1").alias("variant")
    )
    law, found = best_batch(optima.batch_trials_at_best(pl.concat([few, more], how="vertical_relaxed")))
    assert law is None and {one.best for one in found.cells} == {None}
    assert "no valley describes the mean losses" in found.reason.en
    assert title(found) == "A best batch is found in 0 of 4 cells: no law, nothing is carried to the target"
    assert "No law is carried to the target: no valley" in found.said().en
    drawn(found, tmp_path)
    assert settings.for_batch(found, PARAMS, {}) == () == settings.for_batch(None, PARAMS, {})
    with pytest.raises(StudyError, match=r"batches.sizes: .*3 different ones"):
        validated(HyperparametersParams, CONTENT | {"batches": {"sizes": [4, 8]}})


def handed_on(trials: pl.DataFrame, optimizers: pl.DataFrame, law: bool = True) -> dict[str, Setting]:
    """Every setting by its field, as the notebook makes them."""
    transfer, own = (trials.filter(pl.col("family") == name) for name in ("transfer", "objective"))
    valleys = optima.rate_valleys(transfer, PARAMS)
    fits = optima.by_width(valleys)["completep"]
    carried = optima.rate_law(transfer, PARAMS)[0] if law else None
    rate_fits = optima.by_size(fits, transfer)
    rate = findings.RateAtTarget.of("completep", carried, None, rate_fits, stays=True)
    batches = optima.batch_trials_at_best(trials)
    inits, plain = optima.inits_at(transfer, PARAMS), analysis.judged_by_other_seeds(own, "lr_factor")
    found_settings = settings.handed_on(
        PARAMS, at=analysis.carry_to_target(optimizers, "adamw"),
        tuned={(name, width): found(name, width) for name in PARAMS.optimizers for width in PARAMS.compare_at},
        rate=rate, rate_fits=rate_fits, batch=best_batch(batches)[1], batch_fits=optima.by_length(optima.batch_valleys(batches)),
        inits=(analysis.decide(inits), inits),
        factors=one_factor.found_in(trials, PARAMS), epochs=findings.Epochs.of(tables.epochs_table(trials), 0.01),
        dropout=findings.Dropout.of(tables.dropout_table(trials)), objective=(analysis.decide(plain), plain),
        trials=trials,
    )  # fmt: skip
    fields = [one.field for one in found_settings]
    assert len(fields) == len(set(fields)), "no field has two settings"
    return dict(zip(fields, found_settings, strict=True))


def adamw_leads(trials: pl.DataFrame) -> pl.DataFrame:
    """The optimizers, with Muon ahead at the smallest size alone."""
    behind = (pl.col("variant") == "muon") & (pl.col("size") == pl.col("size").last())
    optimizers = trials.filter(pl.col("family") == "optimizer").sort("non_embedding_params")
    return optimizers.with_columns(
        pl.when(behind).then(pl.col("val_bpb") * 1.015).otherwise("val_bpb").alias("val_bpb")
    )


def test_settings_are_typed_and_make_a_trial_and_what_one_size_says_is_not_decided(trials):
    optimizers = adamw_leads(trials)
    given = handed_on(trials, optimizers)
    assert set(given) == {
        "optimizer.name", RATE, "optimizer.weight_decay", "schedule.name", "model.init", "global_batch_size", "epochs",
        "model.dropout", "objective.name",
    }  # fmt: skip
    first = given["optimizer.name"]
    assert first.value == "adamw" and "muon" in first.alternatives and len(first.sizes) == 2
    decay = given["optimizer.weight_decay"]
    assert (
        decay.value in (0.0, 0.1)
        and 0.5 not in decay.alternatives
        and 0 < decay.p_best <= 1
        and decay.expected_regret_percent >= 0
    )
    assert not any(one.decided for field, one in given.items() if len(one.sizes) == 1)
    for field, one in given.items():
        assert says_how_it_was_compared(one) and one.seeds == 3, field
    behind = {one.value: (one.behind_percent, one.sd_percent) for one in given["epochs"].tried}
    assert behind[16][0] == pytest.approx(10, rel=0.2) and abs(behind[4][0]) < 3 * behind[4][1] + 0.1
    assert {one.value for one in given["model.dropout"].tried} == {0.0, 0.1, 0.3}
    assert first.tried[0].label == "adamw" and {one.label for one in first.tried} == set(PARAMS.optimizers)
    nearest = min(given[RATE].tried[1:], key=lambda one: abs(math.log(one.value / given[RATE].value)))
    furthest = max(given[RATE].tried[1:], key=lambda one: abs(math.log(one.value / given[RATE].value)))
    assert furthest.behind_percent > nearest.behind_percent >= 0
    room = base(PARAMS, 16, 0).replace(**{"model.vocab_size": 1024})
    built = apply(given.values(), room)
    assert built.schedule.name == given["schedule.name"].value and built.epochs == 1
    assert built.optimizer.learning_rate == given[RATE].value


def test_the_rate_is_that_of_the_parametrisation_handed_on(trials):
    optimizers = adamw_leads(trials)
    by_law, without = handed_on(trials, optimizers), handed_on(trials, optimizers, law=False)
    assert by_law["model.init"].value == "completep", (
        "at one size not told apart from the others, but its rate is known"
    )
    assert set(by_law["model.init"].alternatives) == {"normal", "mup"} and by_law["model.init"].p_best < 0.9
    assert by_law[RATE].interval[0] < BEST < by_law[RATE].interval[1] and len(by_law[RATE].sizes) == 3
    assert len(without[RATE].sizes) == 1, "of the largest model"
    for one in (by_law[RATE], without[RATE]):
        assert one.value == pytest.approx(BEST, rel=0.5)
        assert one.source.en == "under completep, where it stays as models widen"
    better = trials.with_columns(
        pl.when((pl.col("family") == "transfer") & (pl.col("init") == "mup")).then(pl.col("val_bpb") - 0.2)
        .otherwise("val_bpb").alias("val_bpb")
    )  # fmt: skip
    given = handed_on(better, optimizers)
    assert given["model.init"].value == "mup" and given["model.init"].p_best > 0.9
    assert (
        len(given[RATE].sizes) == 1
        and given[RATE].interval is None
        and given[RATE].value == pytest.approx(BEST, rel=0.1)
    )


def test_another_optimizer_brings_what_it_was_tuned_with(trials):
    better = pl.when(pl.col("variant") == "muon").then(pl.col("val_bpb") * 0.9).otherwise("val_bpb").alias("val_bpb")
    given = handed_on(trials, trials.filter(pl.col("family") == "optimizer").with_columns(better))
    assert given["optimizer.name"].value == "muon"
    assert given[RATE].value == found("muon", 64).best.point[RATE] and given[RATE].sizes == (
        given["optimizer.name"].sizes[-1],
    )
    decay = given["optimizer.weight_decay"]  # varied with AdamW only
    assert (decay.value, decay.evidence, decay.decided) == (0.1, "convention", False)
    assert (given["model.init"].value, given["model.init"].evidence) == ("completep", "convention"), "as it was tuned"
    built = apply(given.values(), base(PARAMS, 16, 0).replace(**{"model.vocab_size": 1024}))
    assert built.optimizer.name == "muon"


def test_cooldowns_are_held_against_cosine_runs(trials, specs, tmp_path):
    table = tables.schedule_table(trials)
    assert len(table) == 4 and table["difference"].abs().max() < 0.1 and (table["low"] < table["high"]).all()
    anchors = {one.source: one.outcome for one in published.anchors([], table, {}, None)}
    assert anchors["Hägele et al. 2024, arXiv 2405.18392"] == "agrees"
    rows = []
    for spec in (s for s in specs if s.tags["family"] == "schedule"):
        for share in (0.5, 0.75, 1.0):
            tokens = int(spec.train_tokens * share)
            rows.append(
                spec.tags
                | {"seed": spec.seed, "tokens": tokens, "split": "validation", "source": "", "bpb": 4 - tokens / 1e5}
            )
    curves = pl.DataFrame(rows, infer_schema_length=None)
    found = findings.Cooldowns.of(trials.filter(pl.col("family") == "schedule"), curves, table, 0.5)
    assert title(found).startswith("Cooldowns off one trunk save 50 % of tokens; at 4 lengths they end")
    drawn(found, tmp_path)
    none = findings.Cooldowns.of(trials.filter(pl.col("family") == "schedule"), curves, table.clear(), 0.5)
    assert title(none) == "Cooldowns off one trunk save 50 % of tokens"


def test_objectives_are_tried_at_several_rates_and_judged_by_filling_in(specs, tmp_path):
    own = [s for s in specs if s.tags["family"] == "objective"]
    assert {s.objective.name for s in own} == {"causal", "ul2", "fim"} and {s.probes for s in own} == {("infilling",)}
    assert len({s.model for s in own}) == 1 and own[0].model.vocab_size > PARAMS.data.tokenizer.vocab_size
    assert {s.optimizer.learning_rate for s in own} == {4e-3, 8e-3}
    told = {
        ("causal", "left"): 2.5,
        ("fim", "left"): 2.6,
        ("fim", "both"): 2.1,
        ("ul2", "left"): 3.0,
        ("ul2", "both"): 2.501,
        ("fim", "gain"): 0.5,
        ("ul2", "gain"): 0.499,
    }
    infilling = pl.DataFrame(
        [
            {"variant": name, "seed": seed, "span": span, "span_tokens": 8.0, "given": given, "lr_factor": factor}
            | {
                "bits_per_byte": value
                + 0.1 * seed
                + (factor == 1.0) * 0.2
                + 0.02 * (seed * (1 + (name == "causal")) % 3)
            }
            for (name, given), value in told.items()
            for seed in range(3)
            for span in ("short", "long")
            for factor in (0.5, 1.0)
        ]
    )
    best = tables.infilling_at_best(infilling)
    assert set(best["lr_factor"]) == {0.5}
    table = tables.infilling_table(best)
    assert dict(table.filter(pl.col("span") == "short").select("variant", "significant").rows()) == {
        "fim": True,
        "ul2": False,
    }
    found = findings.Infilling.of(best, table)
    assert title(found).startswith("With the text behind it too, fim fills a")
    assert "0.40 bits per byte better" in title(found)
    drawn(found, tmp_path)
    assert [one.gain[1] for one in found.filled] == pytest.approx([0.62] * 4, abs=0.01)
    assert "fim short -0.40" in found.said().en and "短い区間の fim -0.40" in found.said().ja
    blind = findings.Infilling.of(best, tables.infilling_table(best.filter(pl.col("given") == "left")))
    assert title(blind) == "No objective here sees the text behind a span" and blind.said().en == ""


def test_searches_are_compared_by_cost_and_result(tmp_path):
    grid = found("adamw", 16)
    few = SearchResult(
        tuple(
            Tried(
                one.point,
                one.values if place in (2, 3) else (9.0,),
                1 if place in (2, 3) else 2,
                one.hashes,
                one.flops / 4,
            )
            for place, one in enumerate(grid.tried)
        )
    )
    pair = {"grid": grid, "pruned": few}
    noise = analysis.NoiseFloor(at="", paired_sd=0.01, unpaired_sd=0.01, mde=0.02, comparisons=2, seeds=3, dof=8)
    whole = findings.SearchCost.of(pair, noise)
    assert "takes 25 % of the grid's FLOPs" in title(whole) and "chance alone gives ±0.9 %" in title(whole)
    assert whole.said().en == ""
    hasty = SearchResult((dataclasses.replace(few.tried[0], values=(0.1,)), *few.tried[1:]))
    told = findings.SearchCost.of({"grid": grid, "pruned": hasty}, noise).said()
    assert f"The first rung prefers learning_rate {grid.tried[0].point[RATE]:.3g}, the whole run" in told.en
    drawn(whole, tmp_path)
    assert findings.SearchCost.of({"explored": grid}, noise) is None
    shares = {"optimizer.learning_rate": (0.5, 0.8, 0.9), "optimizer.beta2": (0.0, 0.2, 0.4)}
    matters = findings.Importance.of(shares)
    assert title(matters) == "learning_rate matters most: 80 (50 to 90) %"
    drawn(matters, tmp_path)
    unsure = findings.Importance.of(shares | {"optimizer.beta2": (0.2, 0.6, 0.9)})
    assert title(unsure).startswith("Which field matters most is not sure; learning_rate leads")
    assert findings.Importance.of({}) is None


def test_the_untuned_arm_is_among_what_is_decided(trials):
    assert UNTUNED in trials.filter(pl.col("family") == "optimizer")["variant"].to_list()
