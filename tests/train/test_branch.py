"""A cooldown branched off a stable run is the same, to the last bit, as a run of its own with its schedule."""

from __future__ import annotations

import pytest

from studylib import run_trials
from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.model.cost import own_flops, training_flops
from studylib.spec import OptimizerSpec, ScheduleSpec, StageSpec
from studylib.steps._kind import Context
from studylib.train import train
from studylib.train.kept import checkpoints
from studylib.trials import plan_steps, share_saved, trunk_and_branches
from studylib.trials.cache import Task


@pytest.fixture(scope="module")
def wsd(tiny_trial):
    schedule = ScheduleSpec(name="wsd", warmup_steps=3, decay_fraction=0.25, final_fraction=0.0)
    return tiny_trial.replace(schedule=schedule)


@pytest.fixture(scope="module")
def family(wsd):
    return trunk_and_branches(wsd, [12, 16, 20, 24])


@pytest.fixture(scope="module")
def study(family, tmp_path_factory):
    """Trunk and branches in one call, branches named first."""
    out = tmp_path_factory.mktemp("study")
    frame = run_trials(family[::-1], out, launcher="inprocess", progress=[])
    assert frame["status"].to_list() == ["done"] * 5
    return out


def records(folder, after: int = 0) -> list[dict]:
    found = read_json_lines(folder / "metrics.jsonl")
    return [
        {key: value for key, value in one.items() if key not in ("seconds", "tokens_per_s")}
        for one in found
        if one["step"] > after
    ]


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_a_branch_is_the_run_of_its_own(place, family, study, data_folder, tmp_path):
    branch = family[place]
    alone = branch.replace(branch_from="", branch_step=0)
    result = train(alone, tmp_path, data_folder=data_folder)
    folder = Task.under(study, branch).folder
    assert records(folder) == records(tmp_path, after=branch.branch_step)
    branched = Task.under(study, branch).result()
    assert branched.val_loss == result["val_loss"]
    # What the model has seen is the whole run; what this trial cost is its own part.
    assert branched.tokens == result["tokens"] and branched.flops == result["flops"]
    assert branched.own["tokens"] == (branch.train_steps - branch.branch_step) * branch.tokens_per_step
    assert "own" not in result


@pytest.mark.parametrize("name", ["muon", "soap"])
def test_other_optimizers_branch_alike(name, wsd, data_folder, tmp_path):
    trial = wsd.replace(optimizer=OptimizerSpec(name=name))
    trunk, branch = trunk_and_branches(trial, [16])
    for spec in (trunk, branch):
        train(spec, tmp_path / spec.hash, data_folder=data_folder)
    train(trial.replace(train_steps=16), tmp_path / "alone", data_folder=data_folder)
    assert records(tmp_path / branch.hash) == records(tmp_path / "alone", after=branch.branch_step)


def test_an_interrupted_branch_resumes_to_the_same_end(family, study, data_folder):
    spec = family[2].replace(checkpoint_every=1)

    def stop(record: dict) -> None:
        if record["step"] == spec.branch_step + 2:
            raise KeyboardInterrupt

    folder = study / "trials" / "again"
    with pytest.raises(KeyboardInterrupt):
        train(spec, folder, data_folder=study / "data", on_metrics=stop)
    train(spec, folder, data_folder=study / "data")
    assert records(folder) == records(Task.under(study, spec).folder)


def test_the_trunk_keeps_what_is_branched_off_and_the_newest(family, study, tmp_path, data_folder):
    trunk = family[0]
    kept = [path.name for path in checkpoints(Task.under(study, trunk).folder / "checkpoints")]
    assert kept == ["step-00000009", "step-00000012", "step-00000015", "step-00000018"]
    train(trunk.replace(checkpoint_every=2, keep_steps=(4,)), tmp_path, data_folder=data_folder)
    kept = [path.name for path in checkpoints(tmp_path / "checkpoints")]
    assert kept == ["step-00000004", "step-00000016", "step-00000018"]
    assert trunk.replace(keep_steps=(4,)).hash == trunk.hash


def test_a_finished_trial_is_trained_again_for_what_goes_on_with_it_and_was_not_kept(wsd, family, study, tmp_path):
    """In a folder that was used before: another length of branches, a trial whose base nobody had read so far."""
    out, quiet = tmp_path / "used", {"launcher": "inprocess", "progress": []}
    base = wsd.replace(schedule=ScheduleSpec(), train_steps=6)
    run_trials([*trunk_and_branches(wsd, [12, 24]), base], out, **quiet)
    before = Task.under(out, base).result()
    trunk, *branches = trunk_and_branches(wsd, [12, 16, 24])
    assert trunk.hash == family[0].hash
    kept = base.keeping_its_end()
    tuned = base.replace(start_from=base.hash, seed=1)
    to_do = plan_steps([trunk, *branches, kept], out).to_do
    assert [one.task.hash for one in to_do if one.is_trial] == [trunk.hash, branches[1].hash], "nobody reads the other"
    frame = run_trials([trunk, *branches, kept, tuned], out, **quiet)
    assert set(frame["status"]) == {"done"}
    assert records(Task.under(out, branches[1]).folder) == records(Task.under(study, family[2]).folder)
    assert records(Task.under(out, trunk).folder) == records(Task.under(study, family[0]).folder)
    assert Task.under(out, base).result().val_loss == before.val_loss


def test_a_trial_that_is_stopped_as_it_is_trained_again_stays_done(wsd, tmp_path, monkeypatch):
    base = wsd.replace(schedule=ScheduleSpec(), train_steps=6)
    run_trials([base], tmp_path, launcher="inprocess", progress=[])
    task = Task.under(tmp_path, base.keeping_its_end())
    assert task.result() is not None and not task.readable

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("studylib.steps.trials.load_train", lambda name: stopped)
        with pytest.raises(KeyboardInterrupt):
            task.kind.carry_out(task.step, task.folder, Context(tmp_path))
    assert task.result() is not None and task.result_here() is None
    task.kind.carry_out(task.step, task.folder, Context(tmp_path))
    assert task.readable and not task.result().restored


def test_four_budgets_save_more_than_two_fifths_of_the_tokens(family, wsd):
    steps = [12, 16, 20, 24]
    trained = 18 + sum(length - round(0.75 * length) for length in steps)
    assert share_saved(family) == pytest.approx(1 - trained / sum(steps))
    assert share_saved(trunk_and_branches(wsd, [120, 160, 200, 240])) > 0.4
    assert share_saved([wsd, wsd.replace(seed=1)]) == 0


def test_the_plan_counts_a_branchs_own_tokens(family, tmp_path):
    plan = plan_steps(family, tmp_path)
    rows = [one.row() for one in plan.trials]
    assert [row["train_tokens"] for row in rows] == [one * 256 for one in (18, 3, 4, 5, 6)]
    assert plan.flops == pytest.approx(sum(own_flops(spec) for spec in family))
    assert own_flops(family[1]) == pytest.approx(training_flops(family[1]) * 3 / 12)


def test_a_failed_trunk_fails_its_branches_and_says_so(family, tmp_path, wsd):
    broken = family[0].replace(**{"optimizer.learning_rate": 1e30})
    branches = [one.replace(branch_from=broken.hash) for one in family[1:]]
    other = wsd.replace(train_steps=4)
    frame = run_trials([*branches, broken, other], tmp_path, launcher="inprocess", progress=[])
    assert frame["status"].to_list() == ["crashed"] * 4 + ["diverged", "done"]
    assert all(
        f"trials/{broken.hash}, which this one goes on from, ended as diverged" in one for one in frame["message"][:4]
    )


def test_what_does_not_fit_is_named(family, study, wsd):
    trunk, branch = family[0], family[1]
    early = ScheduleSpec(name="wsd", warmup_steps=3, decay_fraction=0.5, final_fraction=0.0)
    cases = {
        "branch_from: '0000000000000000' is not a trial of this study": {"branch_from": "0" * 16},
        "seed: 3 differs from trial": {"seed": 3},
        "model: .* differs from trial": {"model.num_layers": 2},
        "branch_step: 8 was not kept by trial .* which has": {"branch_step": 8},
        "schedule: 'wsd' has 0.5918 of the peak rate at step 6": {"schedule": early},
        "schedule: 'wsd' has 0.2 of the peak rate at step 0": {"schedule.warmup_steps": 5},
        "branch_step: 19 is beyond the 18 steps": {"branch_step": 19, "train_steps": 40},
        "stages: .* differ before step 9": {
            "stages": (StageSpec(name="a", fraction=0.5), StageSpec(name="b", order="short_first"))
        },
    }
    for says, changes in cases.items():
        spec = branch.replace(**changes)
        with pytest.raises(StudyError, match=says):
            train(spec, study / "trials" / spec.hash, data_folder=study / "data")
    for says, changes in {
        "branch_step: 9 and branch_from belong together": {"branch_from": ""},
        "branch_step: 12 leaves no step": {"branch_step": 12},
        "start_from: .* beside branch_from": {"start_from": trunk.hash},
        "epochs: 2 repeats other text": {"epochs": 2},
        "keep_steps: 13 is beyond": {"keep_steps": (13,)},
    }.items():
        with pytest.raises(StudyError, match=says):
            branch.replace(**changes)
    with pytest.raises(StudyError, match=r"schedule.name: 'cosine' has no stable part"):
        trunk_and_branches(wsd.replace(schedule=ScheduleSpec()), [20])
    with pytest.raises(StudyError, match="lengths: 4 has no stable part"):
        trunk_and_branches(wsd, [4])


def test_a_damaged_trunk_is_said_to_be(family, study, tmp_path):
    import shutil

    trials = tmp_path / "trials"
    shutil.copytree(Task.under(study, family[0]).folder, trials / family[0].hash)
    victim = next((trials / family[0].hash / "checkpoints" / "step-00000009").rglob("*.safetensors"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    with pytest.raises(StudyError, match=r"branch_from: .* cannot be gone on with: step-00000009: .* is damaged"):
        train(family[1], trials / family[1].hash, data_folder=study / "data")
