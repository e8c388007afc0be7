"""A run in stages: killed and resumed across a border to the same bits; its learning rate; its probes."""

from __future__ import annotations

import numpy as np
import pytest
from several import SHARP, in_double, numbers, train_all

from studylib.data import prepare
from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.model.cost import flops_per_token, training_flops
from studylib.parallel import world
from studylib.spec import DataSpec, ScheduleSpec, SourceSpec, StageSpec, TokenizerSpec
from studylib.train import train
from studylib.train.compute import resolve
from studylib.train.probe import token_losses
from studylib.train.probe.position import position_edges
from studylib.train.stage_rates import staged_rate_factor

VOCAB = 512


def miniworld(register: str, size: int = 120_000) -> SourceSpec:
    return SourceSpec(name=register, options={"register": register, "bytes": size})


@pytest.fixture(scope="module")
def staged_trial(tiny_trial):
    """English, then Japanese re-warmed with short contexts, then sorted; 20 steps."""
    return tiny_trial.replace(
        data=DataSpec(
            sources=(miniworld("ja"), miniworld("en")), tokenizer=TokenizerSpec(vocab_size=VOCAB, sample_bytes=100_000)
        ),
        stages=(
            StageSpec(name="en", fraction=0.4, mixture={"en": 1.0}),
            StageSpec(name="ja", fraction=0.3, mixture={"ja": 4.0, "en": 1.0}, learning_rate="rewarm", seq_len=8),
            StageSpec(name="end", mixture={"ja": 1.0}, learning_rate="decay", order="short_first"),
        ),
        probes=("position", "facts"),
        **{"model.seq_len": 96},
    )


def without_times(records: list[dict]) -> list[dict]:
    return [
        {key: value for key, value in record.items() if key not in ("seconds", "tokens_per_s")} for record in records
    ]


@pytest.fixture(scope="module")
def uninterrupted(staged_trial, data_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    result = train(staged_trial, out, data_folder=data_folder)
    return result, without_times(read_json_lines(out / "metrics.jsonl"))


@pytest.mark.parametrize(("stop", "every"), [(7, 3), (8, 4), (17, 5)])
def test_resumed_across_a_border_is_bit_identical(stop, every, staged_trial, data_folder, uninterrupted, tmp_path):
    """Stopped before, at and behind the borders (steps 8 and 14), with checkpoints on either side of them."""
    spec = staged_trial.replace(checkpoint_every=every)

    def kill(record: dict) -> None:
        if record["step"] == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path, data_folder=data_folder, on_metrics=kill)
    result = train(spec, tmp_path, data_folder=data_folder)
    assert without_times(read_json_lines(tmp_path / "metrics.jsonl")) == uninterrupted[1]
    assert result["probes"] == uninterrupted[0]["probes"]


def test_every_border_is_validated_and_the_end_is_probed(uninterrupted, staged_trial):
    result, records = uninterrupted
    validated = [record for record in records if "val_loss" in record]
    assert [record["step"] for record in validated] == [8, 14, 20] == list(staged_trial.stage_ends)
    assert all({"ja", "en"} == set(record["val"]) for record in validated)
    assert ["probes" in record for record in validated] == [False, False, True]
    first, _, last = validated
    assert last["val"]["ja"]["bpb"] < first["val"]["ja"]["bpb"], "the Japanese stage taught Japanese"
    facts = result["probes"]["facts"]
    assert set(facts) == {"english_only_in_japanese", "english_only_in_english", "both_in_japanese"}
    assert all(
        0 <= one["accuracy"] <= 1 and one["questions"] == 48 and one["error"] > 0 and one["chance"] == 0.25
        for one in facts.values()
    )
    position = result["probes"]["position"]
    assert position["edges"][0] == 0 and position["edges"][-1] == 96
    assert all(len(losses) == len(position["edges"]) - 1 for losses in position["loss"].values())


def test_positions_average_to_the_validation_loss(uninterrupted):
    result, _ = uninterrupted
    edges = np.array(result["probes"]["position"]["edges"])
    for label, losses in result["probes"]["position"]["loss"].items():
        assert np.average(losses, weights=np.diff(edges)) == pytest.approx(result["val"][label]["loss"], rel=1e-4)


def test_stages_change_the_run(uninterrupted, staged_trial, data_folder, tmp_path):
    """Each of mixture, context, order and rate is alive: without it the losses differ."""
    losses = [record["loss"] for record in uninterrupted[1] if "loss" in record]
    for place, change in (
        (0, {"mixture": {}}),
        (1, {"seq_len": None}),
        (1, {"learning_rate": "keep"}),
        (2, {"order": "random"}),
    ):
        stages = list(staged_trial.stages)
        stages[place] = stages[place].replace(**change)
        out = tmp_path / f"{place}{next(iter(change))}"
        train(staged_trial.replace(stages=stages, probes=()), out, data_folder=data_folder)
        changed = [record["loss"] for record in read_json_lines(out / "metrics.jsonl") if "loss" in record]
        assert changed != losses
        assert (changed[:8] == losses[:8]) == (place > 0 and "learning_rate" not in change), (
            "earlier stages are untouched"
        )


@pytest.mark.slow
def test_two_processes_give_the_same_numbers(staged_trial, data_folder, tmp_path):
    one = in_double(staged_trial)
    train_all({tmp_path / "one": one, tmp_path / "two": one.replace(**{"parallel.dp": 2})}, data_folder)
    assert numbers(tmp_path / "two") == pytest.approx(numbers(tmp_path / "one"), rel=SHARP)
    two, one = (
        [
            record["probes"]["facts"]["both_in_japanese"]["margin"]
            for record in read_json_lines(tmp_path / name / "metrics.jsonl")
            if "probes" in record
        ]
        for name in ("two", "one")
    )
    assert len(one) > 0 and two == pytest.approx(one, rel=SHARP)


def rates(tiny_trial, *stages: dict, steps: int = 100) -> np.ndarray:
    spec = tiny_trial.replace(
        data=tiny_trial.data,
        train_steps=steps,
        schedule=ScheduleSpec(warmup_fraction=0.1, final_fraction=0.1),
        stages=stages,
    )
    return np.array([staged_rate_factor(spec, step) for step in range(steps)])


def test_keep_is_the_schedule_of_the_whole_run(tiny_trial):
    assert (rates(tiny_trial, {"name": "a", "fraction": 0.4}, {"name": "b"}) == rates(tiny_trial)).all()


def test_rewarm_begins_the_schedule_anew_from_where_the_rate_stood(tiny_trial):
    found = rates(tiny_trial, {"name": "a", "fraction": 0.4}, {"name": "b", "learning_rate": "rewarm"})
    assert (found[:40] == rates(tiny_trial, steps=40)).all(), "the first stage is a whole run of its own"
    assert found[39] == pytest.approx(0.1) and found[45] == found[40:].max() == 1.0 and found[99] == pytest.approx(0.1)
    assert (np.diff(found[39:46]) > 0).all() and found[40] == pytest.approx(0.1 + 0.9 / 6)


def test_decay_comes_down_in_a_line_and_stays_down(tiny_trial):
    found = rates(
        tiny_trial,
        {"name": "a", "fraction": 0.5},
        {"name": "b", "fraction": 0.3, "learning_rate": "decay"},
        {"name": "c"},
    )
    assert (found[:50] == rates(tiny_trial)[:50]).all()
    assert np.diff(found[49:80]) == pytest.approx((0.1 - found[49]) / 30)
    assert found[79:] == pytest.approx(0.1)


def test_flops_count_the_context_of_each_stage(tiny_trial):
    whole, short = tiny_trial, tiny_trial.replace(stages=({"name": "a", "fraction": 0.5, "seq_len": 8}, {"name": "b"}))
    saved = flops_per_token(tiny_trial.model) - flops_per_token(tiny_trial.model.replace(seq_len=8))
    assert training_flops(whole) - training_flops(short) == pytest.approx(saved * whole.train_tokens / 2)
    assert training_flops(tiny_trial.replace(stages=({"name": "a"},))) == training_flops(whole)


def test_facts_need_a_world_told_in_both_languages(tiny_trial, staged_trial, data_folder, tmp_path):
    with pytest.raises(StudyError, match="probes: 'facts' asks about facts of miniworld"):
        train(tiny_trial.replace(probes=("facts",)), tmp_path, data_folder=data_folder)
    short = staged_trial.replace(stages=(), **{"model.seq_len": 32})
    with pytest.raises(StudyError, match="asks questions too long for a context of 32 tokens"):
        train(short, tmp_path, data_folder=data_folder)
    with pytest.raises(StudyError, match=r"probes: .* parallel.pp must be 1"):
        staged_trial.replace(**{"parallel.pp": 2})


def test_token_losses_are_the_models_losses(tiny_trial, data_folder):
    from studylib.model.gpt import build_gpt
    from studylib.rows import Batch
    from studylib.train.pipeline import forward_losses

    prepare(tiny_trial.data, data_folder)
    compute = resolve(tiny_trial)
    rows = np.random.default_rng(0).integers(0, VOCAB, (10, 33))
    with world(tiny_trial.parallel, compute.torch_device) as one:
        model = build_gpt(tiny_trial.model, one, seed=0)
        losses = token_losses(model, one, compute, rows, 4)
        assert losses.shape == (10, 32)
        assert losses.sum() == pytest.approx(forward_losses(model, one, compute, Batch(rows), 4).item(), rel=1e-6)


def test_position_edges_double():
    assert position_edges(1024) == [0, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert position_edges(6) == [0, 1, 2, 3, 6]
