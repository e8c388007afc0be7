"""What others take of the machine, from the system's counts."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from studylib import measuring
from studylib.errors import StudyError
from studylib.spec import LayoutSpec
from studylib.steps._process import records_of


@pytest.fixture
def machine(monkeypatch):
    """Two cores whose counts the test sets: seconds by the clock, busy and stolen seconds of all, and own ones."""
    state = SimpleNamespace(clock=0.0, busy=0.0, steal=0.0, own=0.0, slept=0)

    def sleep(seconds: float) -> None:
        state.slept += 1
        state.clock += seconds
        state.busy += 2 * seconds * state.load

    def core() -> SimpleNamespace:
        return SimpleNamespace(user=state.busy / 2, system=0.0, steal=state.steal / 2, idle=1.0)

    class Core(SimpleNamespace):
        def __iter__(self):
            return iter(vars(self).values())

    clock = SimpleNamespace(perf_counter=lambda: state.clock, monotonic=lambda: state.clock, sleep=sleep)
    monkeypatch.setattr(measuring, "time", clock)
    monkeypatch.setattr(measuring, "_cores", lambda: [0, 1])
    monkeypatch.setattr(measuring, "_own_seconds", lambda: state.own)
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [Core(**vars(core())) for _ in range(2)])
    state.load = 0.0
    return state


def passes(machine, seconds: float, *, busy: float = 0.0, own: float = 0.0, steal: float = 0.0) -> None:
    machine.clock += seconds
    machine.busy += busy
    machine.own += own
    machine.steal += steal


def test_own_work_is_not_others(machine):
    watch = measuring.Watch()
    passes(machine, 10, busy=20, own=20)
    assert watch.others() == 0


def test_others_share_is_of_all_cores_and_steal_is_theirs(machine):
    watch = measuring.Watch()
    passes(machine, 10, busy=14, own=10, steal=2)
    assert watch.others() == pytest.approx((4 + 2) / 20)


def test_a_system_that_counts_nothing_is_not_called_quiet(machine, monkeypatch):
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [(0.0, 0.0)] * 2)
    watch = measuring.Watch()
    passes(machine, 10)
    assert watch.others() is None


@pytest.mark.parametrize(("longest", "looks"), [("5", 10), ("", 40)])
def test_waits_while_others_work_and_says_so_once(machine, monkeypatch, longest, looks):
    monkeypatch.setenv("STUDYLIB_LONGEST_WAIT", longest)
    machine.load = 0.5
    said: list[str] = []
    measuring.wait_until_quiet(said.append)
    assert machine.slept == looks and len(said) == 1
    assert "other work takes 50 % of the cores" in said[0]


def test_a_quiet_machine_is_not_waited_for(machine):
    said: list[str] = []
    measuring.wait_until_quiet(said.append)
    assert machine.slept == 1 and not said


def test_a_measuring_process_says_what_it_is_at_and_why_it_failed(tmp_path, monkeypatch):
    (tmp_path / "measures_here.py").write_text(
        "import sys\nfrom studylib.measuring import tell\nname = sys.stdin.read()\ntell('1 of 2')\nprint('noise')\n"
        "print('{\"read\": 1}', flush=True)\nif 'fails' in name:\n    sys.exit('the disk is full')\n"
    )
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    )
    said: list[str] = []
    step = LayoutSpec(machine="here")
    assert records_of("measures_here", step, {}, said.append) == [{"read": 1}]
    assert said == [f"{step.label}: 1 of 2"]
    with pytest.raises(StudyError, match="measuring failed: the disk is full"):
        records_of("measures_here", step.replace(machine="fails"), {}, said.append)


def test_the_real_machine_says_something_between_nothing_and_all():
    watch = measuring.Watch()
    sum(range(300_000))
    share = watch.others()
    assert share is None or 0 <= share <= 1
