"""Training with experts: the same numbers on every layout, after every resume, and with a load that is known."""

from __future__ import annotations

from pathlib import Path

import pytest
from several import SHARP, in_double, numbers, stopped_before_the_end, train_all

from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines
from studylib.spec import ParallelSpec, TrialSpec
from studylib.train import train

LAYOUTS = {
    "tp2": {"tp": 2},
    "ep2": {"tp": 2, "expert_parallel": True},
    "dp2-ep2-zero1": {"dp": 2, "tp": 2, "expert_parallel": True, "zero_stage": 1},
    "pp2": {"pp": 2},
}


@pytest.fixture(scope="module")
def moe_trial(tiny_trial) -> TrialSpec:
    moe = {"experts": 4, "experts_per_token": 2, "shared_experts": 1, "expert_size": 32, "every": 2}
    return in_double(tiny_trial).replace(**{"model.moe": moe, "train_steps": 16}, probes=("expert_load",))


def on(layout: str, spec: TrialSpec) -> TrialSpec:
    probes = () if "pp" in LAYOUTS[layout] else spec.probes  # probes need whole models
    return spec.replace(parallel=spec.parallel.replace(**LAYOUTS[layout]), probes=probes)


def curve(out: Path, what: str = "loss") -> list:
    return [record[what] for record in read_json_lines(out / "metrics.jsonl") if "loss" in record]


@pytest.fixture(scope="module")
def one_process(moe_trial, data_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("one")
    train(moe_trial.replace(checkpoint_every=8), out, data_folder=data_folder)
    return out


@pytest.fixture(scope="module")
def laid_out(moe_trial, data_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("layouts")
    train_all({out / name: on(name, moe_trial).replace(checkpoint_every=8) for name in LAYOUTS}, data_folder)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_numbers_on_every_layout(layout, one_process, laid_out):
    expected = numbers(one_process)
    assert numbers(laid_out / layout) == pytest.approx(expected, rel=SHARP)
    assert expected[0] - expected[-1] > 0.2, "the loss must fall for the comparison to mean anything"
    loads = zip(curve(laid_out / layout, "expert_imbalance"), curve(one_process, "expert_imbalance"), strict=True)
    for mine, theirs in loads:
        assert mine == pytest.approx(theirs, rel=SHARP)


@pytest.mark.slow
def test_checkpoints_of_experts_load_on_other_layouts(one_process, laid_out, moe_trial, data_folder, tmp_path):
    """Experts cut otherwise, whole experts after slices of all, and the optimizer's state put together."""
    trials = {
        stopped_before_the_end(laid_out / before, tmp_path / before): moe_trial.replace(parallel=ParallelSpec(**after))
        for before, after in {"ep2": {}, "tp2": LAYOUTS["ep2"], "dp2-ep2-zero1": {"dp": 2}}.items()
    }
    train_all(trials, data_folder)
    for out in trials:
        assert numbers(out) == pytest.approx(numbers(one_process), rel=SHARP), out.name


def test_resumed_run_with_experts_is_bit_identical(one_process, moe_trial, data_folder, tmp_path):
    def stop_here(record: dict) -> None:
        if record["step"] == 11:
            raise KeyboardInterrupt

    spec = moe_trial.replace(checkpoint_every=4)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path, data_folder=data_folder, on_metrics=stop_here)
    train(spec, tmp_path, data_folder=data_folder)
    timed = {"seconds", "tokens_per_s"}
    mine, whole = (
        [{key: value for key, value in record.items() if key not in timed} for record in read_json_lines(file)]
        for file in (tmp_path / "metrics.jsonl", one_process / "metrics.jsonl")
    )
    assert mine == whole


def test_micro_batches_do_not_change_what_is_learnt(one_process, moe_trial, data_folder, tmp_path):
    """The balance loss is that of whole sequences, and its gradient is scaled like the loss's."""
    train(moe_trial.replace(**{"parallel.micro_batch_size": 2}), tmp_path, data_folder=data_folder)
    assert numbers(tmp_path) == pytest.approx(numbers(one_process), rel=SHARP)


def test_load_is_probed_by_source_and_recorded_along_the_run(one_process):
    result = read_json(one_process / "result.json")
    found = result["probes"]["expert_load"]
    assert found["layers"] == [1, 3]
    shares = found["share"]["tiny"]
    assert [len(layer) for layer in shares] == [4, 4]
    assert [sum(layer) for layer in shares] == pytest.approx([1.0, 1.0])
    recorded = curve(one_process, "expert_imbalance")
    assert all(1.0 <= value <= 4.0 for layers in recorded for value in layers)


def test_balance_loss_evens_the_load(moe_trial, data_folder, tmp_path):
    """Liveness of the balance loss: without it some experts get much more than with a strong one."""
    last = {}
    for weight in (0.0, 1.0):
        spec = moe_trial.replace(**{"model.moe.balance_loss": weight, "train_steps": 40})
        train(spec, tmp_path / str(weight), data_folder=data_folder)
        last[weight] = sum(curve(tmp_path / str(weight), "expert_imbalance")[-1])
    assert last[1.0] < 0.9 * last[0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parallel": {"tp": 2, "expert_parallel": True}, "model.moe.experts": 5}, "moe.experts: 5 is not divisible"),
        ({"parallel": {"tp": 2}, "model.moe.expert_size": 31}, "moe.expert_size: 31 is not divisible by parallel.tp 2"),
        (
            {"parallel": {"tp": 2, "expert_parallel": True}, "model.moe": None, "probes": ()},
            "needs a model with experts",
        ),
    ],
)
def test_layouts_that_do_not_fit_are_refused(changes, message, moe_trial):
    with pytest.raises(StudyError, match=message):
        moe_trial.replace(**changes)


def test_asking_a_dense_model_for_its_experts_is_refused(moe_trial, data_folder, tmp_path):
    with pytest.raises(StudyError, match="probes: 'expert_load' asks about experts"):
        train(moe_trial.replace(**{"model.moe": None}), tmp_path, data_folder=data_folder)
