"""Speed and samples of the miniworld: ``python -m studylib.data.miniworld --register ja --bytes 20000000 --show 2``."""

from __future__ import annotations

import argparse
import sys
import time

from studylib.data.miniworld import documents
from studylib.errors import StudyError
from studylib.registry import REGISTERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m studylib.data.miniworld", description=__doc__)
    parser.add_argument("--register", default="ja", help=f"one of {', '.join(REGISTERS)}")
    parser.add_argument("--bytes", type=int, default=20_000_000, help="how much text to make")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, help="print so many documents first")
    options = parser.parse_args()
    try:
        REGISTERS.check(options.register, "--register")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    begin = time.perf_counter()
    size = count = 0
    for document in documents(options.register, options.seed):
        if count < options.show:
            print(document.text, f"\n-- {document.labels}\n")
        size += len(document.text.encode())
        count += 1
        if size >= options.bytes:
            break
    seconds = time.perf_counter() - begin
    speed = size / 1e6 / seconds
    print(f"{options.register}: {count} documents, {size / 1e6:.1f} MB in {seconds:.2f} s, {speed:.1f} MB/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
