"""Searching: proposals, halving, the cache, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from studylib.errors import StudyError
from studylib.model.cost import training_flops
from studylib.search import first_trials, importance, search, trial_at
from studylib.search.run import promoted, propose, search_round
from studylib.search.rungs import rungs_of
from studylib.spec import ModelSpec, SearchSpec, TrialSpec, validated
from studylib.trials import plan_steps, run_steps, run_trials

FAKE = {"train": "surface:train", "launcher": "inprocess", "progress": []}
RATE = "optimizer.learning_rate"


@pytest.fixture(autouse=True)
def _fake_trainer(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fakes"))


@pytest.fixture
def base() -> TrialSpec:
    model = ModelSpec(num_layers=1, hidden_size=16, num_heads=2, vocab_size=8192, seq_len=32)
    return TrialSpec(model=model, train_steps=128, global_batch_size=8, eval_every=16)


def spec(**changes) -> SearchSpec:
    content = {"space": {RATE: {"low": 1e-4, "high": 9e-2, "points": 9}}}
    return validated(SearchSpec, content | changes)


def runs(out: Path) -> int:
    return sum(len(path.read_text()) for path in out.glob("trials/*/runs"))


def test_a_grid_tries_every_combination_once(base, tmp_path):
    space = {RATE: {"low": 1e-3, "high": 1e-2, "points": 3}, "optimizer.beta2": {"values": [0.9, 0.95]}}
    found = search(base, spec(space=space), tmp_path, **FAKE)
    points = [tuple(one.point.values()) for one in found.tried]
    assert points == [(1e-3, 0.9), (1e-3, 0.95), (3.16e-3, 0.9), (3.16e-3, 0.95), (1e-2, 0.9), (1e-2, 0.95)]
    assert found.best.point == {RATE: 3.16e-3, "optimizer.beta2": 0.95}
    assert runs(tmp_path) == 6 and not found.at_edge(RATE)
    assert found.frame()["value"].min() == found.best.value


def test_nothing_is_trained_twice_and_more_points_go_on_where_fewer_stopped(base, tmp_path):
    few = spec(sampler="tpe", points=6, batch=3)
    first = search(base, few, tmp_path, **FAKE)
    trained = runs(tmp_path)
    again = search(base, few, tmp_path, **FAKE)
    assert runs(tmp_path) == trained and again == first
    more = search(base, few.replace(points=9), tmp_path, **FAKE)
    assert [one.point for one in more.tried[:6]] == [one.point for one in first.tried]
    assert runs(tmp_path) == trained + len({one.hashes for one in more.tried[6:]} - {one.hashes for one in first.tried})
    assert search(base, few, tmp_path, **FAKE) == first


def test_a_search_that_was_cut_off_proposes_the_same_points(base, tmp_path):
    wanted = spec(sampler="tpe", points=8, batch=4)
    whole = search(base, wanted, tmp_path / "whole", **FAKE)
    search(base, wanted.replace(points=4), tmp_path / "cut", **FAKE)
    assert search(base, wanted, tmp_path / "cut", **FAKE).tried == whole.tried


def test_halving_finds_the_rate_at_less_cost(base, tmp_path):
    grid = search(base, spec(), tmp_path, **FAKE)
    halved = search(base, spec(rungs=[0.25, 0.5, 1.0]), tmp_path, **FAKE)
    assert halved.best.point == grid.best.point
    assert [len(one.values) for one in halved.tried].count(1) == 4  # of 9 points 5 go on, then 3
    assert sum(one.state == "full" for one in halved.tried) == 3
    # 9 quarters, 5 halves and 3 whole runs against 9 whole ones
    assert halved.flops / grid.flops == pytest.approx((9 / 4 + 5 / 2 + 3) / 9, rel=0.01)


def test_tpe_draws_towards_the_best(base, tmp_path):
    found = search(base, spec(sampler="tpe", points=16, batch=4, seed=1), tmp_path, **FAKE)
    values = [one.value for one in found.tried]
    assert sum(values[8:]) / 8 < sum(values[:8]) / 8
    assert found.best.value < 1 + 10 / 128 + 0.1 * 0.2**2


def test_a_point_that_diverges_is_told_as_failed_and_never_goes_on(base, tmp_path):
    wide = spec(space={RATE: {"low": 1e-3, "high": 1.0, "points": 4}}, rungs=[0.5, 1.0])
    found = search(base, wide, tmp_path, **FAKE)
    assert [one.state for one in found.tried] == ["full", "full", "pruned", "failed"]
    assert "nan" in found.tried[-1].message
    assert len(search(base, wide.replace(sampler="tpe", points=12), tmp_path, **FAKE).tried) == 12
    with pytest.raises(StudyError, match=r"none of the 2 points.*nan"):
        _ = search(base, spec(space={RATE: {"values": [0.5, 0.7]}}), tmp_path, **FAKE).best


def test_random_points_do_not_depend_on_batches(base, tmp_path):
    one = spec(sampler="random", points=7, seed=3)
    whole = search(base, one, tmp_path, **FAKE)
    parts = search(base, one.replace(batch=2), tmp_path, **FAKE)
    assert [t.point for t in parts.tried] == [t.point for t in whole.tried]
    assert all(1e-4 <= t.point[RATE] <= 9e-2 for t in whole.tried)


def test_the_best_of_all_that_reached_a_rung_go_on():
    assert promoted({0: 3.0, 1: 1.0, 2: None, 3: 2.0}, [], keep=0.5) == [1, 3]
    assert promoted({0: 3.0, 1: 2.5}, [1.0, 1.5], keep=0.5) == []
    assert promoted({0: None}, [], keep=0.5) == []


def test_what_is_known_beforehand_is_the_first_rung(base, tmp_path):
    wanted = spec(sampler="tpe", points=8, batch=4, rungs=[0.25, 1.0])
    before = first_trials(base, wanted)
    assert [trial.train_steps for trial in before] == [32] * 4
    found = search(base, wanted, tmp_path, **FAKE)
    assert [one.hashes[0] for one in found.tried[:4]] == [trial.hash for trial in before]


def test_tokens_stay_equal_when_the_batch_changes(base):
    trial = trial_at(base, {"global_batch_size": 16, RATE: 1e-2})
    assert trial.train_tokens == base.train_tokens and trial.train_steps == 64 and trial.eval_every == 8
    assert trial.optimizer.learning_rate == 1e-2


def test_importance_finds_the_field_that_matters(base, tmp_path):
    space = {RATE: {"low": 1e-4, "high": 9e-2}, "optimizer.beta2": {"low": 0.8, "high": 0.99, "log": False}}
    wanted = spec(space=space, sampler="random", points=40)
    shares = importance(wanted, search(base, wanted, tmp_path, **FAKE), draws=40)
    assert next(iter(shares)) == RATE and shares[RATE][1] > 0.7
    assert all(0 <= low <= middle <= high <= 1 for low, middle, high in shares.values())
    with pytest.raises(StudyError, match="at least 8 points"):
        importance(wanted, search(base, wanted.replace(points=5), tmp_path, **FAKE))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sampler": "annealing"}, "sampler: 'annealing' is not a known sampler; choose from grid, random, tpe"),
        ({"sampler": "tpe"}, "points: None is missing: tpe has no end of its own"),
        ({"points": 5}, "points: 5 is for other samplers"),
        ({"rungs": [0.5]}, "rungs: .* must rise and end with 1"),
        ({"rungs": [0.5, 0.25, 1.0]}, "rungs: .* must rise"),
        ({"space": {RATE: {"low": 1e-2, "high": 1e-3}}}, "must be a range"),
        ({"space": {RATE: {"low": 0.0, "high": 1.0}}}, "must be above 0 on a logarithmic axis"),
        ({"space": {RATE: {"values": [1, 1]}}}, "name one value twice"),
        ({"space": {}}, "space"),
    ],
)
def test_bad_searches_are_refused_with_what_would_be_valid(changes, said):
    with pytest.raises(StudyError, match=said):
        spec(**changes)


def test_a_field_that_trials_do_not_have_is_refused_before_training(base, tmp_path):
    wrong = spec(space={"optimizer.lerning_rate": {"low": 1e-3, "high": 1e-2}})
    with pytest.raises(StudyError, match=r"'optimizer.lerning_rate' is not a field .*did you mean learning_rate"):
        search(base, wrong, tmp_path, **FAKE)
    assert not (tmp_path / "trials").exists()
    with pytest.raises(StudyError, match="learning_rate"):
        search(base, spec(space={RATE: {"values": [-1.0]}}), tmp_path, **FAKE)


def test_proposals_end_with_the_search():
    assert propose(spec(sampler="random", points=2), []) and len(propose(spec(), [])) == 9


def test_under_a_trunk_schedule_a_rung_goes_on_where_the_one_before_stopped(base, tmp_path):
    wsd = base.replace(schedule={"name": "wsd", "warmup_steps": 4})
    wanted = spec(rungs=[0.25, 0.5, 1.0])
    anew, grown = search(base, wanted, tmp_path, **FAKE), search(wsd, wanted, tmp_path, **FAKE)
    assert grown.best.point == anew.best.point and grown.flops < 0.75 * anew.flops
    first, second, third = rungs_of(wsd, wanted.rungs)
    for rung, length in ((first, 32), (second, 64), (third, 128)):
        trunk, judged = rung.trials
        assert judged.train_steps == length and judged.branch_from == trunk.hash
        assert trunk.train_steps == judged.branch_step == round(0.8 * length)
    assert second.trials[0].branch_from == first.trials[0].hash
    whole = 0.8 + 0.2 * (0.25 + 0.5 + 1.0)  # the stable part once, and three cooldowns
    assert grown.best.flops == pytest.approx(whole * training_flops(wsd), rel=0.02)
    with pytest.raises(StudyError, match=r"rungs: 0\.0312 makes runs of 4 steps, which have no stable part"):
        rungs_of(wsd, [1 / 32, 1.0])


@pytest.mark.slow
def test_a_trunk_rung_is_the_run_of_that_length_to_the_bit(tmp_path):
    """Real training: what halving judges by is what a run from the first step would have ended with."""
    source = {"name": "ja", "options": {"register": "ja", "bytes": 120_000}}
    model = ModelSpec(num_layers=1, hidden_size=16, num_heads=2, vocab_size=512, seq_len=32)
    trial = TrialSpec(
        model=model, train_steps=24, global_batch_size=4, eval_tokens=1024,
        data={"sources": [source], "tokenizer": {"vocab_size": 512, "sample_bytes": 100_000}},
        schedule={"name": "wsd", "warmup_steps": 2},
    )  # fmt: skip
    space = {RATE: {"low": 2e-3, "high": 8e-3, "points": 2}}
    found = search(trial, spec(space=space, rungs=[0.5, 1.0], keep=0.5), tmp_path, launcher="inprocess", progress=[])
    alone = run_trials([trial_at(trial, found.best.point)], tmp_path / "alone", launcher="inprocess", progress=[])
    assert alone["val_bpb"][0] == found.best.value
    assert sorted(one.state for one in found.tried) == ["full", "pruned"]


def test_a_finished_search_still_names_all_of_its_trials(base, tmp_path):
    wanted = spec(rungs=[0.25, 1.0], keep=0.5)
    first = first_trials(base, wanted)
    later = search_round(base, wanted, tmp_path)
    given = run_steps(first, tmp_path, rounds=[later], **FAKE)
    planned = plan_steps(first, tmp_path, rounds=[later])
    there = {path.name for path in (tmp_path / "trials").iterdir()}
    assert {one.task.hash for one in planned.steps if one.is_trial} == there and not planned.later
    again = run_steps(first, tmp_path, rounds=[later], **FAKE)
    assert len(given) == len({one.hash for one in given}) == len(there) > len(first)
    assert [one.hash for one in again] == [one.hash for one in given], "asked again, the same trials in the same order"
