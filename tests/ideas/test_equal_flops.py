"""Every idea's plan gives each variant of a size the same training FLOPs, and the runs of other lengths that it asks for."""

from __future__ import annotations

from collections import defaultdict

import pytest

from studylib.files import write_json
from studylib.ideas._shared.lengths import LENGTH, equal_seconds, equal_seconds_rounds, other_lengths
from studylib.ideas._training import equal_flops_steps
from studylib.ideas.depth_width.trials import middle_shapes
from studylib.model.cost import training_flops
from studylib.params import load_params
from studylib.project import project_root
from studylib.registry import IDEAS
from studylib.spec.record import record_of
from studylib.trials import plan_steps, speed_steps

# Families whose variants race each other.
RACES = (
    "shape", "heads", "step", "structure", "part", "vocabulary", "order", "mixture", "wordings", "factor", "objective", "optimizer",
    "together",
)  # fmt: skip


def plan_of(name: str, **changes: object):
    params = load_params(project_root() / "params" / "quick" / f"{name}.yaml", name, changes)
    return params, IDEAS[name].trials(params)


@pytest.mark.parametrize("name", sorted(IDEAS))
def test_all_variants_of_a_size_spend_equal_flops_to_one_steps_rounding(name):
    _, specs = plan_of(name)
    spent = defaultdict(dict)
    for spec in specs:
        if spec.tags.get("family") in RACES:
            spent[spec.tags["size"], spec.tags["family"]][spec.tags["variant"]] = spec
    assert spent
    for (size, family), race in spent.items():
        flops = {variant: training_flops(spec) for variant, spec in race.items()}
        middle = sorted(flops.values())[len(flops) // 2]
        for variant, spec in race.items():
            step = flops[variant] / spec.train_steps
            assert abs(flops[variant] - middle) <= 1.01 * step, (size, family, variant)


def test_more_flops_a_token_buy_fewer_steps_and_two_at_least():
    _, specs = plan_of("depth_width")
    wide = next(spec.model for spec in specs if spec.tags["variant"] == "1x80")
    deep = next(spec.model for spec in specs if spec.tags["variant"] == "11x24")
    assert equal_flops_steps(100, deep, wide) < 100 < equal_flops_steps(100, wide, deep)
    assert equal_flops_steps(2, deep, wide) == 2


def test_the_reference_has_other_lengths_at_every_size():
    params, specs = plan_of("depth_width")
    reference = middle_shapes(params)
    lengths = [spec for spec in specs if spec.tags["family"] == LENGTH]
    whole = {spec.tags["size"]: spec for spec in specs if spec.tags["variant"] == reference[spec.tags["size"]]}
    assert {spec.tags["size"] for spec in lengths} == set(reference)
    for spec in lengths:
        assert spec.tags["variant"] == reference[spec.tags["size"]]
        assert spec.train_steps == pytest.approx(whole[spec.tags["size"]].train_steps * 0.5, abs=130)
        assert not spec.branch_from, "a whole run with its own schedule"


def test_equal_tokens_and_seconds_are_trained_where_asked_for():
    params, specs = plan_of("depth_width", equal=["tokens", "seconds"], lengths=[])
    reference, largest = middle_shapes(params), max(params.budgets)
    race = [spec for spec in specs if spec.tags["family"] == "shape"]
    added = [spec for spec in specs if spec.tags["family"] == LENGTH]
    assert {spec.train_tokens for spec in added} == {params.steps_at(largest) * params.tokens_per_step}
    assert {spec.tags["size"] for spec in added} == {"80k"} and reference["80k"] not in {
        s.tags["variant"] for s in added
    }
    names = {spec.tags["variant"] for spec in race if spec.tags["size"] == "80k"}
    speeds = {f"80k/{name}": 1000.0 for name in names} | {"80k/1x80": 1500.0}
    timed = equal_seconds(params, race, speeds, reference)
    steps = {spec.tags["variant"]: spec.train_steps for spec in timed}
    assert steps["1x80"] == round(1.5 * params.steps_at(largest))
    assert set(steps.values()) - {steps["1x80"]} == {params.steps_at(largest)}
    assert equal_seconds(params, race, None, reference) == [], "nothing was measured alone"
    unasked, _ = plan_of("depth_width")
    assert equal_seconds(unasked, race, speeds, reference) == [] and other_lengths(unasked, race, reference)


def test_equal_seconds_are_a_round_behind_the_measurement(tmp_path):
    params, specs = plan_of("depth_width", equal=["seconds"], lengths=[], seeds=1, out=str(tmp_path), edge_rounds=0)
    race, reference = [spec for spec in specs if spec.tags["family"] == "shape"], middle_shapes(params)
    (step,) = speed_steps(race)
    (later,) = equal_seconds_rounds(params, race, reference)
    assert later.after == (step.name,) and step.name in [one.name for one in IDEAS["depth_width"].plan(params)]
    before = plan_steps([step], tmp_path, rounds=[later])
    assert before.later == {"equal seconds": later.expected} and later.expected == len(params.aspects) - 1
    wide = next(spec.model for spec in race if (spec.tags["size"], spec.tags["variant"]) == ("80k", "1x80"))
    speeds = [
        {
            "trial": one.hash,
            "windows": [1500.0 if one.model == wide else 1000.0] * 2,
            "others": [0.0, None],
            "peak_memory_bytes": 1,
            "loss": 1.0,
        }
        for one in step.trials
    ]
    (tmp_path / step.name).mkdir(parents=True)
    write_json(tmp_path / step.name / "result.json", record_of(step, 1.0) | {"speeds": speeds})
    trials, further = later.then()
    longer = next(one for one in trials if one.tags["variant"] == "1x80")
    assert longer.train_steps == round(1.5 * params.steps_at(max(params.budgets))) and not further
    assert {one.tags["family"] for one in trials} == {LENGTH} and len(trials) <= later.expected
    after = plan_steps([step], tmp_path, rounds=[later])
    assert after.later == {} and longer.name in [one.task.name for one in after.steps]
    wider = [spec.replace(**{"parallel.dp": 2}) for spec in race]
    assert equal_seconds_rounds(params, wider, reference) == [], "such trials are not timed"
