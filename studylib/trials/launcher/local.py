"""On this machine: worker processes for one-process trials, torchrun for the others."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.model.memory import memory_bytes
from studylib.trials.cache import Trial
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.launcher.torchrun import Torchrun
from studylib.trials.machine import available_memory, cores, gpus
from studylib.trials.pool import run_in_slots
from studylib.trials.progress import Tracker
from studylib.trials.slots import WorkerSlot

__all__ = ["Local"]

_PROCESS_BYTES = 500_000_000  # torch and nanotron take 250 MB once imported; as much again for the compiler


class Local(Launcher):
    def run(self, trials: Sequence[Trial], setting: Setting, tracker: Tracker) -> None:
        alone = [trial for trial in trials if trial.spec.parallel.world_size == 1]
        spread = [trial for trial in trials if trial.spec.parallel.world_size > 1]
        if alone:
            environments, threads = self.layout(alone, setting)
            slots = [
                WorkerSlot(setting.data_folder, train=setting.train, threads=threads, environment=environment)
                for environment in environments[: len(alone)]
            ]
            run_in_slots(alone, slots, tracker, timeout=setting.timeout, retry_failed=setting.retry_failed)
        if spread:
            Torchrun().run(spread, setting, tracker)

    def layout(self, trials: Sequence[Trial], setting: Setting) -> tuple[list[dict[str, str]], int]:
        """The environment of each worker, and the threads of each.

        On a CPU as many one-thread workers as cores: a tiny model gains too little from a second thread (two
        one-thread trials side by side took no longer than one after the other with two threads). Fewer where their
        memory would not fit. On GPUs one worker a device.
        """
        devices = gpus() if any(trial.spec.compute.device != "cpu" for trial in trials) else []
        wanted = setting.workers or len(devices) or cores()
        workers = max(1, min(wanted, setting.trials_given))
        # Threads follow what was asked for, never the memory free just now: rounding depends on their number.
        threads = max(1, cores() // workers)
        if not devices and not setting.workers:
            largest = max(memory_bytes(trial.spec) for trial in trials) + _PROCESS_BYTES
            workers = max(1, min(workers, available_memory() // largest))
        if devices:
            return [{"CUDA_VISIBLE_DEVICES": devices[n % len(devices)]} for n in range(workers)], threads
        return [{} for _ in range(workers)], threads

    def show(self, trials: Sequence[Trial], setting: Setting) -> str:
        if not trials:
            return "nothing to run"
        environments, threads = self.layout(trials, setting)
        return f"{len(trials)} trials on this machine: {len(environments)} at a time, {threads} threads each"
