"""Peak memory of a stretch of work, on either device."""

from __future__ import annotations

import resource
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _status_bytes(key: str) -> int | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    return None


class PeakMemory:
    """Bytes above what the process held when this was made.

    On a GPU torch's allocator is asked. On Linux the kernel's high-water mark is reset first, because a worker
    process runs many trials; elsewhere the mark is the whole process's.
    """

    def __init__(self, device: torch.device):
        self.device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            return
        try:
            _CLEAR.write_text("5")
        except OSError:
            self.start = 0  # no Linux, or no permission: report the whole process
        else:
            self.start = _status_bytes("VmRSS") or 0

    def peak(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        mark = _status_bytes("VmHWM")
        if mark is None:
            mark = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return max(mark - self.start, 0)
