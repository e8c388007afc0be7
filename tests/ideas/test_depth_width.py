"""Idea 1: what it plans, and what its words say of numbers whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.errors import StudyError
from studylib.ideas._shared.numbers import number
from studylib.ideas.depth_width import captions, conclusion, depth_width, published
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.ideas.depth_width.trials import middle_shapes
from studylib.ideas.depth_width.trials import trials as plan
from studylib.model.cost import parameter_count, training_flops
from studylib.params import load_params
from studylib.project import project_root

PARAMS = DepthWidthParams(
    budgets=(60_000, 20_000),
    aspects=(3, 10, 40),
    head_dim=8,
    heads=(1, 3),
    lr_factors=(0.5, 2),
    tokens_per_param=2,
    seq_len=64,
    data={"tokenizer": {"vocab_size": 512}},
)


def by_family(family: str) -> list:
    return [spec for spec in plan(PARAMS) if spec.tags["family"] == family]


def test_shapes_of_a_budget_differ_in_nothing_else():
    for size in ("20k", "60k"):
        specs = [spec for spec in by_family("shape") if spec.tags["size"] == size]
        assert max(map(training_flops, specs)) / min(map(training_flops, specs)) < 1.03, "but for tokens: equal FLOPs"
        assert len({spec.optimizer for spec in specs}) == 1
        sizes = [parameter_count(spec.model).non_embedding for spec in specs]
        assert max(sizes) / min(sizes) < 1.06
        variants = {spec.tags["variant"] for spec in specs}
        assert len(variants) == 3
        for variant in variants:
            assert sorted(spec.seed for spec in specs if spec.tags["variant"] == variant) == [0, 1, 2]


def test_tokens_follow_parameters():
    middle = middle_shapes(PARAMS)
    small, large = (
        next(s for s in by_family("shape") if (s.tags["size"], s.tags["variant"]) == (size, middle[size]))
        for size in ("20k", "60k")
    )
    assert large.train_tokens / small.train_tokens == pytest.approx(3, rel=0.05)
    assert large.train_tokens == pytest.approx(2 * 60_000, rel=0.05)


def test_heads_change_heads_only():
    specs = by_family("heads")
    assert {spec.model.num_heads for spec in specs} == {1, 3}
    assert len({(spec.model.num_layers, spec.model.hidden_size, spec.model.ffn_size) for spec in specs}) == 1


def test_learning_rate_check_covers_extremes_and_middle():
    specs = by_family("lr")
    assert len({spec.tags["variant"] for spec in specs}) == 3
    rates = sorted({spec.optimizer.learning_rate / PARAMS.learning_rate for spec in specs})
    assert rates == pytest.approx([0.5, 1, 2])
    shapes = {spec.hash for spec in by_family("shape")}
    assert all((spec.hash in shapes) == (spec.tags["lr_factor"] == 1) for spec in specs), (
        "the common rate is not run twice"
    )


@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "cluster"])
def test_every_scale_plans(scale):
    params = load_params(project_root() / "params" / scale / "depth_width.yaml")
    specs = depth_width.trials(params)
    assert params.scale == scale
    assert {spec.tags["family"] for spec in specs} >= {"shape"}
    assert max(parameter_count(spec.model).non_embedding for spec in specs) == pytest.approx(
        max(params.budgets), rel=0.03
    )


def test_heads_that_do_not_fit_are_refused_before_anything_runs():
    with pytest.raises(StudyError, match=r"model\.num_heads: 7 does not divide hidden_size"):
        plan(PARAMS.replace(heads=(7,)))


def made_trials(optimum: dict[str, float], *, noise: float = 0.001, tilt: float = 0.02) -> pl.DataFrame:
    """Trials of a valley with known bottoms."""
    rng = np.random.default_rng(0)
    rows = []
    for size, best in optimum.items():
        params = {"100k": 1e5, "300k": 3e5, "1M": 1e6}[size]
        for aspect in (2, 4, 8, 16, 32, 64, 128):
            for seed in range(3):
                loss = 3 - 0.1 * math.log10(params) + tilt * math.log(aspect / best) ** 2 + rng.normal(0, noise)
                layers = max(1, round((params / 12 / aspect**2) ** (1 / 3)))
                rows.append(
                    {
                        "family": "shape", "size": size, "variant": f"a{aspect}", "aspect": float(aspect), "seed": seed,
                        "status": "done", "val_bpb": loss, "val_loss": loss, "num_layers": layers,
                        "hidden_size": aspect * layers, "non_embedding_params": int(params), "hash": f"{size}{aspect}{seed}",
                        "flops": 1e12, "tokens": 1000, "tokens_per_s": 100.0, "seconds": 10.0, "memory_bytes": 10**8,
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


def decisions_of(trials: pl.DataFrame) -> dict:
    decision = analysis.decide(trials)
    return {"flops": decision, "seconds": decision, "memory": decision}


def test_verdict_carries_a_clear_optimum_and_says_how_sure():
    trials = made_trials({"100k": 12.0, "300k": 16.0, "1M": 20.0})
    valleys = analysis.fit_valleys(trials)
    fits = valleys.budgets
    carried, reason = valleys.carry({"params": 1e10})
    shape = analysis.buildable_shape(1e10, carried.best, 100_000, tp=4)
    largest = trials.filter(pl.col("size") == "1M")
    told = conclusion.verdict(decisions_of(largest), fits, carried, reason, shape)
    assert "a16" in told.en
    assert f"{shape.num_layers} layers x {shape.hidden_size}" in told.en
    assert f"{shape.num_layers} 層 × {shape.hidden_size}" in told.ja
    low, middle, high = carried.optimum
    assert low < middle < high
    assert number(low) in told.en and number(high) in told.en
    assert number(fits[-1].flat[0]) in conclusion.basin_words(fits[-1]).en
    assert f"{fits[-1].optimum:.3g} wide per layer is best" in captions.valley_title(fits).en


def test_verdict_carries_nothing_from_one_budget():
    trials = made_trials({"1M": 20.0})
    valleys = analysis.fit_valleys(trials)
    fits = valleys.budgets
    carried, reason = valleys.carry({"params": 1e10})
    told = conclusion.verdict(decisions_of(trials), fits, carried, reason, None)
    assert carried is None
    assert "Nothing is carried to 10B: an optimum lies inside the range tried at 1 of 1 sizes" in told.en
    assert "外挿はできません" in told.ja
    assert conclusion.extrapolation(valleys, None, reason, None)["not_carried"] == reason


def test_published_shapes_are_scored_by_power():
    flat = made_trials({"1M": 16.0}, tilt=0.0005)
    fits = analysis.fit_valleys(flat).budgets
    kaplan, thirteen, nanochat = published.anchors(flat, fits, None)
    assert kaplan.outcome == "agrees"  # nothing moves by 3 %
    assert thirteen.outcome == "underpowered"  # nothing is carried
    steep = made_trials({"1M": 16.0}, tilt=0.2)
    kaplan, _, nanochat = published.anchors(steep, analysis.fit_valleys(steep).budgets, None)
    assert kaplan.outcome == "disagrees"
    assert nanochat.outcome == "agrees"  # 16 is on 64's side of 128


def test_learning_rate_is_called_fair_only_within_noise():
    rows = [
        {"family": "lr", "status": "done", "variant": variant, "lr_factor": factor, "val_bpb": loss, "seed": seed}
        for variant, losses in {"2x64": (2.0, 2.01, 2.05), "8x32": (2.1, 2.101, 2.2)}.items()
        for factor, loss in zip((1.0, 0.5, 2.0), losses, strict=True)
        for seed in (1, 2)
    ]
    table = analysis.common_rate_cost(pl.DataFrame(rows))
    assert table["given_away"].to_list() == [0, 0]
    assert "fair" in conclusion.learning_rate_words(table, 0.01).en
    assert (
        "one seed only" in conclusion.learning_rate_words(analysis.common_rate_cost(pl.DataFrame(rows[::2])), 0.01).en
    )
    rows[2]["val_bpb"] = rows[3]["val_bpb"] = 1.9  # 2x64 wanted half the rate
    table = analysis.common_rate_cost(pl.DataFrame(rows))
    assert dict(table.select("variant", "best_factor").rows()) == {"2x64": 0.5, "8x32": 1.0}
    assert table["given_away"].to_list() == pytest.approx([0.1, 0])
    assert "more than the noise" in conclusion.learning_rate_words(table, 0.01).en
    assert "1 of 2 shapes" in captions.learning_rate_title(table).en
