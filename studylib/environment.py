"""What this machine offers to processes (cores, GPUs, memory), and the environment they are started in. No torch."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_PACKAGE_PARENT = str(Path(__file__).resolve().parent.parent)


def cores() -> int:
    """Cores this process may use: the least of its affinity, the container's quota and ``$STUDYLIB_CORES``."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            available = min(available, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no control groups here: nothing more is known
        pass
    if given := os.environ.get("STUDYLIB_CORES", ""):
        available = min(available, int(given)) if given.isdigit() and int(given) else available
    return available


def cores_alone() -> int:
    """Cores of what runs with nothing beside it: all that the study has, also in a notebook that shares them with others."""
    whole = os.environ.get("STUDYLIB_STUDY_CORES", "")
    return int(whole) if whole.isdigit() and int(whole) else cores()


def gpus() -> list[str]:
    """Names of the visible CUDA devices, as ``CUDA_VISIBLE_DEVICES`` takes them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(n) for n, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def at_a_time(workers: int | None) -> int:
    """Steps that are carried out side by side: as asked for, else one a GPU, else one a core."""
    return workers or len(gpus()) or cores()


def available_memory() -> int:
    """Bytes that can be used without swapping."""
    import psutil

    available = psutil.virtual_memory().available
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        if limit != "max":
            available = min(available, int(limit) - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    except (OSError, ValueError):  # no control groups here: nothing more is known
        pass
    return max(available, 0)


def memory_environment() -> dict[str, str]:
    """Environment variables that let glibc ask for huge pages: 4 % of a step at 10M parameters (see LOG.md)."""
    wanted, given = "glibc.malloc.hugetlb=1", os.environ.get("GLIBC_TUNABLES", "")
    return {"GLIBC_TUNABLES": given if "hugetlb" in given else ":".join(filter(None, [given, wanted]))}


def thread_environment(threads: int) -> dict[str, str]:
    """Environment variables that keep a process to ``threads`` threads, whichever libraries it loads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")
    return dict.fromkeys(names, str(threads))


@contextlib.contextmanager
def environment_with(**values: str) -> Iterator[None]:
    """Set variables of this process for a moment: left behind, child processes and libraries would go by them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with ``changes``, in which `studylib` can be imported from any folder."""
    environment = os.environ | changes
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    if _PACKAGE_PARENT not in paths:
        environment["PYTHONPATH"] = os.pathsep.join([*paths, _PACKAGE_PARENT])
    return environment
