"""Where the study's own files lie: notebooks, parameter files, reports."""

from __future__ import annotations

import os
from pathlib import Path


def project_root() -> Path:
    """The folder that holds ``notebooks/`` and ``params/``.

    ``$STUDYLIB_ROOT`` if set; else the nearest such folder at or above the current one (so a notebook opened in
    JupyterLab finds it); else the folder that holds the package.
    """
    if given := os.environ.get("STUDYLIB_ROOT"):
        return Path(given).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "params").is_dir():
            return folder
    return Path(__file__).resolve().parent.parent


def params_file(scale: str, idea: str, root: Path | None = None) -> Path:
    return (root or project_root()) / "params" / scale / f"{idea}.yaml"


def scales(root: Path | None = None) -> list[str]:
    """The scales that have parameter files, from small to large where the order is known."""
    order = ["smoke", "quick", "cpu", "gpu", "cluster"]
    folder = (root or project_root()) / "params"
    found = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))
