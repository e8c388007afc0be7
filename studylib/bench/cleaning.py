"""``study bench cleaning``: how fast, in how much memory and how rightly text is cleaned.

MB are 10^6 bytes of UTF-8; seconds are of one processor, reading not counted. Precision and recall are of the labelled web register.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from studylib.errors import StudyError
from studylib.files import write_json
from studylib.machine import peak_memory

_PARTS = ("speed", "deduplication", "memory", "register", "curve")
_SIZES = (50, 100, 200)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench cleaning", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "files", nargs="*", metavar="FILE[:COLUMN]", help="text for speed and memory; left out: miniworld"
    )
    parser.add_argument("--part", action="append", choices=_PARTS, help="repeatable (default: all)")
    parser.add_argument("--megabytes", type=float, default=20, help="of each file, for speed (default: %(default)s)")
    parser.add_argument(
        "--size", type=int, action="append", metavar="MB", help="for memory, repeatable (default: 50, 100, 200)"
    )
    parser.add_argument("--register-megabytes", type=float, default=8, metavar="MB", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, action="append", help="of the register's world, repeatable (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--clean", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.clean:
        return _clean_one(asked.clean)
    measures = {
        "speed": _speed,
        "deduplication": _deduplication,
        "memory": _memory,
        "register": _register,
        "curve": _curve,
    }
    found = {}
    for part in asked.part or _PARTS:
        print(f"# {part}")
        found[part] = measures[part](asked)
        print()
    if asked.json:
        write_json(asked.json, found)
    return 0


def _texts(given: str, megabytes: float) -> Iterator[str]:
    """Texts of a file, so many MB of them; of the world that the study brings along where no file is named."""
    from studylib.registry import SOURCES

    if given:
        path, _, column = given.partition(":")
        source = SOURCES["files"]("bench", {"path": path, "text_column": column or "text"})
    else:
        source = SOURCES["miniworld"]("bench", {"register": "web", "bytes": int(1e6 * megabytes)})
    left = 1e6 * megabytes
    for document in source.documents():
        yield document.text
        left -= len(document.utf8())
        if left <= 0:
            return


def _named(given: str) -> str:
    return Path(given.partition(":")[0]).name if given else "miniworld web"


def _speed(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """MB/s of each step by itself, and of all that look at documents one by one together, as the pipeline runs them."""
    from studylib.data.clean import Batch
    from studylib.data.cleaning.files import DEFAULT_STEPS
    from studylib.data.document import Document
    from studylib.data.text import batches
    from studylib.spec import CleanerSpec

    rows = []
    for given in asked.files or [""]:
        documents = [Document(text) for text in _texts(given, asked.megabytes)]
        size = sum(len(one.utf8()) for one in documents) / 1e6
        print(f"{_named(given)}, {size:.1f} MB: {'MB/s':>9}{'dropped':>9}")
        cleaners = {name: CleanerSpec(cleaner=name).built() for name in DEFAULT_STEPS}
        local = {name: one for name, one in cleaners.items() if not one.surveys}
        for one in local.values():  # what is loaded once
            one.judge(Batch(documents[:20]))
        for name in [*local, "all of these"]:
            seconds, dropped = 0.0, 0
            for some in batches(iter(documents)):
                began = time.process_time()
                if name in local:
                    gone = sum(map(bool, local[name].judge(Batch(some)).reasons))
                else:
                    gone = _together(some, DEFAULT_STEPS)
                seconds += time.process_time() - began
                dropped += gone
            row = {"file": _named(given), "step": name, "mb_per_s": size / seconds, "dropped": dropped / len(documents)}
            rows.append(row)
            print(f"{name:24}{row['mb_per_s']:9.1f}{row['dropped']:9.1%}")
    return rows


def _together(documents: Sequence[Any], names: Sequence[str]) -> int:
    from studylib.data.cleaning.blocks import Rows
    from studylib.data.cleaning.chain import Chain
    from studylib.spec import CleanerSpec

    steps = [CleanerSpec(cleaner=name) for name in names]
    cleaners = {place: built for place, step in enumerate(steps) if not (built := step.built()).surveys}
    chain = Chain(cleaners, list(cleaners), {}, {}, labelled=False)
    return len(documents) - len(chain.apply(Rows(list(documents), list(range(len(documents)))), 0, measured=False))


def _deduplication(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """MinHash next to datatrove's own pipeline with equal parameters."""
    from studylib.bench._cleaning_minhash import side_by_side
    from studylib.data.minhash import MinHash

    rows = []
    for given in asked.files or [""]:
        print(
            f"{_named(given)}: {'':9}{'MB/s':>9}{'dropped':>9}{'pairs':>9}{'only here':>11}{'chance':>9}{'s >= 0.9':>10}"
        )
        for row in side_by_side(list(_texts(given, asked.megabytes)), MinHash()):
            rows.append({"file": _named(given)} | vars(row))
            print(
                f"{row.program:20}{row.mb_per_s:9.2f}{row.removed:9,}{row.pairs:9,}{row.only_here:11,}"
                f"{row.by_chance:9.0f}{row.only_of_alike:10.2%}"
            )
    return rows


def _curve(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """How often MinHash finds pairs of a known similarity, against P(s) = 1 - (1 - s^r)^b."""
    from studylib.bench._cleaning_minhash import curve
    from studylib.data.minhash import MinHash

    rows = [vars(row) for row in curve(MinHash())]
    print(f"{'similarity':>10}{'pairs':>9}{'found':>9}{'P(s)':>9}{'difference':>12}")
    for row in rows:
        difference = row["found"] - row["expected"]
        print(f"{row['similarity']:10.3f}{row['pairs']:9,}{row['found']:9.4f}{row['expected']:9.4f}{difference:+12.4f}")
    return rows


def _memory(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Peak memory of cleaning 50, 100 and 200 MB with all steps, each in a process of its own."""
    rows, sizes = [], asked.size or _SIZES
    texts = [text for given in asked.files or [""] for text in _texts(given, max(sizes))]
    print(f"{'MB of text':>10}{'peak MB':>9}{'seconds':>9}{'MB/s':>9}{'documents':>11}{'kept':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in sizes:
            file = Path(folder) / f"{megabytes}.parquet"
            _write(file, texts, megabytes)
            command = [sys.executable, "-m", "studylib.bench.cleaning", "--clean", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise StudyError(f"cleaning {megabytes} MB failed: {done.stderr.strip().splitlines()[-1:]}")
            row = {"megabytes": megabytes} | json.loads(done.stdout)
            rows.append(row)
            print(
                f"{megabytes:10}{row['peak_mb']:9.0f}{row['seconds']:9.1f}{megabytes / row['seconds']:9.2f}"
                f"{row['documents']:11,}{row['kept']:9,}"
            )
    return rows


def _write(file: Path, texts: Sequence[str], megabytes: int) -> None:
    """So much text; where there is not enough, halves of two texts make another, so that it does not consist of copies."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def more() -> Iterator[str]:
        yield from texts
        for shift in range(1, len(texts)):
            for place, text in enumerate(texts):
                other = texts[(place + shift) % len(texts)]
                yield text[: len(text) // 2] + other[len(other) // 2 :]

    left, every = 1e6 * megabytes, more()
    schema = pa.schema([("text", pa.large_string())])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while left > 0:
            some = list(islice(every, 500))
            if not some:
                raise StudyError(f"study bench cleaning: too little text to make {megabytes} MB of")
            left -= sum(len(text.encode()) for text in some)
            writer.write_table(pa.table({"text": some}, schema=schema))


def _clean_one(file: Path) -> int:
    """In a process of its own: clean a file, and say in how much memory."""
    from studylib.data.cleaning import CleanFiles, clean_files

    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        record = clean_files(CleanFiles(alone=False).cleaning([str(file)], Path(folder) / "out")).record
        seconds = time.process_time() - began
    kept, raw = record.kept.documents, record.raw.documents
    print(json.dumps({"peak_mb": peak_memory() / 1e6, "seconds": seconds, "documents": raw, "kept": kept}))
    return 0


def _register(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """All steps on labelled text at default rates: what of the noise goes, what of the sound text is lost."""
    from studylib.analysis.cleaning import ALL, against_labels, by_label, losses, spans
    from studylib.data.cleaning import Cleaning
    from studylib.data.cleaning.files import DEFAULT_STEPS
    from studylib.data.digest import FileDigests
    from studylib.registry import SOURCES
    from studylib.spec import CleanerSpec

    found = []
    for seed in asked.seed or [0]:
        options = {"register": "web", "seed": seed, "bytes": int(1e6 * asked.register_megabytes)}
        with tempfile.TemporaryDirectory() as folder:
            head = {"status": "done", "hash": "bench", "label": "bench", "made_from": []}
            steps = [CleanerSpec(cleaner=name) for name in DEFAULT_STEPS]
            source = SOURCES["miniworld"]("web", options)
            record = Cleaning("web", source, steps, Path(folder) / "out", head).run(FileDigests()).record
        print(f"seed {seed}: {record.raw.documents:,} documents, {record.raw.bytes / 1e6:.1f} MB")
        judged = against_labels(record).rows(named=True)
        _print(judged, ("step", "dropped", "noise", "precision", "recall", "precision_alone", "recall_alone"))
        labels = by_label(record).filter(step=ALL).rows(named=True)
        faults = [
            {
                "label": f"{row['group']}:{row['label']}",
                "given": row["raw"],
                "dropped": row["dropped"],
                "share": row["dropped"] / row["raw"],
            }
            for row in labels
            if row["group"] in ("fault", "copy")
        ]
        _print(faults, ("label", "given", "dropped", "share"))
        lost = losses(record).filter(step=ALL).select("form", "raw", "lost", "share").rows(named=True)
        _print(lost, ("form", "raw", "lost", "share"))
        personal, boilerplate = (spans(record, purpose).rows(named=True) for purpose in ("mask", "correct"))
        columns = ("kind", "labelled", "covered", "found", "right", "precision", "recall")
        _print([*personal, _sum(personal)], columns)
        _print([*boilerplate, _sum(boilerplate)], columns)
        found.append(
            {
                "seed": seed,
                "judged": judged,
                "faults": faults,
                "lost": lost,
                "personal": personal,
                "boilerplate": boilerplate,
            }
        )
    return found


def _sum(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counts = {name: sum(row[name] for row in rows) for name in ("labelled", "covered", "found", "right")}
    precision = counts["right"] / counts["found"] if counts["found"] else None
    recall = counts["covered"] / counts["labelled"] if counts["labelled"] else None
    return {"kind": "all"} | counts | {"precision": precision, "recall": recall}


def _print(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    def shown(value: Any) -> str:
        return (
            "–"
            if value is None
            else f"{value:.1%}"
            if isinstance(value, float)
            else f"{value:,}"
            if isinstance(value, int)
            else value
        )

    print(f"{columns[0]:26}" + "".join(f"{name:>16}" for name in columns[1:]))
    for row in rows:
        print(f"{row[columns[0]]:26}" + "".join(f"{shown(row[name]):>16}" for name in columns[1:]))
    print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
