"""``study bench tokenizing``: text to packed token shards, against SentencePiece's own batch encoding on as many cores.

SentencePiece encodes a list of texts that is already in memory, once on threads of its own, once on worker processes that
are already running, and leaves the ids in memory. Preparing data also reads the text from disk, checks it, and writes ids
and document sizes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import sentencepiece

from studylib.data import Tokenizer, guarded_texts, prepare
from studylib.data.shards import write_tokens
from studylib.spec import DataSpec

_BATCH = 256  # texts that go to a process at once


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench tokenizing", description=__doc__.split("\n\n")[0])
    parser.add_argument("--path", help="parquet, jsonl or text files; left out: miniworld in Japanese")
    parser.add_argument("--megabytes", type=float, default=50, help="how much text (default: %(default)s)")
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2, help="threads of either (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(arguments)
    size = int(asked.megabytes * 1e6)
    options = {"path": asked.path, "max_bytes": size} if asked.path else {"register": "ja", "bytes": size}
    source = {"kind": "files" if asked.path else "miniworld", "name": "text", "options": options}
    data = DataSpec(sources=(source,), tokenizer={"vocab_size": asked.vocab_size, "sample_bytes": 2_000_000})
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(data, Path(folder))
        text = guarded_texts(data, Path(folder))["text"]
        texts = list(text.documents("train"))
        stem, tokenizer = Path(folder) / "bench", Tokenizer.load(prepared.tokenizer_file)
        processor = sentencepiece.SentencePieceProcessor(model_file=str(prepared.tokenizer_file))
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        with get_context("spawn").Pool(asked.workers, _load, (str(prepared.tokenizer_file),)) as pool:
            ways = {
                "shards": lambda: write_tokens(text.documents_utf8("train"), tokenizer, stem, workers=asked.workers),
                "SentencePiece, threads": lambda: processor.encode(
                    texts, return_type="numpy", num_threads=asked.workers
                ),
                "SentencePiece, processes": lambda: pool.map(_encode, batches, chunksize=1),
            }
            found: dict[str, list[float]] = {name: [] for name in ways}
            for turn in range(asked.rounds + 1):  # in turns, so that a slow minute of the machine hits all
                for name, way in ways.items():
                    began = time.perf_counter()
                    way()
                    if turn:  # the first one warms up
                        found[name].append(time.perf_counter() - began)
    megabytes = text.num_bytes("train") / 1e6
    for name, seconds in found.items():
        ratios = sorted(other / own for other, own in zip(seconds, found["shards"], strict=True))
        against = f"   shards: {statistics.median(ratios):.2f}x ({ratios[0]:.2f} - {ratios[-1]:.2f})"
        rate = megabytes / statistics.median(seconds)
        print(f"{name:26}{rate:8.1f} MB/s{against if name != 'shards' else ''}")
    return 0


def _load(file: str) -> None:
    global _processor
    _processor = sentencepiece.SentencePieceProcessor(model_file=file)


def _encode(texts: list[str]) -> list[np.ndarray]:
    return _processor.encode(texts, return_type="numpy", num_threads=1)
