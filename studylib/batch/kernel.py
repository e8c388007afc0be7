"""A Jupyter kernel that is certainly this Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from studylib.files import write_json

KERNEL = "python3"  # a name that JupyterLab also knows when it opens the executed notebook


def kernel_environment(folder: Path) -> dict[str, str]:
    """Write a kernel specification under ``folder`` and return the environment in which Jupyter finds it first.

    Without it, a ``python3`` kernel that the user once installed for another Python would be taken.
    """
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    # Kernels running side by side would quarrel about one SQLite history.
    command.append("--HistoryManager.enabled=False")
    specification = {"argv": command, "display_name": "Python 3", "language": "python"}
    write_json(folder / "kernels" / KERNEL / "kernel.json", specification)
    others = os.environ.get("JUPYTER_PATH")
    return {"JUPYTER_PATH": os.pathsep.join([str(folder), *([others] if others else [])])}
