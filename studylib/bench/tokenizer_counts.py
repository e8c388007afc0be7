"""``study bench tokenizer_counts``: training on counted pieces against plain SentencePiece on the same text.

Each way runs in a process of its own, so that its peak memory is its own. Agreement is told by the vocabularies' overlap, the
correlation of the scores of common pieces, and characters a token on text that neither was trained on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from studylib.errors import StudyError
from studylib.machine import peak_memory
from studylib.spec import TokenizerSpec

_HELD_OUT = 20  # one document in so many is kept for measuring


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench tokenizer_counts", description=__doc__.split("\n\n")[0])
    parser.add_argument("--path", help="parquet, jsonl or text files; left out: miniworld in Japanese")
    parser.add_argument("--text-column", default="text", metavar="NAME")
    parser.add_argument("--megabytes", type=float, default=20, help="how much text (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="the same text so many times over (default: %(default)s)")
    parser.add_argument("--vocab-size", type=int, nargs="+", default=[8000], metavar="N")
    parser.add_argument("--kind", nargs="+", choices=["unigram", "bpe"], default=["unigram", "bpe"])
    parser.add_argument("--most-pieces", type=int, default=TokenizerSpec().most_pieces, help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--train", choices=["lines", "counts"], help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.train:
        return _train(asked)
    rows = []
    print(f"{'':22}{'seconds':>9}{'peak MB':>9}{'ch/token':>10}{'overlap':>9}{'scores r':>10}")
    for kind in asked.kind:
        for vocab_size in asked.vocab_size:
            rows += _compare(arguments, asked, kind, vocab_size)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _compare(arguments: list[str], asked: argparse.Namespace, kind: str, vocab_size: int) -> list[dict]:
    from studylib.data.tokenizer import Tokenizer

    rows, tokenizers = [], []
    with tempfile.TemporaryDirectory() as folder:
        for way in ("lines", "counts"):
            file = Path(folder) / f"{way}.model"
            rest = ["--train", way, "--to", str(file), "--kind", kind, "--vocab-size", str(vocab_size)]
            command = [sys.executable, "-m", "studylib.bench.tokenizer_counts", *arguments, *rest]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise StudyError(f"training on {way} failed: {done.stderr.strip().splitlines()[-1:]}")
            rows.append({"kind": kind, "vocab_size": vocab_size, "way": way} | json.loads(done.stdout))
            tokenizers.append(Tokenizer.load(file))
    held_out = list(_texts(asked, held_out=True))
    characters = sum(map(len, held_out))
    scores = [dict(zip(one.pieces, one.scores, strict=True)) for one in tokenizers]
    both = scores[0].keys() & scores[1].keys()
    for row, tokenizer in zip(rows, tokenizers, strict=True):
        row["chars_per_token"] = characters / sum(map(len, tokenizer.encode_batch(held_out)))
        row["overlap"] = len(both) / vocab_size
        row["correlation"] = _correlation([scores[0][one] for one in both], [scores[1][one] for one in both])
        print(
            f"{kind:8}{vocab_size:6} {row['way']:7}{row['seconds']:9.1f}{row['peak_mb']:9.0f}"
            f"{row['chars_per_token']:10.4f}{row['overlap']:9.2%}{row['correlation']:10.4f}"
        )
    memory = rows[0]["peak_mb"] / rows[1]["peak_mb"]
    change = rows[1]["chars_per_token"] / rows[0]["chars_per_token"] - 1
    print(f"{'':15}counts: {memory:.1f} times less memory, characters a token {change:+.2%}\n")
    return rows


def _correlation(left: list[float], right: list[float]) -> float:
    import numpy as np

    return float(np.corrcoef(left, right)[0, 1])


def _texts(asked: argparse.Namespace, *, held_out: bool) -> Iterator[str]:
    """Training text, or every twentieth document kept from it."""
    from studylib.registry import SOURCES

    size = int(asked.megabytes * 1e6)
    if asked.path:
        options = {"path": asked.path, "text_column": asked.text_column, "max_bytes": size}
        source = SOURCES["files"]("bench", options)
    else:
        source = SOURCES["miniworld"]("bench", {"register": "ja", "bytes": size})
    for _ in range(1 if held_out else asked.repeat):
        for number, document in enumerate(source.documents()):
            if (number % _HELD_OUT == 0) == held_out:
                yield document.text


def _train(asked: argparse.Namespace) -> int:
    from studylib.data.tokenizer import train_tokenizer
    from studylib.data.train_on_counts import train_on_counts

    spec = TokenizerSpec(kind=asked.kind[0], vocab_size=asked.vocab_size[0], most_pieces=asked.most_pieces)
    train = train_tokenizer if asked.train == "lines" else train_on_counts
    began = time.perf_counter()
    tokenizer = train(spec, _texts(asked, held_out=False))
    seconds = time.perf_counter() - began
    asked.to.write_bytes(tokenizer.model)
    print(json.dumps({"seconds": seconds, "peak_mb": peak_memory() / 1e6}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
