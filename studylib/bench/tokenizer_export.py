"""``study bench tokenizer_export``: rows of any files, encoded by us and by AutoTokenizer from the exported folder.

Trains a tokenizer of every kind and normalisation on a part of the text, exports it, and compares the ids and the decoded
text of every row; each is also tried with pieces added by `extend_tokenizer`. Exit status 1 when a row differs.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import get_args

from studylib.data.extend import extend_tokenizer
from studylib.data.source.files import FilesSource
from studylib.data.tokenizer import Tokenizer, train_tokenizer
from studylib.data.tokenizer_json import write_tokenizer_json
from studylib.spec import TokenizerSpec

KINDS, NORMALIZATIONS = (get_args(TokenizerSpec.model_fields[name].annotation) for name in ("kind", "normalization"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench tokenizer_export", description=__doc__.split("\n\n")[0])
    parser.add_argument("--path", required=True, nargs="+", metavar="FILE[:COLUMN]", help="text")
    parser.add_argument("--rows", type=int, default=600, help="of each file (default: %(default)s)")
    parser.add_argument("--megabytes", type=float, default=2, help="of each file to train on (default: %(default)s)")
    parser.add_argument("--vocab-size", type=int, default=4096)
    parser.add_argument("--added", type=int, default=200, help="pieces (default: %(default)s)")
    asked = parser.parse_args(arguments)
    size = int(asked.megabytes * 1e6)
    rows = [row for path in asked.path for row in islice(_texts(path), asked.rows)]
    print(f"{len(rows):,} rows of {len(asked.path)} files, {sum(len(row.encode()) for row in rows) / 1e6:.1f} MB")
    bad = 0
    for kind in KINDS:
        for normalization in NORMALIZATIONS:
            spec = TokenizerSpec(kind=kind, vocab_size=asked.vocab_size, normalization=normalization)
            plain = train_tokenizer(spec, (text for path in asked.path for text in _texts(path, size)))
            grown = extend_tokenizer(plain, rows, asked.added, spec)
            for name, tokenizer in (("", plain), (f" and {asked.added} added", grown)):
                ids, texts = differing_rows(tokenizer, rows)
                print(f"{kind}, {normalization}, {plain.vocab_size} pieces{name}: ", end="")
                print(f"{len(rows) - len(ids):,} of {len(rows):,} rows have the same ids", end="")
                print(f", {len(rows) - len(texts):,} are decoded alike", flush=True)
                for row in ids[:3]:
                    print(f"  differs: {row[:60]!r}")
                bad += len(ids) + len(texts)
    return 1 if bad else 0


def differing_rows(tokenizer: Tokenizer, rows: Iterable[str]) -> tuple[list[str], list[str]]:
    """The rows that the exported folder gives other ids, and those whose ids it gives another text."""
    from transformers import AutoTokenizer

    ids, texts = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer_json(tokenizer, Path(folder))
        theirs = AutoTokenizer.from_pretrained(folder)
        for row in rows:
            ours = tokenizer.encode(row).tolist()
            if theirs(row)["input_ids"] != ours:
                ids.append(row)
            if theirs.decode(ours) != tokenizer.decode(ours):
                texts.append(row)
    return ids, texts


def _texts(path: str, max_bytes: int | None = None) -> Iterator[str]:
    file, _, column = path.partition(":")
    options = {"path": file, "text_column": column or "text"} | ({"max_bytes": max_bytes} if max_bytes else {})
    for document in FilesSource("bench", options).documents():
        yield document.text
