"""Peak memory of a stretch of work, on either device."""

from __future__ import annotations

from pathlib import Path

import torch

from studylib.machine import memory_of_process, peak_memory

_CLEAR = Path("/proc/self/clear_refs")


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
            self.start = memory_of_process("VmRSS") or 0

    def peak(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return max(peak_memory() - self.start, 0)
