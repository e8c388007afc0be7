"""Slurm: trials over several nodes, stopped and started again, against commands that do what Slurm's do (``fake_slurm.py``)."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
from fake_slurm import FakeSlurm, options_of
from submitit.core.submission import process_job
from submitit.core.utils import DelayedSubmission
from submitit.slurm.slurm import SlurmJobEnvironment

from studylib import run_trials
from studylib.errors import StudyError
from studylib.registry import LAUNCHERS
from studylib.spec import ComputeSpec, ParallelSpec
from studylib.trials.cache import Task
from studylib.trials.launcher import Setting
from studylib.trials.placement import Placement, place
from studylib.trials.slurm_rank import SlurmRank, join


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    fake = FakeSlurm(tmp_path / "a cluster")
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("studylib.trials.launcher.slurm._LOOK_EVERY_S", 0.2)
    yield fake
    fake.close()


@pytest.fixture
def meanwhile():
    """Do something beside the test's own thread; what goes wrong there is raised at the end."""
    threads, wrong = [], []

    def meanwhile(action) -> None:
        def guarded() -> None:
            try:
                action()
            except BaseException as error:
                wrong.append(error)

        threads.append(threading.Thread(target=guarded))
        threads[-1].start()

    yield meanwhile
    for thread in threads:
        thread.join()
    assert not wrong, wrong


# --- placement


@pytest.mark.parametrize(
    ("layout", "per_node", "nodes", "expected"),
    [
        ({"dp": 4, "tp": 8, "pp": 4}, 8, None, (16, 8)),
        ({"dp": 6}, 8, None, (1, 6)),
        ({"dp": 9}, 8, None, (3, 3)),
        ({"dp": 3, "tp": 4}, 8, None, (3, 4)),  # two nodes of 6 would cut a tensor-parallel group
        ({"tp": 16}, 8, None, (2, 8)),
        ({"dp": 8}, 8, 4, (4, 2)),
    ],
)
def test_placement(layout, per_node, nodes, expected):
    assert place(ParallelSpec(**layout), per_node, nodes=nodes) == Placement(*expected)


@pytest.mark.parametrize(
    ("per_node", "nodes", "says"), [(8, 3, "does not divide the 8"), (2, 2, "room for 2"), (0, None, "at least 1")]
)
def test_impossible_placement_is_one_clear_line(per_node, nodes, says):
    with pytest.raises(StudyError, match=says):
        place(ParallelSpec(dp=8), per_node, nodes=nodes)


# --- scripts


def shown(out, trials, **options) -> str:
    return LAUNCHERS["slurm"]().show([Task.under(out, one) for one in trials], Setting(out, options=options))


def test_script_of_trials_over_several_nodes(tmp_path, spec):
    wide = spec(0, parallel=ParallelSpec(tp=2, dp=8)).replace(compute=ComputeSpec(device="cuda"))
    narrow = spec(1, parallel=ParallelSpec(dp=4)).replace(compute=ComputeSpec(device="cuda"))
    out = tmp_path / "a study"
    other, one = shown(out, [narrow, wide], cpus_per_task=12, max_requeues=3).split("# 1 trials: ")[1:]
    wanted = {
        "nodes": "2",
        "ntasks-per-node": "8",
        "gpus-per-node": "8",
        "requeue": "",
        "signal": "USR2@90",
        "time": "1440",
    }
    assert wanted.items() <= options_of(one).items()
    assert "requeued at most 3 times" in one
    assert "--kill-on-bad-exit=1 --cpus-per-task=12" in one
    assert f"'{out}/slurm'" in one and options_of(one)["output"] == f"{out}/slurm/%j_0_log.out"
    assert {"nodes": "1", "ntasks-per-node": "4", "gpus-per-node": "4"}.items() <= options_of(other).items()
    four_cards = shown(out, [wide], gpus_per_node=4)
    assert {"nodes": "4", "ntasks-per-node": "4", "gpus-per-node": "4"}.items() <= options_of(four_cards).items()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"nodes": 3}, "launcher_options.nodes: 3 does not divide the 2 processes"),
        ({"max_requeues": -1}, "launcher_options.max_requeues: -1 must be a whole number, at least 0"),
        ({"gpus_per_node": "8"}, "launcher_options.gpus_per_node: '8' must be a whole number"),
    ],
)
def test_bad_options_are_one_clear_line(tmp_path, spec, options, says):
    with pytest.raises(StudyError, match=says):
        shown(tmp_path, [spec(0, parallel=ParallelSpec(dp=2))], **options)


# --- several nodes


def test_ranks_of_two_nodes_know_where_they_are(monkeypatch):
    common = {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "2", "SLURM_NTASKS": "4", "SLURM_JOB_NODELIST": "node[1-2]"}
    asked = ("RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")

    def joined(rank: int, **more: str) -> dict[str, str]:
        with monkeypatch.context() as patch:
            place = {"SLURM_PROCID": rank, "SLURM_LOCALID": rank % 2, "SLURM_NODEID": rank // 2}
            patch.setattr(os, "environ", common | {name: str(value) for name, value in place.items()} | more)
            join(SlurmJobEnvironment())
            return {name: os.environ[name] for name in asked}

    ranks = [joined(rank, SLURM_LAUNCH_NODE_IPADDR="10.0.0.7") for rank in range(4)]
    assert [(one["RANK"], one["LOCAL_RANK"], one["GROUP_RANK"]) for one in ranks] == [
        ("0", "0", "0"), ("1", "1", "0"), ("2", "0", "1"), ("3", "1", "1")
    ]  # fmt: skip
    assert {(one["WORLD_SIZE"], one["LOCAL_WORLD_SIZE"], one["MASTER_ADDR"]) for one in ranks} == {
        ("4", "2", "10.0.0.7")
    }
    assert len({one["MASTER_PORT"] for one in ranks}) == 1
    assert joined(3)["MASTER_ADDR"] == "node1"
    assert joined(3, SLURM_RESTART_COUNT="1")["MASTER_PORT"] != ranks[0]["MASTER_PORT"]
    assert joined(3, SLURM_JOB_NUM_NODES="1")["MASTER_ADDR"] == "127.0.0.1", "a node's own name need not be known"
    assert joined(3, MASTER_ADDR="here", MASTER_PORT="5")["MASTER_ADDR"] == "here"


def test_a_rank_that_fails_ends_those_of_the_other_node(tmp_path, spec, train, slurm):
    one = spec(0, parallel=ParallelSpec(dp=2), do="second_node_out_of_memory")
    out, options = tmp_path / "a study", {"tasks_per_node": 1, "cpus_per_task": 1}
    frame = run_trials([one], out, train=train, launcher="slurm", launcher_options=options, progress=[])
    assert frame["status"].to_list() == ["oom"]
    assert "rank 1 on node2 has no more" in frame["message"][0]


# --- stopped and started again


def test_a_job_near_its_limit_goes_on_later(tmp_path, spec, train, slurm, meanwhile, wait_until):
    """The others of its array do not: here one is cancelled."""
    told, cancelled = spec(0, do="goes_on", starts=2), spec(1, do="goes_on", starts=2)
    folders = [Task.under(tmp_path, one).folder for one in (told, cancelled)]

    def stop() -> None:
        wait_until(lambda: all((folder / "checkpoints" / "step-00000001").exists() for folder in folders))
        slurm.tell(f"{slurm.first}_0")
        slurm.cancel(f"{slurm.first}_1")

    meanwhile(stop)
    options = {"timeout_min": 3}  # so near its end that a signal means the limit
    frame = run_trials(
        [told, cancelled], tmp_path, train=train, launcher="slurm", launcher_options=options, progress=[]
    )
    assert frame["status"].to_list() == ["done", "crashed"], frame["message"].to_list()
    assert "ended as CANCELLED" in frame["message"][1]
    assert [(folder / "started0").read_text().split() for folder in folders] == [["0", "1"], ["0"]]
    assert len(slurm.submitted()) == 1


def test_a_trial_that_takes_too_long_does_not_lose_the_others(tmp_path, spec, train, slurm):
    """And trying the failed ones again submits those only."""
    specs = [spec(seed, do="overdue" if seed == 1 else "finish") for seed in range(2)]
    launch = {"train": train, "launcher": "slurm", "progress": []}
    frame = run_trials(specs, tmp_path, timeout=3600, **launch)
    assert frame["status"].to_list() == ["done", "timeout"]
    assert frame["message"][1] == "took longer than the limit of 3600 s"
    assert run_trials(specs, tmp_path, timeout=3600, **launch).equals(frame) and len(slurm.submitted()) == 1
    run_trials(specs, tmp_path, timeout=3600, retry_failed=True, **launch)
    first, again = slurm.submitted()
    assert options_of(first)["array"] == "0-1%2" and "array" not in options_of(again)
    assert options_of(first)["time"] == "62"


def test_ctrl_c_cancels_what_was_submitted(tmp_path, spec, train, slurm, wait_until):
    def interrupt(event) -> None:
        if event["event"] == "started":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trials([spec(0, do="goes_on", starts=9)], tmp_path, train=train, launcher="slurm", progress=interrupt)
    wait_until(lambda: slurm.state_of(slurm.first) == "CANCELLED")


def test_a_study_that_was_killed_finds_its_jobs_again(tmp_path, spec, train, slurm, meanwhile, wait_until, monkeypatch):
    one = spec(0, do="goes_on", starts=2)
    launch = {"train": train, "launcher": "slurm", "progress": []}

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:  # a study that dies cancels nothing and tidies nothing up
        patch.setattr("submitit.Job.cancel", lambda job, check: None)
        patch.setattr("studylib.trials.launcher.slurm._Job.close", lambda job: job.lock.close())
        patch.setattr("studylib.trials.launcher.slurm._Job.ended", killed)
        with pytest.raises(SystemExit):
            run_trials([one], tmp_path, **launch)

    def go_on() -> None:
        wait_until(lambda: (Task.under(tmp_path, one).folder / "checkpoints").exists())
        slurm.preempt(slurm.first)

    meanwhile(go_on)
    assert run_trials([one], tmp_path, **launch)["status"].to_list() == ["done"]
    assert len(slurm.submitted()) == 1
    assert not list(tmp_path.rglob("slurm_job.json"))


@pytest.fixture
def job(tmp_path, slurm, monkeypatch):
    """Carry out the only rank of a Slurm job in this process, as submitit does; returns how it was left."""
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR2, signal.SIGTERM, signal.SIGCONT)}

    def job(rank: SlurmRank, restarts: int = 0) -> str:
        monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("SLURM_RESTART_COUNT", str(restarts))
        (slurm.state / "7").mkdir()
        (tmp_path / "slurm").mkdir()
        delayed = DelayedSubmission(rank)
        delayed.set_timeout(3, 10)
        delayed.dump(tmp_path / "slurm" / "7_submitted.pkl")
        try:
            process_job(tmp_path / "slurm")
        except SystemExit:
            return "left"
        return "ended"

    yield job
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("tags", "limit_min", "restarts", "says"),
    [
        ({"keeps": True}, 3, 0, None),
        ({"keeps": False}, 3, 0, "the limit of 3 minutes of its job came before a new checkpoint"),
        ({"keeps": False}, 600, 0, None),  # long before the limit: it is preempted, and has to begin anew
        ({"keeps": True}, 3, 2, "was stopped 3 times before its end; its job may be requeued 2 times"),
        ({"keeps": True}, 3, 3, "was stopped 3 times before its end"),  # by Slurm itself, which asked nobody
    ],
)
def test_when_a_stopped_job_is_requeued(tags, limit_min, restarts, says, tmp_path, spec, train, slurm, job):
    one = spec(0, do="told", **tags)
    rank = SlurmRank(
        one.model_dump(mode="json"),
        str(tmp_path),
        train,
        limit=60 * limit_min,
        signal_delay=90,
        timeout=None,
        max_requeues=2,
    )
    folder = Task.under(tmp_path, one).folder
    folder.mkdir(parents=True)
    left = job(rank, restarts)
    requeued = (slurm.state / "7" / "requeue").exists()
    assert (left, requeued) == (("left", True) if says is None else ("ended", False))
    if says is None:
        later = DelayedSubmission.load(tmp_path / "slurm" / "7_submitted.pkl").function
        assert later.requeues == restarts + 1 and later.spent > 0 and later.spec == rank.spec
        assert not (folder / "outcome.0.json").exists()
    else:
        outcome = json.loads((folder / "outcome.0.json").read_text())
        assert outcome["status"] == "timeout" and outcome["message"].startswith(says)
