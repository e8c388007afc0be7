"""What a result was measured on: versions, processors, and the peak they reach."""

from __future__ import annotations

import functools
import os
import platform
import resource
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from studylib.files import content_hash

_PACKAGES = ("studylib", "torch", "nanotron", "numpy", "polars", "sentencepiece", "datasets", "papermill")


@functools.cache
def versions() -> dict[str, str]:
    """Python's and the packages' versions; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@functools.cache
def processor() -> str:
    """The processor's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()


@functools.cache
def has_bf16_products() -> bool:
    """Whether the processor multiplies matrices in bf16 by itself, by what Linux says of it; torch is not asked."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


def memory_of_process(key: str) -> int | None:
    """Bytes of this process by the kernel's name (``VmRSS`` now, ``VmHWM`` at most); None where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return None


def peak_memory() -> int:
    """Most bytes that this process held. What ``getrusage`` says begins, on Linux, with what its parent held when it was started."""
    peak = memory_of_process("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if peak is None else peak


def describe() -> dict[str, Any]:
    """This machine, without names, paths or anything secret."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "gpus": _gpus(),
    }


def computed_by(machine: Mapping[str, Any], device: str) -> str:
    """Of a machine as `describe` tells it what computes there: the name of its first GPU where ``device`` is cuda and there is one,
    else the processor's."""
    if device == "cuda" and machine.get("gpus"):
        return machine["gpus"][0].split(",")[0]
    return machine.get("processor", "")


@functools.cache
def this_machine() -> str:
    """16 hexadecimal digits for the hardware and the version of torch, to which a measured speed belongs."""
    return content_hash({"machine": describe(), "torch": versions().get("torch")})


@functools.cache
def _gpus() -> list[str]:
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()] if listed.returncode == 0 else []


def git_state(folder: Path | None = None) -> dict[str, Any]:
    """Commit and whether files differ from it; empty outside a repository."""
    folder = folder or Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {}
