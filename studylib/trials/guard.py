"""A small process that stands over another one and takes the whole family along when it ends.

``python guard.py --lifeline FD [--grace SECONDS] -- COMMAND...`` starts COMMAND in this session and waits. When
COMMAND ends, whatever it left running is killed and its exit status is passed on. When the other end of the pipe FD
closes, which also happens if its holder is killed with SIGKILL, or on SIGTERM, everything is ended: SIGTERM, then
SIGKILL after the grace time.

It is a process of its own because a trainer deep in a C++ call cannot be relied on to notice anything, and it is a
"subreaper", so that a grandchild whose parent died, even one in a session of its own, is still found as a descendant.
It imports nothing of studylib: it must start fast and never fail.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)
_FIRST_DESCRIPTOR = 3


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere the lifeline and the process group have to do."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    options = dict(zip(arguments[:split:2], arguments[1:split:2], strict=True))
    lifeline, grace = int(options["--lifeline"]), float(options.get("--grace", 0))
    os.set_inheritable(lifeline, False)
    prctl(_SET_CHILD_SUBREAPER, 1)

    wake_read, wake_write = os.pipe()
    for end in (wake_read, wake_write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake_write)
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: asked.append(received))
    signal.signal(signal.SIGCHLD, lambda *_: None)

    child = _start(arguments[split + 1 :], os.getpid())
    # The command's pipes must close when the command dies, so this process must not hold them too.
    for descriptor in _open_descriptors():
        if descriptor >= _FIRST_DESCRIPTOR and descriptor not in (lifeline, wake_read, wake_write):
            with contextlib.suppress(OSError):
                os.close(descriptor)

    status = None
    while status is None and not asked:
        readable, _, _ = select.select([lifeline, wake_read], [], [], 10.0)
        if lifeline in readable:
            asked.append(signal.SIGHUP)
        if wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 512)
        status = _reap().get(child)
    end_descendants(grace if asked else 0.0)
    if status is None:
        return 128 + asked[0]
    code = os.waitstatus_to_exitcode(status)
    if code < 0:  # die of the same signal, so that whoever waits for this process sees what happened
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        return 128 - code
    return code


def _start(command: list[str], parent: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:  # else the guard died before the line above
            os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _open_descriptors() -> list[int]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return [int(entry.name) for entry in Path(folder).iterdir()]
    return list(range(_FIRST_DESCRIPTOR, 256))


def _reap() -> dict[int, int]:
    """Collect the exit statuses of children that ended."""
    ended = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = status
    return ended


def end_descendants(grace: float) -> None:
    """SIGTERM to every descendant, SIGKILL after ``grace`` seconds, until none is left."""
    import psutil

    me = psutil.Process()
    deadline = time.monotonic() + grace
    told: set[int] = set()
    while True:
        _reap()
        family = me.children(recursive=True)
        if not family:
            return
        late = time.monotonic() >= deadline
        for member in family:
            with contextlib.suppress(psutil.Error):
                if late:
                    member.kill()
                elif member.pid not in told:
                    told.add(member.pid)
                    member.terminate()
        if time.monotonic() > deadline + 30:  # something in uninterruptible sleep: leave it to the kernel
            return
        time.sleep(0.005 if late else 0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
