"""Starting a command so that nothing of it outlives this process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studylib.environment import child_environment

_GUARD = Path(__file__).with_name("guard.py")


class GuardedProcess:
    """A command in its own session under a guard (see ``guard.py``).

    However this process ends, SIGKILL included, the command and all its descendants end with it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: Any = subprocess.DEVNULL,
        stdout: Any = None,
        pass_fds: Sequence[int] = (),
        grace: float = 0.0,
    ):
        self._grace = grace
        guard_end, self._lifeline = os.pipe()
        try:
            self.popen = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    str(_GUARD),
                    "--lifeline",
                    str(guard_end),
                    "--grace",
                    str(grace),
                    "--",
                    *command,
                ],
                env=dict(environment) if environment is not None else child_environment(),
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.STDOUT if stdout is not None else None,
                pass_fds=(guard_end, *pass_fds),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(guard_end)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def poll(self) -> int | None:
        """The exit status once the command ended (negative: the signal it died of), else None."""
        return self.popen.poll()

    def end(self) -> int:
        """End the command and its descendants, and wait until they are gone. Safe to call twice."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        try:
            return self.popen.wait(self._grace + 40)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, 9)
            return self.popen.wait()
