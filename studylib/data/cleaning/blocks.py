"""Text on its way through the pipeline: numbered files of about 16 MB, each written whole, read a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studylib.data.document import Document
from studylib.files import atomic_write

TRUTH = ("fault", "form", "cluster", "copy", "spans")
"""What a generator knows of a document, which steps are measured against."""
LABELS = (*TRUTH, "from")

_ROWS = pa.schema(
    [
        ("text", pa.large_string()),
        ("origin", pa.string()),
        ("place", pa.int32()),
        ("labels", pa.string()),
        ("record", pa.string()),
    ]
)
_SHARD = pa.schema([("text", pa.large_string()), ("origin", pa.string()), ("from", pa.string())])
_LONGEST_ADDRESS = 2000


@dataclass
class Rows:
    """Documents of a block, and the place that each had in the raw block."""

    documents: list[Document]
    places: list[int]

    def __len__(self) -> int:
        return len(self.documents)


class BlockWriter:
    """Writes documents of a block, batch after batch; ``shard``: as cleaned text, without what only steps need."""

    def __init__(self, stream: Any, *, shard: bool = False):
        self._shard = shard
        schema = _SHARD if shard else _ROWS
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd", compression_level=3)

    def add(self, rows: Rows) -> None:
        if not rows.documents:
            return
        documents = rows.documents
        columns: dict[str, Any] = {
            "text": [one.text for one in documents],
            "origin": [one.origin for one in documents],
        }
        if self._shard:
            columns["from"] = [one.labels.get("from", "") for one in documents]
        else:
            columns["place"] = rows.places
            columns["labels"] = [
                _json({key: one.labels[key] for key in LABELS if key in one.labels}) for one in documents
            ]
            columns["record"] = [_json(_addresses(one.record)) for one in documents]
        self._writer.write_table(pa.table(columns, schema=self._writer.schema))

    def close(self) -> None:
        self._writer.close()


@contextmanager
def written_block(path: Path, *, shard: bool = False) -> Iterator[BlockWriter]:
    """A writer whose file is there whole at the end, or not at all."""
    with atomic_write(path) as stream:
        writer = BlockWriter(stream, shard=shard)
        try:
            yield writer
        finally:
            writer.close()


def read_block(path: Path) -> Iterator[Rows]:
    """The documents of a block, in the batches in which they were written."""
    file = pq.ParquetFile(path, pre_buffer=False)
    for group in range(file.num_row_groups):
        row = file.read_row_group(group, use_threads=False).to_pydict()
        documents = [
            Document(
                text,
                labels=json.loads(labels) if labels else {},
                origin=origin,
                record=json.loads(record) if record else {},
            )
            for text, origin, labels, record in zip(
                row["text"], row["origin"], row["labels"], row["record"], strict=True
            )
        ]
        yield Rows(documents, row["place"])


def read_labels(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place and labels of each document of a raw block that has any."""
    for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(columns=["place", "labels"]):
        for place, labels in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
            if labels:
                yield place, json.loads(labels)


def read_shards(paths: Iterable[Path]) -> Iterator[Document]:
    """The documents of cleaned text."""
    for path in paths:
        for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(batch_size=1024, use_threads=False):
            for text, origin, source in zip(*(batch.column(place).to_pylist() for place in range(3)), strict=True):
                yield Document(text, labels={"from": source} if source else {}, origin=origin)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _addresses(record: Mapping[str, Any]) -> dict[str, str]:
    """Of the row that a text was in only addresses are kept: steps may ask where a page is from."""
    return {
        key: value
        for key, value in record.items()
        if isinstance(value, str)
        and len(value) <= _LONGEST_ADDRESS
        and value.lower().startswith(("http://", "https://"))
    }
