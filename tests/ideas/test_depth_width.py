"""Idea 1: what it plans, and what its words say of numbers whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.errors import StudyError
from studylib.files import write_json
from studylib.findings import (
    ASPECT,
    Basin,
    Comparison,
    Leaders,
    LearningRate,
    LossValley,
    NextRun,
    Optimum,
    OptimumVerdict,
    Shape,
)
from studylib.ideas.depth_width import depth_width, published
from studylib.ideas.depth_width.rounds import rounds_of
from studylib.ideas.depth_width.schema import DepthWidthParams
from studylib.ideas.depth_width.trials import middle_shapes, race
from studylib.ideas.depth_width.trials import trials as plan
from studylib.model.cost import parameter_count, training_flops
from studylib.params import load_params
from studylib.project import project_root
from studylib.spec import TrialSpec, apply
from studylib.spec.record import record_of
from studylib.trials import plan_steps, speed_steps
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome
from studylib.trials.queue import Queue
from studylib.words import Text
from tests.handed_on import says_how_it_was_compared

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


def test_shapes_that_are_left_out_change_nothing_of_the_others():
    whole = plan(PARAMS)
    middle = middle_shapes(PARAMS)["60k"]
    shapes = list(dict.fromkeys(s.tags["variant"] for s in whole if s.tags["size"] == "60k"))
    deep = shapes[0]
    assert deep != middle
    fewer = plan(PARAMS.replace(leave_out=(deep,)))
    assert [s for s in fewer if s.tags["size"] == "60k"] == [
        s for s in whole if s.tags["size"] == "60k" and s.tags["variant"] != deep
    ]
    with pytest.raises(StudyError, match=f"leave_out: '{middle}' is the middle shape at 60k"):
        plan(PARAMS.replace(leave_out=(middle,)))
    with pytest.raises(StudyError, match="leaves fewer than two shapes at 60k"):
        plan(PARAMS.replace(leave_out=tuple(name for name in shapes if name != middle)))
    with pytest.raises(StudyError, match="leave_out"):
        load_params(project_root() / "params/quick/depth_width.yaml", overrides=["leave_out=[wide]"])


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


def finish(folder, specs, loss) -> None:
    """Records of finished trials with the loss that ``loss(spec)`` says; of None a failure."""
    for spec in specs:
        task = Task.under(folder, spec)
        if (bpb := loss(spec)) is None:
            write_json(
                task.folder / "failure.json", {"status": "diverged", "message": "nan", "seconds": 1.0, "at": 0.0}
            )
            continue
        numbers = {"val_loss": bpb, "val_bpb": bpb, "val": {}, "train_loss": bpb, "steps": 1, "tokens": 1, "flops": 1.0}
        numbers |= {"params": 1, "non_embedding_params": 1, "tokens_per_s": 1.0, "peak_memory_bytes": 1}
        write_json(task.folder / "result.json", record_of(spec, 1.0) | numbers)


def raced(tmp_path, best: Callable[[float], float], **changes):
    """The shapes of the plan trained to ``best(log aspect)``, and the round that follows."""
    params = PARAMS.replace(budgets=(60_000,), heads=(), lr_factors=(), out=str(tmp_path), **changes)
    (later,) = rounds_of(params)
    finish(params.folder, plan(params), lambda spec: best(math.log(spec.tags["aspect"])))
    return params, later


def variants(specs) -> list[str]:
    return list(dict.fromkeys(spec.tags["variant"] for spec in specs if spec.tags["family"] == "shape"))


WIDER = {"aspects": (2, 4, 8)}  # there is more on both sides


@pytest.mark.parametrize("side", [1, -1])
def test_the_next_shape_out_is_tried_where_the_best_is_the_last_on_its_side(tmp_path, side):
    params, later = raced(tmp_path, lambda log_aspect: 2 + 0.1 * side * log_aspect, **WIDER)
    known = variants(plan(params))
    assert set(later.after) == {spec.name for spec in plan(params) if spec.tags["family"] == "shape"}
    planned = plan_steps(plan(params), params.folder, rounds=[later])
    more, (measuring,) = later.then()
    (added,) = [name for name in variants(more) if name not in known]
    new = [spec for spec in more if spec.tags["variant"] == added]
    assert [spec.seed for spec in new] == [0, 1, 2] and {spec.tags["family"] for spec in new} == {"shape"}
    assert later.expected >= len(new) and added in [one.task.step.tags["variant"] for one in planned.trials]
    layers = sorted({spec.model.num_layers for spec in race(plan(params))}, reverse=side < 0)
    assert side * new[0].model.num_layers > side * layers[-1], "deeper, or wider and less deep"
    last, second = sorted({spec.tags["aspect"] for spec in race(plan(params))}, reverse=side < 0)[:2]
    assert new[0].tags["aspect"] == pytest.approx(last**2 / second, rel=0.35), "about as far again"
    middle = next(spec for spec in plan(params) if spec.tags["variant"] == middle_shapes(params)["60k"])
    assert training_flops(new[0]) == pytest.approx(training_flops(middle), rel=0.03), "of the plan's middle shape"
    finish(params.folder, new, lambda spec: 1.0)  # better still, but once was asked for
    speeds, further = measuring.then()
    assert speeds == speed_steps(race(more)) and not further, "all shapes are timed together"
    assert speeds == speed_steps([*race(plan(params)), *new]), "in whichever order a notebook has them"


def test_shapes_go_on_to_be_added_while_the_best_is_the_last_and_there_are_rounds(tmp_path):
    params, later = raced(tmp_path, lambda log_aspect: 2 - 0.1 * log_aspect, edge_rounds=3, **WIDER)
    widest = [max(spec.tags["aspect"] for spec in race(plan(params)))]
    for _ in range(2):
        more, (later,) = later.then()
        finish(params.folder, more, lambda spec: 2 - 0.1 * math.log(spec.tags["aspect"]))
        widest.append(max(spec.tags["aspect"] for spec in race(more)))
    assert widest == sorted(set(widest))
    finish(params.folder, [spec for spec in race(more) if spec.tags["aspect"] == widest[-1]], lambda spec: 9.0)
    (measure,), further = later.then()  # now the valley is closed
    assert measure.kind == "speeds" and not further


def test_a_run_carries_out_what_is_added_and_times_all_shapes_once(tmp_path):
    params, later = raced(tmp_path, lambda log_aspect: 2 - 0.1 * log_aspect, edge_rounds=2, **WIDER)

    def to_do(steps):
        return [task for task in (Task.under(params.folder, step) for step in steps) if task.state == "to do"]

    queue, carried_out = Queue([], rounds=[later], add=to_do), []
    while task := queue.take():
        if isinstance(task.step, TrialSpec):
            finish(params.folder, [task.step], lambda spec: 2 - 0.1 * math.log(spec.tags["aspect"]))
        carried_out.append(task.step)
        queue.end(task, Outcome("done"))
    added = [step for step in carried_out if isinstance(step, TrialSpec)]
    assert len({one.tags["variant"] for one in added}) == 2 and len(added) == 2 * len(params.seeds)
    assert carried_out[len(added) :] == speed_steps([*race(plan(params)), *added])
    assert len(carried_out) <= later.expected


def test_the_next_shape_out_is_not_added_where_it_is_to_be_left_out(tmp_path):
    params, later = raced(tmp_path, lambda log_aspect: 2 - 0.1 * log_aspect, **WIDER)
    (added,) = set(variants(later.then()[0])) - set(variants(plan(params)))
    (without,) = rounds_of(params.replace(leave_out=(added,)))
    steps, further = without.then()
    assert [one.kind for one in steps] == ["speeds"] and not further


def test_nothing_is_added_beyond_one_layer_or_inside_or_unasked(tmp_path):
    cases = {
        "one layer": (lambda log_aspect: 2 - 0.1 * log_aspect, (3, 10, 240)),
        "inside": (lambda log_aspect: 2 + (log_aspect - math.log(10)) ** 2, PARAMS.aspects),
        "the deepest failed": (lambda log_aspect: 2 + 0.1 * log_aspect if log_aspect > 2 else None, PARAMS.aspects),
    }
    for name, (loss, aspects) in cases.items():
        params, later = raced(tmp_path / name, loss, aspects=aspects)
        steps, further = later.then()
        assert [one.kind for one in steps] == ["speeds"] and not further
    unasked = params.replace(edge_rounds=0)
    assert not rounds_of(unasked) and speed_steps(race(plan(unasked)))[0] in depth_width.plan(unasked)


def test_equal_seconds_follow_for_the_shapes_that_were_added_too(tmp_path):
    params, later = raced(tmp_path, lambda log_aspect: 2 + 0.1 * log_aspect, equal=("tokens", "seconds"))
    more, (measuring,) = later.then()
    known = set(variants(plan(params)))
    (length,) = {spec.tags["variant"] for spec in more if spec.tags["family"] == "length"} - known
    finish(params.folder, more, lambda spec: 2.0)
    (measure,), (seconds,) = measuring.then()
    speeds = [
        {"trial": one.hash, "windows": [1000.0 * one.model.num_layers] * 2, "others": [0.0, None], "peak_memory_bytes": 1, "loss": 1.0}
        for one in measure.trials
    ]  # fmt: skip
    write_json(params.folder / measure.name / "result.json", record_of(measure, 1.0) | {"speeds": speeds})
    timed, _ = seconds.then()
    assert length in {spec.tags["variant"] for spec in timed} and seconds.after == (measure.name,)


def test_large_budgets_are_trained_with_fewer_seeds():
    params = PARAMS.replace(seeds=4, seeds_at={50_000: 2})
    assert params.seeds_of(20_000) == (0, 1, 2, 3) and params.seeds_of(60_000) == params.seeds_of(50_000) == (0, 1)
    assert params.replace(seeds_at={10: 3, 60_000: 1}).seeds_of(60_000) == (0,)
    assert params.replace(seeds_at={10: 9}).seeds_of(20_000) == params.seeds
    seeds = {(spec.tags["size"], spec.tags["family"]): set() for spec in plan(params)}
    for spec in plan(params):
        seeds[spec.tags["size"], spec.tags["family"]].add(spec.seed)
    assert seeds["20k", "shape"] == {0, 1, 2, 3} == seeds["20k", "heads"] and seeds["60k", "shape"] == {0, 1}
    assert not params.at_size(1e6)["seeds_at"], "the list of next runs says itself how many"
    with pytest.raises(StudyError, match=r"seeds_at.*0"):
        PARAMS.replace(seeds_at={50_000: 0})


def test_what_is_tried_at_one_size_is_tried_where_two_seeds_can_decide():
    few = PARAMS.replace(seeds=3, seeds_at={60_000: 1}, equal=["tokens"])
    assert PARAMS.deciding_budget == max(PARAMS.budgets) == 60_000 and few.deciding_budget == 20_000
    assert PARAMS.replace(seeds=1).deciding_budget == 60_000, "where no size has two seeds nothing decides"

    def at_equal_tokens(params) -> set[str]:
        middle = middle_shapes(params)
        lengths = [spec for spec in plan(params) if spec.tags["family"] == "length"]
        return {spec.tags["size"] for spec in lengths if spec.tags["variant"] != middle[spec.tags["size"]]}

    assert at_equal_tokens(few.replace(seeds_at={})) == {"60k"} and at_equal_tokens(few) == {"20k"}


def made_trials(optimum: dict[str, float], *, noise: float = 0.001, tilt: float = 0.02) -> pl.DataFrame:
    """Trials of a valley with known bottoms."""
    rng = np.random.default_rng(0)
    rows = []
    for size, best in optimum.items():
        params = {"100k": 1e5, "1M": 1e6, "10M": 1e7}[size]
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


def test_verdict_carries_a_clear_optimum_and_says_how_sure():
    trials = made_trials({"100k": 12.0, "1M": 16.0, "10M": 20.0})
    valleys = analysis.fit_valleys(trials)
    fits = valleys.budgets
    carried, reason = valleys.carry({"params": 1e10})
    shape = Shape.of(carried, fits, 1e10, 100_000)
    decision = analysis.decide(trials.filter(pl.col("size") == "10M"))
    verdict = OptimumVerdict.of(decision, carried, reason, 1e10, shape.use, shape.aspect)
    assert verdict.measured and verdict.decided == carried.choose(shape.aspect).decided
    told = verdict.said()
    assert f"Build {shape.num_layers} layers x {shape.hidden_size}" in told.en and "decided" in told.en
    assert f"{shape.num_layers} 層 × {shape.hidden_size}" in told.ja
    optimum = Optimum.of(valleys, carried, reason, 1e10, ASPECT)
    assert optimum.at_target == carried.optimum and optimum.times == pytest.approx(1e3)
    assert "Carried to 10B parameters" in optimum.title(**optimum.facts).en and not optimum.said().en
    valley = LossValley.of(trials, valleys, ASPECT)
    assert f"best aspect ratio is {fits[-1].optimum:.3g}" in valley.title(**valley.facts).en
    assert f"{fits[-1].flat[0]:.3g} to {fits[-1].flat[1]:.3g}" in valley.said().en
    assert valley.figure() is not None and optimum.figure() is not None


def test_the_shape_is_handed_on_as_settings_with_what_they_rest_on():
    valleys = analysis.fit_valleys(made_trials({"100k": 12.0, "1M": 16.0, "10M": 20.0}))
    carried, _ = valleys.carry({"params": 1e10})
    shape = Shape.of(carried, valleys.budgets, 1e10, 100_000)
    layers, width, *usual = shape.settings()
    assert layers.evidence == width.evidence == "measured" and layers.sizes == ("100k", "1M", "10M")
    assert layers.interval[0] <= layers.value <= layers.interval[1]
    assert width.interval[0] <= width.value <= width.interval[1]
    assert all(one.evidence == "convention" and not one.decided for one in usual)
    assert (
        says_how_it_was_compared(layers)
        and says_how_it_was_compared(width)
        and layers.decision == width.decision == "shape"
    )
    assert [one.label for one in layers.tried] == [one.label for one in width.tried]
    deeper = {one.value: one.behind_percent for one in layers.tried}
    assert min(deeper) < layers.value < max(deeper) and deeper[max(deeper)] > 0 < deeper[min(deeper)]
    assert layers.params == valleys.budgets[-1].params
    trial = TrialSpec(model={"num_layers": 1, "hidden_size": 8, "num_heads": 1, "vocab_size": 32_768}, train_steps=1)
    built = apply(shape.settings(), trial).model
    assert (built.num_layers, built.hidden_size, built.num_heads) == (layers.value, width.value, shape.num_heads)
    assert built.vocab_size == 32_768


def test_a_size_with_one_seed_decides_nothing_and_is_in_all_else():
    trials = made_trials({"100k": 12.0, "1M": 16.0, "10M": 20.0})
    trials = trials.filter((pl.col("size") != "10M") | (pl.col("seed") == 0))
    accounts = analysis.accountings(trials, bases=("flops",))
    shapes = accounts["flops"].trials
    noise = analysis.noise_floor(shapes)
    assert noise.at == analysis.deciding_size(shapes) == "1M" and noise.seeds == 3
    assert analysis.deciding_size(trials.filter(pl.col("seed") == 0)) == "10M", "the largest where none has two"
    valleys = analysis.fit_valleys(shapes)
    assert [fit.budget for fit in valleys.bracketed] == ["100k", "1M", "10M"]
    assert valleys.budgets[-1].interval[0] < 20 < valleys.budgets[-1].interval[1]
    figure = LossValley.of(shapes, valleys, ASPECT).figure()
    assert all(any("mean" in str(one.get_label()) for one in ax.containers) for ax in figure.axes)
    assert analysis.decisions_at(accounts, noise.at)["flops"].at == "1M"
    kaplan, _, nanochat = published.anchors(shapes, valleys.budgets, None)
    assert kaplan.outcome != "underpowered" and nanochat.outcome == "agrees"
    basin = Basin.of(accounts, analysis.shipped_record())
    assert [one.size for one in basin.flops] == ["100k", "1M", "10M"] and basin.size == "10M"
    with pytest.raises(StudyError, match="2 variants with 2 seeds"):
        analysis.accountings(trials.filter(pl.col("seed") == 0), bases=("flops",))


def test_basin_tells_what_a_class_of_shapes_costs_beside_the_published_ladder():
    """Truth: 3 - 0.1 log10 N + tilt (log aspect / best)^2, aspects 2, 4 | 8, 16 | 32 | 64, 128."""
    record = analysis.shipped_record()
    trials = made_trials({"100k": 32.0, "10M": 32.0}, tilt=0.02, noise=0.003)
    accounts = analysis.accountings(trials, bases=("flops",))
    found = Basin.of(accounts, record)
    for one, params in zip(found.flops, (1e5, 1e6), strict=True):
        level, at = 3 - 0.1 * math.log10(params), dict(zip((2, 4, 8, 16, 32, 64, 128), range(7), strict=True))
        log = {a: 100 * math.log(level + 0.02 * math.log(a / 32) ** 2) for a in at}
        truth = [
            (log[2] + log[4]) / 2 - log[32],
            (log[8] + log[16]) / 2 - log[32],
            0,
            (log[64] + log[128]) / 2 - log[32],
        ]
        assert [cost.aspect.en for cost in one.costs] == ["under 6", "6 to 22", "22 to 55", "55 to 160"]
        for cost, true in zip(one.costs, truth, strict=True):
            assert cost.percent[0] <= cost.percent[1] <= cost.percent[2] and abs(cost.percent[1] - true) < 0.3
            assert cost.percent[0] - 0.05 < true < cost.percent[2] + 0.05
    assert found.best == found.published_best and "so they do on Gemstones" in found.title(**found.facts).en
    assert "でも同じ" in found.title(**found.facts).ja
    assert {one.aspect.en for one in (*found.worse, *found.open)} == {"under 6", "6 to 22", "55 to 160"}
    assert "under 6" in [one.aspect.en for one in found.worse]
    assert [(one.flops, one.seconds) for one in found.published] == [
        (one.behind_flops, one.behind_seconds) for one in record.shapes
    ]
    told = found.said()
    assert "under 6 2.42 ± 0.42 and 3.64 ± 0.95" in told.en and "6 未満:2.42 ± 0.42" in told.ja
    assert all("5f420478, MIT, arXiv 2502.06857" in one and "study backtest" in one for one in (told.en, told.ja))
    (ax,) = found.figure().axes
    labels = [one.get_label() for one in ax.containers]
    assert labels == ["100k", "10M", "Gemstones, 50M to 2B (bars: 95 %)"]
    assert [len(one.lines[0].get_xdata()) for one in ax.containers] == [4, 4, 5]
    elsewhere = Basin.of(analysis.accountings(made_trials({"10M": 4.0}), bases=("flops",)), record)
    assert elsewhere.best.en == "under 6" and "Gemstones (50M to 2B): 22 to 55" in elsewhere.title(**elsewhere.facts).en
    flat = Basin.of(analysis.accountings(made_trials({"10M": 4.0}, tilt=0, noise=0.01), bases=("flops",)), record)
    assert (
        len(flat.open) > len(flat.worse)
        and f"not told apart from {flat.open[0].aspect.en}" in flat.title(**flat.facts).en
    )


def test_basin_counts_what_moving_a_loss_may_have_done_and_asks_for_two_seeds():
    trials = made_trials({"10M": 32.0}, noise=0.001)
    plain = analysis.own_shape_costs(trials)["10M"]
    errors = {"10M/a2": np.random.default_rng(1).normal(0, 0.05, 500)}
    wider = analysis.own_shape_costs(trials, errors)["10M"]
    assert wider["<6"][2] - wider["<6"][0] > 3 * (plain["<6"][2] - plain["<6"][0])
    assert wider["~85"] == pytest.approx(plain["~85"])
    alone = trials.filter(pl.col("seed") == 0)
    with pytest.raises(StudyError, match="two seeds"):
        analysis.own_shape_costs(alone)
    record, moved = analysis.shipped_record(), analysis.Moved(trials, {})
    assert Basin.of({"flops": analysis.Moved(alone, {})}, record) is None
    assert not Basin.of({"flops": moved, "seconds": analysis.Moved(trials.clear(), {})}, record).seconds
    both = Basin.of({"flops": moved, "seconds": moved}, record)
    assert both.seconds == both.flops and len(both.figure().axes) == 2


def test_nothing_is_carried_from_one_budget_and_the_published_shape_stands():
    trials = made_trials({"10M": 20.0})
    valleys = analysis.fit_valleys(trials)
    fits = valleys.budgets
    carried, reason = valleys.carry({"params": 1e10})
    assert carried is None
    shape = Shape.of(carried, fits, 1e10, 100_000)
    verdict = OptimumVerdict.of(analysis.decide(trials), carried, reason, 1e10, shape.use, shape.aspect)
    told = verdict.said()
    assert "as published models do" in told.en and "lies inside the range tried at 1 of 1 sizes" in told.en
    assert "公表モデル" in told.ja and "1 規模中 1 規模" in told.ja
    assert not verdict.decided and "a16" in told.en
    assert {one.evidence for one in shape.settings()} == {"published", "convention"}
    assert all(one.interval is None for one in shape.settings())
    optimum = Optimum.of(valleys, carried, reason, 1e10, ASPECT)
    assert reason.en in optimum.said().en and reason.ja in optimum.said().ja
    assert optimum.power is None and "is not carried to 10B parameters yet" in optimum.title(**optimum.facts).en


def test_a_power_seen_is_told_where_it_is_not_carried():
    valleys = analysis.fit_valleys(made_trials({"100k": 12.0, "1M": 24.0, "10M": 48.0}))
    optimum = Optimum.of(valleys, *valleys.carry({"params": 1e15}), 1e15, ASPECT)
    assert optimum.power[0] < 0.3 < optimum.power[2] and optimum.at_target is None
    title = optimum.title(**optimum.facts)
    assert f"goes with the size to the power {optimum.power[1]:.2f} (" in title.en and "it is not carried" in title.en
    assert f"規模の {optimum.power[1]:.2f} 乗" in title.ja and "外挿しない" in title.ja


def test_a_tie_is_not_called_a_leader():
    flat = made_trials({"10M": 16.0}, tilt=0.0, noise=0.02)
    decision = analysis.decide(flat)
    assert decision.p_best[decision.leader] < 0.5
    fits = analysis.fit_valleys(flat).budgets
    verdict = OptimumVerdict.of(decision, None, None, 1e10, None)
    told = verdict.said()
    assert (
        f"leading so far: {decision.leader}" in told.en and "現時点の首位" in told.ja and "best of those" not in told.en
    )
    assert "Nothing is recommended" in told.en
    following = NextRun.for_optimum(decision, fits, None, 1e10, "depth_width", PARAMS)
    assert following.wanted == "optima" and "three sizes need an optimum" in following.said().en
    three = analysis.fit_valleys(made_trials({"100k": 16.0, "1M": 16.0, "10M": 16.0})).budgets
    nearer = NextRun.for_optimum(decision, three, None, 1e10, "depth_width", PARAMS)  # too far away for any use
    assert nearer.wanted == "larger" and "train larger sizes than the 3 of this study" in nearer.said().en
    assert nearer.said().en.endswith("study run depth_width --scale gpu.")
    mine = {"name": "ja", "kind": "files", "options": {"path": "ja.parquet"}}
    own = PARAMS.replace(data={"sources": [mine], "tokenizer": {"vocab_size": 512}})
    told = NextRun.for_optimum(decision, three, None, 1e10, "depth_width", own).said()
    assert told.en.endswith("--scale gpu, with this study's text by --texts FILE.") and "--texts FILE" in told.ja
    for fitted, needed in ((fits, "three budgets"), (three, "nearer to the target")):
        _, thirteen, _ = published.anchors(flat, fitted, None)
        assert needed in thirteen.settle.en


def test_heads_are_compared_to_the_best_and_a_single_count_to_nothing():
    trials = made_trials({"10M": 16.0}, tilt=0.2)
    found = Comparison.of(trials, "a16", Text(en="Heads", ja="ヘッド数"))
    assert [one.variant for one in found.differences if one.sure][-1] in ("a2", "a128")
    assert "differ significantly from a16" in found.title(**found.facts).en
    assert Comparison.of(trials.filter(pl.col("variant") == "a16"), "a16", Text(en="Heads", ja="ヘッド数")) is None


def test_an_accounting_without_a_verdict_is_said_to_have_none():
    trials = made_trials({"10M": 16.0})
    found = analysis.accountings(trials, bases=("flops",))
    verdicts = analysis.verdicts_of(analysis.decisions_at(found, "10M"), found, "10M")
    why = Text(en="No verdict: not timed.", ja="結論なし。")
    verdicts = (*verdicts, analysis.NoVerdict(why).verdict("seconds"))
    leaders = Leaders.of(verdicts, "10M", Text(en="shape", ja="形状"))
    assert "equal seconds: no verdict" in leaders.alt(**leaders.facts).en
    assert "of 2 are sure" in leaders.title(**leaders.facts).en
    assert Leaders.of(verdicts[1:], "10M", Text(en="shape", ja="形状")).figure() is None


def test_published_shapes_are_scored_by_power():
    flat = made_trials({"10M": 16.0}, tilt=0.0005)
    fits = analysis.fit_valleys(flat).budgets
    kaplan, thirteen, nanochat = published.anchors(flat, fits, None)
    assert kaplan.outcome == "agrees"  # nothing moves by 3 %
    assert thirteen.outcome == "underpowered"  # nothing is carried
    steep = made_trials({"10M": 16.0}, tilt=0.2)
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
    noise, shape = SimpleNamespace(mde=0.01), Text(en="shape", ja="形状")
    found = LearningRate.of(pl.DataFrame(rows), noise, shape)
    assert found.cost == (0, 0) and found.fair and "comparison is fair" in found.said().en and "公平" in found.said().ja
    alone = LearningRate.of(pl.DataFrame(rows[::2]), noise, shape)
    assert alone.cost is None and "one seed only" in alone.said().en and "1 シード" in alone.said().ja
    rows[2]["val_bpb"] = rows[3]["val_bpb"] = 1.9  # 2x64 wanted half the rate
    found = LearningRate.of(pl.DataFrame(rows), noise, shape)
    assert {one.variant: one.best_factor for one in found.tried} == {"2x64": 0.5, "8x32": 1.0}
    assert found.cost == pytest.approx((0, 0.1)) and not found.fair
    assert "more than the noise" in found.said().en and "誤差を超える" in found.said().ja
    assert "1 of 2 shapes" in found.title(**found.facts).en
    nothing = LearningRate.of(pl.DataFrame(rows).clear(), noise, shape)
    assert nothing.figure() is None and "No check was asked for" in nothing.said().en
