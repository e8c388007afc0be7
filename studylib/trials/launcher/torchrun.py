"""Each trial as a torchrun of its own on this node, with as many processes as the trial is laid over."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from studylib.environment import cores
from studylib.trials.cache import Task
from studylib.trials.command_slot import CommandSlot
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.pool import Pool
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue
from studylib.trials.slots import WorkerSlot

__all__ = ["Torchrun"]


class Torchrun(Launcher):
    """One step at a time: a trial may use the whole node. Threads are shared out among its ranks."""

    def run(self, queue: Queue, setting: Setting, tracker: Tracker) -> None:
        slots = [
            torchrun_slot(setting, lambda task: task.step.folder == "trials"),
            WorkerSlot(
                setting.out, train=setting.train, threads=cores(), fits=lambda task: task.step.folder != "trials"
            ),
        ]
        Pool(queue, slots, tracker, timeout=setting.timeout, retry_failed=setting.retry_failed).run()

    def show(self, tasks: Sequence[Task], setting: Setting) -> str:
        command = _command_for(setting.train)
        return "\n".join(shlex.join(command(task, setting.out)) for task in tasks if task.step.folder == "trials")


def torchrun_slot(setting: Setting, fits: Callable[[Task], bool]) -> CommandSlot:
    """Where trials that span processes run."""
    return CommandSlot(setting.out, _command_for(setting.train), cores=cores(), fits=fits)


def _command_for(train: str):
    def command(trial: Task, out: Path) -> list[str]:
        # Gloo and torchrun itself find each other over loopback, whether or not the host's name can be looked up; --standalone
        # picks a free port.
        return [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--local_addr=127.0.0.1",
            f"--nproc_per_node={trial.step.processes}", "-m", "studylib.trials.rank",
            str(trial.folder.resolve() / "spec.json"), "--out", str(out.resolve()), "--train", train,
        ]  # fmt: skip

    return command
