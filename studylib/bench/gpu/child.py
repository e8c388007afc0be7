"""One part of ``study bench gpu`` in its own process: ``python -m studylib.bench.gpu.child PART FILE --device D --work DIR``."""

from __future__ import annotations

import argparse
import faulthandler
import sys
from pathlib import Path

from studylib.bench.gpu.parts import Setting, records_of
from studylib.files import append_json_line, read_json


def main(arguments: list[str] | None = None) -> int:
    """Each record goes to FILE at once, so that what is known survives what comes after."""
    parser = argparse.ArgumentParser(prog="python -m studylib.bench.gpu.child")
    parser.add_argument("part")
    parser.add_argument("file", type=Path)
    parser.add_argument("--device", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--known", type=Path, help="what an earlier run found")
    asked = parser.parse_args(arguments)
    faulthandler.enable()
    setting = Setting(asked.device, asked.work, asked.small, tuple(read_json(asked.known)) if asked.known else ())
    with open(asked.file, "wb") as stream:
        for record in records_of(asked.part, setting):
            append_json_line(stream, record)
            print(record, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
