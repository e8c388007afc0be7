"""Each trial as a torchrun of its own on this node, with as many processes as the trial is laid over."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from studylib.trials.cache import Trial
from studylib.trials.command_slot import CommandSlot
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.machine import cores
from studylib.trials.pool import run_in_slots
from studylib.trials.progress import Tracker

__all__ = ["Torchrun"]


class Torchrun(Launcher):
    """One trial at a time: it may use the whole node. Threads are shared out among its ranks."""

    def run(self, trials: Sequence[Trial], setting: Setting, tracker: Tracker) -> None:
        by_size: dict[int, list[Trial]] = {}
        for trial in trials:
            by_size.setdefault(trial.spec.parallel.world_size, []).append(trial)
        for world_size, group in sorted(by_size.items(), reverse=True):
            slot = CommandSlot(
                setting.data_folder, self._command_for(setting.train), threads=max(1, cores() // world_size)
            )
            run_in_slots(group, [slot], tracker, timeout=setting.timeout, retry_failed=setting.retry_failed)

    def show(self, trials: Sequence[Trial], setting: Setting) -> str:
        command = self._command_for(setting.train)
        return "\n".join(shlex.join(command(trial, setting.data_folder)) for trial in trials)

    @staticmethod
    def _command_for(train: str):
        def command(trial: Trial, data_folder: Path) -> list[str]:
            world_size, folder = trial.spec.parallel.world_size, trial.folder.resolve()
            # Gloo and torchrun itself find each other over loopback; --standalone picks a free port.
            return [
                sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={world_size}",
                "-m", "studylib.trials.rank", str(folder / "spec.json"), "--out", str(folder),
                "--data-folder", str(data_folder.resolve()), "--train", train,
            ]  # fmt: skip

        return command
