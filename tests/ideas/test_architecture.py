"""Idea 2: what it plans, and what its tables, words and figures say of numbers whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from PIL import Image

from studylib import analysis
from studylib.errors import StudyError
from studylib.findings import (
    Baseline,
    Combination,
    Effects,
    FactorLeaders,
    LearningRate,
    LongContext,
    NextRun,
    RateSensitivity,
    Slopes,
    TargetVerdict,
    settings_at_target,
)
from studylib.ideas._shared.paired import behind
from studylib.ideas.architecture import architecture, published
from studylib.ideas.architecture.schema import BASELINE, ArchitectureParams
from studylib.ideas.architecture.trials import COMBINED, best_of_each, combined_trials, deciding
from studylib.ideas.architecture.trials import trials as plan
from studylib.model.cost import parameter_count
from studylib.params import load_params
from studylib.project import project_root
from studylib.spec import apply
from studylib.words import Text
from tests.handed_on import says_how_it_was_compared


def params(**changes) -> ArchitectureParams:
    content = {
        "budgets": (60_000, 20_000),
        "factors": {
            "activation": ["relu", "geglu"],
            "position": ["learned", "alibi"],
            "norm": {"layernorm": {"norm": "layernorm"}, "QK-norm": {"qk_norm": True}},
            "embedding": {"tied": {"tied_embeddings": True}},
        },
        "combine": ("activation", "position", "norm"),
        "lr_factors": (0.25, 4),
        "lr_variants": ("norm: QK-norm",),
        "head_dim": 8,
        "aspect": 8,
        "tokens_per_param": 2,
        "seq_len": 64,
        "data": {"tokenizer": {"vocab_size": 512}},
    }
    return ArchitectureParams(**content | changes)


PARAMS = params()
VARIANTS = list(PARAMS.variants)


def family(specs, name: str, **tags) -> list:
    wanted = {"family": name} | tags
    return [spec for spec in specs if all(spec.tags[key] == value for key, value in wanted.items())]


# --- the plan


def test_variants_of_a_size_have_equal_parameters_and_tokens_and_paired_seeds():
    for size in ("20k", "60k"):
        specs = family(plan(PARAMS), "structure", size=size)
        assert {spec.tags["variant"] for spec in specs} == {BASELINE, *VARIANTS}
        counts = [parameter_count(spec.model).non_embedding for spec in specs]
        assert max(counts) / min(counts) < 1.035
        assert len({spec.train_tokens for spec in specs}) == len({spec.optimizer for spec in specs}) == 1
        assert len({(s.model.num_layers, s.model.hidden_size, s.model.num_heads) for s in specs}) == 1
        for variant in (BASELINE, *VARIANTS):
            assert sorted(spec.seed for spec in specs if spec.tags["variant"] == variant) == [0, 1, 2]


def test_a_variant_differs_in_what_it_says_and_an_ungated_activation_gets_a_wider_layer():
    base, relu = PARAMS.model(60_000), PARAMS.model(60_000, "activation: relu")
    assert relu.activation == "relu" and relu.ffn_size == pytest.approx(1.5 * base.ffn_size, abs=4)
    assert relu.replace(activation="swiglu", intermediate_size=base.intermediate_size) == base
    assert PARAMS.model(60_000, "norm: QK-norm").qk_norm and not base.qk_norm
    assert len({spec.hash for spec in family(plan(PARAMS), "structure")}) == 2 * 3 * (1 + len(VARIANTS))


def test_another_baseline_is_the_one_that_all_others_differ_from():
    other = params(baseline={"activation": "gelu"}, factors={"norm": ["layernorm"]}, combine=(), lr_variants=())
    assert {spec.model.activation for spec in plan(other)} == {"gelu"}
    assert {spec.model.norm for spec in plan(other)} == {"rmsnorm", "layernorm"}
    for budget in other.budgets:
        assert parameter_count(other.model(budget)).non_embedding == pytest.approx(budget, rel=0.03)


def test_the_learning_rate_check_shares_its_common_rate_with_the_comparison():
    specs = plan(PARAMS)
    rates = family(specs, "lr")
    assert {spec.tags["variant"] for spec in rates} == {BASELINE, "norm: QK-norm"}
    assert {spec.tags["size"] for spec in rates} == {"20k"}
    elsewhere = family(plan(params(lr_at=60_000)), "lr")
    assert {spec.tags["size"] for spec in elsewhere} == {"60k"} and len(elsewhere) == len(rates)
    single = {spec.hash for spec in family(specs, "structure")}
    assert all((spec.hash in single) == (spec.tags["lr_factor"] == 1) for spec in rates)
    ratios = {round(spec.optimizer.learning_rate / PARAMS.learning_rate, 6) for spec in rates}
    assert ratios == {0.25, 1, 4}


def test_longer_contexts_are_asked_of_positions_and_the_baseline_alone():
    asked = {spec.tags["variant"] for spec in plan(PARAMS) if spec.probes}
    assert asked == {BASELINE, "position: learned", "position: alibi"}
    assert not any(spec.probes for spec in plan(params(long_context=())))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": {"activation": ["reluu"]}}, "reluu.*not a known activation"),
        ({"factors": {"norm": {"x": {"nrm": "none"}}}}, "key 'nrm' in norm: x.*did you mean norm"),
        ({"factors": {"width": {"x": {"hidden_size": 8}}}}, "key 'hidden_size' in width: x"),
        ({"factors": {"norm": {"x": {}}}}, "norm: x.*changes nothing"),
        ({"combine": ("colour",)}, "combine: 'colour' is not a factor"),
        ({"lr_variants": ("norm: other",)}, "lr_variants: 'norm: other' is not a variant"),
        ({"lr_at": 30_000}, "lr_at: 30000 is no budget; choose from 20000, 60000"),
        ({"baseline": {"num_layers": 3}}, "key 'num_layers' in baseline"),
        ({"factors": {"position": {"x": {"position": "alibi", "rotary_fraction": 0.5}}}}, "rotary_fraction"),
    ],
)
def test_bad_parameters_are_named_before_anything_runs(changes, message):
    with pytest.raises(ValueError, match=message):
        params(**{"combine": (), "lr_variants": ()} | changes)


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_every_scale_plans(scale):
    found = load_params(project_root() / "params" / scale / "architecture.yaml")
    specs = architecture.trials(found)
    assert found.scale == scale and len(found.budgets) >= 2 and len(found.combine) >= 2
    for budget in found.budgets:
        counts = [
            parameter_count(spec.model).non_embedding
            for spec in specs
            if spec.tags["family"] == "structure" and parameter_count(spec.model).non_embedding / budget < 1.2
        ]
        assert counts and max(counts) < 1.1 * budget


# --- the second round


def test_the_best_of_each_factor_below_the_baseline_are_combined_at_every_size():
    found = best_of_each(
        PARAMS,
        {
            "activation: relu": -0.01, "activation: geglu": -0.02, "position: learned": 0.1, "position: alibi": 0.02,
            "norm: QK-norm": -0.005, "embedding: tied": -0.5,
        },
    )  # fmt: skip
    assert found == {"activation": "activation: geglu", "norm": "norm: QK-norm"}, "tied is not asked for in combine"
    specs = combined_trials(PARAMS, found)
    assert {(spec.model.activation, spec.model.qk_norm, spec.model.position) for spec in specs} == {
        ("geglu", True, "rope")
    }
    assert {spec.tags["variant"] for spec in specs} == {COMBINED} and len(specs) == 2 * 3
    counts = [parameter_count(spec.model).non_embedding for spec in specs]
    assert sorted(round(count / 1000, -1) for count in counts) == [20] * 3 + [60] * 3
    single = plan(PARAMS)
    assert {spec.hash for spec in specs}.isdisjoint(spec.hash for spec in single)
    assert combined_trials(PARAMS, {"norm": "norm: QK-norm"}) == []


def test_who_goes_into_the_combination_is_read_from_the_seeds_that_both_finished(finish, tmp_path):
    found = params(out=str(tmp_path), seeds=3)
    losses = {BASELINE: (2.0, 2.1, 2.3), "activation: geglu": (1.9, 2.2, 2.1), "norm: QK-norm": (2.1, 2.1, None)}
    race = [spec for spec in deciding(found, plan(found)) if spec.tags["variant"] in losses or spec.seed == 0]
    for spec in race:
        loss = losses.get(spec.tags["variant"], (1.0,))[spec.seed]
        if loss is not None:
            finish(tmp_path, spec, val_bpb=loss)
    ahead = behind(race, BASELINE, tmp_path)
    assert ahead == pytest.approx({"activation: geglu": -0.2 / 3, "norm: QK-norm": 0.05}), "one seed says nothing"
    with pytest.raises(StudyError, match="no variant finished two seeds that 'another' finished too"):
        behind(race, "another", tmp_path)


def test_choices_that_do_not_go_together_leave_out_the_smaller_effect():
    found = params(
        factors={"position": ["alibi"], "rotation": {"half": {"rotary_fraction": 0.5}}},
        combine=("position", "rotation"), lr_variants=(),
    )  # fmt: skip
    both = {"position: alibi": -0.03, "rotation: half": -0.01}
    assert best_of_each(found, both) == {"position": "position: alibi"}


# --- words, on trials with known effects


EFFECTS = {
    "activation: relu": 2.0, "activation: geglu": -1.5, "position: learned": 3.0, "position: alibi": 0.0,
    "norm: layernorm": 0.0, "norm: QK-norm": -2.0, "embedding: tied": 1.0, COMBINED: -3.5,
}  # fmt: skip
SIZES = {"20k": 20_000, "60k": 60_000, "180k": 180_000}


def simulated(effects: dict[str, float] = EFFECTS, *, noise: float = 0.1, slope: float = 0.0) -> pl.DataFrame:
    """Trials with known effects in percent, and their change a decade; the family, tags and costs of real ones."""
    random = np.random.default_rng(7)
    rows = []
    for size, count in SIZES.items():
        common = random.normal(0, 0.03, 3)
        for name, effect in ({BASELINE: 0.0} | effects).items():
            for seed in range(3):
                percent = effect + slope * math.log10(count / 20_000) * bool(effect) + random.normal(0, noise)
                loss = (3 - 0.3 * math.log10(count / 20_000) + common[seed]) * (1 + percent / 100)
                rows.append({
                    "family": "structure", "factor": name.split(":")[0], "size": size, "variant": name, "seed": seed,
                    "status": "done", "val_bpb": loss, "val_loss": 2 * loss, "non_embedding_params": count, "params": 2 * count,
                    "flops": 1e12, "tokens": 100_000, "tokens_per_s": 900.0 if "learned" in name else 1000.0,
                    "memory_bytes": 10**8 + count, "seconds": 10.0, "lr_factor": 1.0, "hash": f"{size}/{name}/{seed}",
                })  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture(scope="module")
def trials() -> pl.DataFrame:
    return simulated()


def test_leaders_inside_a_factor_are_found_and_failed_factors_left_out(trials):
    largest = trials.filter(pl.col("size") == "180k")
    told = FactorLeaders.of(largest, PARAMS.by_factor | {"mixer": ["mixer: gone"]}, BASELINE)
    assert {one.factor: one.leader for one in told.factors} == {
        "activation": "geglu", "position": BASELINE, "norm": "QK-norm", "embedding": BASELINE,
    }  # fmt: skip
    activation, position, *_ = told.factors
    assert activation.ahead and not position.ahead and position.rivals == ("alibi",)
    assert (
        "activation geglu (" in told.said().en
        and "open, alibi may still be better" in told.said().en
        and "未決" in told.said().ja
    )


def test_a_variant_that_did_not_finish_at_some_size_is_not_judged(trials):
    dead = (pl.col("variant") == "norm: layernorm") & (pl.col("size") == "20k")
    left = analysis.judged(trials.with_columns(status=pl.when(dead).then(pl.lit("diverged")).otherwise("status")))
    assert set(left["variant"]) == {BASELINE, *EFFECTS} - {"norm: layernorm"}


def test_a_largest_size_of_one_seed_leaves_the_decision_to_the_next_below_and_is_still_carried_on(trials):
    one_seed = trials.filter((pl.col("size") != "180k") | (pl.col("seed") == 0))
    left = analysis.judged(one_seed)
    assert len(left) == len(one_seed), "a size with one seed judges nobody"
    noise = analysis.noise_floor(left)
    assert noise.at == "60k" and noise == analysis.noise_floor(trials.filter(pl.col("size") == "60k"))
    accounts = analysis.accountings(left, bases=("flops", "memory"))
    decisions = analysis.decisions_at(accounts, noise.at)
    told = analysis.verdicts_of(decisions, accounts, noise.at)[0].text
    assert "at 60k" in told.en and "60k" in told.ja and decisions["flops"].leader == COMBINED
    effects = analysis.effects_by_size(left, BASELINE)
    assert effects["size"].unique(maintain_order=True).to_list() == ["20k", "60k"]
    at = analysis.carry_to_target(left, BASELINE, target_params=1e10)
    assert list(at.sizes) == list(SIZES), "how effects move with size is read from all of them"
    gone = one_seed.filter((pl.col("size") != "180k") | (pl.col("variant") != "norm: layernorm"))
    assert "norm: layernorm" not in set(analysis.judged(gone)["variant"]), "it has to have finished there"
    with pytest.raises(StudyError, match=r"no variant finished two seeds at any size.*give seeds 2 or more"):
        analysis.judged(trials.filter(pl.col("seed") == 0))
    with pytest.raises(StudyError, match="no size has trials of two seeds"):
        analysis.effects_by_size(trials.filter(pl.col("seed") == 0), BASELINE)


def test_the_sum_of_single_effects_is_held_against_the_combination(trials):
    parts = ["activation: geglu", "norm: QK-norm"]
    found = Combination.of(trials, BASELINE, parts, COMBINED)
    last = found.sizes[-1]
    assert [one.size for one in found.sizes] == list(SIZES) and last.state in ("adds up", "unclear")
    assert last.predicted[0] < -0.035 * 2.7 < last.predicted[2] and last.measured[0] < -0.035 * 2.7 < last.measured[2]
    title = found.title(**found.facts)
    assert f"At 180k the best of each factor together bring {last.measured[1]:+.4f} bits per byte" in title.en
    assert f"{last.predicted[1]:+.4f}" in title.ja
    assert "activation: geglu, norm: QK-norm put together" in found.said().en
    for few, told in (([], "there is in 0"), (parts[:1], "there is in 1"), (parts, "finished at no size")):
        nothing = Combination.of(trials.filter(pl.col("variant") != COMBINED), BASELINE, few, COMBINED)
        assert nothing.figure() is None and told in nothing.said().en


def test_the_baseline_is_described_by_its_choices():
    usual = Baseline.of(PARAMS.model(60_000)).said()
    assert "swiglu, rmsnorm, rope, pre residuals, attention and untied embeddings" in usual.en
    small = Baseline.of(PARAMS.model(60_000).replace(unit_stream=False, tied_embeddings=True)).said()
    assert "tied small embeddings" in small.en and "入出力共有の小さな埋め込み" in small.ja


def test_every_factor_hands_on_its_best_choice_at_the_target(trials):
    at = analysis.carry_to_target(trials, BASELINE)
    base = plan(PARAMS)[-1]
    found = {one.field: one for one in settings_at_target(at, PARAMS.groups, PARAMS.model(60_000), BASELINE)}
    assert list(found) == ["model.activation", "model.position", "model.norm", "model.qk_norm", "model.tied_embeddings"]
    assert (found["model.activation"].value, found["model.qk_norm"].value) == ("geglu", True)
    assert found["model.position"].value in ("rope", "alibi") and found["model.norm"].value == "rmsnorm"
    assert found["model.activation"].sizes == tuple(SIZES) and found["model.activation"].p_best > 0.5
    assert apply(found.values(), base).model.activation == "geglu"
    activation = found["model.activation"]
    assert says_how_it_was_compared(activation, {BASELINE, *PARAMS.groups["activation"]})
    assert (activation.decision, activation.params, activation.seeds) == ("activation", max(SIZES.values()), 3)
    assert activation.noise_percent == pytest.approx(0.1, rel=0.5)


def test_what_is_said_of_the_target_is_decided_or_open():
    near = {20_000: 30_000_000, 60_000: 300_000_000, 180_000: 3_000_000_000}
    trials = simulated({"a": -5.0}, noise=0.05).with_columns(pl.col("non_embedding_params").replace_strict(near))
    sure = analysis.carry_to_target(trials, BASELINE)
    told = TargetVerdict.of(sure).said()
    assert sure.decided and told.en.startswith("Use a for 10B parameters. It is best there with >99 % probability")
    assert "a を採用してください。" in told.ja
    decision = analysis.decide(trials.filter(pl.col("size") == "180k"))
    assert NextRun.for_variants(decision, sure, "architecture", PARAMS).said().en == ""
    far = analysis.carry_to_target(simulated({"a": -0.2}, noise=0.1), BASELINE)
    told = TargetVerdict.of(far).said()
    assert not far.decided and "as long as nothing better is known; baseline may still be better" in told.en
    told = TargetVerdict.of(analysis.carry_to_target(simulated({"a": -0.1, "b": 0.0, "c": 0.1}), BASELINE)).said()
    assert "it is undecided; leading so far: " in told.en and "未決" in told.ja
    decision = analysis.decide(simulated({"a": -5.0}).filter(pl.col("size") == "20k"))
    assert "more sizes are needed" in NextRun.for_variants(decision, far, "architecture", PARAMS).said().en


def test_effects_that_move_with_size_are_named():
    flips = Slopes.of(analysis.carry_to_target(simulated({"a": -3.0, "b": 0.0}, slope=8.0, noise=0.05), BASELINE), {})
    assert "do not last with size: a." in flips.said().en and "逆転する効果:a" in flips.said().ja
    assert "of 2 effects 1 flips, 1 is unclear" in flips.title(**flips.facts).en


def test_a_title_says_how_many_stand_after_correction(trials):
    def title(trials: pl.DataFrame, size: str) -> str:
        own = trials.filter(pl.col("size") == size)
        found = Effects.of(analysis.effects_by_size(own, BASELINE), {}, analysis.noise_floor(own))
        return found.title(**found.facts).en

    told = title(trials, "180k")
    assert "3 of 8 choices beat the baseline beyond chance and 3 fall behind" in told and COMBINED in told
    assert "0 of 2 choices beat" in title(simulated({"a": 0.0, "b": 0.0}, noise=0.2), "20k")


# --- learning rates, contexts, anchors


def rates(flat: float = 0.001, steep: float = 0.02) -> pl.DataFrame:
    random = np.random.default_rng(0)
    rows = []
    for name, bend in {BASELINE: steep, "norm: QK-norm": flat}.items():
        for seed in range(3):
            for factor in (0.25, 1.0, 4.0):
                loss = 2.5 + bend * math.log2(factor) ** 2 + 0.01 * seed + random.normal(0, 0.0005)
                rows.append({
                    "family": "lr", "variant": name, "seed": seed, "lr_factor": factor, "status": "done", "val_bpb": loss,
                    "val_loss": 2 * loss,
                })  # fmt: skip
    return pl.DataFrame(rows)


def test_a_flatter_basin_is_told_from_the_baselines():
    found = RateSensitivity.of(rates(), 512, BASELINE)
    assert [one.variant for one in found.basins] == ["norm: QK-norm", BASELINE]
    assert found.to_baseline("norm: QK-norm")[2] < 0 and found.to_baseline(BASELINE) is None
    assert "octaves within 1 % of the best" in found.said().en and "above baseline" in found.said().en
    low, _, high = RateSensitivity.of(rates(0.02, 0.02), 512, BASELINE).to_baseline("norm: QK-norm")
    assert low < 0 < high
    alone = RateSensitivity.of(rates().filter(pl.col("seed") == 0), 512, BASELINE)
    assert alone.to_baseline("norm: QK-norm") is None and "above" not in alone.said().en
    assert RateSensitivity.of(rates().clear(), 512, BASELINE) is None


def test_a_failed_rate_is_not_averaged_away_and_costs_the_loss_at_the_start():
    dead = (pl.col("lr_factor") == 4) & (pl.col("seed") == 0) & (pl.col("variant") == BASELINE)
    some = rates().with_columns(status=pl.when(dead).then(pl.lit("diverged")).otherwise("status"))
    cost = analysis.common_rate_cost(some).rows_by_key("variant", named=True, unique=True)
    assert cost[BASELINE]["best_factor"] != 4, "a mean over the seeds that survived would flatter"
    own = (pl.col("seed") == 0) & (pl.col("variant") == BASELINE)
    (worst,) = RateSensitivity.of(some.filter(own), 512, BASELINE).basins
    assert worst.cost == pytest.approx((math.log(512) / 2 - 2.5 + 0.08) / 3, abs=0.01)


def contexts() -> pl.DataFrame:
    rows = []
    for name, rise in {BASELINE: 0.3, "position: alibi": -0.05, "position: learned": None}.items():
        for seed in range(2):
            rows.append({"variant": name, "seed": seed, "context": 64, "trained": 64, "change": 0.0})
            for times in () if rise is None else (2, 4):
                change = rise * math.log2(times) / 2 + 0.01 * seed
                rows.append({"variant": name, "seed": seed, "context": 64 * times, "trained": 64, "change": change})
    return pl.DataFrame(rows)


def test_what_cannot_read_further_is_said():
    found = LongContext.of(contexts())
    assert [one.variant for one in found.variants] == ["position: alibi", BASELINE, "position: learned"]
    assert (
        "At 4 times the trained context the loss of position: alibi changes by -0.04" in found.title(**found.facts).en
    )
    assert "position: learned cannot" in found.alt(**found.facts).en and "不可" in found.alt(**found.facts).ja
    assert LongContext.of(contexts().clear()) is None
    endless = contexts().with_columns(change=pl.when(pl.col("variant") == BASELINE).then(math.inf).otherwise("change"))
    assert LongContext.of(endless).variants[-1].change is None, "an infinite loss is no number to tell"


def test_published_findings_are_scored_by_power():
    carried = analysis.carry_to_target(simulated(noise=0.02), BASELINE).effects
    difference = RateSensitivity.of(rates(), 512, BASELINE)
    outcomes = [one.outcome for one in published.anchors(PARAMS, carried, difference, (9.0, 20.0))]
    assert outcomes == [
        "agrees",  # ReLU is worse than SwiGLU
        "disagrees",  # GEGLU is 1.5 % better here
        "agrees",  # learned positions are worse
        "agrees",  # LayerNorm is equal
        "underpowered",  # no Mamba-2
        "underpowered",  # no hybrid
        "agrees",  # time of LayerNorm
        "agrees",  # QK-norm is flatter
    ]
    other = params(baseline={"activation": "gelu"})
    assert {one.outcome for one in published.anchors(other, carried, difference, (9.0, 20.0))} == {"underpowered"}


def test_speed_is_compared_with_the_spread_of_its_windows():
    windows = {"a": [100.0, 101.0, 99.0, 100.5], "b": [80.0, 81.0, 79.0, 80.5], "c": [100.0]}
    low, high = analysis.time_saved(windows, "b", "a")
    assert low < 20 < high and high - low < 6, "a takes 20 % less time than b"
    assert analysis.time_saved(windows, "a", "c") is None and analysis.time_saved(windows, "a", "d") is None


# --- figures


def test_every_figure_is_drawn_small_and_described(trials, tmp_path):
    last = trials.filter(pl.col("size") == "180k")
    factors = PARAMS.by_factor | {"together": [COMBINED]}
    noise, parts = analysis.noise_floor(last), ["activation: geglu", "norm: QK-norm"]
    drawn = (
        Effects.of(analysis.effects_by_size(last, BASELINE), factors, noise),
        Slopes.of(analysis.carry_to_target(trials, BASELINE), factors),
        Combination.of(trials, BASELINE, parts, COMBINED),
        LongContext.of(contexts()),
        LearningRate.of(rates(), noise, Text(en="variant", ja="案")),
    )
    for found in drawn:
        found.save(tmp_path)
        path = tmp_path / f"{found.name}.png"
        assert path.stat().st_size <= 150_000, found.name
        with Image.open(path) as picture:
            assert picture.width >= 780 and picture.info["Description"]


def test_a_choice_far_worse_than_the_rest_does_not_hide_them(trials):
    wild = simulated(EFFECTS | {"norm: none": 80.0})
    last = analysis.effects_by_size(wild, BASELINE).filter(pl.col("size") == "180k")
    factors = PARAMS.by_factor | {"norm": [*PARAMS.by_factor["norm"], "norm: none"]}
    noise = analysis.noise_floor(wild.filter(pl.col("size") == "180k"))
    ax = Effects.of(last, factors, noise).figure().axes[0]
    assert ax.get_xlim()[1] < 0.5
    (told,) = [text.get_text() for text in ax.texts]
    assert float(told) == pytest.approx(0.8 * 2.7, rel=0.1), "its number stands at the edge"
    panel = Slopes.of(analysis.carry_to_target(wild, BASELINE), factors).figure().axes[2]
    assert panel.get_ylim()[1] < 20 and "off the scale: none" in panel.texts[0].get_text()


def test_what_can_be_seen_is_not_said_to_be_off_the_scale():
    """One effect is more than eight times the usual one; what is not quite that, or the legend, gives it room."""
    wild = simulated({"norm: a": 0.8, "norm: b": 0.8, "norm: c": 0.8, "norm: d": 5.9, "norm: f": 6.6}, noise=0.02)
    effects = analysis.carry_to_target(wild, BASELINE)
    (panel,) = (
        Slopes.of(effects, {"norm": [one.variant for one in effects.effects if one.variant != "norm: d"]}).figure().axes
    )
    assert "off the scale: f" in panel.texts[0].get_text()
    (panel,) = Slopes.of(effects, {"norm": [one.variant for one in effects.effects]}).figure().axes
    assert not panel.texts
    many = {f"norm: {name}": 0.75 for name in "abcde"} | {"norm: y": 5.8, "norm: z": 7.6}
    effects = analysis.carry_to_target(simulated(many, noise=0.02), BASELINE)
    (panel,) = Slopes.of(effects, {"norm": [one.variant for one in effects.effects]}).figure().axes
    assert not panel.texts and panel.get_ylim()[1] > 7.6


def test_nothing_to_draw_is_an_error(trials):
    other = {"x": ["x: y"]}
    for found in (
        Effects.of(analysis.effects_by_size(trials, BASELINE), other, analysis.noise_floor(trials)),
        Slopes.of(analysis.carry_to_target(trials, BASELINE), other),
    ):
        with pytest.raises(StudyError, match="no effect to draw"):
            found.figure()
