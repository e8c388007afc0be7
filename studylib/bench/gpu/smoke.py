"""Idea 1 at scale smoke as anyone runs it: ``study run``, notebook and report included."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

from studylib.bench.gpu.parts import Record, Setting
from studylib.files import read_json
from studylib.project import project_root

_SMALL = ("budgets=[20000]",)


def records(setting: Setting) -> Iterator[Record]:
    study = setting.work / "study"
    changes = (f"compute.device={setting.device}", *(_SMALL if setting.small else ()))
    command = [sys.executable, "-m", "studylib.cli", "run", "depth_width", "--scale", "smoke", "--out", str(study)]
    began = time.monotonic()
    done = subprocess.run([*command, *(part for one in changes for part in ("--set", one))], cwd=project_root())
    yield {
        "name": "study run", "ok": done.returncode == 0, "exit_status": done.returncode,
        "seconds": round(time.monotonic() - began, 1), "report": (study / "index.html").exists(),
    }  # fmt: skip
    results = [read_json(path) for path in sorted(study.glob("trials/*/result.json"))]
    failures = [read_json(path) for path in sorted(study.glob("trials/*/failure.json"))]
    devices = Counter(f"{one['resolved']['device']}, {one['resolved']['dtype']}" for one in results)
    yield {
        "name": "trials", "ok": bool(results) and not failures, "done": len(results), "failed": len(failures),
        "computed": dict(devices), "messages": [str(one.get("message"))[:300] for one in failures[:3]],
    }  # fmt: skip
