"""Idea 8: the plan keeps FLOPs equal, and the tables say what made-up trials say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.analysis import NoiseFloor, carry_to_target, fit_loss_surface, load_summary
from studylib.errors import StudyError
from studylib.ideas.efficiency import captions, conclusion, published, tables
from studylib.ideas.efficiency.schema import BASELINE, PLAIN, EfficiencyParams
from studylib.ideas.efficiency.trials import trials as plan
from studylib.ideas.efficiency.trials import waterfall_base
from studylib.model.cost import flops_per_token, parameter_count
from studylib.spec import validated

CONTENT = {
    "budgets": [30_000, 120_000],
    "parts": {
        "experts": {"top 2 of 8": {"moe": {"experts": 8}}, "given": {"moe": {"experts": 4, "expert_size": 24}}},
        "attention": {"window": {"attention_pattern": "sliding_window", "window": 32}},
        "norm": {"layernorm": {"norm": "layernorm"}},
    },
    "aspect": 8, "head_dim": 8, "seq_len": 256, "global_batch_size": 4, "switches": ["bfloat16"], "seeds": 2,
}  # fmt: skip


@pytest.fixture
def params() -> EfficiencyParams:
    return validated(EfficiencyParams, CONTENT)


def test_plan_has_every_part_at_every_size_and_the_switches_once(params):
    specs = plan(params)
    parts = [spec for spec in specs if spec.tags["family"] == "part"]
    assert len(parts) == 2 * 5 * 2  # sizes, baseline and four variants, seeds
    assert len({spec.hash for spec in parts}) == len(parts)
    switches = [spec for spec in specs if spec.tags["family"] == "switch"]
    assert {spec.tags["variant"] for spec in switches} == {PLAIN, "bfloat16"}
    assert {spec.model for spec in switches} == {params.model(30_000)}
    assert {spec.compute.dtype for spec in switches} == {"float32", "bfloat16"}
    assert all(spec.compute.attention == "math" for spec in switches)


def test_experts_have_the_active_flops_of_the_dense_baseline(params):
    for budget in params.budgets:
        base, experts = params.model(budget), params.model(budget, "experts: top 2 of 8")
        assert flops_per_token(experts) == pytest.approx(flops_per_token(base), rel=0.03)
        assert parameter_count(experts).total > parameter_count(base).total
        assert parameter_count(experts).active == pytest.approx(parameter_count(base).total, rel=0.05)
    assert params.model(30_000, "experts: given").moe.expert_size == 24


def test_experts_are_asked_for_their_load_and_others_are_not(params):
    probes = {spec.tags["variant"]: spec.probes for spec in plan(params) if spec.tags["family"] == "part"}
    assert probes["experts: top 2 of 8"] == ("expert_load",)
    assert probes[BASELINE] == probes["norm: layernorm"] == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": {"norm": {"x": {}}}}, "norm: x.* changes nothing"),
        ({"parts": {"norm": {"x": {"hidden_size": 8}}}}, "'hidden_size' in norm: x.* is not a choice"),
        ({"parts": {"experts": {"x": {"moe": {"experts": 1}}}}}, "model.moe.experts: 1"),
        ({"switches": ["bf16"]}, "switches: 'bf16' is not a switch.*bfloat16"),
    ],
)
def test_parts_that_cannot_be_are_refused(changes, message):
    with pytest.raises(StudyError, match=message):
        validated(EfficiencyParams, CONTENT | changes)


def test_the_timed_model_is_the_dense_one_of_its_budget(params):
    base = waterfall_base(params.replace(waterfall_budget=120_000))
    assert base.model == params.model(120_000)
    assert base.global_batch_size == params.waterfall_batch


def trials(losses: dict[str, float], speeds: dict[str, float], *, noise: float = 1e-4) -> pl.DataFrame:
    """Three seeds a variant at two sizes; equal FLOPs and tokens."""
    generator = np.random.default_rng(0)
    rows = []
    for size, count in (("30k", 30_000), ("120k", 120_000)):
        for seed in range(3):
            common = generator.normal(0, 0.01)
            for name, loss in losses.items():
                value = loss + common + generator.normal(0, noise)
                rows.append(
                    {
                        "family": "part", "size": size, "variant": name, "seed": seed, "status": "done", "val_bpb": value,
                        "val_loss": 2 * value, "flops": 1e12, "tokens": 10**6, "tokens_per_s": speeds[name],
                        "memory_bytes": 1e9, "non_embedding_params": count, "hash": f"{size}{name}{seed}",
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


def lengths_of(own: pl.DataFrame) -> pl.DataFrame:
    """Every variant at half its tokens, a tenth of a doubling worse."""
    return own.with_columns(pl.col("tokens") // 2, pl.col("flops") / 2, pl.col("val_bpb") * 2**0.1)


def test_a_part_that_cannot_be_timed_fairly_has_no_difference_in_equal_seconds():
    frame = trials({BASELINE: 2.0, "experts": 1.96}, {BASELINE: 1000.0, "experts": 100.0})
    own = frame.filter(pl.col("size") == "120k")
    accounts = analysis.accountings(own, lengths_of(own), reference=BASELINE)
    both = tables.two_accountings(accounts, "120k", None)
    assert both["seconds"].to_list() == [None] and both["flops"][0] == pytest.approx(-0.04, abs=1e-3)
    assert "the clock takes it" not in captions.two_title(both).en
    assert "?" in captions.two_alt(both).en and "?" in conclusion.parts_words(both).ja


def test_the_clock_can_take_back_what_experts_win_at_equal_flops():
    frame = trials({BASELINE: 2.0, "experts": 1.96}, {BASELINE: 1000.0, "experts": 500.0})
    own = frame.filter(pl.col("size") == "120k")
    lengths = lengths_of(own)
    accounts = analysis.accountings(own, lengths, reference=BASELINE)
    (row,) = tables.two_accountings(accounts, "120k", None).iter_rows(named=True)
    assert row["speed"] == pytest.approx(0.5)
    assert row["flops"] == pytest.approx(-0.04, abs=1e-3)
    # twice the time a token: half the tokens in equal seconds
    assert row["seconds"] == pytest.approx(1.96 * 2**0.1 - 2.0, abs=5e-3)
    assert row["flops_high"] < 0 < row["seconds_low"]
    same = {"120k/baseline": [1000.0, 1001.0], "120k/experts": [1000.0, 1001.0]}
    even = analysis.accountings(own, lengths, reference=BASELINE, speeds=same)
    assert tables.two_accountings(even, "120k", None)["seconds"][0] == pytest.approx(-0.04, abs=2e-3)
    title = captions.two_title(tables.two_accountings(accounts, "120k", None))
    assert "the clock takes it from experts" in title.en
    assert "experts" in title.ja


def test_flops_saved_is_the_factor_that_the_slope_asks_for():
    low, high = tables.flops_saved((-7.0, -6.7, -6.0), (0.1, 0.1, 0.1))
    assert low < (1 - 0.067) ** -10 < high
    assert pytest.approx(2.0, rel=0.01) == (1 - 0.067) ** -10
    wider = tables.flops_saved((-7.0, -6.7, -6.0), (0.08, 0.1, 0.12))
    assert wider[0] < low and high < wider[1]
    assert tables.flops_saved((-1.0, 0.0, 1.0), (0.0, 0.1, 0.2)) is None


def test_search_gain_counts_trials_and_what_more_seeds_would_show():
    waterfall = pl.DataFrame({"tokens_per_s": [1000.0, 2500.0, 4000.0]})
    gain = tables.search_gain(waterfall, 100_000, NoiseFloor("", 0.01, 0.02, 0.03, 2, 3, 8))
    assert gain["times"] == 4
    assert gain["plain"] == pytest.approx(36)
    assert gain["fast"] == pytest.approx(144)
    assert gain["seeds_fast"] == 12
    assert gain["mde_fast"] < gain["mde"]
    assert "4.0 times as many trials" in conclusion.search_words(gain).en


def test_switches_within_the_noise_are_said_to_be():
    frame = trials({PLAIN: 2.0, "bfloat16": 2.0001}, {PLAIN: 1.0, "bfloat16": 2.0}).filter(pl.col("size") == "30k")
    frame = frame.with_columns(family=pl.lit("switch"))
    table = tables.switch_losses(frame)
    assert table["difference"].abs().max() < 0.001
    assert "within the noise" in conclusion.switches_words(table, 0.01).en
    assert "MORE than the noise" in conclusion.switches_words(table, 1e-6).en
    assert tables.switch_losses(frame.filter(pl.col("variant") == PLAIN)) is None


def test_load_summary_tells_idle_experts_and_preferences_of_sources():
    rows = []
    shares = {"ja": [0.96, 0.04, 0.0, 0.0], "en": [0.04, 0.96, 0.0, 0.0]}
    for source, values in shares.items():
        for expert, share in enumerate(values):
            rows.append(
                {"variant": "x", "hash": "h", "step": 5, "source": source, "layer": 0, "expert": expert, "share": share}
            )
    (row,) = load_summary(pl.DataFrame(rows)).iter_rows(named=True)
    assert row["imbalance"] == pytest.approx(2.0)  # 0.5 of four experts
    assert row["unused"] == 2
    assert row["preference"] == pytest.approx(0.46)
    even = pl.DataFrame(rows).with_columns(share=pl.lit(0.25))
    (row,) = load_summary(even).iter_rows(named=True)
    assert (row["imbalance"], row["unused"], row["preference"]) == (1.0, 0, 0.0)


def test_findings_are_held_against_what_was_measured(params):
    names = [BASELINE, *params.variants]
    frame = trials(dict.fromkeys(names, 2.0) | {"experts: top 2 of 8": 1.87}, dict.fromkeys(names, 1.0))
    carried = carry_to_target(frame, BASELINE).effects
    windows = {f"120k/{name}": [100.0, 101.0, 99.0] for name in names}
    windows["120k/experts: top 2 of 8"] = [70.0, 71.0, 69.0]
    windows["120k/norm: layernorm"] = [80.0, 81.0, 79.0]
    own = frame.filter(pl.col("size") == "120k")
    surface = fit_loss_surface(pl.concat([own, lengths_of(own)]), reference=BASELINE)
    found = published.anchors(**tables.findings(params, carried, surface, own, windows))
    assert [one.outcome for one in found] == ["agrees", "agrees", "agrees", "agrees"]
    missing = published.anchors(**tables.findings(params, [], surface, own, {}))
    assert [one.outcome for one in missing][:3] == ["underpowered"] * 3
