"""Idea 2: what it plans, and what its tables, words and figures say of numbers whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from PIL import Image

from studylib import analysis
from studylib import report as rp
from studylib.errors import StudyError
from studylib.ideas._shared.effects import target_words
from studylib.ideas.architecture import architecture, captions, conclusion, published, tables
from studylib.ideas.architecture.schema import BASELINE, ArchitectureParams
from studylib.ideas.architecture.trials import COMBINED, best_of_each, combined_trials
from studylib.ideas.architecture.trials import trials as plan
from studylib.model.cost import parameter_count
from studylib.params import load_params
from studylib.project import project_root


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


def effects_frame(effects: dict[str, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"variant": list(effects), "difference": list(effects.values())}, schema_overrides={"difference": pl.Float64}
    )


def test_the_best_of_each_factor_below_the_baseline_are_combined_at_every_size():
    found = best_of_each(
        PARAMS,
        effects_frame({
            "activation: relu": -0.01, "activation: geglu": -0.02, "position: learned": 0.1, "position: alibi": 0.02,
            "norm: layernorm": None, "norm: QK-norm": -0.005, "embedding: tied": -0.5,
        }),
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


def test_choices_that_do_not_go_together_leave_out_the_smaller_effect():
    found = params(
        factors={"position": ["alibi"], "rotation": {"half": {"rotary_fraction": 0.5}}},
        combine=("position", "rotation"), lr_variants=(),
    )  # fmt: skip
    both = effects_frame({"position: alibi": -0.03, "rotation: half": -0.01})
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
    found = tables.factor_decisions(largest, PARAMS.by_factor | {"mixer": ["mixer: gone"]})
    assert {factor: one.leader for factor, one in found.items()} == {
        "activation": "activation: geglu", "position": BASELINE, "norm": "norm: QK-norm", "embedding": BASELINE,
    }  # fmt: skip
    assert found["activation"].ahead and not found["position"].ahead
    table = tables.factor_table(found)
    assert table.filter(pl.col("factor") == "position")["rivals"][0] == "position: alibi"
    assert "activation geglu" in conclusion.factors_words(found).en and "未決" in conclusion.factors_words(found).ja


def test_a_variant_that_did_not_finish_at_some_size_is_not_judged(trials):
    dead = (pl.col("variant") == "norm: layernorm") & (pl.col("size") == "20k")
    left = analysis.judged(trials.with_columns(status=pl.when(dead).then(pl.lit("diverged")).otherwise("status")))
    assert set(left["variant"]) == {BASELINE, *EFFECTS} - {"norm: layernorm"}


def test_the_verdict_tells_leader_factors_sum_and_what_is_carried(trials):
    largest = trials.filter(pl.col("size") == "180k")
    decisions = analysis.decisions_at(analysis.accountings(trials, reference=BASELINE), "180k")
    at = analysis.carry_to_target(trials, BASELINE)
    by_factor = tables.factor_decisions(largest, PARAMS.by_factor)
    parts = ["activation: geglu", "norm: QK-norm"]
    sums = tables.sums(trials, parts)
    assert [one.size for one in sums] == list(SIZES) and sums[-1].state in ("adds up", "unclear")
    told = conclusion.verdict(decisions, "180k", at, analysis.noise_floor(trials))
    assert f"{COMBINED} is the best of those tried at 180k, with " in told.en
    baseline = conclusion.baseline_words(PARAMS.model(60_000))
    assert "swiglu, rmsnorm, rope, pre residual, attention, untied embeddings" in baseline.en
    summed = conclusion.sums_words(sums, {"activation": parts[0], "norm": parts[1]})
    assert "activation: geglu, norm: QK-norm" in summed.en
    assert f"{sums[-1].measured[1]:+.4f}" in summed.en and f"{sums[-1].measured[1]:+.4f}" in summed.ja
    assert conclusion.contexts_words(None).en == ""
    assert "For 10B, 5.56e+04 times the largest size here, from 3 sizes up to 180k" in told.en
    found = conclusion.extrapolation(at, by_factor, sums)
    assert found["leader_by_factor"]["norm"]["leader"] == "norm: QK-norm"
    assert found["effects"][COMBINED]["trend"] == "holds" and found["effects"][COMBINED]["p_better_at_target"] > 0.9
    assert set(found["sum_of_effects"]) == set(SIZES)


def test_what_is_said_of_the_target_is_decided_or_open():
    near = {20_000: 30_000_000, 60_000: 300_000_000, 180_000: 3_000_000_000}
    trials = simulated({"a": -5.0}, noise=0.05).with_columns(pl.col("non_embedding_params").replace_strict(near))
    sure = analysis.carry_to_target(trials, BASELINE)
    told = target_words(sure)
    assert sure.decided and told.en.endswith("decided.") and told.ja.endswith("決定です。")
    assert "a is best with probability >99 %" in told.en
    decision = analysis.decide(trials.filter(pl.col("size") == "180k"))
    assert conclusion.next_run(decision, sure) is None
    far = analysis.carry_to_target(simulated({"a": -0.2}, noise=0.1), BASELINE)
    told = target_words(far)
    assert not far.decided and "Open: " in told.en and "may still be better there" in told.en and "未決" in told.ja
    decision = analysis.decide(simulated({"a": -5.0}).filter(pl.col("size") == "20k"))
    assert "more sizes are needed" in conclusion.next_run(decision, far).en
    table = tables.scaling_table(far)
    assert table["target_mid"][0] is None and table["p_best"][0] == far.p_best["a"]


def test_effects_that_move_with_size_are_named():
    flips = analysis.carry_to_target(simulated({"a": -3.0, "b": 0.0}, slope=8.0, noise=0.05), BASELINE)
    told = conclusion.lasting_words(flips)
    assert "do not last with size: a (flips)" in told.en and "a(逆転)" in told.ja
    assert "of 2 effects 1 flip, 1 are unclear" in captions.slopes_title(flips).en


def test_a_title_says_how_many_stand_after_correction(trials):
    table = analysis.effects_by_size(trials.filter(pl.col("size") == "180k"), BASELINE)
    told = captions.effects_title(table, "180k")
    assert "3 of 8 choices beat the baseline beyond chance and 3 fall behind" in told.en and COMBINED in told.en
    nothing = analysis.effects_by_size(
        simulated({"a": 0.0, "b": 0.0}, noise=0.2).filter(pl.col("size") == "20k"), BASELINE
    )
    assert "0 of 2 choices beat" in captions.effects_title(nothing, "20k").en


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
    found, difference = tables.basins(rates(), 512)
    assert difference["high"][0] < 0
    title = captions.rates_title(found, difference)
    assert "costs norm: QK-norm least" in title.en and "noise" not in title.en
    assert "octaves" in captions.rates_alt(found).en
    found, difference = tables.basins(rates(0.02, 0.02), 512)
    assert "within the noise" in captions.rates_title(found, difference).en
    assert tables.basins(rates().filter(pl.col("seed") == 0), 512)[1] is None


def test_a_failed_rate_is_not_averaged_away_and_costs_the_loss_at_the_start():
    dead = (pl.col("lr_factor") == 4) & (pl.col("seed") == 0) & (pl.col("variant") == BASELINE)
    some = rates().with_columns(status=pl.when(dead).then(pl.lit("diverged")).otherwise("status"))
    cost = analysis.common_rate_cost(some).rows_by_key("variant", named=True, unique=True)
    assert cost[BASELINE]["best_factor"] != 4, "a mean over the seeds that survived would flatter"
    found, _ = tables.basins(some, 512)
    worst = found.sort("sensitivity").row(-1, named=True)
    assert (worst["variant"], worst["seed"]) == (BASELINE, 0)
    assert worst["sensitivity"] == pytest.approx((math.log(512) / 2 - 2.5 + 0.08) / 3, abs=0.01)


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
    table = tables.contexts_table(contexts())
    assert table["variant"].to_list() == ["position: alibi", BASELINE, "position: learned"]
    told = conclusion.contexts_words(table)
    assert "At 4 times the trained context position: alibi changes by -0.04" in told.en
    assert "position: learned cannot read there" in told.en and "不可" in told.ja
    assert conclusion.contexts_words(None).en == ""


def test_published_findings_are_scored_by_power():
    carried = analysis.carry_to_target(simulated(noise=0.02), BASELINE).effects
    _, difference = tables.basins(rates(), 512)
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
    last = analysis.effects_by_size(trials, BASELINE).filter(pl.col("size") == "180k")
    factors = PARAMS.by_factor | {"together": [COMBINED]}
    at = analysis.carry_to_target(trials, BASELINE)
    sums = tables.sums(trials, ["activation: geglu", "norm: QK-norm"])
    basins, difference = tables.basins(rates(), 512)
    table = tables.contexts_table(contexts())
    drawn = {
        "effects": (rp.effects(last, factors, "the baseline", noise=0.01), captions.effects_title(last, "180k"), captions.effects_alt(last)),
        "slopes": (rp.effect_slopes(at, factors), captions.slopes_title(at), captions.slopes_alt(at)),
        "sum": (rp.combination(sums), captions.sums_title(sums), captions.sums_alt(sums)),
        "contexts": (rp.loss_by_context(contexts()), captions.contexts_title(table), captions.contexts_alt(table)),
        "rates": (rp.learning_rates(rates(), legend="variant"), captions.rates_title(basins, difference), captions.rates_alt(basins)),
    }  # fmt: skip
    for name, (figure, title, alt) in drawn.items():
        rp.save(figure, tmp_path, name, title, alt)
        path = tmp_path / f"{name}.png"
        assert path.stat().st_size <= 150_000, name
        with Image.open(path) as picture:
            assert picture.width >= 780 and picture.info["Description"]


def test_a_choice_far_worse_than_the_rest_does_not_hide_them(trials):
    wild = simulated(EFFECTS | {"norm: none": 80.0})
    last = analysis.effects_by_size(wild, BASELINE).filter(pl.col("size") == "180k")
    factors = PARAMS.by_factor | {"norm": [*PARAMS.by_factor["norm"], "norm: none"]}
    ax = rp.effects(last, factors, "the baseline", noise=0.01).axes[0]
    assert ax.get_xlim()[1] < 0.5
    (told,) = [text.get_text() for text in ax.texts]
    assert float(told) == pytest.approx(0.8 * 2.7, rel=0.1), "its number stands at the edge"
    panel = rp.effect_slopes(analysis.carry_to_target(wild, BASELINE), factors).axes[2]
    assert panel.get_ylim()[1] < 20 and "off the scale: none" in panel.texts[0].get_text()


def test_nothing_to_draw_is_an_error(trials):
    for draw in (
        lambda: rp.effects(analysis.effects_by_size(trials, BASELINE), {"x": ["x: y"]}, "b", noise=0.1),
        lambda: rp.effect_slopes(analysis.carry_to_target(trials, BASELINE), {"x": ["x: y"]}),
        lambda: rp.combination([]),
        lambda: rp.loss_by_context(contexts().clear()),
    ):
        with pytest.raises(StudyError):
            draw()
