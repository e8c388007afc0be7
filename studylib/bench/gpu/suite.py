"""The tests marked ``gpu``, by pytest."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from studylib.bench.gpu.parts import Record, Setting, last_lines
from studylib.errors import StudyError
from studylib.project import project_root

_PROCESSES = 4  # most of their time is compiling


def records(setting: Setting) -> Iterator[Record]:
    root, report = project_root(), setting.work / "tests.xml"
    marked = [path for path in sorted((root / "tests").rglob("test_*.py")) if "mark.gpu" in path.read_text("utf-8")]
    if not marked:
        raise StudyError(f"{root / 'tests'}: holds no tests for a GPU; run this in a checkout of the project")
    chosen = failed_before(setting.known) or [str(path) for path in marked]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", f"--junitxml={report}"]
    if find_spec("xdist") is not None and not setting.small:
        command += ["-n", str(_PROCESSES)]
    done = subprocess.run([*command, *chosen], cwd=root)
    if not report.exists():
        raise RuntimeError(f"pytest ended with exit status {done.returncode} and wrote no report")
    yield from of_report(report, setting.known)


def failed_before(known: Sequence[Record]) -> list[str]:
    """As pytest names them, the tests that failed in an earlier run; none if it did not come to its end."""
    places = [record["name"].split("::") for record in known if record.get("ok") is False and "::" in record["name"]]
    return [f"{module.replace('.', '/')}.py::{test}" for module, test in places]


def of_report(report: Path, known: Sequence[Record] = ()) -> Iterator[Record]:
    """A record of the counts, one of each failure, and why tests were skipped.

    Where only those ran that failed before, what is ``known`` of the others counts too.
    """
    cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [(case, why) for case in cases for why in (*case.findall("failure"), *case.findall("error"))]
    skipped = Counter(why.get("message", "") for case in cases for why in case.findall("skipped"))
    passed = len(cases) - len({id(case) for case, _ in bad}) - skipped.total()
    if failed_before(known):
        before = {record["name"]: record for record in known}
        passed += before["tests"]["passed"]
        skipped += {name.removeprefix("skipped: "): one["tests"] for name, one in before.items() if "skipped: " in name}
    yield {"name": "tests", "ok": not bad, "passed": passed, "failed": len(bad), "skipped": skipped.total()}
    for case, why in bad:
        yield {"name": f"{case.get('classname')}::{case.get('name')}", "ok": False, "error": last_lines(why.text or "")}
    for why, count in skipped.items():
        yield {"name": f"skipped: {why}", "tests": count}
