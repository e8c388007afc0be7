"""Carries out the parts as processes and keeps what they found in one file, written anew whenever a part ends."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studylib.bench.gpu.parts import PARTS, Record, Setting, last_lines
from studylib.environment import child_environment
from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines, write_json
from studylib.machine import describe, versions
from studylib.trials.process import GuardedProcess

_TICK = 0.1
# With less time left than this a part is not begun.
_LEAST_SECONDS = 20.0


@dataclass
class _Running:
    process: GuardedProcess
    records: Path
    log: Path
    limit: float
    known: list[Record]
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Run:
    """Parts into ``out``, within ``seconds`` altogether."""

    def __init__(self, out: Path, setting: Setting, *, seconds: float):
        self._out, self._setting = out, setting
        self._end = time.monotonic() + seconds
        self._found = self._read()

    def carry_out(self, wanted: Sequence[str], *, again: bool = False) -> dict[str, dict[str, Any]]:
        """What is known of every part afterwards: status (ok, failed or skipped), seconds, records and error.

        Those that need not be alone run beside each other; otherwise the order of PARTS holds.
        """
        waiting = [name for name in wanted if again or self._found.get(name, {}).get("status") != "ok"]
        running: dict[str, _Running] = {}
        try:
            while waiting or running:
                while waiting and self._may_begin(waiting[0], running):
                    name = waiting.pop(0)
                    if self._end - time.monotonic() < _LEAST_SECONDS:
                        self._keep(name, "skipped", 0.0, self._known(name), "no time was left; run again")
                        continue
                    running[name] = self._begin(name, self._limit(name, waiting), [] if again else self._known(name))
                for name, one in list(running.items()):
                    if self._ended(name, one):
                        del running[name]
                time.sleep(_TICK)
        finally:
            for one in running.values():
                one.process.end()
        return self._found

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._out.exists():
            return {}
        try:
            return dict(read_json(self._out)["parts"])
        except (ValueError, KeyError, TypeError):
            raise StudyError(f"{self._out}: is not a file of study bench gpu; give another one with --out") from None

    def _may_begin(self, name: str, running: dict[str, _Running]) -> bool:
        return not running or not (PARTS[name].alone or any(PARTS[other].alone for other in running))

    def _limit(self, name: str, waiting: Sequence[str]) -> float:
        """Seconds: what is left is shared with those that come after and cannot run beside it."""
        after = sum(PARTS[one].seconds for one in waiting if PARTS[one].alone or PARTS[name].alone)
        own = PARTS[name].seconds
        return min(own, (self._end - time.monotonic()) * own / (own + after))

    def _known(self, name: str) -> list[Record]:
        """What an earlier run found; what was not wrong says where, as this may be another machine."""
        if name not in self._found:
            return []
        before = self._found[name]
        where = f"{', '.join(before['machine']['gpus']) or before['machine']['processor']}; torch {before['versions']['torch']}"
        return [record if record.get("ok") is False else {"found_on": where} | record for record in before["records"]]

    def _begin(self, name: str, limit: float, known: list[Record]) -> _Running:
        folder = self._setting.work / name
        folder.mkdir(parents=True, exist_ok=True)
        records, log = self._setting.work / f"{name}.records", self._setting.work / f"{name}.log"
        records.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "studylib.bench.gpu.child", name, str(records.resolve()),
            "--device", self._setting.device, "--work", str(folder.resolve()),
        ]  # fmt: skip
        if self._setting.small:
            command.append("--small")
        if known:
            before = self._setting.work / f"{name}.known"
            write_json(before, known)
            command += ["--known", str(before.resolve())]
        print(f"{name}: begun, {limit:.0f} s at most", flush=True)
        with open(log, "wb") as stream:
            process = GuardedProcess(command, environment=child_environment(PYTHONUNBUFFERED="1"), stdout=stream)
        return _Running(process, records, log, limit, known)

    def _ended(self, name: str, one: _Running) -> bool:
        code = one.process.poll()
        if code is None and one.seconds < one.limit:
            return False
        one.process.end()
        new = read_json_lines(one.records)
        names = {record["name"] for record in new}
        # A part that ended has found everything anew that was wrong; one that did not may still owe it.
        kept = [
            record
            for record in one.known
            if record["name"] not in names and (code != 0 or record.get("ok") is not False)
        ]
        records = [*kept, *new]
        wrong = [record["name"] for record in records if record.get("ok") is False]
        error = ""
        if code is None:
            error = f"took longer than {one.limit:.0f} s\n{_tail(one.log)}"
        elif code:
            error = f"ended with exit status {code}\n{_tail(one.log)}"
        elif wrong:
            error = f"wrong: {', '.join(wrong)}"
        self._keep(name, "failed" if error else "ok", one.seconds, records, error)
        return True

    def _keep(self, name: str, status: str, seconds: float, records: list[Record], error: str) -> None:
        machine = {"machine": describe(), "versions": versions()}
        self._found[name] = {
            "status": status, "seconds": round(seconds, 1), "records": records, "error": error, **machine,
        }  # fmt: skip
        write_json(self._out, {"parts": {name: self._found[name] for name in PARTS if name in self._found}})
        print(f"{name}: {status}, {seconds:.0f} s{f': {error.splitlines()[0]}' if error else ''}", flush=True)


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        return last_lines(log.read_text(encoding="utf-8", errors="replace"))
    return ""
