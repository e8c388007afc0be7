"""Idea 8: the plan keeps FLOPs equal, and tables and findings say what made-up trials say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import analysis, findings
from studylib.analysis import NoiseFloor, carry_to_target, fit_loss_surface
from studylib.errors import StudyError
from studylib.ideas.efficiency import published, tables
from studylib.ideas.efficiency.schema import BASELINE, PLAIN, EfficiencyParams
from studylib.ideas.efficiency.trials import trials as plan
from studylib.ideas.efficiency.trials import waterfall_base
from studylib.model.cost import flops_per_token, parameter_count
from studylib.result import Text
from studylib.spec import apply, validated
from tests.handed_on import says_how_it_was_compared

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
    both = tables.two_accountings(accounts, "120k", {})
    assert both["seconds"].to_list() == [None] and both["flops"][0] == pytest.approx(-0.04, abs=1e-3)
    found = findings.Accountings.of(both, 0.01)
    (row,) = found.variants
    assert row.seconds is None and row.flops[1] == pytest.approx(-0.04, abs=1e-3)
    title, alt = found.title(**found.facts), found.alt(**found.facts)
    assert (
        title.en.startswith("1 of 1 variants win at equal FLOPs and 0 in equal seconds") and "the clock" not in title.en
    )
    assert "not known" in alt.en and "不明" in alt.ja
    lines = found.figure().axes[0].lines
    assert sum(len(line.get_xdata()) == 2 and line.get_xdata()[0] != line.get_xdata()[1] for line in lines) == 1
    assert findings.Accountings.of(both.clear(), 0.01) is None


def test_the_clock_can_take_back_what_experts_win_at_equal_flops():
    frame = trials({BASELINE: 2.0, "experts": 1.96}, {BASELINE: 1000.0, "experts": 500.0})
    own = frame.filter(pl.col("size") == "120k")
    lengths = lengths_of(own)
    accounts = analysis.accountings(own, lengths, reference=BASELINE)
    (row,) = tables.two_accountings(accounts, "120k", {}).iter_rows(named=True)
    assert row["speed"] == pytest.approx(0.5)
    assert row["flops"] == pytest.approx(-0.04, abs=1e-3)
    # twice the time a token: half the tokens in equal seconds
    assert row["seconds"] == pytest.approx(1.96 * 2**0.1 - 2.0, abs=5e-3)
    assert row["flops_high"] < 0 < row["seconds_low"]
    same = {"120k/baseline": [1000.0, 1001.0], "120k/experts": [1000.0, 1001.0]}
    even = analysis.accountings(own, lengths, reference=BASELINE, speeds=same)
    assert tables.two_accountings(even, "120k", {})["seconds"][0] == pytest.approx(-0.04, abs=2e-3)
    found = findings.Accountings.of(tables.two_accountings(accounts, "120k", {}), 0.01)
    title = found.title(**found.facts)
    assert "the clock takes it from experts" in title.en and "experts" in title.ja
    assert found.variants[0].speed == pytest.approx(0.5)


def test_flops_saved_is_the_factor_that_the_slope_asks_for():
    low, high = tables.flops_saved((-7.0, -6.7, -6.0), (0.1, 0.1, 0.1))
    assert low < (1 - 0.067) ** -10 < high
    assert pytest.approx(2.0, rel=0.01) == (1 - 0.067) ** -10
    wider = tables.flops_saved((-7.0, -6.7, -6.0), (0.08, 0.1, 0.12))
    assert wider[0] < low and high < wider[1]
    assert tables.flops_saved((-1.0, 0.0, 1.0), (0.0, 0.1, 0.2)) is None


STEPS = pl.DataFrame({
    "label": ["plain", "+ fast attention", "+ bfloat16"], "label_ja": ["素朴", "+ 高速 attention", "+ bfloat16"],
    "tokens_per_s": [1000.0, 2500.0, 4000.0], "least": [990.0, 2400.0, 3900.0], "most": [1010.0, 2600.0, 4100.0],
    "speedup": [1.0, 2.5, 4.0], "peak_memory_bytes": [8e8, 4e8, 2e8], "others": [0.0, 0.02, 0.01],
})  # fmt: skip


def test_search_gain_counts_trials_and_what_more_seeds_would_show():
    noise = NoiseFloor("", 0.01, 0.02, 0.03, 2, 3, 8)
    gain = findings.SearchGain.of(STEPS, 100_000, noise)
    assert (gain.times, gain.seeds, gain.seeds_fast) == (4, 3, 12)
    assert (gain.plain, gain.fast) == (pytest.approx(36), pytest.approx(144))
    assert gain.detectable_fast == noise.mde_with(12) < gain.detectable == noise.mde
    assert "4.0 times as many trials" in gain.said().en and "4.0 倍" in gain.said().ja


def test_the_waterfall_says_what_each_switch_gains():
    found = findings.Waterfall.of(STEPS)
    assert [one.gain for one in found.switches] == [1.0, 2.5, 1.6]
    assert found.switches[-1].megabytes == 200
    title = found.title(**found.facts)
    assert title.en == "The same step runs 4.0 times as fast with every switch on, at 25 % of the memory"
    assert "高速 attention" in found.alt(**found.facts).ja
    speed, memory = found.figure().axes
    assert [bar.get_width() for bar in speed.patches] == [1000.0, 2500.0, 4000.0]
    assert [bar.get_width() for bar in memory.patches] == [800.0, 400.0, 200.0]


def test_layouts_are_compared_by_the_median_of_their_rounds():
    measured = pl.DataFrame(
        {
            "variant": ["1 x 2", "2 x 1"] * 3,
            "trials_an_hour": [100.0, 150.0, 90.0, 160.0, 500.0, 170.0],
            "others": [0.0] * 6,
        }
    )
    found = findings.Layouts.of(measured)
    assert found.said().en == ""
    busy = findings.Layouts.of(measured.with_columns(others=pl.lit(0.3)))
    assert "other work took 30 % of the cores" in busy.said().en and "30 %" in busy.said().ja
    assert busy.figure()._supxlabel.get_text() == busy.remark.en
    assert [(one.layout, one.trials_an_hour) for one in found.layouts] == [("2 x 1", 160.0), ("1 x 2", 100.0)]
    assert "2 x 1 (workers x threads) trains 1.60 times as many" in found.title(**found.facts).en
    assert [text.get_text() for text in found.figure().axes[0].get_yticklabels()] == ["2 x 1", "1 x 2"]


def test_switches_that_do_not_move_the_loss_are_said_not_to():
    frame = trials({PLAIN: 2.0, "bfloat16": 2.0001}, {PLAIN: 1.0, "bfloat16": 2.0}).filter(pl.col("size") == "30k")
    subject = Text(en="Switches", ja="切り替え")
    found = findings.Comparison.of(frame, PLAIN, subject)
    assert found.title(**found.facts).en.startswith("No variant differs significantly from plain")
    moved = frame.with_columns(val_bpb=pl.col("val_bpb") + pl.when(pl.col("variant") == PLAIN).then(0.0).otherwise(0.1))
    assert findings.Comparison.of(moved, PLAIN, subject).differences[0].sure
    assert findings.Comparison.of(frame.filter(pl.col("variant") == PLAIN), PLAIN, subject) is None


def load_frame(shares: dict[str, list[float]]) -> pl.DataFrame:
    return pl.DataFrame([
        {"variant": "x", "hash": "h", "step": 5, "source": source, "layer": 0, "expert": expert, "share": share}
        for source, values in shares.items() for expert, share in enumerate(values)
    ])  # fmt: skip


def test_load_tells_idle_experts_and_preferences_of_sources():
    frame = load_frame({"ja": [0.96, 0.04, 0.0, 0.0], "en": [0.04, 0.96, 0.0, 0.0]})
    found = findings.ExpertLoad.of(frame)
    (layer,) = found.layers
    assert layer.busiest == pytest.approx(2.0)  # 0.5 of four experts
    assert (found.variant, layer.layer, layer.idle) == ("x", 0, 2) and layer.apart == pytest.approx(0.46)
    title = found.title(**found.facts)
    assert (
        title.en
        == "x: the busiest expert gets 2.0 times an even share, 2 idle; sources move 46 % of the tokens to other experts"
    )
    assert "遊ぶ専門家 2" in title.ja
    drawn = findings.ExpertLoad.of(load_frame({"ja": [0.04, 0.9, 0.06, 0.0], "en": [0.88, 0.1, 0.02, 0.0]}))
    panels = drawn.figure().axes[:2]
    assert [ax.get_title(loc="left") for ax in panels] == ["ja", "en"]
    # times an even share; the busiest of all text first
    assert [[text.get_text() for text in ax.texts] for ax in panels] == [
        ["3.6", "0.2", "0.2", "0.0"],
        ["0.4", "3.5", "0.1", "0.0"],
    ]
    even = findings.ExpertLoad.of(frame.with_columns(share=pl.lit(0.25)))
    assert [(one.busiest, one.idle, one.apart) for one in even.layers] == [(1.0, 0, 0.0)]
    assert "none idles" in even.title(**even.facts).en and "遊ぶ専門家はない" in even.title(**even.facts).ja
    alone = findings.ExpertLoad.of(load_frame({"ja": [0.7, 0.1, 0.1, 0.1]}))
    assert alone.title(**alone.facts).en == "x: the busiest expert gets 2.8 times an even share, none idles"
    assert "データ源に" not in alone.title(**alone.facts).ja + alone.alt(**alone.facts).ja
    assert findings.ExpertLoad.of(frame.clear()) is None


def test_balance_is_told_from_the_first_to_the_last_step():
    curves = pl.DataFrame([
        {"variant": name, "hash": f"{name}{seed}", "step": step, "tokens": 100 * step, "layer": layer, "imbalance": value + layer}
        for name, values in {"few": (2.0, 1.5, 1.0), "many": (3.0, 2.5, 2.0)}.items()
        for seed in range(2) for layer in range(2) for step, value in zip((1, 5, 9), values, strict=True)
    ])  # fmt: skip
    found = findings.ExpertBalance.of(curves)
    assert [(one.variant, one.first, one.last) for one in found.variants] == [("many", 3.5, 2.5), ("few", 2.5, 1.5)]
    assert "2.50 times an even share at worst (many, from 3.50 at the start)" in found.title(**found.facts).en
    assert {text.get_text() for text in found.figure().axes[0].get_legend().get_texts()} == {"few", "many"}
    assert findings.ExpertBalance.of(curves.clear()) is None


def test_the_best_of_each_part_is_handed_on(params):
    names = [BASELINE, *params.variants]
    best = {"norm: layernorm": 1.8, "experts: top 2 of 8": 1.7, "attention: window": 2.2}
    frame = trials(dict.fromkeys(names, 2.0) | best, dict.fromkeys(names, 1.0))
    base = params.model(120_000)
    at = carry_to_target(frame, BASELINE)
    settings = findings.settings_at_target(at, params.changes_by_part, base, BASELINE)
    found = {one.field: one for one in settings}
    assert found["model.norm"].value == "layernorm" and found["model.norm"].sizes == ("30k", "120k")
    assert found["model.attention_pattern"].value == "dense"
    assert all(says_how_it_was_compared(one, [BASELINE]) for one in settings)
    built = apply(settings, plan(params)[0]).model
    assert (built.norm, built.moe.experts) == ("layernorm", 8), "experts are put into a model that had none"


def test_the_fastest_is_not_said_to_be_as_fast_as_itself():
    rates = pl.DataFrame({"variant": [BASELINE, "experts"], "size": "30k", "tokens_per_s": [1000.0, 500.0]})
    found = findings.Speed.of(rates, {}, Text(en="part", ja="案"), BASELINE)
    assert found.title(**found.facts).en == "At 30k, experts trains at 0.50 times the speed of baseline, the fastest"
    assert "of the trials themselves" in found.alt(**found.facts).en
    # A machine that slows down in the second turn slows both: their ratio is known better than either.
    windows = {f"30k/{BASELINE}": [500.0, 300.0, 505.0], "30k/experts": [1000.0, 606.0, 1000.0]}
    faster = findings.Speed.of(rates, windows, found.subject, BASELINE)
    assert "measured alone" in faster.alt(**faster.facts).en
    title = "At 30k, experts trains at 2.00 (1.95 to 2.05) times the speed of baseline"
    assert faster.title(**faster.facts).en == title
    assert "2.00(1.95〜2.05) 倍" in faster.title(**faster.facts).ja
    assert "windows in turn" in faster.figure().axes[0].get_xlabel()


def test_anchors_are_held_against_what_was_measured(params):
    names = [BASELINE, *params.variants]
    frame = trials(dict.fromkeys(names, 2.0) | {"experts: top 2 of 8": 1.87}, dict.fromkeys(names, 1.0))
    carried = carry_to_target(frame, BASELINE).effects
    windows = {f"120k/{name}": [100.0, 101.0, 99.0] for name in names}
    windows["120k/experts: top 2 of 8"] = [70.0, 71.0, 69.0]
    windows["120k/norm: layernorm"] = [80.0, 81.0, 79.0]
    own = frame.filter(pl.col("size") == "120k")
    surface = fit_loss_surface(pl.concat([own, lengths_of(own)]), reference=BASELINE)
    found = published.anchors(**tables.for_anchors(params, carried, surface, own, windows))
    assert [one.outcome for one in found] == ["agrees", "agrees", "agrees", "agrees"]
    assert "文献では" in found[1].evidence.ja and "% less time" in found[2].evidence.en
    missing = published.anchors(**tables.for_anchors(params, [], surface, own, {}))
    assert [one.outcome for one in missing][:3] == ["underpowered"] * 3
