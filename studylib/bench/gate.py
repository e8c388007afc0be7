"""``study bench gate``: what the gate lets through of a benchmark in disguise, and what it drops of other text.

Your own copies of JGLUE's files are disguised in many ways, written to files and read as a study would read them. Nothing is kept.
Of other text (``--clean``) all that is dropped is a false alarm, unless it quotes the benchmark: look at it with ``--show``.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studylib.bench._gate_attacks import ROW_ATTACKS, SENTENCE_ATTACKS, read_records, rows_of, sentences_of
from studylib.data.guard import Guard
from studylib.data.text import batches
from studylib.errors import StudyError
from studylib.files import write_json
from studylib.registry import SOURCES


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench gate", description=__doc__.split("\n\n")[0])
    parser.add_argument("--files", type=Path, nargs="*", default=[], metavar="FILE", help="JGLUE's files, as released")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="try so many rows and sentences; 0: all")
    parser.add_argument(
        "--clean", nargs="*", default=[], metavar="FILE[:COLUMN]", help="text that is not the benchmark"
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the beginning of N texts of each line")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    asked = parser.parse_args(arguments)
    found: dict[str, list[dict[str, Any]]] = {"attacks": [], "clean": []}
    if asked.files:
        print(f"{'let through of':52}{'tried':>9}{'let through':>13}{'share':>9}")
        for line in _attacks(asked.files, asked.most, asked.show):
            found["attacks"].append(line)
            share = line["let_through"] / line["tried"]
            print(f"{line['of'] + ': ' + line['attack']:52}{line['tried']:9,}{line['let_through']:13,}{share:9.2%}")
            _print_shown(line["shown"])
    for given in asked.clean:
        line = _clean(given, asked.show)
        found["clean"].append(line)
        print(
            f"{Path(line['file']).name}: {line['dropped']} of {line['documents']:,} documents dropped "
            f"({1000 * line['dropped'] / line['documents']:.2f} in 1,000), {line['mb_per_s']:.1f} MB/s; {line['reasons']}"
        )
        _print_shown(line["shown"])
    if asked.json:
        write_json(asked.json, found)
    return 0


def _print_shown(texts: list[str]) -> None:
    for text in texts:
        print("    " + " ".join(text.split())[:100])


def _attacks(files: list[Path], most: int, show: int) -> Iterator[dict[str, Any]]:
    rows = {file.name: rows_of(read_records(file)) for file in files}
    if most:
        rows = {name: random.Random(0).sample(own, min(most, len(own))) for name, own in rows.items()}
    with tempfile.TemporaryDirectory() as folder:
        for attack, disguise in ROW_ATTACKS.items():
            tried, through = 0, []
            for own in rows.values():
                name, content, options = disguise(own)
                (Path(folder) / name).write_text(content, encoding="utf-8")
                tried += len(own)
                through += _admitted(Path(folder) / name, options)
            yield {"of": "rows", "attack": attack, "tried": tried, "let_through": len(through), "shown": through[:show]}
        sentences = sentences_of([row for own in rows.values() for row in own])
        if most:
            sentences = random.Random(0).sample(sentences, min(most, len(sentences)))
        for attack, disguise in SENTENCE_ATTACKS.items():
            file = Path(folder) / "sentences.txt"
            file.write_text("".join(disguise(one) + "\n" for one in sentences), encoding="utf-8")
            through = _admitted(file, {"document": "line"})
            yield {
                "of": "sentences", "attack": attack, "tried": len(sentences), "let_through": len(through),
                "shown": through[:show],
            }  # fmt: skip


def _admitted(file: Path, options: Mapping[str, str]) -> list[str]:
    """The texts of a file that a study would be trained on; none where it refuses the file."""
    source = SOURCES["files"]("bench", {"path": str(file), **options})
    guard = Guard()
    try:
        return [document.text for batch in batches(source.documents()) for document in guard.admit(batch)]
    except StudyError as error:
        if "JGLUE must never be training data" not in str(error):
            raise
        return []


def _clean(given: str, show: int) -> dict[str, Any]:
    path, _, column = given.partition(":")
    source = SOURCES["files"]("bench", {"path": path, "text_column": column or "text"})
    guard = Guard()
    guard.admit([])
    shown: list[str] = []
    seconds, size, documents = 0.0, 0, 0
    for batch in batches(source.documents()):
        began = time.process_time()
        admitted = set(map(id, guard.admit(batch)))
        seconds += time.process_time() - began
        documents += len(batch)
        size += sum(len(document.utf8()) for document in batch)
        shown += [document.text for document in batch if id(document) not in admitted][: max(0, show - len(shown))]
    reasons = Counter({reason: count for reason, count in guard.record()["dropped"].items() if count})
    return {
        "file": path, "documents": documents, "dropped": reasons.total(), "reasons": dict(reasons),
        "mb_per_s": size / 1e6 / seconds, "shown": shown,
    }  # fmt: skip
