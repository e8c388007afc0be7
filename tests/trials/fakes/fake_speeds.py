"""Trainers that take no time, and speeds that are there at once: what is tested is when they are measured."""

import importlib
import time

from fake_trainers import train

__all__ = ["train"]


def records_of(module, step, environment, say):
    time.sleep(0.2)
    measured = {"windows": [1.0], "others": [None], "peak_memory_bytes": 1, "loss": 1.0}
    return [{"trial": trial.hash} | measured for trial in step.trials]


importlib.import_module("studylib.steps.speeds").records_of = records_of
