"""Idea 7: what it plans, and what its tables and words say of numbers whose truth is known."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib import report as rp
from studylib.errors import StudyError
from studylib.ideas.hyperparameters import (
    captions,
    captions_of_text,
    conclusion,
    hyperparameters,
    one_factor,
    optima,
    published,
    rounds,
    tables,
)
from studylib.ideas.hyperparameters import settings as known
from studylib.ideas.hyperparameters.optimizers import UNTUNED, compared_trials, tuning
from studylib.ideas.hyperparameters.recipe import RATE
from studylib.ideas.hyperparameters.schema import HyperparametersParams
from studylib.ideas.hyperparameters.trials import trials as plan
from studylib.model.cost import own_flops, parameter_count
from studylib.params import load_params
from studylib.project import project_root
from studylib.search import SearchResult, Tried
from studylib.spec import TrialSpec, validated
from studylib.trials.trunk import share_saved

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


# --- tables and words


def test_the_rate_transfers_under_one_parametrisation_and_not_under_the_other(trials, tmp_path):
    transfer = trials.filter(pl.col("family") == "transfer")
    valleys = optima.rate_valleys(transfer, PARAMS)
    fits, transfers = optima.by_width(valleys), optima.rate_transfers(valleys)
    assert transfers["completep"].state == "transfers"
    assert transfers["normal"].state == "moves" and transfers["normal"].shift[1] == pytest.approx(-2, abs=0.3)
    told = conclusion.transfer_words(transfers, analysis.noise_floor(trials.filter(pl.col("family") == "optimizer")))
    assert "completep: the best rate stays where it is" in told.en and "normal: the best rate moves" in told.en
    title = captions.basins_title(transfers, PARAMS.widths)
    figure = rp.save(
        rp.rate_basins(transfer.filter(pl.col("init") != "mup"), fits),
        tmp_path,
        "rates",
        title,
        captions.basins_alt(fits),
    )
    assert (tmp_path / figure.file).stat().st_size > 10_000
    law, reason = optima.rate_law(transfer, PARAMS)
    assert reason is None and law.optimum[0] < BEST < law.optimum[2]


def test_an_untuned_baseline_flatters_and_two_sizes_tell_no_trend(trials, tmp_path):
    optimizers = trials.filter(pl.col("family") == "optimizer")
    gains = tables.gains_table(optimizers)
    muon = gains.filter(pl.col("variant") == "muon")
    tuned = muon.filter(pl.col("against") == "AdamW, tuned").sort("params")["gain"].to_list()
    untuned = muon.filter(pl.col("against") != "AdamW, tuned").sort("params")["gain"].to_list()
    assert tuned == pytest.approx([3.0, 1.0], abs=0.3) and untuned[0] > 2 * tuned[0]
    at = analysis.carry_to_target(optimizers, "adamw")
    found = {one.variant: one for one in at.effects}["muon"]
    # it does shrink, but two sizes cannot tell a slope from what was untuned at one of them
    assert found.trend == "holds" and 0 < found.slope[1] < found.slope[2]
    title = captions.gains_title(gains, at)
    assert "muon saves" in title.en and "over tuned AdamW; no trend with size is seen" in title.en
    rp.save(rp.gains(gains), tmp_path, "gains", title, captions.gains_alt(gains))
    ladder = trials.filter((pl.col("family") == "ladder") & (pl.col("width") == 16))
    adamw = optimizers.filter((pl.col("variant") == "adamw") & (pl.col("width") == 16))
    others = optimizers.filter((pl.col("variant") != "adamw") & (pl.col("width") == 16))
    saved = analysis.tokens_saved(pl.concat([adamw, ladder]), others, tokens="tokens")
    factor = next(one for one in saved if one.variant == "muon").factor
    assert factor[1] == pytest.approx(2 ** (0.09 / 0.2), abs=0.05)  # 3 % of 3.0, where a doubling of tokens saves 0.2
    assert factor[0] < factor[1] < factor[2]
    assert "muon x1.3" in conclusion.worth_words(saved, "2k").en
    assert "the gain of muon holds" in conclusion.gains_words(gains, at).en


def test_a_rate_at_the_edge_is_confessed():
    tuned = {("adamw", 16): found("adamw", 16)}
    assert "edge" not in conclusion.tuning_words(tuned, RATE).en
    rising = SearchResult(tuple(Tried({RATE: rate}, (3 - rate,), 1, ("h",), 1.0) for rate in (0.1, 0.2, 0.3)))
    told = conclusion.tuning_words(tuned | {("sgd", 16): rising}, RATE)
    assert "the best rate of sgd at 16 lies at the edge" in told.en and "sgd at 16" in told.ja
    none = SearchResult((Tried({RATE: 0.1}, (None,), 1, ("h",), 1.0, "nan"),))
    assert "no point of lion at 16 finished" in conclusion.tuning_words({("lion", 16): none}, RATE).en


def test_factors_are_judged_at_their_best_rate_and_against_the_common_recipe(trials, specs):
    factors = {one.name: one for one in one_factor.found_in(trials)}
    assert set(factors) == {"schedule", "weight_decay", "global_batch_size"}
    batch = factors["global_batch_size"].trials
    rates = dict(batch.select("value", "lr_factor").unique().rows())
    assert rates["8"] == 1.0 and rates["16"] in (1.0, 2.0) and rates["4"] in (0.5, 1.0)
    recipe = one_factor.common_recipe(list(factors.values()), specs, PARAMS)
    assert sorted(recipe["seed"].to_list()) == [0, 1, 2]
    table = one_factor.against_common(list(factors.values()), recipe)
    worse = dict(table.select("variant", "low").rows())
    assert worse["weight_decay 0.5"] > 0.03 and "weight_decay 0.1" not in worse
    assert factors["weight_decay"].best in ("0.0", "0.1")
    with pytest.raises(StudyError, match="lack the common recipe's own value"):
        one_factor.common_recipe([factors["schedule"]], specs, PARAMS.replace(learning_rate=1.0))


def test_the_overfitting_point_is_found(trials, tmp_path):
    table = tables.epochs_table(trials)
    assert table["epochs"].to_list() == [1, 4, 16] and tables.overfits_from(table) == 16
    assert captions_of_text.epochs_title(table).en.startswith("From 16 epochs on, repeated text is worse")
    rp.save(
        rp.repeated(table, 0.01),
        tmp_path,
        "epochs",
        captions_of_text.epochs_title(table),
        captions_of_text.epochs_alt(table),
    )
    fine = table.filter(pl.col("epochs") < 16)
    assert captions_of_text.epochs_title(fine).en == "Up to 4 epochs cannot be told from fresh text"
    faint = table.with_columns(significant=pl.lit(False))
    assert captions_of_text.epochs_title(faint).en == "Up to 16 epochs cannot be told from fresh text"


def test_dropout_is_tried_where_text_is_repeated(specs, trials, tmp_path):
    own = [s for s in specs if s.tags["family"] == "dropout"]
    assert {(s.epochs, s.model.dropout) for s in own} == {(n, share) for n in (1, 4, 16) for share in (0.1, 0.3)}
    table = tables.dropout_table(trials)
    told = {
        (row["epochs"], row["dropout"]): row["significant"] and row["difference"] < 0
        for row in table.iter_rows(named=True)
    }
    assert told == {(n, share): n == 16 for n in (1.0, 4.0, 16.0) for share in (0.1, 0.3)}
    title = captions_of_text.dropout_title(table)
    assert title.en.startswith("Dropout 0.3 helps from 16 epochs on (-0.2") and re.search(
        r"on fresh text even 0\.1 costs 0\.0(09|1)", title.en
    )
    rp.save(rp.dropout_by_epochs(table), tmp_path, "dropout", title, captions_of_text.dropout_alt(table))
    (row,) = known.dropout_setting(table)
    assert (row.value, row.interval, row.decided) == ("0", "0.3 from 16 epochs", False)
    none = table.filter(pl.col("epochs") < 16)
    assert captions_of_text.dropout_title(none).en.startswith("No gain from dropout is seen at up to 4 epochs")
    assert "Dropout 0.3 helps" in conclusion.epochs_words(tables.epochs_table(trials), table).en
    with pytest.raises(StudyError, match=r"dropouts: .*give epochs as well"):
        validated(HyperparametersParams, CONTENT | {"epochs": []})


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
    batch_valleys = optima.batch_valleys(batches)
    fits = optima.by_length(batch_valleys)
    assert list(fits) == [16] and len(fits[16]) == 4
    law, reason = optima.batch_law(batch_valleys, PARAMS)
    low, middle, high = law.exponents["tokens"]
    assert reason is None and low < 0.5 < high and middle == pytest.approx(0.5, abs=0.1)
    title = captions.batches_title(fits, law)
    assert title.en.startswith("The best batch goes with training tokens to the power 0.")
    figure = rp.save(rp.batch_basins(batches, fits, law), tmp_path, "batches", title, captions.batches_alt(fits))
    assert (tmp_path / figure.file).stat().st_size > 10_000
    (row,) = known.batch_setting(law, reason, fits)
    assert row.basis == "law over tokens, 4 cells" and row.decided == law.choose().decided
    assert "to the power 0." in conclusion.batch_words(law, reason, fits, PARAMS.batches).en
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
    batches = optima.batch_trials_at_best(pl.concat([few, more], how="vertical_relaxed"))
    batch_valleys = optima.batch_valleys(batches)
    fits = optima.by_length(batch_valleys)
    assert all(fit.optimum is None for fit in fits[16].values())
    law, reason = optima.batch_law(batch_valleys, PARAMS)
    assert law is None and "no valley describes the mean losses" in reason.en
    (row,) = known.batch_setting(law, reason, fits)
    assert (row.value, row.interval, row.decided) == ("?", "not bracketed", False)
    title = captions.batches_title(fits, law)
    assert title.en == "A best batch lies inside those tried in 0 of 4 cells: no law, nothing is carried to 10B"
    rp.save(rp.batch_basins(batches, fits), tmp_path, "batches", title, captions.batches_alt(fits))
    assert "no law" in conclusion.batch_words(law, reason, fits, PARAMS.batches).en
    with pytest.raises(StudyError, match=r"batches.sizes: .*3 different ones"):
        validated(HyperparametersParams, CONTENT | {"batches": {"sizes": [4, 8]}})


def test_the_settings_say_what_is_only_a_guess(trials, tmp_path):
    transfer = trials.filter(pl.col("family") == "transfer")
    valleys = optima.rate_valleys(transfer, PARAMS)
    fits, transfers = optima.by_width(valleys), optima.rate_transfers(valleys)
    optimizers = trials.filter(pl.col("family") == "optimizer")
    decision = analysis.decide(optimizers.filter(pl.col("width") == 64))
    at = analysis.carry_to_target(optimizers, "adamw")
    assert decision.leader == "muon" and decision.ahead
    first = known.optimizer_setting(at)
    assert not first.decided and "2 sizes" in first.basis and first.interval  # sure here, yet no claim about 10B
    no_law = known.rate_setting(None, "no", transfers, fits)
    assert not no_law.decided and "completep: stays over widths" in no_law.basis
    inits = analysis.decide(optima.inits_at(transfer, PARAMS))
    rows = [first, no_law, *known.init_setting(inits), *map(known.factor_setting, one_factor.found_in(trials))]
    rows += [*known.epochs_setting(tables.epochs_table(trials)), *known.objective_setting(None)]
    names = [one.name for one in rows]
    assert names == [
        "optimizer",
        "learning rate",
        "initialisation",
        "schedule",
        "weight decay",
        "global batch size",
        "epochs",
    ]
    assert not any(one.decided for one in rows)
    title = captions.settings_title(rows)
    assert title.en.startswith("Settings for 10B: 0 of 7 are decided")
    rp.save(
        rp.settings_table([one.as_dict() for one in rows]), tmp_path, "settings", title, captions.settings_alt(rows)
    )
    content = conclusion.extrapolation(rows, at, (None, "too few"), (None, "none"), transfers, fits, {})
    assert content["rate_law_not_carried"] == "too few" and content["settings"]["optimizer"]["decided"] is False
    noise = analysis.noise_floor(optimizers)
    told = conclusion.verdict({"flops": decision}, "x", noise, at, rows)
    assert "For 10B these stay open: optimizer, learning rate" in told.en and "未決の項目" in told.ja


def test_cooldowns_are_held_against_cosine_runs(trials, specs, tmp_path):
    table = tables.schedule_table(trials)
    assert len(table) == 4 and table["difference"].abs().max() < 0.1 and (table["low"] < table["high"]).all()
    told = conclusion.schedule_words(table, 0.5, None)
    assert "4 budgets from one trunk cost 50 % fewer tokens" in told.en
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
    ends = trials.filter((pl.col("family") == "schedule") & (pl.col("schedule") != "trunk"))
    figure = rp.cooldowns(pl.DataFrame(rows, infer_schema_length=None), ends)
    rp.save(figure, tmp_path, "cooldowns", captions.cooldowns_title(table, 0.5), captions.cooldowns_alt(table))


def test_objectives_are_judged_as_causal_models_and_by_filling_in(specs, trials, tmp_path):
    own = [s for s in specs if s.tags["family"] == "objective"]
    assert {s.objective.name for s in own} == {"causal", "ul2", "fim"} and {s.probes for s in own} == {("infilling",)}
    assert len({s.model for s in own}) == 1 and own[0].model.vocab_size > PARAMS.data.tokenizer.vocab_size
    rows = trials.filter(pl.col("family") == "objective")
    assert {s.optimizer.learning_rate for s in own} == {4e-3, 8e-3}
    judged = analysis.compare_to_baseline(analysis.judged_by_other_seeds(rows, "lr_factor"), "causal")
    assert captions_of_text.objectives_title(judged).en.startswith("Judged as a causal model: ")
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
    title = captions_of_text.infilling_title(table)
    assert title.en.startswith("With the text behind it too, fim fills a") and "0.40 bits per byte better" in title.en
    rp.save(rp.infilling(best), tmp_path, "infilling", title, captions_of_text.infilling_alt(table))
    assert table["gain"].to_list() == pytest.approx([0.62] * 4, abs=0.01)
    assert "ul2" in conclusion.objective_words(judged).en
    assert "fim short -0.40" in conclusion.infilling_words(table).en
    assert conclusion.objective_words(None).en == conclusion.infilling_words(None).en == ""


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
    title = captions.search_title(pair, noise)
    assert "takes 25 % of the grid's FLOPs" in title.en and "chance alone gives ±0.9 %" in title.en
    assert "first rung" not in conclusion.search_words(pair, noise).en
    hasty = SearchResult((dataclasses.replace(few.tried[0], values=(0.1,)), *few.tried[1:]))
    told = conclusion.search_words({"grid": grid, "pruned": hasty}, noise)
    assert f"The first rung prefers learning_rate {grid.tried[0].point[RATE]:.3g}, the whole run" in told.en
    rp.save(
        rp.search_cost({k: v.frame() for k, v in pair.items()}), tmp_path, "search", title, captions.search_alt(pair)
    )
    shares = {"optimizer.learning_rate": (0.5, 0.8, 0.9), "optimizer.beta2": (0.0, 0.2, 0.4)}
    assert captions.importance_title(shares).en == "learning_rate matters most (80 %, 50 to 90 %)"
    rp.save(
        rp.importances(shares),
        tmp_path,
        "importance",
        captions.importance_title(shares),
        captions.importance_alt(shares),
    )


def test_the_untuned_arm_is_among_what_is_decided(trials):
    assert UNTUNED in trials.filter(pl.col("family") == "optimizer")["variant"].to_list()
