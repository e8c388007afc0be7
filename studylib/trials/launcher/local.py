"""On this machine: worker processes for what takes one process, torchrun for the others."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.environment import available_memory, cores, gpus
from studylib.trials.cache import Task
from studylib.trials.launcher import Launcher, Setting
from studylib.trials.launcher.torchrun import torchrun_slot
from studylib.trials.pool import Pool
from studylib.trials.progress import Tracker
from studylib.trials.queue import Queue
from studylib.trials.slots import Slot, WorkerSlot

__all__ = ["Local"]

_PROCESS_BYTES = 500_000_000  # torch and nanotron take 250 MB once imported; as much again for the compiler


class Local(Launcher):
    def run(self, queue: Queue, setting: Setting, tracker: Tracker) -> None:
        environments, threads = self.layout(queue.left, setting)
        slots: list[Slot] = [
            WorkerSlot(setting.out, train=setting.train, threads=threads, environment=environment)
            for environment in environments
        ]
        slots.append(torchrun_slot(setting, lambda task: task.step.processes > 1))  # costs nothing until there is one
        Pool(queue, slots, tracker, timeout=setting.timeout, retry_failed=setting.retry_failed).run()

    def layout(self, tasks: Sequence[Task], setting: Setting) -> tuple[list[dict[str, str]], int]:
        """The environment of each worker, and the threads of each.

        On a CPU as many one-thread workers as cores: a tiny model gains too little from a second thread (two
        one-thread trials side by side took no longer than one after the other with two threads). Fewer where their
        memory would not fit. On GPUs one worker a device.
        """
        trials = [task.step for task in tasks if task.step.folder == "trials"]
        devices = gpus() if any(spec.compute.device != "cpu" for spec in trials) else []
        wanted = setting.workers or len(devices) or cores()
        workers = max(1, min(wanted, setting.asked))
        # Threads follow what was asked for, never the memory free just now: rounding depends on their number.
        threads = max(1, cores() // workers)
        if not devices and not setting.workers:
            largest = max((task.kind.memory_bytes(task.step) for task in tasks), default=0) + _PROCESS_BYTES
            workers = max(1, min(workers, available_memory() // largest))
        if devices:
            return [{"CUDA_VISIBLE_DEVICES": devices[n % len(devices)]} for n in range(workers)], threads
        return [{} for _ in range(workers)], threads

    def show(self, tasks: Sequence[Task], setting: Setting) -> str:
        if not tasks:
            return "nothing to run"
        environments, threads = self.layout(tasks, setting)
        return f"{len(tasks)} steps on this machine: {len(environments)} at a time, {threads} threads each"
